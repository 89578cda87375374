//! The names that only the model has, or only the file.

/// The names that a model and a file do not have in common, if the model was loaded nevertheless:
/// what PyTorch's `load_state_dict` returns.
///
/// See [`WeightFile::strict`](crate::io::WeightFile::strict).
///
/// ```
/// use unspool::io::{WeightFile, save_torch};
/// use unspool::{Lstm, Recurrent, Tensor, dense, lstm, rng, sequential};
/// # let path = std::env::temp_dir().join(format!("pretrained-{}.safetensors", std::process::id()));
/// save_torch(&path, &sequential().add(lstm(1, 8)))?;
/// let mut model = sequential().add(lstm(1, 8)).add(dense(8, 1));
/// let keys = WeightFile::open(&path)?.strict(false).load_torch("", &mut model)?;
/// assert_eq!(keys.missing, ["1.weight", "1.bias"]);
/// assert!(keys.unexpected.is_empty());
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
#[cfg(feature = "safetensors")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompatibleKeys {
    /// Names of the model that are not in the file: these weights are unchanged.
    pub missing: Vec<String>,
    /// Names of the file that are not in the model, in alphabetical order.
    pub unexpected: Vec<String>,
}
