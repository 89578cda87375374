//! Examples that are read when they are needed.

use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::examples::Examples;

/// Examples that need not all be in memory: read from a file, a database, or computed, when a batch needs them. PyTorch's
/// map-style data set. [`OnDemand`](crate::train::OnDemand) trains on one.
///
/// A [`Dataset`] is a source, too. One that reads rows of a file of `f32`, three inputs and a target each:
///
/// ```
/// use std::fs::File;
/// use std::io::{Read, Seek, SeekFrom};
/// use std::sync::Mutex;
/// use unspool::data::{DataError, DataSource};
/// use unspool::{Dataset, Tensor};
///
/// struct Rows { file: Mutex<File>, count: usize }
///
/// impl DataSource for Rows {
///     type X = Tensor;
///     type Y = Tensor;
///
///     fn len(&self) -> usize {
///         self.count
///     }
///
///     fn read(&self, examples: &[usize]) -> Result<Dataset, DataError> {
///         let (mut x, mut y) = (Vec::new(), Vec::new());
///         let mut file = self.file.lock().unwrap();
///         for &i in examples {
///             let mut row = [0; 16];
///             let start = SeekFrom::Start(16 * i as u64);
///             let read = file.seek(start).and_then(|_| file.read_exact(&mut row));
///             read.map_err(|error| DataError::io(format!("cannot read row {i}"), error))?;
///             let number = |k: usize| f32::from_le_bytes(row[4 * k..][..4].try_into().unwrap());
///             x.extend([0, 1, 2].map(number));
///             y.push(number(3));
///         }
///         Dataset::new(Tensor::from_vec(x, [examples.len(), 3]), Tensor::from_vec(y, [examples.len(), 1]))
///     }
/// }
/// ```
pub trait DataSource: Sync {
    /// What inputs are made of.
    type X: Examples;
    /// What targets are made of.
    type Y: Examples;

    /// The number of examples.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads these examples, in this order; their indices are less than [`len`](DataSource::len).
    ///
    /// # Errors
    /// If they cannot be read, with the reason.
    fn read(&self, examples: &[usize]) -> Result<Dataset<Self::X, Self::Y>, DataError>;
}

impl<X: Examples, Y: Examples> DataSource for Dataset<X, Y> {
    type X = X;
    type Y = Y;

    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn read(&self, examples: &[usize]) -> Result<Self, DataError> {
        Ok(self.select(examples))
    }
}
