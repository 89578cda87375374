//! What layers over sequences refuse, word for word, and the line it points to.

use unspool::layers::{
    Dropout, Flatten, attention, attention_masked, dot_product_scores, scaled_dot_product_attention, sequence_mask,
    zero_padding,
};
use unspool::prelude::*;
use unspool::recurrent::{Bidirectional, Merge, Stack, StreamingCell};
use unspool_tests::{sentences, zeros};

fn lstm(inputs: usize, hidden: usize) -> Lstm<Tensor> {
    Lstm::new(&mut rng(0), inputs, hidden)
}

const EVALUATION: Mode = Mode::Evaluation;
const TRAINING: Mode = Mode::Training { seed: 0 };

#[test]
fn what_a_decoder_is_fed_must_fit() {
    let tape = Tape::new();
    let net = tape.bind(&Recurrent::new(lstm(2, 4)));
    let (first, flat, state) = (tape.constant(&zeros([3, 2])), tape.constant(&zeros([2])), |b| net.cell.zero_state(b));
    sentences! {
        net.decode(first, state(3), 0, EVALUATION, |_, y| y) => "decode: the number of steps is 0";
        net.decode(first, state(1), 2, EVALUATION, |_, y| y) => "Recurrent: the state [1, 4] does not fit a batch of 3";
        net.decode(flat, state(2), 2, EVALUATION, |_, y| y) => "decode: the first input must be [B, F], not [2]";
    }
}

#[test]
fn queries_keys_and_values_must_fit() {
    let tape = Tape::new();
    let of = |shape: &[usize]| tape.constant(&zeros(shape));
    let keys = of(&[5, 2, 4]);
    let forms = "[T, B] or [T, N, B] and [T, B, H]";
    let sdpa = |values| {
        let forms = "must be [.., L, E], [.., S, E] and [.., S, V]";
        format!("scaled_dot_product_attention: queries [5, 2, 4], keys [5, 2, 4] and {values} {forms}")
    };
    let masked = |mask| format!("scaled_dot_product_attention: the mask must be [.., 2, 2], not {mask}");
    let rows = "mask: [3, 2] does not broadcast to the rows of [5, 2, 4]";
    let queries =
        |q| format!("dot_product_scores: query {q} and keys [5, 2, 4] must be [B, H] or [N, B, H] and [T, B, H]");
    sentences! {
        attention(of(&[5, 3]), keys, None) => format!("attention: scores [5, 3] and values [5, 2, 4] must be {forms}");
        attention(of(&[2, 5, 2]), keys, None) => format!("attention: scores [2, 5, 2] and values [5, 2, 4] must be {forms}");
        attention(of(&[5, 3, 2]), keys, Some(&[6, 1])) => "attention: the length 6 of sequence 0 is greater than the 5 time steps";
        attention(of(&[5, 2]), keys, Some(&[1])) => "attention: 1 lengths for a batch of 2 sequences";
        Embedding::<Tensor>::new(&mut rng(0), 3, 2).padding(3) => "Embedding: token 3 is out of range for 3 tokens";
        attention_masked(of(&[5, 2]), keys, &zeros([5, 1])) => "attention_masked: the mask must be [T, B] or have the shape of the scores, [5, 2], not [5, 1]";
        sequence_mask::<f32>(&[1, 3], 2) => "sequence_mask: the length 3 of sequence 1 is greater than the 2 time steps";
        zero_padding(keys, Context::default().with_lengths(&[1])) => "zero_padding: 1 lengths for a batch of 2 sequences";
        zero_padding(keys, Context::default().with_mask(&zeros([5, 1]))) => "zero_padding: the mask must be [5, 2], not [5, 1]";
        scaled_dot_product_attention(keys, keys, of(&[5, 3, 4])).run() => sdpa("values [5, 3, 4]");
        scaled_dot_product_attention(keys, keys, keys).mask(&zeros([2])).run() => masked("[2]");
        scaled_dot_product_attention(keys, keys, keys).mask(&zeros([3, 2])).run() => masked("[3, 2]");
        scaled_dot_product_attention(keys, keys, keys).mask(&zeros([3, 2, 2])).run() => rows;
        dot_product_scores(of(&[3, 4]), keys) => queries("[3, 4]");
        dot_product_scores(of(&[3, 3, 4]), keys) => queries("[3, 3, 4]");
    }
}

#[test]
fn a_stream_keeps_to_its_batch() {
    let two = || {
        let mut stream = StreamingCell::new(lstm(2, 4));
        stream.step(&zeros([2, 2]));
        stream
    };
    let form = |shape| format!("StreamingCell: the input must be [B, F], not {shape}");
    let batch = |state, batch| format!("StreamingCell: the state {state} does not fit a batch of {batch}");
    let mut set = StreamingCell::new(lstm(2, 4));
    set.set_state(Some((zeros([1, 4]), zeros([3, 4]))));
    sentences! {
        two().step(&zeros([1, 2])) => batch("[2, 4]", 1);
        two().step(&zeros([3, 2])) => batch("[2, 4]", 3);
        set.step(&zeros([1, 2])) => batch("[3, 4]", 1);
        two().step(&zeros([2])) => form("[2]");
        two().step(&zeros([1, 2, 2])) => form("[1, 2, 2]");
        two().run(&zeros([5, 1, 2])) => "Recurrent: the state [2, 4] does not fit a batch of 1";
        two().run(&zeros([0, 2, 2])) => "StreamingCell: the inputs must be [T, B, F] with at least one time step, not [0, 2, 2]";
        two().run(&zeros([2, 2])) => "StreamingCell: the inputs must be [T, B, F] with at least one time step, not [2, 2]";
        two().step(&zeros([2, 3])) => "linear: shapes [1, 2, 3] and [2, 16] do not multiply: the layer takes 2 features, the input has 3 (in x)";
    }
}

/// Which part of a step is not what it must be.
#[derive(Clone, Copy)]
enum Mistake {
    Project,
    Flat,
    Output,
    State,
}

#[derive(Params)]
struct Mistaken<P> {
    unused: P,
    mistake: Mistake,
}

impl<'t> Cell<'t, f32> for Mistaken<Var<'t, f32>> {
    type State = Var<'t, f32>;
    fn zero_state(&self, batch: usize) -> Self::State {
        self.unused.new_zeros([batch, 2])
    }
    fn project(&self, xs: Var<'t, f32>) -> Var<'t, f32> {
        match self.mistake {
            Mistake::Project => xs.transpose(0, 1),
            Mistake::Flat => xs.sum(),
            _ => xs,
        }
    }
    fn step(&self, x: Var<'t, f32>, h: Self::State) -> (Var<'t, f32>, Self::State) {
        match self.mistake {
            Mistake::Output => (h.sum(), h),
            Mistake::State => (x, h.sum_keepdim(&[0])),
            _ => (x, h),
        }
    }
}

#[test]
fn a_cell_keeps_to_the_batch() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 3, 2]));
    let layer = |mistake| tape.bind(&Recurrent::new(Mistaken { unused: zeros([]), mistake }));
    let [project, flat, output, state] = [Mistake::Project, Mistake::Flat, Mistake::Output, Mistake::State].map(layer);
    let (h, lengths) = (tape.constant(&zeros([3, 2])), [5, 2, 1]);
    let projected =
        |made, given| format!("Cell: project turns {given} into {made}; the first two axes must stay the same");
    let in_cell = |sentence: String| sentence + " (in cell)";
    let stepped = "Cell: the output of a step [] does not fit a batch of 3";
    let left = "Cell: the state after a step [1, 2] does not fit a batch of 3";
    let at_0 = |sentence: &str| sentence.to_owned() + " (in cell, time step 0)";
    let stream = |mistake| StreamingCell::new(Mistaken { unused: zeros([]), mistake });
    sentences! {
        project.forward(xs) => in_cell(projected("[3, 5, 2]", "[5, 3, 2]"));
        project.apply(xs, Context::default().with_lengths(&lengths)) => in_cell(projected("[8, 1, 2]", "[1, 8, 2]"));
        project.decode(h, h, 2, EVALUATION, |_, y| y) => at_0(&projected("[3, 1, 2]", "[1, 3, 2]"));
        stream(Mistake::Project).step(&zeros([3, 2])) => projected("[3, 1, 2]", "[1, 3, 2]");
        stream(Mistake::Output).step(&zeros([3, 2])) => stepped;
        stream(Mistake::State).step(&zeros([3, 2])) => left;
        flat.forward(xs) => in_cell(projected("[]", "[5, 3, 2]"));
        output.forward(xs) => at_0(stepped);
        output.decode(h, h, 2, EVALUATION, |_, y| y) => at_0(stepped);
        state.apply(xs, Context::default().with_lengths(&lengths)) => at_0(left);
        state.decode(h, h, 2, EVALUATION, |_, y| y) => at_0(left);
    }
}

#[test]
fn wrappers_go_around_cells_they_understand() {
    use unspool::recurrent::wrappers::{Residual, Zoneout};
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 3, 4]));
    let layer = tape.bind(&Recurrent::new(Zoneout::new(Residual::new(lstm(4, 4), 4), 0.1, 0.1)));
    let sentence = "Zoneout: the output of the cell must be h, the first variable of its state (in cell, time step 0)";
    sentences! {
        layer.forward(xs) => sentence;
        layer.apply(xs, TRAINING.into()) => sentence;
    }
}

#[test]
fn probabilities_are_from_0_to_1() {
    sentences! {
        TRAINING.bernoulli(1.5) => "bernoulli: the probability 1.5 is not between 0 and 1";
        EVALUATION.bernoulli(-0.5) => "bernoulli: the probability -0.5 is not between 0 and 1";
        EVALUATION.bernoulli(f64::NAN) => "bernoulli: the probability NaN is not between 0 and 1";
    }
}

#[test]
fn lengths_must_fit_the_batch() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 3, 2]));
    let layer = tape.bind(&Recurrent::new(lstm(2, 4)));
    let both = tape.bind(&Bidirectional::new(lstm(2, 4), lstm(2, 4)));
    let stack = tape.bind(&Stack::new([Recurrent::new(lstm(2, 4)), Recurrent::new(lstm(4, 4))]));
    let backwards = tape.bind(&Recurrent::new(lstm(2, 4)).reverse());
    let batch_first = "the axes are [T, N, F], if those of the inputs are [N, T, F] swap them with transpose(0, 1)";
    sentences! {
        layer.apply(xs, Context::default().with_lengths(&[5; 5])) => format!("Recurrent: 5 lengths for a batch of 3 sequences: {batch_first} (in cell)");
        layer.apply(xs, Context::default().with_lengths(&[5, 5])) => "Recurrent: 2 lengths for a batch of 3 sequences (in cell)";
        layer.apply(xs, Context::default().with_lengths(&[5, 6, 1])) => "Recurrent: the length 6 of sequence 1 is greater than the 5 time steps (in cell)";
        layer.apply(xs, Context::default().with_mask(&zeros([5, 2]))) => "Recurrent: the mask must be [5, 3], not [5, 2] (in cell)";
        backwards.apply(xs, Context::default().with_lengths(&[5, 6, 1])) => "Recurrent: the length 6 of sequence 1 is greater than the 5 time steps (in cell)";
        layer.apply(xs, Context::default().with_lengths(&[1])) => "Recurrent: 1 lengths for a batch of 3 sequences (in cell)";
        both.apply(xs, Context::from(TRAINING).with_lengths(&[5, 5, 5, 5])) => "Recurrent: 4 lengths for a batch of 3 sequences (in forward.cell)";
        both.apply(xs, Context::default().with_lengths(&[9, 5, 5])) => "Recurrent: the length 9 of sequence 0 is greater than the 5 time steps (in forward.cell)";
        stack.run(xs, Some(vec![]), Context::default()) => "Stack: 0 states for 2 layers";
        stack.apply(xs, Context::default().with_lengths(&[])) => "Recurrent: 0 lengths for a batch of 3 sequences (in layers.0.cell)";
    }
}

#[test]
fn inputs_must_be_sequences_of_the_right_width() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.constant(&zeros(shape));
    let (flat, empty, wide) = (v(&[5, 2]), v(&[0, 3, 2]), v(&[5, 3, 6]));
    let layer = tape.bind(&Recurrent::new(lstm(2, 4)));
    let both = tape.bind(&Bidirectional::new(lstm(2, 4), lstm(2, 4)));
    let stack = tape.bind(&Stack::new([2, 4].map(|width| Recurrent::new(lstm(width, 4)))));
    let misfit = tape.bind(&Stack::new([2, 5].map(|width| Recurrent::new(lstm(width, 4)))));
    let model = tape.bind(&sequential().add(|_: &mut Rng| Recurrent::new(lstm(2, 4))));
    let (xs, two) = (v(&[5, 3, 2]), [5, 2, 1]);
    let form = "Recurrent: the input must be [T, B, F] with at least one time step, not";
    let flat_form = |at| format!("{form} [5, 2]: after a recurrent layer, add .return_sequences() to that layer{at}");
    let product = |given, weight, takes, has, layer| {
        let cure = format!("the layer takes {takes} features, the input has {has} (in {layer}.x)");
        format!("linear: shapes {given} and {weight} do not multiply: {cure}")
    };
    sentences! {
        layer.apply(flat, TRAINING.into()) => flat_form("");
        layer.apply(empty, Context::default().with_lengths(&[0, 0, 0])) => form.to_owned() + " [0, 3, 2]";
        layer.apply(flat, Context::default().with_lengths(&two)) => flat_form("");
        both.forward(flat) => flat_form(" (in forward)");
        both.apply(empty, TRAINING.into()) => form.to_owned() + " [0, 3, 2] (in forward)";
        stack.forward(flat) => flat_form(" (in layers.0)");
        stack.apply(empty, TRAINING.into()) => form.to_owned() + " [0, 3, 2] (in layers.0)";
        model.forward(flat) => flat_form(" (in layers.0)");
        model.apply(flat, TRAINING.into()) => flat_form(" (in layers.0)");
        layer.forward(wide) => product("[5, 3, 6]", "[2, 16]", 2, 6, "cell");
        layer.apply(wide, Context::default().with_lengths(&two)) => product("[1, 8, 6]", "[2, 16]", 2, 6, "cell");
        both.forward(wide) => product("[5, 3, 6]", "[2, 16]", 2, 6, "forward.cell");
        stack.forward(wide) => product("[5, 3, 6]", "[2, 16]", 2, 6, "layers.0.cell");
        misfit.forward(xs) => product("[5, 3, 4]", "[5, 16]", 5, 4, "layers.1.cell");
    }
}

#[test]
fn an_initial_state_must_be_that_of_the_batch() {
    let (tape, other) = (Tape::new(), Tape::new());
    let xs = tape.constant(&zeros([5, 3, 2]));
    let state = |batch, width| {
        let part = tape.constant(&zeros([batch, width]));
        (part, part)
    };
    let elsewhere = other.constant(&zeros([3, 4]));
    let detached = |batch| (zeros([batch, 4]), zeros([batch, 4]));
    let layer = tape.bind(&Recurrent::new(lstm(2, 4)));
    let lengths = [5, 2, 1];
    let batch = |shape| format!("Recurrent: the state {shape} does not fit a batch of 3 (in cell)");
    let width =
        "matmul: shapes [3, 5] and [4, 16] do not multiply; they must be [.., K] and [K, N] (in cell, time step 0)";
    sentences! {
        layer.run(xs, Some(state(2, 4)), Context::default()) => batch("[2, 4]");
        layer.run(xs, Some(state(1, 4)), Context::default()) => batch("[1, 4]");
        layer.run(xs, Some(state(4, 4)), Context::default().with_lengths(&lengths)) => batch("[4, 4]");
        layer.run(xs, Some(state(2, 4)), Context::default().with_lengths(&lengths)) => batch("[2, 4]");
        layer.run(xs, Some(State::attach(xs.tape(), &detached(6))), Context::default().with_lengths(&lengths)) => batch("[6, 4]");
        layer.run(xs, Some(State::attach(xs.tape(), &detached(1))), Context::default()) => batch("[1, 4]");
        layer.run(xs, Some((tape.constant(&zeros([])), tape.constant(&zeros([])))), Context::default()) => batch("[]");
        layer.run(xs, Some(state(3, 5)), Context::default()) => width;
        layer.run(xs, Some(state(3, 5)), Context::default().with_lengths(&lengths)) => width;
        layer.run(xs, Some((elsewhere, elsewhere)), Context::default()) => "matmul: the operands belong to different tapes (in cell, time step 0)";
    }
}

#[test]
fn a_detached_state_is_a_constant_of_its_next_tape() {
    let tape = Tape::new();
    let x = tape.variable(&zeros([3, 4]));
    let (h, c) = <(Var<'_, f32>, Var<'_, f32>) as State<'_, f32>>::attach(&tape, &(x, x.tanh()).detached());
    let gradients = (x + h + c).sum().backward();
    sentences! {
        gradients.wrt(h) => "gradient: a constant has none";
        gradients.wrt(c) => "gradient: a constant has none";
    }
}

#[test]
fn layers_are_made_of_layers_that_fit() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 3, 2]));
    let uneven = |merge, width| tape.bind(&Bidirectional::new(lstm(2, 4), lstm(2, width)).merge(merge));
    let (sum, mean, broadcast) = (uneven(Merge::Sum, 3), uneven(Merge::Mean, 3), uneven(Merge::Sum, 1));
    let stack = |both| Stack { layers: vec![both], dropout: 0.0, return_sequences: true };
    let (stack_of_sum, stack_of_mean) = (stack(uneven(Merge::Sum, 3)), stack(uneven(Merge::Mean, 3)));
    let sentence = "Bidirectional: outputs of sizes 4 and 3 cannot be added";
    sentences! {
        Stack::<Recurrent<Lstm<Tensor>>>::new([]) => "Stack: no layers given";
        sum.forward(xs) => sentence;
        mean.apply(xs, TRAINING.into()) => sentence;
        broadcast.forward(xs) => "Bidirectional: outputs of sizes 4 and 1 cannot be added";
        sum.apply(xs, Context::default().with_lengths(&[3, 5, 0])) => sentence;
        stack_of_sum.forward(xs) => sentence;
        stack_of_mean.forward(xs) => sentence;
    }
    assert_eq!(uneven(Merge::Concat, 3).forward(xs).last().shape()[..], [3, 7]);
}

#[test]
fn rates_of_dropout_are_at_least_0_and_less_than_1() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 3, 4]));
    let layers = || [Recurrent::new(lstm(4, 4)), Recurrent::new(lstm(4, 4))];
    let stack = tape.bind(&Stack { dropout: -0.5, ..Stack::new(layers()) });
    let rate = |rate| format!("dropout: the rate {rate} is not at least 0 and less than 1");
    sentences! {
        dropout(1.0) => rate("1");
        dropout(-0.1) => rate("-0.1");
        dropout(f64::NAN) => rate("NaN");
        Stack::new(layers()).dropout(1.5) => rate("1.5");
        Stack::new(layers()).dropout(f64::NAN) => rate("NaN");
        Dropout { rate: 2.0, same_over_time: false }.apply(xs, TRAINING.into()) => rate("2");
        TRAINING.dropout(xs, 1.0) => rate("1");
        stack.apply(xs, TRAINING.into()) => rate("-0.5");
        stack.apply(xs, Context::from(TRAINING).with_lengths(&[1, 2, 3])) => rate("-0.5");
    }
}

#[test]
fn layers() {
    let tape = Tape::new();
    let v = |shape: &[usize]| tape.variable(&Tensor::<f32>::zeros(shape));
    let (a, s) = (v(&[32, 20]), v(&[50, 32, 1]));
    let layer = tape.bind(&Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 4)));
    let head = tape.bind(&Dense::<Tensor>::new(&mut rng(0), 20, 1));
    let table = tape.bind(&Embedding::<Tensor>::new(&mut rng(0), 10, 4));
    let deep = Indices::from_vec(vec![0], [1; 6]);
    let crowded = "index_select: positions [1, 1, 1, 1, 1, 1] in place of axis 0 of [10, 4] make 7 axes, over 6";
    let sequence = "Recurrent: the input must be [T, B, F] with at least one time step, not";
    let cure = ": after a recurrent layer, add .return_sequences() to that layer";
    sentences! {
        head.forward(s) => "linear: shapes [50, 32, 1] and [20, 1] do not multiply: the layer takes 20 features, the input has 1";
        layer.forward(a) => format!("{sequence} [32, 20]{cure}");
        layer.forward(v(&[0, 2, 1])) => format!("{sequence} [0, 2, 1]");
        Flatten.forward(a) => format!("Flatten: the input must be [T, B, F], not [32, 20]{cure}");
        table.forward([3, 10]) => "Embedding: token 10 is out of range for 10 tokens";
        table.forward(deep) => crowded;
    }
}
