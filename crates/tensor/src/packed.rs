//! A matrix laid out for many products.

use crate::matmul::{Matrix, multiply_strips};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::simd::dispatch;
use crate::tensor::Tensor;
use crate::walk::copy_run;
use std::ops::Range;

/// The columns of a panel: some vectors wide, and narrow enough that a panel stays in the second-level cache.
const WIDTH: usize = 64;
/// The number of columns is made a multiple of this: else the product crate copies the matrix in each product.
const VECTOR: usize = 16;
/// More rows than these at once, and the product crate copies the panel for them.
const ROWS: usize = 48;
/// Threads share a product of so many multiplications, some 5 ms: the output of a word model. Smaller ones gain nothing, as
/// it takes up to 0.1 ms to wake a thread.
const LARGE: usize = 1 << 29;

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
    /// The columns with those of zeros at the end.
    padded: usize,
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
        Packed::concat([self])
    }

    /// The matrix product with a packed matrix: `[.., K] x [K, N] -> [.., N]`, where all leading axes of `self` are
    /// rows.
    ///
    /// # Panics
    /// If the shapes are not these or the inner sizes differ.
    #[track_caller]
    pub fn matmul_packed(&self, packed: &Packed<T>) -> Tensor<T> {
        Tensor::written(packed.product_shape(self), |out| packed.multiply(self, out, false))
    }

    /// Adds the product `a b` with a packed matrix to this tensor.
    ///
    /// # Panics
    /// If the shapes are not those of [`add_matmul`](Tensor::add_matmul).
    #[track_caller]
    pub fn add_matmul_packed(&mut self, a: &Tensor<T>, packed: &Packed<T>) {
        let (shape, given) = (packed.product_shape(a), self.shape());
        assert!(shape == given, "add_matmul: a product {shape} does not fit into {given}");
        packed.multiply(a, self.as_mut_slice(), true);
    }
}

impl<T: Scalar> Packed<T> {
    /// Matrices `[K_i, N]` on top of each other, laid out for many products as `[K, N]`.
    ///
    /// ```
    /// use unspool_tensor::{Packed, Tensor};
    /// let (x, w) = (Tensor::<f32>::ones([2, 5]), Tensor::from_fn([5, 3], |i| i as f32));
    /// let halves = Packed::concat([&w.slice(0, ..2), &w.slice(0, 2..)]);
    /// assert_eq!(x.matmul_packed(&halves), x.matmul(&w));
    /// ```
    ///
    /// # Panics
    /// If there is none, or they are not matrices of one width.
    #[track_caller]
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Tensor<T>, IntoIter: Clone>) -> Packed<T> {
        let parts = parts.into_iter();
        let (mut rows, mut width) = (0, None);
        for part in parts.clone() {
            let shape = part.shape();
            assert!(shape.rank() == 2, "pack: shape {shape} is not that of a matrix");
            let columns = *width.get_or_insert(shape[1]);
            assert!(shape[1] == columns, "pack: a matrix {shape} has not {columns} columns");
            rows += shape[0];
        }
        let columns = width.expect("pack: no matrices given");
        let padded = columns.next_multiple_of(VECTOR);
        let panels = Tensor::written([rows * padded].into(), |out| {
            let mut top = 0;
            for part in parts {
                for start in (0..padded).step_by(WIDTH) {
                    let width = WIDTH.min(padded - start);
                    let panel = &mut out[rows * start..][..rows * width][top * width..][..part.shape()[0] * width];
                    copy_panel(part, start..columns.min(start + width), width, panel);
                }
                top += part.shape()[0];
            }
        });
        Packed { rows, columns, padded, panels }
    }

    /// The shape of the product of `a` with this matrix.
    #[track_caller]
    fn product_shape(&self, a: &Tensor<T>) -> Shape {
        let (shape, k, columns) = (a.shape(), self.rows, self.columns);
        let fits = shape.last() == Some(&k);
        assert!(fits, "matmul: shapes {shape} and [{k}, {columns}] do not multiply; they must be [.., K] and [K, N]");
        shape.with(shape.rank() - 1, columns)
    }

    /// The product with this matrix, written into `out` or added to it.
    fn multiply(&self, a: &Tensor<T>, out: &mut [T], add: bool) {
        if self.padded == self.columns {
            return self.multiply_padded(a, out, add);
        }
        if out.is_empty() {
            return;
        }
        let wide = Tensor::written([out.len() / self.columns, self.padded].into(), |wide| {
            self.multiply_padded(a, wide, false);
        });
        let wide = wide.as_slice().expect("contiguous").chunks_exact(self.padded);
        dispatch(
            #[inline(always)]
            || {
                for (row, wide) in out.chunks_exact_mut(self.columns).zip(wide) {
                    if add {
                        row.iter_mut().zip(wide).for_each(|(y, &product)| *y += product);
                    } else {
                        copy_run(row, &wide[..self.columns]);
                    }
                }
            },
        );
    }

    /// The product with this matrix and its padding, into rows of that many columns. Threads share the panels of a large
    /// one.
    fn multiply_padded(&self, a: &Tensor<T>, out: &mut [T], add: bool) {
        let (a, k, count) = (a.as_matrix(), self.rows, self.padded);
        let panels = self.panels.as_slice().expect("contiguous");
        let panel = |i: usize| {
            let (start, width) = (i * WIDTH, WIDTH.min(count - i * WIDTH));
            Matrix::row_major(&panels[k * start..][..k * width], k, width)
        };
        let share = out.len().saturating_mul(k) >= LARGE;
        multiply_strips(a.matrix(), (count, WIDTH, ROWS), panel, out, add, share);
    }
}

/// Copies some columns of a matrix into a contiguous panel of `width`, and zeros behind them.
fn copy_panel<T: Scalar>(matrix: &Tensor<T>, columns: Range<usize>, width: usize, panel: &mut [T]) {
    let source = matrix.buffer.elements();
    let layout = matrix.layout();
    let [down, right] = [layout.strides[0], layout.strides[1]];
    let first = layout.offset as isize + columns.start as isize * right;
    let count = columns.len();
    if count < width {
        panel.fill(T::ZERO);
    }
    if right == 1 {
        for (i, row) in panel.chunks_exact_mut(width).enumerate() {
            copy_run(&mut row[..count], &source[(first + i as isize * down) as usize..][..count]);
        }
        return;
    }
    // A transpose: in blocks of some rows, so that each cache line of the source is read once.
    for (block, rows) in panel.chunks_mut(16 * width).enumerate() {
        for j in 0..count {
            let corner = first + j as isize * right + (block * 16) as isize * down;
            for i in 0..rows.len() / width {
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
                let (mut plain, mut packed) = (Tensor::full(0.5, [m, n]), Tensor::full(0.5, [m, n]));
                plain.add_matmul(&a, &b);
                packed.add_matmul_packed(&a, &b.pack());
                assert_eq!(packed, plain, "{m} {k} {n}, added");
                assert_eq!(plain, a.matmul(&b).map(|x| x + 0.5));
            }
            let strided = a.t().copy().t();
            assert_eq!(strided.matmul_packed(&b.pack()), a.matmul(&b), "{m} {k} {n}, transposed");
        }
    }

    #[test]
    fn a_large_product_is_the_same_on_any_number_of_threads() {
        let (a, b) = (Tensor::<f32>::from_fn([600, 700], |i| (i % 13) as f32 - 6.0), Tensor::ones([700, 1300]));
        const { assert!(600 * 700 * 1300 >= LARGE) };
        let product = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| a.matmul_packed(&b.pack()))
        };
        let one = product(1);
        assert_eq!(one, a.matmul(&b));
        assert_eq!(product(3), one);
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [2, 3] and [4, 5] do not multiply")]
    fn inner_sizes_must_agree() {
        Tensor::<f32>::zeros([2, 3]).matmul_packed(&Tensor::zeros([4, 5]).pack());
    }
}
