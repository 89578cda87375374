//! Workloads, ready to run.

use crate::cells::{LayerNormLstm, Mgu, MinGruSteps, Peephole, PlainLstm};
use crate::models::{Batch, Mlp, MlpTraining, SequenceModel, SequenceTraining};
use crate::shards::{Parts, Training, cut, gradients};
use crate::workload::{CellKind, Kind, Sequence, Workload};
use crate::{tape_chain, values};
use std::hint::black_box;
use unspool::autograd::Profile;
use unspool::cells::MinGru;
use unspool::prelude::*;
use unspool::{Gru, Lstm, Shards, init};

/// Work that can be done again and again.
pub trait Work {
    /// One step: for a model forward, loss and the gradients of every parameter. Returns a number that depends on
    /// the result.
    fn step(&mut self) -> f32;

    /// From now on, adds up what the ops cost.
    fn profiled(&mut self);

    /// What they have cost since.
    fn profile(&self) -> Profile;
}

/// Our programs for a workload: their names, and the cell if it has one. The first is the one that is held against
/// other libraries; a second has the same cell as the library or as a user writes it.
pub fn programs(workload: &Workload) -> Vec<(&'static str, Option<CellKind>)> {
    let cell = match &workload.kind {
        Kind::Seq(sequence) | Kind::Custom(sequence) => Some(sequence.cell),
        _ => None,
    };
    let second = match (&workload.id[..], cell) {
        ("W2" | "W5", Some(CellKind::Lstm)) => Some((USER, Some(CellKind::PlainLstm))),
        (_, Some(CellKind::MinGru)) => Some((STEPS, Some(CellKind::MinGruSteps))),
        (_, Some(CellKind::PlainLstm)) => Some((BUILT_IN, Some(CellKind::Lstm))),
        _ => None,
    };
    [(OURS, cell)].into_iter().chain(second).collect()
}

/// The name of our program.
pub const OURS: &str = "unspool";
/// The name of ours with a plain LSTM from the user's code instead of the library's.
pub const USER: &str = "unspool_user_cell";
/// The name of ours with a cell that goes step by step instead of many at once.
pub const STEPS: &str = "unspool_step_by_step";
/// The name of ours with the library's LSTM instead of one from the user's code.
pub const BUILT_IN: &str = "unspool_built_in";

/// The work of one of our [`programs`], with its weights and data made, in as many parts as there are threads.
///
/// # Errors
/// If there is no such program.
pub fn build(workload: &Workload, program: &str, threads: usize) -> Result<Box<dyn Work>, String> {
    let programs = programs(workload);
    let Some((_, cell)) = programs.iter().find(|(name, _)| *name == program) else {
        return Err(format!("{} has no program {program}", workload.id));
    };
    Ok(match &workload.kind {
        Kind::Seq(spec) | Kind::Custom(spec) => sequences(cell.unwrap_or(spec.cell), spec, threads),
        Kind::Mlp { sizes, batch } => {
            Steps::<MlpTraining>::boxed(Mlp::new(sizes), Batch::vectors(sizes, *batch), threads)
        }
        Kind::Tape { iters, size, .. } => {
            let (x, y) = (values([*size]), values([*size]));
            Box::new(TapeChain { tape: Tape::new(), iterations: *iters, x, y })
        }
        Kind::MatmulChain { count, n } => {
            let rng = &mut rng(1);
            let (x, w) = (init::orthogonal(rng, *n, *n), init::orthogonal(rng, *n, *n));
            Box::new(Products { tape: Tape::new(), count: *count, x, w })
        }
    })
}

fn sequences(cell: CellKind, spec: &Sequence, threads: usize) -> Box<dyn Work> {
    macro_rules! steps {
        ($cell:ident) => {
            Steps::<SequenceTraining<$cell<Tensor>>>::boxed(
                SequenceModel::new(spec, $cell::new),
                Batch::sequences(spec),
                threads,
            )
        };
    }
    match cell {
        CellKind::Rnn => steps!(SimpleRnn),
        CellKind::Lstm => steps!(Lstm),
        CellKind::Gru => steps!(Gru),
        CellKind::Peephole => steps!(Peephole),
        CellKind::Mgu => steps!(Mgu),
        CellKind::LnLstm => steps!(LayerNormLstm),
        CellKind::PlainLstm => steps!(PlainLstm),
        CellKind::MinGru => steps!(MinGru),
        CellKind::MinGruSteps => steps!(MinGruSteps),
    }
}

/// Training steps.
struct Steps<K: Training> {
    shards: Shards,
    model: K::Model,
    parts: Parts<K>,
}

impl<K: Training + 'static> Steps<K> {
    fn boxed(model: K::Model, batch: K::Batch, threads: usize) -> Box<dyn Work> {
        Box::new(Steps::<K> { shards: Shards::new(), model, parts: cut::<K>(&batch, threads) })
    }
}

impl<K: Training> Work for Steps<K> {
    fn step(&mut self) -> f32 {
        let (loss, gradients) = gradients::<K>(&mut self.shards, &self.model, &self.parts);
        black_box(gradients);
        loss as f32
    }

    fn profiled(&mut self) {
        self.shards = Shards::new().profiled();
    }

    fn profile(&self) -> Profile {
        self.shards.profile()
    }
}

struct TapeChain {
    tape: Tape,
    iterations: usize,
    x: Tensor,
    y: Tensor,
}

impl Work for TapeChain {
    fn step(&mut self) -> f32 {
        tape_chain(&mut self.tape, self.iterations, &self.x, &self.y)
    }

    fn profiled(&mut self) {
        self.tape = Tape::new().profiled();
    }

    fn profile(&self) -> Profile {
        self.tape.profile()
    }
}

struct Products {
    tape: Tape,
    count: usize,
    x: Tensor,
    w: Tensor,
}

impl Work for Products {
    fn step(&mut self) -> f32 {
        let end = {
            let (x, w) = (self.tape.variable(&self.x), self.tape.variable(&self.w));
            let gradients = (0..self.count).fold(x, |x, _| x.matmul(w)).sum().backward();
            (gradients.wrt(x), gradients.wrt(w))
        };
        self.tape.reset();
        black_box(end).1.at([0, 0])
    }

    fn profiled(&mut self) {
        self.tape = Tape::new().profiled();
    }

    fn profile(&self) -> Profile {
        self.tape.profile()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{LIST, parse};

    /// The workloads of the list with fewer examples and shorter sequences.
    fn small() -> Vec<Workload> {
        let mut list: serde_json::Value = serde_json::from_str(LIST).unwrap();
        for entry in list.as_object_mut().unwrap().values_mut().filter_map(|entry| entry.as_object_mut()) {
            for (field, most) in [("B", 4), ("T", 5), ("I", 8), ("H", 8), ("iters", 50), ("count", 10)] {
                if let Some(value) = entry.get_mut(field) {
                    *value = value.as_u64().unwrap().min(most).into();
                }
            }
            if let Some(layers) = entry.get_mut("layers") {
                *layers = vec![8; layers.as_array().unwrap().len()].into();
            }
        }
        parse(&list.to_string()).unwrap()
    }

    #[test]
    fn every_workload_runs_the_same_in_one_part_and_in_two() {
        for workload in small() {
            for (program, _) in programs(&workload) {
                let mut work = build(&workload, program, 1).unwrap();
                let loss = work.step();
                assert!(loss.is_finite() && loss != 0.0, "{} {program}: {loss}", workload.id);
                assert_eq!(work.step().to_bits(), loss.to_bits(), "{} {program}", workload.id);
                let halves = build(&workload, program, 2).unwrap().step();
                assert!((halves - loss).abs() <= 1e-5 * loss.abs(), "{} {program}: {halves} {loss}", workload.id);
            }
        }
    }

    #[test]
    fn a_profile_counts_the_floating_point_operations_of_the_closed_form() {
        for workload in small() {
            for (program, _) in programs(&workload) {
                let mut work = build(&workload, program, 1).unwrap();
                work.profiled();
                work.step();
                work.step();
                let flops = work.profile().total().flops();
                assert_eq!(flops, 2.0 * workload.flops(), "{} {program}", workload.id);
            }
        }
    }

    #[test]
    fn gradients_of_two_parts_add_up_to_those_of_one() {
        let Kind::Seq(spec) = &small()[3].kind else { panic!("W4 is a sequence") };
        type K = SequenceTraining<Lstm<Tensor>>;
        let (model, batch) = (SequenceModel::new(spec, Lstm::new), Batch::sequences(spec));
        let [one, two] = [1, 2].map(|parts| gradients::<K>(&mut Shards::new(), &model, &cut::<K>(&batch, parts)).1);
        for ((name, a), b) in one.names().iter().zip(one.leaves()).zip(two.leaves()) {
            let far = a.to_vec().iter().zip(b.to_vec()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 1e-6 && a.to_vec().iter().any(|&g| g != 0.0), "{name}: {far}");
        }
    }

    #[test]
    fn a_program_that_a_workload_lacks_is_named() {
        let error = build(&small()[0], USER, 1).err().unwrap();
        assert_eq!(error, "W1 has no program unspool_user_cell");
    }
}
