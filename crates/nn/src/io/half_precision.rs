//! The two 16-bit float types, widened to `f32`, which represents all of their values.

/// IEEE 754's half precision: 1 sign bit, 5 exponent bits, 10 fraction bits.
pub(super) fn f16(bits: u16) -> f32 {
    const INFINITY: u32 = 0x7f80_0000;
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff) << 13; // aligns exponent and fraction with those of an f32
    let magnitude = match rest >> 23 {
        31 => f32::from_bits(rest | INFINITY), // infinity or NaN
        // The exponent biases are 15 and 127: multiplying by 2^112 corrects the exponent, of
        // subnormals too.
        _ => f32::from_bits(rest) * f32::from_bits((127 + 112) << 23),
    };
    f32::from_bits(magnitude.to_bits() | sign)
}

/// bfloat16: the upper half of an `f32`.
#[cfg(feature = "safetensors")]
pub(super) fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
