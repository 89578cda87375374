//! Schedules at their ends, and plateaus of any sign.

use super::*;
use unspool::optim::schedules::{Constant, Exponential, OneCycle, Schedule, StepDecay};

/// The factors of steps 0, 1, 2 and one long after the end, by the formulas; those of `OneCycle` are also PyTorch's
/// `OneCycleLR`'s, where that does not divide by zero.
#[test]
fn schedules_of_one_or_two_steps_follow_their_formulas() {
    let end = 1.0 / 25.0 / 1e4;
    let cases: [(&str, Box<dyn Schedule>, [f64; 4]); 17] = [
        ("constant", Box::new(Constant), [1.0; 4]),
        ("step 1", Box::new(StepDecay::new(1, 0.5)), [1.0, 0.5, 0.25, 0.0]),
        ("step 2", Box::new(StepDecay::new(2, 0.5)), [1.0, 1.0, 0.5, 0.0]),
        ("step to 0", Box::new(StepDecay::new(1, 0.0)), [1.0, 0.0, 0.0, 0.0]),
        ("exponential", Box::new(Exponential::new(0.5)), [1.0, 0.5, 0.25, 0.0]),
        ("exponential to 0", Box::new(Exponential::new(0.0)), [1.0, 0.0, 0.0, 0.0]),
        ("cosine 1", Box::new(Cosine::new(1)), [1.0, 0.0, 0.0, 0.0]),
        ("cosine 1, floor", Box::new(Cosine::new(1).floor(0.1)), [1.0, 0.1, 0.1, 0.1]),
        ("cosine 2", Box::new(Cosine::new(2).floor(0.1)), [1.0, 0.55, 0.1, 0.1]),
        ("cosine 2, warm-up 1", Box::new(Cosine::new(2).warmup(1)), [0.5, 1.0, 0.0, 0.0]),
        ("one cycle 1", Box::new(OneCycle::new(1)), [end; 4]),
        ("one cycle 1, fall", Box::new(OneCycle::new(1).rise(0.0)), [end; 4]),
        ("one cycle 1, rise", Box::new(OneCycle::new(1).rise(1.0)), [1.0; 4]),
        ("one cycle 2", Box::new(OneCycle::new(2)), [0.811745653949763, end, end, end]),
        ("one cycle 2, fall", Box::new(OneCycle::new(2).rise(0.0)), [0.500002, end, end, end]),
        ("one cycle 2, half", Box::new(OneCycle::new(2).rise(0.5)), [1.0, end, end, end]),
        ("one cycle 2, rise", Box::new(OneCycle::new(2).rise(1.0)), [0.04, 1.0, 1.0, 1.0]),
    ];
    for (name, schedule, expected) in cases {
        for (step, expected) in [0, 1, 2, 2000].into_iter().zip(expected) {
            let factor = schedule.factor(step);
            assert!((factor - expected).abs() < 1e-15, "{name}, step {step}: {factor}, expected {expected}");
        }
    }
}

#[test]
fn a_cycle_of_any_length_and_rise_stays_within_its_ends() {
    for steps in 1..40 {
        for rise in (0..=20).map(|n| f64::from(n) / 20.0) {
            let schedule = OneCycle::new(steps).rise(rise).ends(0.5, 0.25);
            for step in 0..steps + 2 {
                let factor = schedule.factor(step);
                assert!((0.25..=1.0).contains(&factor), "{steps} steps, rise {rise}, step {step}: {factor}");
            }
            let last = if rise == 1.0 { 1.0 } else { 0.25 };
            assert_eq!(schedule.factor(steps), last, "{steps} steps, rise {rise}");
        }
    }
}

/// Better by more than `threshold |best|`, whatever the sign; PyTorch's `best (1 - threshold)` holds -1 for better than -1.
#[test]
fn a_metric_below_zero_can_be_a_plateau() {
    let factor = |mut plateau: Plateau, metrics: &[f64]| {
        metrics.iter().for_each(|&metric| plateau.observe(metric));
        plateau.current_factor()
    };
    for rising in [false, true] {
        let plateau = |patience: usize| {
            let plateau = Plateau::new().factor(0.5).patience(patience);
            if rising { plateau.maximize() } else { plateau }
        };
        for same in [-1.0, 0.0, 1.0, -1e300, 1e-300] {
            assert_eq!(factor(plateau(2), &[same; 8]), 0.25, "rising: {rising}, {same}");
            assert_eq!(factor(plateau(2).absolute_threshold(0.0), &[same; 8]), 0.25, "rising: {rising}, {same}");
        }
        // Steps to the better from 10 or -10: by less than the margin, and by more.
        let to = if rising { 1.0 } else { -1.0 };
        for best in [10.0, -10.0] {
            for (plateau, margin) in [
                (plateau(0).threshold(0.1), 1.0),
                (plateau(0).absolute_threshold(0.1), 0.1),
                (plateau(0).absolute_threshold(9.0).threshold(0.1), 1.0),
                (plateau(0).threshold(9.0).absolute_threshold(0.1), 0.1),
            ] {
                assert_eq!(factor(plateau.clone(), &[best, best + 0.99 * to * margin]), 0.5, "{plateau:?}, {best}");
                assert_eq!(factor(plateau.clone(), &[best, best + 1.01 * to * margin]), 1.0, "{plateau:?}, {best}");
            }
        }
    }
}
