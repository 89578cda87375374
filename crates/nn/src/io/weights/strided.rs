//! Tensors whose elements are not in row-major order in their file, or not next to each other.

use crate::io::chunks::read_chunks;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use unspool_autograd::Real;
use unspool_autograd::Tensor;

/// Where the elements of a tensor are: those along each axis are `strides` apart. The axes are
/// those of the tensor in another order, that of the file, in which each element is once.
#[derive(Debug, PartialEq)]
pub(super) struct Strided {
    pub shape: Vec<usize>,
    strides: Vec<usize>,
    /// The axis here that each axis of the tensor is.
    order: Vec<usize>,
}

/// Where a tensor of this shape has its elements, if not in row-major order and next to each
/// other; or an error if they share some, or do not fit in memory. Returns the number of elements
/// from the first to the last as well.
pub(super) fn strided(shape: &[usize], strides: &[usize]) -> Result<(Option<Strided>, usize), String> {
    let too_large = || "the elements are more than memory can hold".to_owned();
    if shape.contains(&0) {
        return Ok((None, 0));
    }
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    // Axes of length 1 are between those where they do not matter.
    let stride = |axis: usize| if shape[axis] == 1 { 0 } else { strides[axis] };
    axes.sort_by_key(|&axis| (std::cmp::Reverse(strides[axis]), axis));
    let mut last = 0usize;
    for &axis in axes.iter().rev().filter(|&&axis| shape[axis] > 1) {
        if stride(axis) <= last {
            return Err("elements are repeated: save `tensor.contiguous()`".to_owned());
        }
        last = (shape[axis] - 1).checked_mul(stride(axis)).and_then(|n| n.checked_add(last)).ok_or_else(too_large)?;
    }
    let count = shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size)).ok_or_else(too_large)?;
    let span = last.checked_add(1).ok_or_else(too_large)?;
    let long: Vec<usize> = axes.iter().copied().filter(|&axis| shape[axis] > 1).collect();
    if count == span && long.is_sorted() {
        return Ok((None, span));
    }
    let mut order = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(here, &axis)| order[axis] = here);
    let shape = axes.iter().map(|&axis| shape[axis]).collect();
    let strides = axes.iter().map(|&axis| stride(axis)).collect();
    Ok((Some(Strided { shape, strides, order }), span))
}

impl Strided {
    /// Passes the bytes of the elements to `take`, in the order of the file. `start` is where the
    /// first is, and `size` the bytes of each.
    pub fn read(
        &self,
        source: impl Read + Seek,
        start: u64,
        size: usize,
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let mut source = BufReader::new(source);
        source.seek(SeekFrom::Start(start))?;
        // The axes along which elements follow each other are one run.
        let (mut run, mut outer) = (1, self.shape.len());
        while outer > 0 && (self.shape[outer - 1] == 1 || self.strides[outer - 1] == run) {
            outer -= 1;
            run *= self.shape[outer];
        }
        let (shape, strides) = (&self.shape[..outer], &self.strides[..outer]);
        let mut index = vec![0; outer];
        let (mut at, mut next) = (0, 0); // in elements
        loop {
            source.seek_relative(((next - at) * size) as i64)?;
            read_chunks(&mut source, run * size, &mut take)?;
            at = next + run;
            // The next index, the last axis first.
            let mut axis = outer;
            loop {
                if axis == 0 {
                    return Ok(());
                }
                axis -= 1;
                index[axis] += 1;
                next += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                next -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }

    /// The tensor from one of `shape`, the elements in the order of the file.
    pub fn restore<T: Real>(&self, tensor: &Tensor<T>) -> Tensor<T> {
        tensor.permute(&self.order).contiguous()
    }
}
