//! The matrix LSTM of xLSTM.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, glorot_uniform};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Shape, Tensor, Var};

/// The LSTM with a matrix memory of xLSTM; its output is h `[B, H]`. It has N heads of width
/// `D = H / N`; its state is `(C, n, m)`, `[B, N, D, D]`, `[B, N, D]` and `[B, N]`.
///
/// ```text
/// q_t, k_t, v_t = x_t W_q + b_q, (x_t W_k + b_k) / sqrt(D), x_t W_v + b_v
/// ĩ_t, f̃_t, o_t = x_t W_i + b_i, x_t W_f + b_f, σ(x_t W_o + b_o)
/// m_t = max(log σ(f̃_t) + m_{t-1}, ĩ_t)
/// i_t, f_t = exp(ĩ_t - m_t), exp(log σ(f̃_t) + m_{t-1} - m_t)
/// C_t = f_t C_{t-1} + i_t v_tᵀ k_t
/// n_t = f_t n_{t-1} + i_t k_t
/// h_t = o_t ⊙ (q_t C_tᵀ) / max(|n_t · q_t|, exp(-m_t))
/// ```
///
/// Beck et al. 2024, "xLSTM: extended long short-term memory", equations 19 to 27, each head for
/// itself. m is a stabilizer: it changes C and n by a factor of `exp(-m_t)` and h not at all, since
/// the paper's bound of 1 on the denominator becomes `exp(-m_t)`.
///
/// Nothing but the memory depends on the steps before, so that many steps are computed at once, in
/// the parallel form of the paper's appendix, from the state before them: each output is a sum over
/// these steps, weighted like attention, and what the state before contributes.
///
/// ```
/// use unspool::cells::Mlstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Mlstm::<Tensor>::new(&mut rng(0), 3, 8, 2));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 8]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Mlstm<P> {
    /// The projection of the input: `W` `[F, 4H + 2N]` and `b` `[4H + 2N]`, in the order q, k, v, o
    /// (`[H]` each), i, f (`[N]` each).
    pub x: Dense<P>,
    /// N, the number of heads.
    pub heads: usize,
}

impl<T: Scalar> Mlstm<Tensor<T>> {
    /// A cell with Glorot-uniform weights, forget gate biases from 3 at the first head to 6 at the
    /// last, as in the paper, and all other biases 0.
    ///
    /// # Panics
    /// If there is no head, or they do not divide `hidden`.
    #[track_caller]
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize, heads: usize) -> Self {
        let divides = heads > 0 && hidden.is_multiple_of(heads);
        ensure!(divides, "Mlstm: {heads} heads do not divide the hidden size {hidden}");
        let wide = blocks(rng, 4, |rng| glorot_uniform(rng, inputs, hidden));
        let narrow = blocks(rng, 2, |rng| glorot_uniform(rng, inputs, heads));
        let slope = 3.0 / (heads.max(2) - 1) as f64;
        let bias = Tensor::from_fn([4 * hidden + 2 * heads], |i| {
            let head = i.checked_sub(4 * hidden + heads);
            head.map_or(T::ZERO, |head| T::from_f64(3.0 + slope * head as f64))
        });
        Mlstm { x: Dense { weight: Tensor::concat(1, &[wide, narrow]), bias }, heads }
    }
}

/// What a step, or many, take from their inputs: `[.., N, D]` q, k and v, `[.., N]` the logarithms
/// of the gates i and f, and o `[.., H]`.
struct Projected<'t, T: Scalar> {
    q: Var<'t, T>,
    k: Var<'t, T>,
    v: Var<'t, T>,
    o: Var<'t, T>,
    log_i: Var<'t, T>,
    log_f: Var<'t, T>,
}

impl<'t, T: Scalar> Mlstm<Var<'t, T>> {
    fn hidden(&self) -> usize {
        (self.x.bias.shape()[0] - 2 * self.heads) / 4
    }

    fn take_apart(&self, x: Var<'t, T>) -> Projected<'t, T> {
        let (hidden, heads, axis) = (self.hidden(), self.heads, x.shape().rank() - 1);
        let parts = x.split(axis, &[hidden, hidden, hidden, hidden, heads, heads]);
        let width = hidden / heads;
        let by_head = |part: Var<'t, T>| {
            let shape: Shape = part.shape()[..axis].iter().copied().chain([heads, width]).collect();
            part.reshape(shape)
        };
        let [q, k, v] = [0, 1, 2].map(|i| by_head(parts[i]));
        let k = k * (1.0 / (width as f64).sqrt());
        Projected { q, k, v, o: parts[3].sigmoid(), log_i: parts[4], log_f: parts[5].logsigmoid() }
    }

    /// The denominator of h. exp(80) is the largest that f32 holds with room to spare; m is smaller
    /// than -80 only where every input gate is, and there h is 0 either way.
    fn normalizer(overlap: Var<'t, T>, m: Var<'t, T>) -> Var<'t, T> {
        overlap.abs().maximum((-m).minimum(80.0).exp())
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Mlstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let (heads, width) = (self.heads, self.hidden() / self.heads);
        let zeros = |shape: &[usize]| self.x.bias.new_zeros(shape);
        (zeros(&[batch, heads, width, width]), zeros(&[batch, heads, width]), zeros(&[batch, heads]))
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (c, n, m): Self::State) -> (Var<'t, T>, Self::State) {
        let Projected { q, k, v, o, log_i, log_f } = self.take_apart(x);
        let kept = log_f + m;
        let m = kept.maximum(log_i);
        let (i, f) = ((log_i - m).exp().unsqueeze(2), (kept - m).exp().unsqueeze(2));
        let c = f.unsqueeze(3) * c + v.unsqueeze(3).matmul((i * k).unsqueeze(2)); // vᵀ k, of rows
        let n = f * n + i * k;
        let read = c.matmul(q.unsqueeze(3)).squeeze(3); // [B, N, D]
        let h = read / Self::normalizer((n * q).sum_axes(&[2]), m).unsqueeze(2);
        (o * h.reshape(o.shape()), (c, n, m))
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, (c, n, m): Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let Projected { q, k, v, o, log_i, log_f } = self.take_apart(xs);
        let steps = xs.shape()[0];
        // Time next to the end: [B, N, K, D] and [B, N, K].
        let [q, k, v] = [q, k, v].map(|x| x.permute(&[1, 2, 0, 3]));
        let [log_i, log_f] = [log_i, log_f].map(|x| x.permute(&[1, 2, 0]));

        // The logarithm of what is left at step t of step s, [B, N, t, s], and of the state before. Sums over
        // the steps between, not differences of sums from the start: these would lose digits.
        let shape: Shape = log_f.shape().iter().copied().chain([steps]).collect();
        let forgotten = log_f.unsqueeze(3).expand(shape).tril(-1).cumsum(2);
        let left = forgotten + log_i.unsqueeze(2);
        let later = xs.tape().constant(&Tensor::ones([steps, steps])).triu(1);
        let left = left.masked_fill(later, -1e30);
        let left_before = log_f.cumsum(2) + m.unsqueeze(2);

        let m = left_before.maximum(left.max_axes(&[3]));
        let (weight, weight_before) = ((left - m.unsqueeze(3)).exp(), (left_before - m).exp());

        let attention = weight * q.matmul(k.transpose(2, 3));
        let read = attention.matmul(v) + weight_before.unsqueeze(3) * q.matmul(c.transpose(2, 3));
        let overlap = attention.sum_axes(&[3]) + weight_before * q.matmul(n.unsqueeze(3)).squeeze(3);
        let h = read / Self::normalizer(overlap, m).unsqueeze(3);
        let outputs = o * h.permute(&[2, 0, 1, 3]).reshape(o.shape());

        // The memory after the last step; those between are never made.
        let last = steps - 1;
        let (weight, weight_before) = (weight.select(2, last).unsqueeze(3), weight_before.select(2, last).unsqueeze(2));
        let k = weight * k;
        let c = weight_before.unsqueeze(3) * c + v.transpose(2, 3).matmul(k);
        let n = weight_before * n + k.sum_axes(&[2]);
        Some(Unrolled { outputs, states: None, state: (c, n, m.select(2, last)) })
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["C", "n", "m"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["o"]
    }
}

/// A recurrent layer of [`Mlstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::mlstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(mlstm(3, 8, 2)).add(dense(8, 1)); // two heads of 4 units
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn mlstm(inputs: usize, hidden: usize, heads: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Mlstm<Tensor>> {
    recurrent(move |rng| Mlstm::new(rng, inputs, hidden, heads))
}
