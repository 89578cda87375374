//! Cells as a user of the library would write them: a struct, its gradient derived, and one step.

use unspool::init::{glorot_uniform, orthogonal};
use unspool::layers::LayerNorm;
use unspool::prelude::*;

/// `n` orthogonal `[H, H]` weights side by side.
fn recurrent_weights(rng: &mut Rng, hidden: usize, n: usize) -> Tensor {
    let blocks: Vec<Tensor> = (0..n).map(|_| orthogonal(rng, hidden, hidden)).collect();
    Tensor::concat(1, &blocks)
}

/// The long short-term memory, once more.
#[derive(Params)]
pub struct PlainLstm<P> {
    x: Dense<P>,
    u: P,
}

impl PlainLstm<Tensor> {
    /// A cell with fresh weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        PlainLstm { x: Dense::new(rng, inputs, 4 * hidden), u: recurrent_weights(rng, hidden, 4) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for PlainLstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [input, forget, candidate, output] = (x + h.matmul(self.u)).chunks();
        let c = forget.sigmoid() * c + input.sigmoid() * candidate.tanh();
        let h = output.sigmoid() * c.tanh();
        (h, (h, c))
    }
}

/// The LSTM whose gates see the cell state: Gers and Schmidhuber 2000.
#[derive(Params)]
pub struct Peephole<P> {
    x: Dense<P>,
    u: P,
    p_i: P,
    p_f: P,
    p_o: P,
}

impl Peephole<Tensor> {
    /// A cell with fresh weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::new(rng, inputs, 4 * hidden);
        let [p_i, p_f, p_o] = [0.1, 0.2, -0.1].map(|p| Tensor::full(p, [hidden]));
        Peephole { x, u: recurrent_weights(rng, hidden, 4), p_i, p_f, p_o }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Peephole<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + h.matmul(self.u)).chunks();
        let i = (i + self.p_i * c).sigmoid();
        let f = (f + self.p_f * c).sigmoid();
        let c = f * c + i * g.tanh();
        let o = (o + self.p_o * c).sigmoid();
        let h = o * c.tanh();
        (h, (h, c))
    }
}

/// The minimal gated unit: Zhou et al. 2016.
#[derive(Params)]
pub struct Mgu<P> {
    x: Dense<P>,
    u_f: P,
    u_c: P,
}

impl Mgu<Tensor> {
    /// A cell with fresh weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::new(rng, inputs, 2 * hidden);
        Mgu { x, u_f: orthogonal(rng, hidden, hidden), u_c: orthogonal(rng, hidden, hidden) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Mgu<Var<'t, T>> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.u_f.new_zeros([batch, self.u_f.shape()[0]])
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [xf, xc] = x.chunks();
        let f = (xf + h.matmul(self.u_f)).sigmoid();
        let c = (xc + (f * h).matmul(self.u_c)).tanh();
        let h = h + f * (c - h);
        (h, h)
    }
}

/// The LSTM whose two projections and whose cell state are normalized: Ba, Kiros and Hinton 2016.
#[derive(Params)]
pub struct LayerNormLstm<P> {
    w: P,
    u: P,
    norm_x: LayerNorm<P>,
    norm_h: LayerNorm<P>,
    norm_c: LayerNorm<P>,
}

impl LayerNormLstm<Tensor> {
    /// A cell with fresh weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let w = glorot_uniform(rng, inputs, 4 * hidden);
        let [norm_x, norm_h, norm_c] = [4 * hidden, 4 * hidden, hidden].map(LayerNorm::new);
        LayerNormLstm { w, u: recurrent_weights(rng, hidden, 4), norm_x, norm_h, norm_c }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for LayerNormLstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.norm_x.forward(xs.matmul(self.w))
    }

    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + self.norm_h.forward(h.matmul(self.u))).chunks();
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * self.norm_c.forward(c).tanh();
        (h, (h, c))
    }
}

/// The minimal GRU of Feng et al. 2024, as `unspool::cells::MinGru`, but step by step.
#[derive(Params)]
pub struct MinGruSteps<P> {
    x: Dense<P>,
}

impl MinGruSteps<Tensor> {
    /// A cell with fresh weights.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        MinGruSteps { x: Dense::new(rng, inputs, 2 * hidden) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for MinGruSteps<Var<'t, T>> {
    type State = Var<'t, T>;

    fn zero_state(&self, batch: usize) -> Self::State {
        self.x.bias.new_zeros([batch, self.x.bias.shape()[0] / 2])
    }

    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Self::State) {
        let [z, n] = x.chunks();
        let h = h.lerp(n, z.sigmoid());
        (h, h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_have_their_gradients() {
        let rng = &mut rng(6);
        macro_rules! check {
            ($cell:expr) => {
                gradcheck(&Recurrent::new($cell), |tape, net| {
                    let xs = tape.constant(&Tensor::from_fn([4, 2, 3], |i| (i as f64).sin()));
                    net.forward(xs).sequence().square().mean()
                })
                .unwrap();
            };
        }
        check!(PlainLstm::new(rng, 3, 5));
        check!(Peephole::new(rng, 3, 5));
        check!(Mgu::new(rng, 3, 5));
        check!(LayerNormLstm::new(rng, 3, 5));
    }
}
