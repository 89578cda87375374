//! Jacobians of a hand-tracking model, as ADBench has it: 28 angles and positions move 22 bones, and these blend the
//! positions of 544 vertices, some of which are compared with points.

use crate::least;
use unspool::autograd::{jacfwd, jvp};
use unspool::prelude::*;

const BONES: usize = 22;
const VERTICES: usize = 544;
const DIRECTIONS: usize = 28;

struct Hand {
    /// Of each bone to its parent, and of its resting position `[BONES, 4, 4]`.
    relatives: Tensor<f64>,
    inverses: Tensor<f64>,
    parents: [usize; BONES],
    /// Resting positions `[VERTICES, 4, 1]`, and how much each bone moves them `[VERTICES, BONES]`.
    vertices: Tensor<f64>,
    weights: Tensor<f64>,
    /// Which vertex is to be where.
    chosen: Vec<usize>,
    points: Tensor<f64>,
}

#[derive(Params)]
struct Pose<P> {
    theta: P,
}

pub fn report() {
    println!("| points | objective, us | {DIRECTIONS} directions at once | ratio | one by one | ratio |");
    println!("|---|---|---|---|---|---|");
    for n in [100, 1000, 20_000] {
        let hand = Hand::new(n);
        let theta = crate::values([DIRECTIONS], 1.0);
        let mut tape = Tape::new();
        let mut objective = || {
            let value = hand.distances(&tape, tape.constant(&theta)).value();
            tape.reset();
            drop(std::hint::black_box(value));
        };
        let mut at_once = || drop(std::hint::black_box(jacfwd(&theta, |tape, theta| hand.distances(tape, theta))));
        let mut one_by_one = || {
            for k in 0..DIRECTIONS {
                let one = Pose { theta: Tensor::from_fn([DIRECTIONS], |i| f64::from(u8::from(i == k))) };
                let pose = Pose { theta: theta.clone() };
                drop(std::hint::black_box(jvp(&pose, &one, |tape, pose| hand.distances(tape, pose.theta))));
            }
        };
        let [a, b, c] = least([&mut objective, &mut at_once, &mut one_by_one]);
        println!("| {n} | {:.0} | {:.0} | {:.1} | {:.0} | {:.1} |", a * 1e6, b * 1e6, b / a, c * 1e6, c / a);
    }
}

impl Hand {
    fn new(points: usize) -> Hand {
        let values = |shape: &[usize]| crate::values(shape, 1.0);
        Hand {
            relatives: values(&[BONES, 4, 4]),
            inverses: values(&[BONES, 4, 4]),
            parents: std::array::from_fn(|bone| if bone % 4 == 1 { 0 } else { bone.saturating_sub(1) }),
            vertices: values(&[VERTICES, 4, 1]),
            weights: values(&[VERTICES, BONES]),
            chosen: (0..points).map(|i| i * 37 % VERTICES).collect(),
            points: values(&[points, 3]),
        }
    }

    fn distances<'t, T: Scalar>(&self, tape: &'t Tape<T>, theta: Var<'t, T>) -> Var<'t, T> {
        let relatives = tape.data(&self.relatives);
        let mut absolutes: Vec<Var<'t, T>> = Vec::with_capacity(BONES);
        for bone in 0..BONES {
            let mut relative = relatives.select(0, bone);
            if bone % 4 != 0 {
                relative = relative.matmul(rotation(tape, [bone + 3, bone + 2, 0].map(|i| theta.select(0, i))));
            }
            absolutes.push(if bone == 0 { relative } else { absolutes[self.parents[bone]].matmul(relative) });
        }
        let transforms = Var::stack(0, &absolutes).matmul(tape.data(&self.inverses));
        let blended = tape.data(&self.weights).matmul(transforms.reshape([BONES, 16])).reshape([VERTICES, 4, 4]);
        let positions = blended.matmul(tape.data(&self.vertices)).squeeze(2).slice(1, 0..3);
        let turn = rotation(tape, [0, 1, 2].map(|i| theta.select(0, i))).slice(0, 0..3).slice(1, 0..3);
        let positions = positions.matmul(turn.t()) + theta.slice(0, 3..6);
        let chosen = positions.index_select(0, &self.chosen[..]);
        (tape.data(&self.points) - chosen).reshape([3 * self.chosen.len()])
    }
}

/// The rotation by three angles, as a matrix `[4, 4]`.
fn rotation<'t, T: Scalar>(tape: &'t Tape<T>, angles: [Var<'t, T>; 3]) -> Var<'t, T> {
    let [(sx, cx), (sy, cy), (sz, cz)] = angles.map(|angle| (angle.sin(), angle.cos()));
    let [o, i] = [0.0, 1.0].map(|number| tape.constant(&Tensor::full(T::from_f64(number), [])));
    let matrix = |elements: [Var<'t, T>; 16]| Var::stack(0, &elements).reshape([4, 4]);
    let x = matrix([i, o, o, o, o, cx, -sx, o, o, sx, cx, o, o, o, o, i]);
    let y = matrix([cy, o, sy, o, o, i, o, o, -sy, o, cy, o, o, o, o, i]);
    let z = matrix([cz, -sz, o, o, sz, cz, o, o, o, o, i, o, o, o, o, i]);
    z.matmul(y).matmul(x)
}
