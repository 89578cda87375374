//! Products of values whose axes are named by letters.

use crate::tape::Var;
use unspool_tensor::{MAX_RANK, Scalar, Shape};

/// The letters of a formula: one for each axis of the operands and of the result.
struct Letters<'a> {
    a: &'a str,
    b: &'a str,
    out: &'a str,
}

impl<'a> Letters<'a> {
    /// # Panics
    /// If `formula` is not of the form `ab,bc->ac`.
    #[track_caller]
    fn parse(formula: &'a str) -> Self {
        let sides = formula.split_once("->").and_then(|(inputs, out)| Some((inputs.split_once(',')?, out)));
        let Some(((a, b), out)) = sides else {
            fail!("einsum: {formula:?} is not of the form \"ab,bc->ac\"")
        };
        let letters = Letters { a: a.trim(), b: b.trim(), out: out.trim() };
        for side in [letters.a, letters.b, letters.out] {
            for (i, letter) in side.char_indices() {
                ensure!(letter.is_ascii_alphabetic(), "einsum: {letter:?} in {formula:?} is not a letter");
                ensure!(!side[..i].contains(letter), "einsum: {letter:?} names two axes of {side:?}");
            }
        }
        for letter in letters.out.chars() {
            let known = letters.a.contains(letter) || letters.b.contains(letter);
            ensure!(known, "einsum: {letter:?} in the result of {formula:?} is an axis of neither operand");
        }
        letters
    }

    /// # Panics
    /// If the formula does not fit the shapes of the operands.
    #[track_caller]
    fn check_sizes(&self, formula: &str, a: Shape, b: Shape) {
        let fits = self.a.len() == a.rank() && self.b.len() == b.rank();
        ensure!(fits, "einsum: {formula:?} does not name the axes of shapes {a} and {b}");
        for (letter, &n) in self.a.chars().zip(a.iter()) {
            let other = self.b.find(letter).map_or(n, |axis| b[axis]);
            ensure!(other == n, "einsum: axis {letter:?} has size {n} in {a} and {other} in {b}");
        }
        let named = self.out.len();
        ensure!(named <= MAX_RANK, "einsum: the result of {formula:?} has {named} axes, over {MAX_RANK}");
    }

    /// The size of an axis of an operand.
    fn size(&self, letter: char, a: Shape, b: Shape) -> usize {
        self.a.find(letter).map_or_else(|| b[self.b.find(letter).expect("an axis of an operand")], |axis| a[axis])
    }
}

impl<T: Scalar> Var<'_, T> {
    /// A product of two values whose axes are named by letters: the sum of the products of elements
    /// over all letters that the result does not name. `"tbi,io->tbo"` is a dense layer,
    /// `"bqd,bkd->bqk"` the scores of an attention, `"i,j->ij"` an outer product.
    ///
    /// For `"ab,bc->ac"`, `y_ac = sum over b of A_ab B_bc`. The gradients are products of the same
    /// kind: `dA` is `"ac,bc->ab"` of `dy` and `B`, `dB` is `"ab,ac->bc"` of `A` and `dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let queries = tape.variable(&Tensor::<f32>::ones([2, 3, 4]));
    /// let keys = tape.variable(&Tensor::<f32>::ones([2, 5, 4]));
    /// let scores = Var::einsum("bqd,bkd->bqk", queries, keys);
    /// assert_eq!(scores.shape()[..], [2, 3, 5]);
    /// assert_eq!(scores.value().at([0, 0, 0]), 4.0);
    /// ```
    ///
    /// # Panics
    /// If the formula is not of this form, names an axis of one value twice, or does not fit the
    /// shapes, or the two belong to different tapes.
    #[track_caller]
    pub fn einsum(formula: &str, a: Self, b: Self) -> Self {
        let letters = Letters::parse(formula);
        let (sa, sb) = (a.shape(), b.shape());
        letters.check_sizes(formula, sa, sb);
        let of = |letters_of: &str, keep: &dyn Fn(char) -> bool| letters_of.chars().filter(|&l| keep(l)).collect();
        let (in_a, in_b, in_out) =
            (|l| letters.a.contains(l), |l| letters.b.contains(l), |l| letters.out.contains(l));
        // Each letter has one role in the matrix products: shared by all three values, summed over,
        // or an axis of the result from one operand alone. What a formula names in one operand
        // only, `arrange` sums beforehand.
        let both: String = of(letters.a, &|l| in_b(l) && in_out(l));
        let summed: String = of(letters.a, &|l| in_b(l) && !in_out(l));
        let rows: String = of(letters.a, &|l| !in_b(l) && in_out(l));
        let columns: String = of(letters.b, &|l| !in_a(l) && in_out(l));

        let size = |letter: char| letters.size(letter, sa, sb);
        let product = |of: &str| of.chars().map(size).product::<usize>();
        // One matrix product [M, K] x [K, N] for each index of the letters that all three share.
        let matrices = |x: Self, own: &str, first: &str, second: &str| {
            let order = format!("{both}{first}{second}");
            let x = arrange(x, own, &order);
            match both.is_empty() {
                true => x.reshape([product(first), product(second)]),
                false => x.reshape([product(&both), product(first), product(second)]),
            }
        };
        let y = matrices(a, letters.a, &rows, &summed).matmul(matrices(b, letters.b, &summed, &columns));
        // The product has the axes in this order; the formula may want another.
        let made = format!("{both}{rows}{columns}");
        let sizes: Vec<usize> = made.chars().map(size).collect();
        arrange(y.reshape(&sizes[..]), &made, letters.out)
    }
}

/// The axes `names` of `x` in the order `wanted`, summed over those that are not wanted.
fn arrange<'t, T: Scalar>(x: Var<'t, T>, names: &str, wanted: &str) -> Var<'t, T> {
    let summed: Vec<usize> = (0..names.len()).filter(|&axis| !wanted.contains(&names[axis..axis + 1])).collect();
    let x = if summed.is_empty() { x } else { x.sum_axes(&summed) };
    let kept: String = names.chars().filter(|&letter| wanted.contains(letter)).collect();
    if kept == wanted {
        return x;
    }
    let order: Vec<usize> = wanted.chars().map(|letter| kept.find(letter).expect("wanted axes are kept")).collect();
    x.permute(&order)
}
