//! The built-in ops, a module for each family, with value and gradient next to each other.
//!
//! They implement the same [`Op`](crate::Op) trait as yours; the tape knows none of them. To add
//! one, write it in its family's file and add its name to the list in `families.rs`.

pub(crate) mod families;

pub use arithmetic::Operand;
pub use product::Convolution;

/// Declares the modules in the order of the list, which is that of the page of [`Var`](crate::Var).
/// Declared here, they are not broken into lines by rustfmt, which would set each small formula
/// over five.
macro_rules! modules {
    ($($family:ident: $($op:ident $([$sign:literal])? $(($($method:ident)*))?)*;)*) => {
        $(mod $family;)*

        /// The names of all built-in ops: each has a gradient test and a value of PyTorch's.
        pub const NAMES: &[&str] = &[$($(stringify!($op)),*),*];
    };
}
families::families!(modules);
