//! Convolution over time.

use crate::tape::Var;
use unspool_tensor::Scalar;

/// How a [`conv1d`](Var::conv1d) moves over its sequence.
///
/// ```
/// use unspool::ops::Convolution;
/// let (kernel, dilation) = (3, 4);
/// let causal = Convolution { before: (kernel - 1) * dilation, dilation, ..Default::default() };
/// assert_eq!((causal.before, causal.stride, causal.after), (8, 1, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// The time steps between one output and the next.
    pub stride: usize,
    /// Zeros before the first time step; `(K - 1) dilation` and none after make the convolution
    /// causal.
    pub before: usize,
    /// Zeros after the last time step.
    pub after: usize,
    /// The time steps between the inputs of two adjacent weights.
    pub dilation: usize,
}

impl Default for Convolution {
    /// Every time step, no padding, adjacent inputs.
    fn default() -> Self {
        Convolution { stride: 1, before: 0, after: 0, dilation: 1 }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The convolution (as in PyTorch, without flipping the weight) of a sequence `[T, B, F]` with
    /// a weight `[K, F, O]`, to `[T', B, O]`:
    ///
    /// ```text
    /// y_t = sum over k of x_(t stride + k dilation - before) W_k
    /// T' = (before + T + after - (K - 1) dilation - 1) / stride + 1, rounded down
    /// dx_s = sum over t and k with t stride + k dilation - before = s of dy_t W_kᵀ
    /// dW_k = sum over t of x_(t stride + k dilation - before)ᵀ dy_t
    /// ```
    ///
    /// Beyond its ends, `x` is 0.
    ///
    /// ```
    /// use unspool::autograd::Convolution;
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::from_vec(vec![1.0, 2.0, 4.0, 8.0], [4, 1, 1]));
    /// let difference = tape.variable(&Tensor::from_vec(vec![-1.0, 1.0], [2, 1, 1]));
    /// let y = x.conv1d(difference, Convolution::default());
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 4.0]);
    /// let causal = x.conv1d(difference, Convolution { before: 1, ..Default::default() });
    /// assert_eq!(causal.value().to_vec(), [1.0, 1.0, 2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes are not these, the padded sequence is shorter than the reach of the weight,
    /// `K`, the stride or the dilation is 0, or the two belong to different tapes.
    #[track_caller]
    pub fn conv1d(self, weight: Self, how: Convolution) -> Self {
        let (shape, w) = (self.shape(), weight.shape());
        let (&[time, _, features], &[kernel, inputs, outputs]) = (&shape[..], &w[..]) else {
            fail!("conv1d: shapes {shape} and {w} do not convolve; they must be [T, B, F] and [K, F, O]")
        };
        ensure!(
            features == inputs,
            "conv1d: shapes {shape} and {w} do not convolve; they must be [T, B, F] and [K, F, O]"
        );
        let Convolution { stride, before, after, dilation } = how;
        ensure!(kernel > 0 && stride > 0 && dilation > 0, "conv1d: the kernel size, stride and dilation must not be 0");
        let padded = before.checked_add(after).and_then(|margin| margin.checked_add(time));
        let Some(padded) = padded else {
            fail!("conv1d: {before} and {after} zeros are too many for shape {shape}")
        };
        let reach = (kernel - 1).saturating_mul(dilation).saturating_add(1);
        ensure!(padded >= reach, "conv1d: weight {w} reaches over {reach} time steps, the padded sequence has {padded}");
        let steps = (padded - reach) / stride + 1;
        let x = if before + after > 0 { self.pad(0, before, after) } else { self };
        // The inputs of all weights at each step are put next to each other: one product does the
        // rest.
        let step = isize::try_from(stride).unwrap_or(isize::MAX); // beyond every sequence
        let seen = |k: usize| {
            let start = k * dilation;
            x.slice_step(0, start..start + (steps - 1) * stride + 1, step)
        };
        let seen: Vec<Self> = (0..kernel).map(seen).collect();
        Var::concat(2, &seen).matmul(weight.reshape([kernel * features, outputs]))
    }
}
