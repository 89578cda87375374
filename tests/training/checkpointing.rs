//! Gradient checkpointing inside a training: the same bits as stored.

use unspool::autograd::Params;
use unspool::layers::{Model, dropout};
use unspool::prelude::*;
use unspool::recurrent::{Checkpointing, recurrent, wrappers};

const TIME: usize = 60;

/// 70 sequences of different lengths.
fn data() -> Dataset {
    let xs = Tensor::from_fn([TIME, 70, 2], |i| (i as f32 * 0.37).sin());
    let ys = Tensor::from_fn([70, 1], |i| (i as f32).cos());
    Dataset::new(xs, ys).unwrap().with_lengths((0..70).map(|i| 1 + i * 13 % TIME).collect()).unwrap()
}

fn model(setting: Option<Checkpointing>) -> impl Model<f32> + Send + Sync {
    let mut top = recurrent(|rng| wrappers::Zoneout::new(Lstm::new(rng, 6, 5), 0.1, 0.2));
    let mut below = gru(2, 6).return_sequences();
    if let Some(setting) = setting {
        (top, below) = (top.checkpointing(setting), below.checkpointing(setting));
    }
    sequential().seed(3).add(below).add(dropout(0.2).same_over_time()).add(top).add(dense(5, 1))
}

fn bits(model: &impl Params<Tensor>) -> Vec<u32> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).map(f32::to_bits).collect()
}

const SETTINGS: [fn() -> Checkpointing; 3] =
    [|| Checkpointing::every(1), || Checkpointing::every(24), || Checkpointing::budget(150_000)];

#[test]
fn fit_makes_the_same_model() {
    let data = data();
    let train = |setting| {
        let mut model = model(setting);
        let fit = fit(&mut model, &data).loss(mse).optimizer(Adam::default().learning_rate(0.01));
        let history = fit.batch_size(35).epochs(3).seed(7).validate(&data).quiet().run().unwrap();
        (bits(&model), history.loss, history.val_loss)
    };
    let stored = train(None);
    for setting in SETTINGS {
        assert!(train(Some(setting())) == stored, "{:?}: other bits than stored", setting());
    }
}

#[test]
fn shards_make_the_same_gradients_on_any_number_of_threads() {
    let data = data();
    let gradients = |setting, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let model = model(setting);
        let mut shards = Shards::new();
        pool.install(|| {
            // The second time with the tapes and the memory of the first.
            [0, 1].map(|_| {
                let (loss, gradients) = shards.batch_gradients(&model, &data, mse, Mode::Training { seed: 5 });
                (loss.to_bits(), bits(&gradients))
            })
        })
    };
    let stored = gradients(None, 1);
    assert_eq!(stored[0], stored[1]);
    for setting in SETTINGS {
        for threads in [1, 3] {
            assert!(gradients(Some(setting()), threads) == stored, "{:?}, {threads} threads", setting());
        }
    }
}
