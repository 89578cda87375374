//! Tensors, the tape and its ops: values, gradients, properties, and the sentences of mistakes.

mod bad_value_sentences;
mod buffers;
mod checkpoint;
mod contributions;
mod gamma;
mod golden;
mod gradcheck;
mod gradients;
mod jacobians;
mod jacobians_of_products;
mod kinks;
mod long_tapes;
mod nested;
mod params;
mod profile;
mod properties;
mod ranges;
mod row_function;
mod scopes;
mod sum_over_rows;
mod tape_sentences;
mod tensor_sentences;
mod tidy;
mod var_sentences;

/// More axes than a tensor can have, and a size that none can.
const SEVEN: &[usize] = &[1; 7];
const HUGE: usize = usize::MAX;
