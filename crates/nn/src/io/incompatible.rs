//! What a model and a file do not share.

/// The names that a model and a file do not share, when one is loaded from the other nevertheless: what PyTorch's
/// `load_state_dict` returns.
///
/// See [`WeightFile::strict`](crate::io::WeightFile::strict).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncompatibleKeys {
    /// Names of the model that are not in the file: these weights are as they were.
    pub missing: Vec<String>,
    /// Names of the file that are not in the model, in alphabetical order.
    pub unexpected: Vec<String>,
}
