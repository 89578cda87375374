//! Layers over sequences: values, gradients, padding, dropout, attention, and the sentences of mistakes.

mod attention;
mod bench;
mod checkpointing;
mod costs;
mod dropout;
mod golden;
mod layers;
mod line_sentences;
mod nested;
mod padding;
mod patterns;
mod sentences;
mod subnormal;
mod summary;
mod unroll;
