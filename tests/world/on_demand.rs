//! Examples that are read when they are needed.

use super::*;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Condvar, Mutex};
use unspool::data::{DataError, DataSource};
use unspool::io::ErrorKind;
use unspool::layers::{Model, dropout};
use unspool::train::{FitError, OnDemand, World};

/// A source that keeps which examples were read, and cannot read one of them.
struct Rows {
    data: Dataset,
    read: Mutex<BTreeSet<usize>>,
    broken: Option<usize>,
    loses: bool,
}

impl DataSource for Rows {
    type X = Tensor;
    type Y = Tensor;

    fn len(&self) -> usize {
        self.data.len()
    }

    fn read(&self, examples: &[usize]) -> Result<Dataset, DataError> {
        if let Some(broken) = self.broken.filter(|broken| examples.contains(broken)) {
            let error = io::Error::other("the disk is broken");
            return Err(DataError::io(format!("cannot read row {broken}"), error));
        }
        self.read.lock().unwrap().extend(examples);
        Ok(self.data.select(if self.loses && examples.len() > 1 { &examples[1..] } else { examples }))
    }
}

fn rows(data: Dataset) -> Rows {
    Rows { data, read: Mutex::default(), broken: None, loses: false }
}

/// 330 sequences of 1 to 20 steps, with a target for each step.
fn sequences() -> Dataset {
    let lengths = (0..330).map(|i| 1 + i * 7 % 20).collect();
    Dataset::new(values([20, 330, 1], 1).cast(), values([20, 330, 1], 2).cast()).unwrap().with_lengths(lengths).unwrap()
}

fn model() -> impl Model<f32> + Send + Sync {
    sequential().seed(3).add(gru(1, 6).return_sequences()).add(dropout(0.2)).add(dense(6, 1))
}

#[test]
fn the_bits_are_those_of_a_data_set() {
    for shuffle in [true, false] {
        let data = sequences();
        let (train, valid) = (data.slice(0, 230), data.slice(230, 100));
        let mut expected = model();
        let whole = fit(&mut expected, &train).loss(mse).batch_size(100).shuffle(shuffle).epochs(3).validate(&valid);
        let whole = whole.quiet().run().unwrap();
        for size in 1..=4 {
            let results = on_ranks(size, move |world| {
                let data = sequences();
                let (rows, valid) = (rows(data.slice(0, 230)), data.slice(230, 100));
                let mut task = OnDemand::new(&rows, 100).loss(mse).shuffle(shuffle).validate(&valid);
                let mut model = model();
                let history = fit(&mut model, &mut task).epochs(3).world(world).quiet().run().unwrap();
                (bits(&model), history.loss, history.val_loss)
            });
            for result in results {
                assert_eq!(result, (bits(&expected), whole.loss.clone(), whole.val_loss.clone()), "{size} ranks");
            }
        }
    }
}

#[test]
fn each_rank_reads_its_own_examples_alone() {
    let read = on_ranks(3, |world| {
        let rows = rows(series(300, 1));
        let mut task = OnDemand::new(&rows, 300).loss(mse).shuffle(false);
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        fit(&mut model, &mut task).epochs(2).world(world).quiet().run().unwrap();
        rows.read.into_inner().unwrap()
    });
    // One example is tried on all ranks before training.
    assert!(read.iter().all(|read| read.contains(&0) && (90..=110).contains(&read.len())), "{read:?}");
    let all: usize = read.iter().map(BTreeSet::len).sum();
    assert_eq!(all, 300 + 2);
}

#[test]
fn examples_that_cannot_be_read_are_an_error_on_all_ranks() {
    let results = on_ranks(2, |world| {
        let rows = Rows { broken: (world.rank() == 1).then_some(130), ..rows(series(150, 1)) };
        let mut task = OnDemand::new(&rows, 50).loss(mse).shuffle(false);
        let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
        fit(&mut model, &mut task).world(world).quiet().run().unwrap_err()
    });
    assert_eq!(results[1].to_string(), "cannot read row 130: the disk is broken");
    let FitError::Read { error, history: Some(_) } = &results[1] else { panic!("{:?}", results[1]) };
    assert_eq!(error.kind(), ErrorKind::Io(io::ErrorKind::Other));
    assert_eq!(results[0].to_string(), "rank 1 has stopped: cannot read row 130: the disk is broken");

    let lossy = Rows { loses: true, ..rows(series(150, 1)) };
    let mut task = OnDemand::new(&lossy, 50).loss(mse);
    let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
    let error = fit(&mut model, &mut task).quiet().run().unwrap_err();
    assert_eq!(error.to_string(), "the data source has returned 24 examples of 25 requested ones");
    let empty = rows(series(150, 1).slice(0, 0));
    let error = fit(&mut model, &mut OnDemand::new(&empty, 50).loss(mse)).quiet().run().unwrap_err();
    assert_eq!(error, FitError::NoExamples("training"));
}

/// While a step is computed, the next batch is read: the step waits here until that has begun.
#[test]
fn the_next_batch_is_read_during_a_step() {
    struct Ahead {
        rows: Rows,
        begun: (Mutex<usize>, Condvar),
    }
    impl DataSource for Ahead {
        type X = Tensor;
        type Y = Tensor;

        fn len(&self) -> usize {
            self.rows.len()
        }

        fn read(&self, examples: &[usize]) -> Result<Dataset, DataError> {
            let mut most = self.begun.0.lock().unwrap();
            *most = examples[0].max(*most);
            self.begun.1.notify_all();
            self.rows.read(examples)
        }
    }
    let source = Ahead { rows: rows(series(60, 1)), begun: (Mutex::new(0), Condvar::new()) };
    let steps = std::sync::atomic::AtomicUsize::new(0);
    let mut task = OnDemand::new(&source, 20).shuffle(false).loss(|output, target| {
        // The first call tries the loss; then there are three steps of one shard.
        let step = steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if (1..3).contains(&step) {
            let most = source.begun.0.lock().unwrap();
            let wait = source.begun.1.wait_timeout_while(most, Duration::from_secs(30), |most| *most < 20 * step);
            assert!(!wait.unwrap().1.timed_out(), "nothing is read during step {step}");
        }
        mse(output, target)
    });
    let mut model = sequential().seed(1).add(gru(1, 4)).add(dense(4, 1));
    fit(&mut model, &mut task).quiet().run().unwrap();
    assert!(steps.into_inner() >= 4);
}
