//! The same bits at any number of ranks, whatever is trained.

use super::*;
use unspool::layers::dropout;
use unspool::losses::mae;
use unspool::optim::Sgd;
use unspool::text::LanguageModel;
use unspool::train::{EarlyStopping, History, Ranks, Shards, TruncatedBptt, World, from_fn};
use unspool::{Mode, data};

type Result = (Vec<u32>, History);

/// Runs a training on 1 to 8 ranks, and compares all bits of the weights and of the history.
fn compare(train: impl Fn(&ThreadWorld) -> Result + Clone + Send + Sync + 'static) {
    let alone = on_ranks(1, train.clone()).remove(0);
    assert!(alone.1.loss.iter().all(|loss| loss.is_finite()));
    for size in [2, 3, 4, 5, 8] {
        for (rank, result) in on_ranks(size, train.clone()).into_iter().enumerate() {
            assert_eq!(result, alone, "rank {rank} of {size}");
        }
    }
}

fn result<M: Params<Tensor>>(model: &M, mut history: History) -> Result {
    history.seconds = 0.0;
    (bits(model), history)
}

#[test]
fn the_lectures_network() {
    compare(|world| {
        let (train, valid) = (series(300, 1), series(600, 3));
        let mut model =
            sequential().seed(1).add(simple_rnn(1, 9).return_sequences()).add(simple_rnn(9, 8)).add(dense(8, 1));
        let fit = fit(&mut model, &train).loss(mse).batch_size(200).epochs(3).validate(&valid).metric("mae", mae);
        let history = fit.train_metrics().world(world).quiet().run().unwrap();
        result(&model, history)
    });
}

#[test]
fn lengths_weights_dropout_accumulation_clipping_a_schedule_and_early_stopping() {
    compare(|world| {
        let lengths: Vec<usize> = (0..330).map(|i| 1 + i * 7 % 20).collect();
        let weights: Vec<f64> = (0..330).map(|i| f64::from(i % 4)).collect();
        let data = series(330, 5).with_lengths(lengths).unwrap().with_weights(weights).unwrap();
        let (train, valid) = (data.slice(0, 270), data.slice(270, 60));
        let model = sequential().seed(2).add(lstm(1, 6).return_sequences());
        let mut model = model.add(dropout(0.3)).add(gru(6, 5)).add(dense(5, 1));
        let sgd = Sgd::default().learning_rate(0.3).clip_norm(0.2).schedule(|step: usize| 1.0 / (1.0 + step as f64));
        let fit = fit(&mut model, &train).loss(mse).batch_size(64).epochs(9).validate(&valid).optimizer(sgd);
        let fit = fit.accumulate(2).bucket_by_length().callback(EarlyStopping::new(1).min_delta(1e-3));
        let history = fit.track_gradients().track_updates().world(world).quiet().run().unwrap();
        result(&model, history)
    });
}

#[test]
fn a_language_model_with_carried_states() {
    compare(|world| {
        let text = text(3000);
        let mut task = TruncatedBptt::tokens(&text[..2000], 70, 6).unwrap();
        task = task.validate_tokens(&text[2000..], 40).unwrap().restart_every(3);
        let mut model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 5, [8], Gru::new);
        let history = fit(&mut model, &mut task).epochs(3).world(world).quiet().run().unwrap();
        result(&model, history)
    });
}

#[test]
fn a_task_of_closures_shares_its_shards() {
    compare(|world| {
        let x: Tensor = values([200, 3], 7).cast();
        let mut shards = Shards::new();
        shards.set_ranks(&Ranks::new(world));
        let mut task = from_fn(
            |seed| data::permutation(200, seed).chunks(100).map(|rows| x.index_select(0, rows)).collect(),
            |model: &Dense<Tensor>, batch: &Tensor, _| {
                let pieces: Vec<_> = (0..5).map(|i| batch.slice(0, 20 * i..20 * (i + 1))).collect();
                shards.gradients(model, &pieces, |tape, net, x| (net.forward(tape.constant(x)).tanh()).square().mean())
            },
        );
        let mut model = Dense::new(&mut rng(0), 3, 3);
        let history = fit(&mut model, &mut task).epochs(4).world(world).quiet().run().unwrap();
        result(&model, history)
    });
}

/// Without `Shards`, every rank computes all of it.
#[test]
fn a_task_that_knows_nothing_of_ranks() {
    compare(|world| {
        let x: Tensor = values([200, 3], 7).cast();
        let mut task = from_fn(
            |_| vec![0, 100],
            |model: &Dense<Tensor>, start, _| {
                let tape = Tape::new();
                let net = tape.bind(model);
                let loss = net.forward(tape.constant(&x.slice(0, *start..start + 100))).square().mean();
                (f64::from(loss.item()), loss.backward().of(&net))
            },
        );
        let mut model = Dense::new(&mut rng(0), 3, 3);
        let history = fit(&mut model, &mut task).epochs(4).world(world).quiet().run().unwrap();
        result(&model, history)
    });
}

/// Each rank computes some of the shards, and no more.
#[test]
fn the_work_is_shared() {
    let shards = on_ranks(3, |world| {
        let computed = std::sync::Mutex::new(Vec::new());
        let mut shards = Shards::new();
        shards.set_ranks(&Ranks::new(world));
        let model = Dense::<Tensor>::new(&mut rng(0), 3, 3);
        let list: Vec<usize> = (0..7).collect();
        let (loss, gradients, own) = shards.gradients_with_aux(&model, &list, |tape, net, &i| {
            computed.lock().unwrap().push(i);
            (net.forward(tape.constant(&Tensor::ones([1, 3]))).sum() * i as f64, i)
        });
        assert_eq!(gradients.bias.to_vec(), [21.0; 3]);
        assert!(loss != 0.0 && own == shards.own(7).collect::<Vec<_>>() && world.size() == 3);
        own
    });
    assert_eq!(shards, [vec![0, 1], vec![2, 3], vec![4, 5, 6]]);
}

/// After a training the task is its program's again.
#[test]
fn a_task_trains_by_itself_afterwards() {
    on_ranks(2, |world| {
        let text = text(600);
        let mut task = TruncatedBptt::tokens(&text, 40, 6).unwrap();
        let mut model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 5, [8], Gru::new);
        fit(&mut model, &mut task).world(world).quiet().run().unwrap();
        if world.rank() == 0 {
            use unspool::train::Task;
            task.restart();
            assert!(task.gradients(&model, 0, Mode::Evaluation).loss.is_finite());
            fit(&mut model, &mut task).quiet().run().unwrap();
        }
    });
}
