//! Floats of two bytes. A float of four bytes can be each of them.

/// IEEE 754's half: a bit of sign, 5 of exponent, 10 of fraction.
pub(super) fn f16(bits: u16) -> f32 {
    const INFINITY: u32 = 0x7f80_0000;
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff) << 13; // exponent and fraction end where those of a float of four bytes end
    let magnitude = match rest >> 23 {
        31 => f32::from_bits(rest | INFINITY), // or not a number
        // The same exponent says 2^112 times more in a half, as it does without a leading one.
        _ => f32::from_bits(rest) * f32::from_bits((127 + 112) << 23),
    };
    f32::from_bits(magnitude.to_bits() | sign)
}

/// The upper half of a float of four bytes.
#[cfg(feature = "safetensors")]
pub(super) fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
