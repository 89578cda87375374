//! The results of one program on one workload.

use crate::peers::Side;
use crate::rounds::Measured;
use serde_json::json;
use unspool_benches::stats;
use unspool_benches::workload::{Kind, Workload};

/// A program's result at a workload.
pub struct Report {
    /// The workload.
    pub workload: Workload,
    /// The number of threads.
    pub threads: usize,
    /// What was measured.
    pub measured: Measured,
}

/// The unit of a step's time: its name, its nanoseconds, and how many ops a step has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// `ms per step`.
    pub name: &'static str,
    nanoseconds: f64,
    per_step: f64,
}

impl Unit {
    /// The one that suits the kind of work.
    pub fn of(kind: &Kind) -> Unit {
        let (name, nanoseconds, per_step) = match kind {
            Kind::Tape { iters, ops_per_iter, .. } => ("ns per op", 1.0, iters * ops_per_iter),
            Kind::MatmulChain { count, .. } => ("us per product", 1e3, *count),
            _ => ("ms per step", 1e6, 1),
        };
        Unit { name, nanoseconds, per_step: per_step as f64 }
    }

    /// Nanoseconds of a step, in this unit.
    pub fn convert(self, nanoseconds: f64) -> f64 {
        nanoseconds / self.nanoseconds / self.per_step
    }
}

impl Report {
    /// What was measured of a workload.
    pub fn new(workload: &Workload, threads: usize, measured: Measured) -> Self {
        Report { workload: workload.clone(), threads, measured }
    }

    /// Whose program it is.
    pub fn side(&self) -> Side {
        self.measured.side
    }

    /// The median time of a step, in nanoseconds.
    pub fn median(&self) -> f64 {
        stats::median(&self.measured.nanoseconds)
    }

    /// Floating-point operations in a nanosecond, of the products alone; `None` if there are no products.
    pub fn gflops(&self) -> Option<f64> {
        let flops = self.workload.flops();
        (flops > 0.0).then(|| flops / self.median())
    }

    /// One line.
    pub fn json(&self) -> String {
        let (unit, measured) = (Unit::of(&self.workload.kind), &self.measured);
        json!({
            "workload": self.workload.id,
            "name": self.workload.name,
            "who": measured.name,
            "version": measured.version,
            "threads": self.threads,
            "unit": unit.name,
            "median": round(unit.convert(self.median())),
            "min": round(unit.convert(stats::min(&measured.nanoseconds))),
            "repetitions": measured.nanoseconds.len(),
            "steps_per_repetition": measured.steps,
            "peak_memory_bytes": measured.memory,
            "gflops": self.gflops().map(round),
        })
        .to_string()
    }
}

/// Four digits.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unspool_benches::workload::parse;

    fn report(json: &str, nanoseconds: Vec<f64>) -> Report {
        let workload = &parse(&format!(r#"{{"A": {json}}}"#)).unwrap()[0];
        let (name, version, memory) = ("jax".to_owned(), "0.1".to_owned(), Some(5));
        Report::new(workload, 1, Measured { name, side: Side::Python, version, nanoseconds, steps: 3, memory })
    }

    #[test]
    fn each_kind_of_work_has_its_unit() {
        let unit = |json| Unit::of(&report(json, vec![]).workload.kind);
        let tape = unit(r#"{"kind": "tape", "iters": 5, "ops_per_iter": 3, "size": 16}"#);
        assert_eq!((tape.name, tape.convert(300.0)), ("ns per op", 20.0));
        let chain = unit(r#"{"kind": "matmul_chain", "count": 10, "n": 4}"#);
        assert_eq!((chain.name, chain.convert(5e4)), ("us per product", 5.0));
        let network = unit(r#"{"kind": "mlp", "sizes": [2, 3], "B": 5}"#);
        assert_eq!((network.name, network.convert(5e6)), ("ms per step", 5.0));
    }

    #[test]
    fn a_line_tells_the_median_the_least_and_the_rest() {
        let line = report(r#"{"kind": "matmul_chain", "count": 10, "n": 4}"#, vec![3e4, 1e4, 8e4]).json();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        for (field, value) in [
            ("workload", json!("A")),
            ("who", json!("jax")),
            ("median", json!(3.0)),
            ("min", json!(1.0)),
            ("repetitions", json!(3)),
            ("steps_per_repetition", json!(3)),
            ("peak_memory_bytes", json!(5)),
            ("gflops", json!(0.128)),
            ("threads", json!(1)),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!((round(123456.0), round(0.00123456)), (123500.0, 0.001235));
    }
}
