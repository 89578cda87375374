//! What goes wrong on some ranks is told on all, and none waits for another.

use super::*;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use unspool::io::ErrorKind;
use unspool::optim::Sgd;
use unspool::train::{EarlyStopping, FitError, History, Interrupt, Ranks, Shards, StopReason, World, from_fn};
use unspool_tests::messages_of;

/// What one rank does otherwise than the others.
#[derive(Clone, Copy)]
struct Odd {
    model: u64,
    data: u64,
    seed: u64,
    batch_size: usize,
    epochs: usize,
    learning_rate: f64,
    hidden: usize,
    metric: &'static str,
}

const USUAL: Odd =
    Odd { model: 1, data: 1, seed: 0, batch_size: 100, epochs: 2, learning_rate: 0.1, hidden: 6, metric: "mae" };

fn train(world: &ThreadWorld, with: Odd) -> Result<History, FitError> {
    let data = series(300, with.data);
    let mut model = sequential().seed(with.model).add(gru(1, with.hidden)).add(dense(with.hidden, 1));
    let fit = fit(&mut model, &data).loss(mse).batch_size(with.batch_size).epochs(with.epochs).seed(with.seed);
    let sgd = Sgd::default().learning_rate(with.learning_rate);
    fit.metric(with.metric, unspool::losses::mae).optimizer(sgd).world(world).quiet().run()
}

/// That all ranks have met this error, and one tells it.
fn told_by_rank_0(results: Vec<Result<History, FitError>>, expected: &str) {
    assert!(matches!(&results[0], Err(FitError::World { kind: ErrorKind::Mismatch, .. })), "{:?}", results[0]);
    let mut errors = results.into_iter().map(|result| result.unwrap_err().to_string());
    assert_eq!(errors.next().unwrap(), expected);
    assert!(errors.all(|other| other == format!("rank 0 has stopped: {expected}")));
}

#[test]
fn ranks_that_do_not_train_the_same_are_told_before_training() {
    for (odd, expected) in [
        (Odd { model: 2, ..USUAL }, "before training, rank 2 has another set of initial weights than rank 0"),
        (Odd { hidden: 7, ..USUAL }, "before training, rank 2 has another model than rank 0"),
        (Odd { data: 2, ..USUAL }, "before training, rank 2 has another set of examples than rank 0"),
        (Odd { seed: 9, ..USUAL }, "before training, rank 2 has the seed 9, and rank 0 has 0"),
        (Odd { batch_size: 50, ..USUAL }, "before training, rank 2 has the batch size 50, and rank 0 has 100"),
        (Odd { epochs: 3, ..USUAL }, "before training, rank 2 has the number of epochs 3, and rank 0 has 2"),
        (Odd { learning_rate: 0.2, ..USUAL }, "before training, rank 2 has another optimizer than rank 0"),
        (Odd { metric: "error", ..USUAL }, "before training, rank 2 has another list of metrics than rank 0"),
    ] {
        let results = on_ranks(3, move |world| train(world, if world.rank() == 2 { odd } else { USUAL }));
        told_by_rank_0(results, expected);
    }
    assert!(on_ranks(3, |world| train(world, USUAL)).into_iter().all(|result| result.is_ok()));
}

/// What no list of settings shows.
#[test]
fn weights_that_drift_apart_are_told_after_the_epoch() {
    let results = on_ranks(2, |world| {
        let data = series(300, 1);
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let rate = [1.0, 0.5][world.rank()];
        let sgd = Sgd::default().schedule(move |step: usize| if step == 0 { 1.0 } else { rate });
        fit(&mut model, &data).loss(mse).epochs(4).optimizer(sgd).world(world).quiet().run()
    });
    assert_eq!(results[1].as_ref().unwrap_err().history().unwrap().loss.len(), 1);
    told_by_rank_0(results, "after epoch 1, rank 1 has another set of weights than rank 0");
}

#[test]
fn ranks_that_stop_or_are_interrupted_at_different_times_end_together() {
    let results = on_ranks(3, |world| {
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let rank = world.rank();
        let stop =
            OnStep(move |step| if step == 5 + 2 * rank { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        let history = fit(&mut model, &series(300, 1)).loss(mse).callback(stop).world(world).quiet().run().unwrap();
        (bits(&model), history.stop_reason)
    });
    assert!(results.iter().all(|result| *result == results[0] && result.1 == StopReason::Stopped));

    let results = on_ranks(3, |world| {
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let (rank, interrupt) = (world.rank(), Interrupt::new());
        let set = interrupt.clone();
        let stop = OnStep(move |step| {
            if rank == 1 && step == 5 {
                set.set();
            }
            ControlFlow::Continue(())
        });
        let data = series(300, 1);
        let fit = fit(&mut model, &data).loss(mse).callback(stop).interrupt(&interrupt);
        let history = fit.world(world).quiet().run().unwrap();
        (bits(&model), history.stop_reason)
    });
    assert!(results.iter().all(|result| *result == results[0] && result.1 == StopReason::Interrupted));
}

/// A panic on one rank, in a callback or in the middle of a shard, is an error on the others.
#[test]
fn a_panic_on_one_rank_is_told_to_the_others() {
    for in_loss in [false, true] {
        let results = on_ranks(3, move |world| {
            let rank = world.rank();
            let run = || {
                let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
                let stop = OnStep(move |step| {
                    assert!(in_loss || rank != 1 || step != 4, "no more coffee");
                    ControlFlow::Continue(())
                });
                let calls = AtomicUsize::new(0);
                let data = series(300, 1);
                let fit = fit(&mut model, &data).loss(|output, target| {
                    let call = calls.fetch_add(1, Ordering::Relaxed);
                    assert!(!in_loss || rank != 1 || call != 9, "no more coffee");
                    mse(output, target)
                });
                fit.callback(stop).batch_size(150).epochs(9).world(world).quiet().run()
            };
            match rank {
                1 => {
                    let messages = messages_of(|| drop(run()));
                    Ok(messages.last().unwrap().0.clone())
                }
                _ => Err(run().unwrap_err()),
            }
        });
        for (rank, result) in results.into_iter().enumerate() {
            match result {
                Ok(message) => assert!(rank == 1 && message.contains("no more coffee")),
                Err(error) => {
                    assert_eq!(error.to_string(), "rank 1 has stopped: no more coffee");
                    assert!(matches!(error, FitError::RankStopped { rank: 1, history: Some(_), .. }), "{error:?}");
                }
            }
        }
    }
}

/// The example is in one rank's shard alone: that rank knows where, and tells it.
#[test]
fn a_number_that_is_not_finite_is_told_by_the_rank_that_found_it() {
    static LATE: AtomicBool = AtomicBool::new(false);
    /// From the second step on the root of a negative number, for one example.
    fn loss<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
        let bad = LATE.load(Ordering::SeqCst) && target.value().to_vec().contains(&7.0);
        mse(output, target) + (output.square().mean() * 0.0 + if bad { -1.0 } else { 1e-3 }).sqrt() * 0.0
    }
    let results = on_ranks(3, |world| {
        let data = series(96, 1);
        let y = Tensor::from_fn([96, 1], |i| if i == 50 { 7.0 } else { data.y().to_vec()[i] });
        let data = Dataset::new(data.x().clone(), y).unwrap();
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let late = OnStep(|_| {
            LATE.store(true, Ordering::SeqCst);
            ControlFlow::Continue(())
        });
        let fit = fit(&mut model, &data).loss(loss).batch_size(96).shuffle(false).epochs(3).callback(late);
        fit.world(world).quiet().run().unwrap_err()
    });
    let sentence = results[1].to_string();
    assert!(matches!(&results[1], FitError::NotFinite { epoch: 2, batch: 1, cause: Some(_), .. }), "{sentence}");
    assert!(sentence.contains("example 50") && sentence.contains("faults.rs"), "{sentence}");
    for other in [&results[0], &results[2]] {
        assert_eq!(other.to_string(), format!("rank 1 has stopped: {sentence}"));
        assert_eq!(other.history().unwrap().loss.len(), 1);
    }
}

/// An error that all meet is told by the first.
#[test]
fn an_error_of_all_ranks_is_told_once() {
    let results = on_ranks(3, |world| train(world, Odd { batch_size: 0, ..USUAL }).unwrap_err());
    assert_eq!(results[0], FitError::EmptyBatch);
    for other in &results[1..] {
        assert_eq!(other.to_string(), "rank 0 has stopped: the batch size is 0: it must be at least 1");
    }
}

/// A rank that ends without a word, in its own code before training, or because it trains less.
#[test]
fn a_rank_that_has_gone_is_told() {
    let results = on_ranks(3, |world| match world.rank() {
        1 => None,
        _ => Some(train(world, USUAL).unwrap_err()),
    });
    for (rank, result) in results.into_iter().enumerate().filter(|(rank, _)| *rank != 1) {
        let error = result.unwrap();
        assert!(matches!(&error, FitError::World { kind: ErrorKind::Io(io::ErrorKind::BrokenPipe), .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!("rank {rank} cannot exchange messages with the others: rank 1 has ended")
        );
    }
    let results = on_ranks(2, |world| {
        let first = train(world, USUAL);
        if world.rank() == 1 { first } else { train(world, USUAL) }
    });
    assert!(results[1].is_ok() && results[0].as_ref().unwrap_err().to_string().ends_with("rank 1 has ended"));
}

/// A rank elsewhere in the program.
#[test]
fn ranks_that_do_different_things_are_told() {
    let errors = on_ranks(2, |world| {
        if world.rank() == 0 {
            return train(world, USUAL).unwrap_err().to_string();
        }
        let mut shards = Shards::new();
        shards.set_ranks(&Ranks::new(world));
        let model = Dense::<Tensor>::new(&mut rng(0), 3, 3);
        let step = || {
            shards.gradients(&model, &[1, 2], |tape, net, _| net.forward(tape.constant(&Tensor::ones([1, 3]))).sum())
        };
        let panic = catch_unwind(AssertUnwindSafe(step));
        assert!(panic.is_err());
        String::new()
    });
    assert_eq!(errors[0], "rank 1 is at another place of the program than rank 0: all must run the same training");
}

/// A world that loses messages, or mangles them.
#[derive(Clone)]
struct Faulty(ThreadWorld, Arc<Mutex<usize>>, Fault);

type Fault = fn(Vec<Vec<u8>>) -> io::Result<Vec<Vec<u8>>>;

impl World for Faulty {
    fn rank(&self) -> usize {
        self.0.rank()
    }
    fn size(&self) -> usize {
        self.0.size()
    }
    fn exchange(&self, to: &[&[u8]]) -> io::Result<Vec<Vec<u8>>> {
        let messages = self.0.exchange(to)?;
        let mut left = self.1.lock().unwrap();
        *left = left.saturating_sub(1);
        if *left == 0 { (self.2)(messages) } else { Ok(messages) }
    }
}

#[test]
fn a_world_with_faults_is_no_panic_and_no_hang() {
    let faults: [(Fault, &str); 4] = [
        (
            |_| Err(io::Error::other("the cable is cut")),
            "rank 0 cannot exchange messages with the others: the cable is cut",
        ),
        (|messages| Ok(messages[..1].to_vec()), "the world has passed on 1 messages, expected 2"),
        (
            |messages| Ok(messages.into_iter().map(|message| message[..message.len().min(9)].to_vec()).collect()),
            "the messages of the ranks do not fit together: all must run the same program",
        ),
        (
            |messages| Ok(messages.into_iter().map(|_| vec![1, 2, 3]).collect()),
            "rank 0 is at another place of the program than rank 0: all must run the same training",
        ),
    ];
    for (fault, expected) in faults {
        for after in 1..12 {
            let errors = on_ranks(2, move |world| {
                let data = series(300, 1);
                let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
                let faulty = Faulty(world.clone(), Arc::new(Mutex::new(after)), fault);
                fit(&mut model, &data).loss(mse).batch_size(100).epochs(3).world(&faulty).quiet().run().unwrap_err()
            });
            assert_eq!(errors[0].to_string(), expected, "after {after} exchanges");
        }
    }
}

/// What is not compared before training shows after it, also if it ends inside an epoch.
#[test]
fn weights_that_differ_in_the_end_are_told() {
    let clipped = on_ranks(2, |world| {
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let sgd = Sgd::default().learning_rate(0.1).clip_norm([1.0, 0.01][world.rank()]);
        let stop = OnStep(|step| if step == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        fit(&mut model, &series(300, 1)).loss(mse).optimizer(sgd).callback(stop).world(world).quiet().run()
    });
    told_by_rank_0(clipped, "after training, rank 1 has another set of weights than rank 0");
    // The best weights are restored when training ends.
    let stopped = on_ranks(2, |world| {
        let data = series(300, 1);
        let valid = data.slice(0, 60);
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let stop = EarlyStopping::new(5).min_delta([0.0, 0.5][world.rank()]);
        fit(&mut model, &data).loss(mse).validate(&valid).epochs(4).callback(stop).world(world).quiet().run()
    });
    told_by_rank_0(stopped, "after training, rank 1 has another set of weights than rank 0");
}

#[test]
fn a_checkpoint_is_set_on_all_ranks_or_on_none() {
    let path = std::env::temp_dir().join(format!("unspool-world-one-{}.safetensors", std::process::id()));
    let results = on_ranks(2, move |world| {
        let data = series(300, 1);
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        let fit = fit(&mut model, &data).loss(mse).world(world).quiet();
        if world.rank() == 0 { fit.checkpoint(&path) } else { fit }.run()
    });
    told_by_rank_0(results, "before training, rank 1 has the number of checkpoint files 0, and rank 0 has 1");
}

/// Data of another shape on one rank.
#[test]
fn a_panic_before_training_is_told() {
    let results = on_ranks(2, |world| {
        let data = Dataset::new(Tensor::<f32>::ones([64, 2 + world.rank()]), Tensor::ones([64, 1])).unwrap();
        let mut model = sequential().add(dense(2, 1));
        let mut run = || fit(&mut model, &data).loss(mse).world(world).quiet().run().map(|_| ());
        match world.rank() {
            0 => run().unwrap_err().to_string(),
            _ => messages_of(|| drop(run())).pop().unwrap().0,
        }
    });
    assert!(results[1].contains("do not multiply"), "{}", results[1]);
    assert!(results[0].starts_with("rank 1 has stopped: linear: "), "{}", results[0]);
}

/// A task is its program's again after a panic, too; and so is a world whose shards have ranks of their own.
#[test]
fn what_has_failed_once_works_again() {
    on_ranks(2, |world| {
        let x: Tensor = values([80, 3], 7).cast();
        let fails = std::cell::Cell::new(true);
        let run = || {
            let mut shards = Shards::new();
            shards.set_ranks(&Ranks::new(world));
            let (fails, rank) = (fails.get(), world.rank());
            let mut task = from_fn(
                |_| vec![()],
                |model: &Dense<Tensor>, (), _| {
                    shards.gradients(model, &[0, 1, 2, 3], |tape, net, &i| {
                        assert!(!(fails && rank == 1), "no more coffee");
                        net.forward(tape.constant(&x.slice(0, 20 * i..20 * (i + 1)))).square().mean()
                    })
                },
            );
            let mut model = Dense::new(&mut rng(0), 3, 3);
            fit(&mut model, &mut task)
                .epochs(2)
                .world(world)
                .quiet()
                .run()
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(result) => {
                assert_eq!((world.rank(), result.unwrap_err()), (0, "rank 1 has stopped: no more coffee".into()))
            }
            Err(_) => assert_eq!(world.rank(), 1),
        }
        fails.set(false);
        run().unwrap();
    });
}

/// Loops of one's own, without `fit`.
#[test]
fn shards_that_do_not_belong_together_are_no_sum() {
    let sums = on_ranks(2, |world| {
        let mut shards = Shards::new();
        shards.set_ranks(&Ranks::new(world));
        let model = Dense::<Tensor>::new(&mut rng(0), 3, 3);
        let own = vec![1.0; 2 + 2 * world.rank()];
        let step = || {
            shards.gradients(&model, &own, |tape, net, &w| net.forward(tape.constant(&Tensor::ones([1, 3]))).sum() * w)
        };
        catch_unwind(AssertUnwindSafe(step)).is_ok()
    });
    assert_eq!(sums, [false, false]);
    let none = messages_of(|| {
        let model = Dense::<Tensor>::new(&mut rng(0), 3, 3);
        Shards::new().gradients(&model, &[] as &[()], |tape, _, ()| tape.constant(&Tensor::scalar(1.0)));
    });
    assert_eq!(none[0].0, "gradients: there are no shards: at least one is needed");
}
