//! Gradients as variables of the tape, which can be differentiated.

use super::pullback::{Pullback, Reader};
use super::pushforward::Pushforward;
use crate::params::{Params, Path};
use crate::tape::{Tape, Var};
use std::collections::HashMap;
use std::sync::Arc;
use unspool_tensor::{Nests, Scalar};

/// # Gradients on the tape
impl<'t, T: Nests> Var<'t, T> {
    /// The gradients of this value, a loss of one element, with respect to other values of the tape, as
    /// variables: they can be part of a loss, and be differentiated in turn. PyTorch's
    /// `grad(.., create_graph=True)`.
    ///
    /// The numbers of the tape are [`Nested`](crate::Nested). With `Nested<f64>` the gradient of a gradient can be
    /// had by [`backward`](Var::backward), with each further `Nested` around them one derivative more.
    ///
    /// ```
    /// use unspool::tensor::Nested;
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::<Nested<f64>>::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]).cast());
    /// let y = (x.square() * x).sum();
    /// let [slope] = y.gradient_wrt([x]); // 3 x²
    /// let penalty = slope.square().sum(); // 9 x⁴
    /// assert_eq!(penalty.item().0, 9.0 + 144.0);
    /// assert_eq!(penalty.backward().wrt(x).cast::<f64>().to_vec(), [36.0, 288.0]); // 36 x³
    /// ```
    ///
    /// The gradient of a value that this one does not depend on is zero. The values of the tape are kept:
    /// [`release`](Tape::release) and [`checkpoint`](Tape::checkpoint) free nothing on a tape of such numbers.
    ///
    /// # Panics
    /// If the value does not have exactly one element, or a value is a constant or belongs to another tape.
    #[track_caller]
    pub fn gradient_wrt<const N: usize>(self, values: [Self; N]) -> [Self; N] {
        self.require_one_element("gradient_wrt");
        for value in values {
            self.require_differentiable("gradient_wrt", value);
        }
        let gradients = self.recorded_gradients(&values);
        let mut gradients = gradients.into_iter();
        values.map(|_| gradients.next().expect("one for each"))
    }

    /// [`gradient_wrt`](Var::gradient_wrt) for the parameters of a model that was bound to the tape: the model with
    /// each of its parameters replaced by its gradient, of which a [buffer](Params#buffers) has zero. One step of
    /// gradient descent that can be differentiated, MAML's inner step:
    ///
    /// ```
    /// use unspool::prelude::*;
    /// use unspool::tensor::Nested;
    ///
    /// #[derive(Params)]
    /// struct Line<P> { slope: P, offset: P }
    ///
    /// fn loss<'t>(line: &Line<Var<'t, Nested<f64>>>, x: f64, y: f64) -> Var<'t, Nested<f64>> {
    ///     (line.slope * x + line.offset - y).square()
    /// }
    ///
    /// let model = Line { slope: Tensor::<f64>::scalar(1.0), offset: Tensor::scalar(0.0) };
    /// let tape = Tape::new();
    /// let line = tape.bind(&model.cast());
    /// let g = loss(&line, 1.0, 2.0).gradient_of(&line);
    /// let adapted = line.zip_leaves(&g, |&parameter, &g| parameter - 0.1 * g);
    /// let outer = loss(&adapted, 2.0, 1.0).backward().of(&line);
    /// // Through the inner step: (I - 0.1 H) g', with H = [[2, 2], [2, 2]] and g' = 2 (2.6 - 1) (2, 1).
    /// assert!((outer.slope.item().0 - (6.4 - 0.1 * 2.0 * (6.4 + 3.2))).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// If the value does not have exactly one element, or a parameter is not a variable of this tape.
    #[track_caller]
    pub fn gradient_of<N: Params<Self>>(self, net: &N) -> N::With<Self> {
        self.require_one_element("gradient_of");
        let mut parameters = Vec::new();
        net.visit_leaves(Path::ROOT, &mut |path, &var| {
            if !path.is_buffer() {
                parameters.push(var);
            }
        });
        for &parameter in &parameters {
            self.require_differentiable("gradient_of", parameter);
        }
        let mut gradients = self.recorded_gradients(&parameters).into_iter();
        net.map_leaves(Path::ROOT, &mut |path, var| {
            if path.is_buffer() {
                return self.tape.full(0.0, var.shape());
            }
            gradients.next().expect("one for each parameter")
        })
    }

    /// How this value changes as others move along directions: its Jacobian times them, as a variable that can
    /// be differentiated in turn. Each direction has the shape of its value.
    ///
    /// The numbers of the tape are [`Nested`](crate::Nested); [`jvp`](crate::jvp) takes any.
    ///
    /// ```
    /// use unspool::tensor::Nested;
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::<Nested<f64>>::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]).cast());
    /// let speed = (x.square() * x).jvp([(x, x)]); // 3 x³, of x³ along x
    /// assert_eq!(speed.value().cast::<f64>().to_vec(), [3.0, 24.0]);
    /// assert_eq!(speed.sum().backward().wrt(x).cast::<f64>().to_vec(), [9.0, 36.0]); // 9 x²
    /// ```
    ///
    /// Of a value that does not depend on those that move, it is zero. A direction may itself be computed from
    /// other values of the tape. A value that is given twice moves along the sum; one that was computed from another
    /// that moves follows its own direction alone.
    ///
    /// # Panics
    /// If a direction has another shape than its value, a value is a constant, or one of them belongs to another tape.
    #[track_caller]
    pub fn jvp<const N: usize>(self, moves: [(Self, Self); N]) -> Self {
        let tape = self.tape;
        let end = self.id() as usize + 1;
        let mut tangents: Vec<Option<Self>> = vec![None; end];
        for (value, direction) in moves {
            self.require_differentiable("jvp", value);
            self.require_same_tape("jvp", direction);
            let (shape, given) = (value.shape(), direction.shape());
            ensure!(shape == given, "jvp: a value of shape {shape} cannot move along {given}");
            if let Some(tangent) = tangents.get_mut(value.id() as usize) {
                *tangent = Some(tangent.map_or(direction, |sum| sum + direction));
            }
        }
        let is_read = self.ancestors();
        for id in (0..end).filter(|&id| is_read[id]) {
            let moves = |&input: &u32| tangents[input as usize].is_some();
            let moves = tape.record.borrow().inputs_of(id as u32).iter().any(moves);
            if tangents[id].is_none() && moves {
                tangents[id] = Some(tape.record_pushforward(id as u32, &tangents));
            }
        }
        tangents[end - 1].unwrap_or_else(|| tape.full(0.0, self.shape()))
    }

    /// Of each value up to this one, whether this one was computed from it.
    fn ancestors(self) -> Vec<bool> {
        let record = self.tape.record.borrow();
        let mut is_read = vec![false; self.id() as usize + 1];
        is_read[self.id() as usize] = true;
        for id in (0..is_read.len()).rev() {
            if is_read[id] {
                record.inputs_of(id as u32).iter().for_each(|&input| is_read[input as usize] = true);
            }
        }
        is_read
    }

    #[track_caller]
    fn require_one_element(self, name: &str) {
        let shape = self.shape();
        ensure!(shape.numel() == 1, "{name}: a loss has one element, this value has shape {shape}");
    }

    #[track_caller]
    fn require_differentiable(self, name: &str, value: Self) {
        self.require_same_tape(name, value);
        ensure!(value.requires_grad(), "{name}: a constant has no gradient");
    }

    #[track_caller]
    fn require_same_tape(self, name: &str, value: Self) {
        ensure!(std::ptr::eq(self.tape, value.tape), "{name}: the values belong to different tapes");
        self.tape.record.borrow().check_epoch(name, value);
    }

    /// The gradients with respect to these values, recorded.
    ///
    /// As the backward pass, one walk over the tape from this value to its start; but only along values that
    /// depend on those asked for.
    #[track_caller]
    fn recorded_gradients(self, of: &[Self]) -> Vec<Self> {
        let tape = self.tape;
        let end = self.id() as usize + 1;
        let mut depends = vec![false; end];
        for var in of.iter().filter(|var| var.id() < end as u32) {
            depends[var.id() as usize] = true;
        }
        {
            let record = tape.record.borrow();
            for id in 0..end {
                depends[id] |= record.inputs_of(id as u32).iter().any(|&input| depends[input as usize]);
            }
        }
        let mut gradients: Vec<Option<Self>> = vec![None; end];
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); end];
        gradients[end - 1] = Some(tape.full(1.0, self.shape()));
        for id in (0..end).rev().filter(|&id| depends[id]) {
            if !readers[id].is_empty() {
                gradients[id] = Some(tape.record_pullback(id as u32, &readers[id], &gradients));
            }
            if gradients[id].is_some() {
                let record = tape.record.borrow();
                for &input in record.inputs_of(id as u32) {
                    let readers = &mut readers[input as usize];
                    if depends[input as usize] && readers.last() != Some(&(id as u32)) {
                        readers.push(id as u32);
                    }
                }
            }
        }
        let gradient = |var: &Self| gradients.get(var.id() as usize).copied().flatten();
        of.iter().map(|var| gradient(var).unwrap_or_else(|| tape.full(0.0, var.shape()))).collect()
    }
}

/// The inputs of a derivative, each value once.
#[derive(Default)]
struct Positions {
    ids: Vec<u32>,
    position_of: HashMap<u32, u32>,
}

impl Positions {
    fn of(&mut self, id: u32) -> u32 {
        *self.position_of.entry(id).or_insert_with(|| {
            self.ids.push(id);
            self.ids.len() as u32 - 1
        })
    }
}

impl<T: Scalar> Tape<T> {
    /// Records the gradient of value `id`, given those of the values that ops computed from it.
    #[track_caller]
    fn record_pullback<'t>(&'t self, id: u32, readers: &[u32], gradients: &[Option<Var<'t, T>>]) -> Var<'t, T> {
        let record = &mut *self.record.borrow_mut();
        let mut positions = Positions::default();
        positions.of(id);
        let readers = readers.iter().map(|&reader| Reader {
            op: record.ops.only(record.nodes[reader as usize].op()),
            inputs: record.inputs_of(reader).iter().map(|&input| positions.of(input)).collect(),
            grad: positions.of(gradients[reader as usize].expect("its readers have gradients").id()),
            value: Some(record.values[reader as usize].clone()),
        });
        let pullback = Pullback { readers: readers.collect() };
        let id = record.push_derivative(pullback, &positions.ids);
        Var::new(self, id, record.epoch)
    }

    /// Records the tangent of value `id`, given those of the values that it was computed from.
    #[track_caller]
    fn record_pushforward<'t>(&'t self, id: u32, tangents: &[Option<Var<'t, T>>]) -> Var<'t, T> {
        let record = &mut *self.record.borrow_mut();
        let mut positions = Positions::default();
        let inputs: Arc<[u32]> = record.inputs_of(id).iter().map(|&input| positions.of(input)).collect();
        let values = positions.ids.clone();
        let tangent_of = |&id: &u32| tangents[id as usize].map(|tangent| (id, tangent.id()));
        let moving: Vec<(u32, u32)> = values.iter().filter_map(tangent_of).collect();
        let mut ids = values.clone();
        let tangents = moving.into_iter().map(|(value, tangent)| {
            let at = values.iter().position(|&id| id == value).expect("an input");
            ids.push(tangent);
            (at as u32, ids.len() as u32 - 1)
        });
        let tangents = tangents.collect();
        let op = record.ops.only(record.nodes[id as usize].op());
        let id = record.push_derivative(Pushforward { op, inputs, tangents }, &ids);
        Var::new(self, id, record.epoch)
    }
}
