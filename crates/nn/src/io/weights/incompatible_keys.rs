//! The names that only the model has, or only the file.

/// The names that a model and a file do not have in common, if the model was loaded nevertheless:
/// what PyTorch's `load_state_dict` returns.
///
/// See [`WeightFile::strict`](crate::io::WeightFile::strict).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompatibleKeys {
    /// Names of the model that are not in the file: these weights are unchanged.
    pub missing: Vec<String>,
    /// Names of the file that are not in the model, in alphabetical order.
    pub unexpected: Vec<String>,
}
