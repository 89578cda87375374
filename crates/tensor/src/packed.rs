//! A matrix laid out for many products.

use crate::matmul::{Matrix, multiply_into};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// The columns of a panel: some vectors wide, and narrow enough that a panel stays in the second-level cache.
const WIDTH: usize = 64;

/// A matrix that many others are multiplied with: cut into panels of 64 columns, each contiguous.
///
/// A product reads such a panel from one end to the other, where in the matrix as it lies each row is a page away from
/// the one before, or, if it is a transpose, each element a cache line. The copy pays from the second product on.
///
/// ```
/// use unspool_tensor::Tensor;
/// let (x, w) = (Tensor::<f32>::ones([5, 3]), Tensor::<f32>::from_fn([3, 100], |i| i as f32));
/// assert_eq!(x.matmul_packed(&w.pack()), x.matmul(&w));
/// ```
pub struct Packed<T: Scalar = f32> {
    rows: usize,
    columns: usize,
    /// One panel after the other; the last may be narrower.
    panels: Tensor<T>,
}

impl<T: Scalar> Tensor<T> {
    /// This matrix `[K, N]`, laid out for many products.
    ///
    /// # Panics
    /// If the rank is not 2.
    #[track_caller]
    pub fn pack(&self) -> Packed<T> {
        assert!(self.rank() == 2, "pack: shape {} is not that of a matrix", self.layout().shape);
        let (rows, columns) = (self.layout().shape[0], self.layout().shape[1]);
        let panels = Tensor::written([rows * columns].into(), |out| {
            for start in (0..columns).step_by(WIDTH) {
                let width = WIDTH.min(columns - start);
                copy_panel(self, start, width, &mut out[rows * start..][..rows * width]);
            }
        });
        Packed { rows, columns, panels }
    }

    /// The matrix product with a packed matrix: `[.., K] x [K, N] -> [.., N]`, where all leading axes of `self` are
    /// rows.
    ///
    /// # Panics
    /// If the shapes are not these or the inner sizes differ.
    #[track_caller]
    pub fn matmul_packed(&self, packed: &Packed<T>) -> Tensor<T> {
        let Packed { rows: k, columns: n, ref panels } = *packed;
        let fits = self.rank() > 0 && self.layout().shape[self.rank() - 1] == k;
        assert!(
            fits,
            "matmul: shapes {} and [{k}, {n}] do not multiply; they must be [.., K] and [K, N]",
            self.layout().shape
        );
        let a = self.rows();
        let panels = panels.as_slice().expect("contiguous");
        Tensor::written(self.layout().shape.with(self.rank() - 1, n), |out| {
            for start in (0..n).step_by(WIDTH) {
                let width = WIDTH.min(n - start);
                let panel = Matrix::row_major(&panels[k * start..][..k * width], k, width);
                multiply_into(a.matrix(), panel, out.get_mut(start..).unwrap_or(&mut []), n, false);
            }
        })
    }
}

/// Copies columns of a matrix into a contiguous panel of as many.
fn copy_panel<T: Scalar>(matrix: &Tensor<T>, start: usize, width: usize, panel: &mut [T]) {
    let source = matrix.buffer.elements();
    let [down, right] = [matrix.layout().strides[0], matrix.layout().strides[1]];
    let first = matrix.layout().offset as isize + start as isize * right;
    if right == 1 {
        for (i, row) in panel.chunks_exact_mut(width).enumerate() {
            row.copy_from_slice(&source[(first + i as isize * down) as usize..][..width]);
        }
        return;
    }
    // A transpose: in blocks of some rows, so that each cache line of the source is read once.
    for (block, rows) in panel.chunks_mut(16 * width).enumerate() {
        let count = rows.len() / width;
        for j in 0..width {
            let corner = first + j as isize * right + (block * 16) as isize * down;
            for i in 0..count {
                rows[i * width + j] = source[(corner + i as isize * down) as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_packed_matrices_are_those_with_plain_ones() {
        for (m, k, n) in [(3, 5, 7), (2, 40, 64), (4, 17, 65), (1, 3, 200), (0, 3, 2), (2, 0, 70), (2, 3, 0)] {
            let a = Tensor::<f64>::from_fn([m, k], |i| (i * 7 % 11) as f64 - 5.0);
            let b = Tensor::<f64>::from_fn([k, n], |i| (i * 5 % 13) as f64 - 6.0);
            for b in [b.clone(), b.t().copy().t(), Tensor::concat(0, [&b, &b]).slice(0, k..)] {
                assert_eq!(a.matmul_packed(&b.pack()), a.matmul(&b), "{m} {k} {n}");
            }
            let strided = a.t().copy().t();
            assert_eq!(strided.matmul_packed(&b.pack()), a.matmul(&b), "{m} {k} {n}, transposed");
        }
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [2, 3] and [4, 5] do not multiply")]
    fn inner_sizes_must_agree() {
        Tensor::<f32>::zeros([2, 3]).matmul_packed(&Tensor::zeros([4, 5]).pack());
    }
}
