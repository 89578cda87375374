//! An LSTM and its backpropagation through time, written out on tensors: what the tape is held against.

use crate::values;
use unspool::prelude::*;

/// A layer of LSTM cells without a tape, with the mean of its squared outputs as the loss.
pub struct LstmByHand {
    w: Tensor,
    b: Tensor,
    u: Tensor,
    hidden: usize,
}

/// What the way back needs: of all steps the input, the gates i, f, g, o, and one entry more of c and h, the state before
/// the first step.
pub struct Kept {
    xs: Tensor,
    gates: Vec<[Tensor; 4]>,
    c: Vec<Tensor>,
    h: Vec<Tensor>,
}

impl LstmByHand {
    /// The layer with the given weights: `[I, 4H]`, `[4H]`, `[H, 4H]`, in the order i, f, g, o.
    pub fn new(w: Tensor, b: Tensor, u: Tensor) -> Self {
        let hidden = u.shape()[0];
        LstmByHand { w, b, u, hidden }
    }

    /// The layer with weights of no meaning.
    pub fn of_size(inputs: usize, hidden: usize) -> Self {
        let scaled = |shape: [usize; 2]| values(shape).map(|v| v / (hidden as f32).sqrt());
        Self::new(scaled([inputs, 4 * hidden]), values([4 * hidden]), scaled([hidden, 4 * hidden]))
    }

    /// The loss over a sequence `[T, B, I]`.
    pub fn forward(&self, xs: &Tensor) -> (f32, Kept) {
        let (time, batch, hidden) = (xs.shape()[0], xs.shape()[1], self.hidden);
        let projected = xs.matmul(&self.w).into_zip(&self.b, |x, b| x + b);
        let zeros = Tensor::zeros([batch, hidden]);
        let mut kept = Kept { xs: xs.clone(), gates: Vec::with_capacity(time), c: vec![zeros.clone()], h: vec![zeros] };
        let mut loss = 0.0;
        for t in 0..time {
            let sum = kept.h[t].matmul(&self.u).into_zip(&projected.select(0, t), |u, x| u + x);
            let part = |gate: usize| sum.slice(1, gate * hidden..(gate + 1) * hidden);
            let [i, f, o] = [0, 1, 3].map(|gate| part(gate).map(Number::sigmoid));
            let g = part(2).map(Number::tanh);
            let added = i.zip(&g, |i, g| i * g);
            let c = f.zip3(&kept.c[t], &added, |f, c, added| f * c + added);
            let h = o.zip(
                &c,
                #[inline(always)] // without it a large body is compiled without SIMD
                |o, c| o * Number::tanh(c),
            );
            loss += h.map(|h| h * h).sum().item();
            kept.gates.push([i, f, g, o]);
            kept.c.push(c);
            kept.h.push(h);
        }
        (loss / (time * batch * hidden) as f32, kept)
    }

    /// The gradients of W, b and U.
    pub fn backward(&self, kept: &Kept) -> [Tensor; 3] {
        let (time, batch, hidden) = (kept.gates.len(), kept.h[0].shape()[0], self.hidden);
        let scale = 2.0 / (time * batch * hidden) as f32;
        let transposed = self.u.t().contiguous();
        let mut gradients = Tensor::zeros([time * batch, 4 * hidden]);
        let [mut dh, mut dc] = [0; 2].map(|_| Tensor::zeros([batch, hidden]));
        for t in (0..time).rev() {
            let [i, f, g, o] = &kept.gates[t];
            dh.update(&kept.h[t + 1], |dh, h| dh + scale * h);
            let tanh = kept.c[t + 1].map(Number::tanh);
            let through = o.zip3(&dh, &tanh, |o, dh, tanh| o * dh * (1.0 - tanh * tanh));
            dc.update(&through, |dc, through| dc + through);
            let parts = [
                i.zip3(&dc, g, |i, dc, g| dc * g * i * (1.0 - i)),
                f.zip3(&dc, &kept.c[t], |f, dc, before| dc * before * f * (1.0 - f)),
                g.zip3(&dc, i, |g, dc, i| dc * i * (1.0 - g * g)),
                o.zip3(&dh, &tanh, |o, dh, tanh| dh * tanh * o * (1.0 - o)),
            ];
            let step = Tensor::concat(1, &parts);
            gradients.slice_assign(0, t * batch, &step);
            dc.update(f, |dc, f| dc * f);
            dh = step.matmul(&transposed);
        }
        let mut dw = Tensor::zeros(self.w.shape());
        dw.add_matmul_tn(&kept.xs, &gradients);
        let mut du = Tensor::zeros(self.u.shape());
        du.add_matmul_tn(&Tensor::concat(0, &kept.h[..time]), &gradients);
        [dw, gradients.sum_axis(0), du]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unspool::Lstm;

    #[test]
    fn the_gradients_are_those_of_the_tape() {
        let (model, xs) = (Recurrent::new(Lstm::<Tensor>::new(&mut rng(1), 3, 5)), values([7, 2, 3]));
        let tape = Tape::new();
        let net = tape.bind(&model);
        let loss = net.forward(tape.constant(&xs)).sequence().square().mean();
        let expected = loss.backward().of(&net).cell;

        let Lstm { x, u, .. } = model.cell;
        let by_hand = LstmByHand::new(x.weight, x.bias, u);
        let (value, kept) = by_hand.forward(&xs);
        assert!((value - loss.item()).abs() < 1e-6);
        for (a, b) in by_hand.backward(&kept).iter().zip([&expected.x.weight, &expected.x.bias, &expected.u]) {
            assert_eq!(a.shape(), b.shape());
            for (a, b) in a.to_vec().iter().zip(b.to_vec()) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}
