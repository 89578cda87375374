//! Why an op makes a number that is not finite, and what helps.

use super::{BadValue, Cause};

const LOGARITHM: &str = "clamp the operand above 0, or compute the loss from scores (`logsigmoid`, `log_softmax`)";
const DIVISION: &str = "add a small number to the divisor, or clamp it away from 0";
const GROWTH: &str = "a smaller learning rate, gradient clipping (`clip_norm`) and smaller weights help";

/// The clause after the colon; `scalar` is the element type.
pub(super) fn advice(bad: &BadValue, scalar: &str) -> String {
    match bad.cause {
        Cause::Constant => {
            "a constant comes from the program: check the data, or the state, that it is made of".to_owned()
        }
        Cause::Variable => {
            "it was so before this pass: an earlier step, or what set it, made it so; try a smaller learning rate"
                .to_owned()
        }
        Cause::Forward => forward(bad, scalar),
        Cause::Backward | Cause::Sum => backward(bad, scalar),
        Cause::Update => String::new(),
    }
}

fn forward(bad: &BadValue, scalar: &str) -> String {
    let (op, is_nan, largest) = (bad.op.unwrap_or_default(), bad.value.is_nan(), largest(bad));
    let least = bad.operands.iter().map(|operand| operand.min).fold(f64::INFINITY, f64::min);
    match op {
        "softmax" | "log_softmax" | "logsumexp" if is_nan && largest.is_infinite() => {
            "a row of scores holds an infinity, or nothing but -inf: a mask must leave at least one element".to_owned()
        }
        _ if is_nan && largest.is_infinite() => {
            "infinity minus infinity, or 0 times infinity, is not defined; check where the infinity comes from"
                .to_owned()
        }
        "ln" | "ln1p" if is_nan => format!("the logarithm of a negative number is not defined; {LOGARITHM}"),
        "ln" | "ln1p" => format!("the logarithm of 0 is infinite; {LOGARITHM}"),
        "sqrt" if is_nan => "the square root of a negative number is not defined; clamp the operand at 0".to_owned(),
        "pow" | "powf" if is_nan => {
            "a negative number to a power that is not whole is not defined; clamp the operand above 0".to_owned()
        }
        "pow" | "powf" if least == 0.0 => "0 to a negative power is infinite; clamp the operand above 0".to_owned(),
        "div" if is_nan => format!("0 / 0 is not defined; {DIVISION}"),
        "reciprocal" => format!("a division by 0; {DIVISION}"),
        "div" if bad.operands.last().is_some_and(|divisor| divisor.min <= 0.0 && divisor.max >= 0.0) => {
            format!("a division by 0; {DIVISION}")
        }
        "exp" | "expm1" => {
            let limit = if scalar == "f32" { "88.7" } else { "709.8" };
            format!(
                "the exponential of a number above {limit} overflows {scalar}; clamp the operand, or subtract the largest \
                 first, as `softmax` and `logsumexp` do"
            )
        }
        "layer_norm" | "rms_norm" if is_nan => {
            "a row without variation is divided by 0; pass an epsilon above 0, such as 1e-5".to_owned()
        }
        _ if is_nan => {
            "the op is not defined there: a 0 / 0, or an argument outside its domain; check its operands there"
                .to_owned()
        }
        // Products of such numbers overflow; smaller ones were divided by about 0.
        _ if largest > 1e9 => {
            if bad.step.is_some() {
                return format!("the numbers have grown too large for {scalar}, from step to step; {GROWTH}");
            }
            format!(
                "the numbers are too large for {scalar}; scale the data, or keep the weights small with a smaller learning \
                 rate or gradient clipping (`clip_norm`)"
            )
        }
        _ => format!("a division by 0, or a result too large for {scalar}; check its operands there"),
    }
}

fn backward(bad: &BadValue, scalar: &str) -> String {
    // A sum does not depend on the op of its largest part.
    let op = bad.op.filter(|_| bad.cause == Cause::Backward).unwrap_or_default();
    match op {
        _ if largest(bad).is_infinite() => {
            "an operand is infinite, and infinity times 0 is not defined; check where the infinity comes from"
                .to_owned()
        }
        "sqrt" => "the derivative of the square root is infinite at 0; add a small number, such as 1e-12, before it"
            .to_owned(),
        "norm" | "var" => "the derivative of a norm is not defined at 0; add a small number to the squares".to_owned(),
        "pow" | "powf" => "the derivative of this power is infinite at 0; clamp the operand above 0".to_owned(),
        "ln" | "ln1p" => format!("the derivative of the logarithm is infinite at 0; {LOGARITHM}"),
        "div" | "reciprocal" => format!("the divisor is 0 or nearly so; {DIVISION}"),
        _ if bad.value.is_nan() => {
            "the gradient is not defined there: a 0 / 0, or 0 times infinity; check the operands there".to_owned()
        }
        _ => {
            let grown = if bad.step.is_some() { ", from step to step on its way back" } else { "" };
            format!("the gradient has grown too large for {scalar}{grown}; {GROWTH}")
        }
    }
}

/// The largest absolute value of the operands.
fn largest(bad: &BadValue) -> f64 {
    bad.operands.iter().map(|operand| operand.largest()).fold(0.0, f64::max)
}
