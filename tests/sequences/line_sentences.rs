//! The lines that shape mistakes point to: in a custom cell or layer the line of the mistake, in a built-in one the line that
//! called it.

use unspool::cells::{
    CifgLstm, GruResetBefore, IndRnn, LayerNormGru, LayerNormLstm, Lru, Mgu, MinGru, MinLstm, Mlstm, PeepholeLstm,
    ProjectedLstm, Qrnn, RgLru, Slstm,
};
use unspool::layers::Sequential;
use unspool::losses::huber;
use unspool::prelude::*;
use unspool::recurrent::wrappers::{RecurrentDropout, Residual, Zoneout};
use unspool::recurrent::{Bidirectional, SequenceLayer, Stack, StepContext, Unrolled, recurrent};
use unspool_tests::{panic_of, zeros};

/// The line of this file that ends with this comment.
fn line_of(comment: &str) -> u32 {
    let end = format!("; // {comment}");
    let line = include_str!("line_sentences.rs").lines().position(|line| line.ends_with(&end));
    line.unwrap_or_else(|| panic!("no line ends with {end:?}")) as u32 + 1
}

/// The sentence of a mistake that must point to this line of this file.
#[track_caller]
fn sentence_at<R>(line: u32, mistake: impl FnOnce() -> R) -> String {
    let (message, file, at) = panic_of(|| drop(mistake()));
    assert_eq!((&file[..], at), (file!(), line), "{message}: points to another line");
    message
}

/// Which method of a cell has the mistake.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    ZeroState,
    Project,
    Step,
    StepIn,
    Unroll,
}

/// A cell whose weight `[H, 3]` fits nothing.
#[derive(Params, Clone)]
struct Custom<P> {
    w: P,
    mistake: Mistake,
}

fn custom(mistake: Mistake) -> Custom<Tensor> {
    Custom { w: zeros([4, 3]), mistake }
}

impl<'t> Cell<'t, f32> for Custom<Var<'t>> {
    type State = Var<'t>;

    fn zero_state(&self, batch: usize) -> Self::State {
        let h = self.w.new_zeros([batch, 4]);
        if self.mistake == Mistake::ZeroState {
            return h.matmul(self.w) + h; // mistake in zero_state
        }
        h
    }

    fn project(&self, xs: Var<'t>) -> Var<'t> {
        if self.mistake == Mistake::Project {
            return xs.matmul(self.w.t()); // mistake in project
        }
        xs
    }

    fn step(&self, x: Var<'t>, h: Self::State) -> (Var<'t>, Self::State) {
        if self.mistake == Mistake::Step {
            let h = x + h.matmul(self.w); // mistake in step
            return (h, h);
        }
        (x, h)
    }

    fn unroll(&self, xs: Var<'t>, h: Self::State) -> Option<Unrolled<'t, f32, Self::State>> {
        if self.mistake == Mistake::Unroll {
            let h = xs.matmul(self.w) + h; // mistake in unroll
            return Some(Unrolled::of(h));
        }
        None
    }

    fn step_in(&self, x: Var<'t>, h: Self::State, cx: StepContext) -> (Var<'t>, Self::State) {
        if self.mistake == Mistake::StepIn {
            let h = h.matmul(x); // mistake in step_in
            return (h, h);
        }
        let _ = cx;
        self.step(x, h)
    }
}

/// A model with the cell in a field.
#[derive(Params)]
struct Forecaster<P> {
    rnn: Recurrent<Custom<P>>,
    head: Dense<P>,
}

impl<'t> Layer<'t, f32> for Forecaster<Var<'t>> {
    type Output = Var<'t>;

    #[allow(clippy::needless_return)]
    fn apply(&self, xs: Var<'t>, cx: Context<'_>) -> Var<'t> {
        let last = self.rnn.apply(xs, cx).last();
        let cx = cx.without_steps();
        return self.head.apply(last, cx); // mistake of the call
    }
}

/// A layer with the mistake in its own `apply`.
#[derive(Params)]
struct Scores<P> {
    w: P,
}

impl<'t> Layer<'t, f32> for Scores<Var<'t>> {
    type Output = Var<'t>;

    fn apply(&self, x: Var<'t>, _: Context<'_>) -> Var<'t> {
        x.matmul(self.w); // mistake in apply
        x
    }
}

/// A layer that opens scopes.
#[derive(Params)]
struct Mixed<P> {
    w: P,
    in_closure: bool,
}

impl<'t> Layer<'t, f32> for Mixed<Var<'t>> {
    type Output = Var<'t>;

    fn apply(&self, x: Var<'t>, _: Context<'_>) -> Var<'t> {
        let _layer = x.tape().layer_scope(self);
        let _own = x.tape().scope("mixing"); // the scope
        if self.in_closure {
            return huber(1.0)(x, self.w); // mistake in a closure of the library
        }
        let mixed = x.matmul(self.w); // mistake in a scope
        mixed
    }
}

const MISTAKES: [(Mistake, &str, &str); 5] = [
    (Mistake::ZeroState, "mistake in zero_state", "add: shapes [2, 3] and [2, 4] do not broadcast"),
    (
        Mistake::Project,
        "mistake in project",
        "matmul: shapes [5, 2, 4] and [3, 4] do not multiply; they must be [.., K] and [K, N]",
    ),
    (Mistake::Step, "mistake in step", "add: shapes [2, 4] and [2, 3] do not broadcast"),
    (
        Mistake::StepIn,
        "mistake in step_in",
        "matmul: shapes [2, 4] and [2, 4] do not multiply; they must be [.., K] and [K, N]",
    ),
    (Mistake::Unroll, "mistake in unroll", "add: shapes [5, 2, 3] and [2, 4] do not broadcast"),
];

/// Checks the line and the sentence of a mistake in a cell at this path, whose first step has this time.
#[track_caller]
fn check_custom<R>(
    (mistake, place, sentence): (Mistake, &str, &str),
    path: &str,
    first: usize,
    run: impl FnOnce() -> R,
) {
    let of_step = matches!(mistake, Mistake::Step | Mistake::StepIn);
    let step = if of_step { format!(", time step {first}") } else { String::new() };
    assert_eq!(sentence_at(line_of(place), run), format!("{sentence} (in {path}{step})"));
}

#[test]
fn a_mistake_in_a_custom_cell_points_to_its_line() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 2, 4]));
    for mistake in MISTAKES {
        let cell = || custom(mistake.0);
        let layer = || Recurrent::new(cell());
        let forecaster = || Forecaster { rnn: layer(), head: head() };
        let chain = || sequential().add(recurrent(|_| cell())).add(dense(4, 1));
        let stack = || Stack::new([layer()]);
        let both = || Bidirectional::new(cell(), cell());
        check_custom(mistake, "cell", 0, || tape.bind(&layer()).forward(xs));
        check_custom(mistake, "cell", 4, || tape.bind(&layer().reverse()).forward(xs));
        check_custom(mistake, "rnn.cell", 0, || tape.bind(&forecaster()).forward(xs));
        check_custom(mistake, "layers.0.cell", 0, || tape.bind(&chain()).forward(xs));
        check_custom(mistake, "layers.0.cell", 0, || tape.bind(&stack()).forward(xs));
        check_custom(mistake, "forward.cell", 0, || tape.bind(&both()).forward(xs));
    }
}

#[test]
fn a_mistake_in_a_wrapped_cell_points_to_its_line() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 2, 4]));
    for mistake in MISTAKES {
        let cell = || custom(mistake.0);
        let residual = || Recurrent::new(Residual::new(cell(), 4));
        let zoneout = || Recurrent::new(Zoneout::new(cell(), 0.1, 0.1));
        let dropout = || Recurrent::new(RecurrentDropout::new(cell(), 0.1));
        check_custom(mistake, "cell", 0, || tape.bind(&residual()).forward(xs));
        if mistake.0 != Mistake::Unroll {
            check_custom(mistake, "cell", 0, || tape.bind(&zoneout()).forward(xs));
            check_custom(mistake, "cell", 0, || tape.bind(&dropout()).forward(xs));
        }
    }
}

fn head() -> Dense<Tensor> {
    Dense::new(&mut rng(0), 5, 1)
}

#[test]
fn a_mistake_in_a_custom_layer_points_to_its_line() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 2, 4]));
    let forecaster = tape.bind(&Forecaster { rnn: Recurrent::new(custom(Mistake::None)), head: head() });
    let call = sentence_at(line_of("mistake of the call"), || forecaster.forward(xs));
    assert_eq!(
        call,
        "linear: shapes [2, 4] and [5, 1] do not multiply: the layer takes 5 features, the input has 4 (in head)"
    );
    let scores = tape.bind(&sequential().add(|_: &mut Rng| Scores { w: zeros([3, 4]) }));
    let apply = sentence_at(line_of("mistake in apply"), || scores.forward(xs));
    let shapes = "matmul: shapes [5, 2, 4] and [3, 4] do not multiply; they must be [.., K] and [K, N]";
    assert_eq!(apply, format!("{shapes} (in layers.0)"));
}

/// A model with a chain in a field.
#[derive(Params)]
struct Around<P, L> {
    shift: P,
    chain: Sequential<L>,
}

impl<'t, L: Layer<'t, f32> + Params<Var<'t>>> Layer<'t, f32> for Around<Var<'t>, L> {
    type Output = Var<'t>;

    #[allow(clippy::let_and_return)]
    fn apply(&self, x: Var<'t>, cx: Context<'_>) -> Var<'t> {
        let y = self.chain.apply(x + self.shift, cx); // call of the chain
        y
    }
}

/// It has no parameter whose path the layer could read, but the chain knows its index.
#[test]
fn a_layer_without_parameters_has_a_name_in_a_chain() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 2, 3]));
    let chain = || sequential().add(dropout(0.5)).add(simple_rnn(3, 4)).add(flatten()).add(dense(4, 1));
    let sentence = "Flatten: the input must be [T, B, F], not [2, 4]: after a recurrent layer, add .return_sequences() to that layer";
    let whole = tape.bind(&chain());
    let run = || whole.forward(xs);
    assert_eq!(sentence_at(line!() - 1, run), format!("{sentence} (in layers.2)"));
    let around = tape.bind(&Around { shift: zeros([3]), chain: chain() });
    let run = || around.forward(xs);
    let message = sentence_at(line_of("call of the chain"), run);
    assert_eq!(message, format!("{sentence} (in chain.layers.2)"));
    // A chain without any parameter has no path.
    let plain = tape.bind(&sequential().add(dropout(0.5)).add(flatten()));
    let run = || plain.forward(xs.select(0, 0));
    let cure = "after a recurrent layer, add .return_sequences() to that layer";
    assert_eq!(sentence_at(line!() - 2, run), format!("Flatten: the input must be [T, B, F], not [2, 3]: {cure}"));
}

#[test]
fn a_mistake_in_a_scope_of_the_users_own_names_it() {
    let tape = Tape::new();
    let xs = tape.constant(&zeros([5, 2, 4]));
    let model = |in_closure| sequential().add(move |_: &mut Rng| Mixed { w: zeros([3]), in_closure });
    let product = sentence_at(line_of("mistake in a scope"), || tape.bind(&model(false)).forward(xs));
    let shapes = "matmul: shapes [5, 2, 4] and [3] do not multiply; they must be [.., K] and [K, N]";
    assert_eq!(product, format!("{shapes} (in layers.0 > mixing)"));
    // Where the panic cannot point to the user's line, the sentence has the latest line known: that opened the scope.
    let (message, file, _) = panic_of(|| {
        tape.bind(&model(true)).forward(xs);
    });
    let opened = line_of("the scope");
    let shapes = "huber: output [5, 2, 4] and target [3] differ in shape";
    assert_eq!(message, format!("{shapes} (in layers.0 > mixing, at {}:{opened}:29)", file!()));
    assert!(file.ends_with("loss.rs"), "{file}");
}

/// Gives a cell a state of twice its width: the mistake is in its step, or in `unroll`.
fn check<'a, C: Params<Tensor>>(name: &'a str, cell: C) -> &'a str
where
    for<'t> C::With<Var<'t>>: Cell<'t, f32> + Clone,
{
    let tape = Tape::new();
    let (cell, xs) = (tape.bind(&cell), tape.constant(&zeros([5, 2, 3])));
    let state = || cell.zero_state(2).map(&mut |h| Var::concat(1, &[h, h]));
    let layer = Recurrent::new(cell.clone());
    sentence_at(line!() + 1, || {
        layer.run(xs, Some(state()), Context::default());
    });
    let x = cell.project(xs).select(0, 0);
    sentence_at(line!() + 1, || {
        cell.step(x, state());
    });
    sentence_at(line!() + 1, || {
        cell.step_in(x, state(), StepContext::default());
    });
    let wide = tape.constant(&zeros([5, 2, 7]));
    sentence_at(line!(), || layer.forward(wide));
    name
}

#[test]
fn a_mistake_in_a_built_in_cell_points_to_the_line_that_called_it() {
    let rng = &mut rng(0);
    let checked = [
        check("cifg_lstm", CifgLstm::new(rng, 3, 4)),
        check("gru", Gru::new(rng, 3, 4)),
        check("gru_reset_before", GruResetBefore::new(rng, 3, 4)),
        check("ind_rnn", IndRnn::new(rng, 3, 4)),
        check("layer_norm_gru", LayerNormGru::new(rng, 3, 4)),
        check("layer_norm_lstm", LayerNormLstm::new(rng, 3, 4)),
        check("lru", Lru::new(rng, 3, 4)),
        check("lstm", Lstm::new(rng, 3, 4)),
        check("mgu", Mgu::new(rng, 3, 4)),
        check("min_gru", MinGru::new(rng, 3, 4)),
        check("min_lstm", MinLstm::new(rng, 3, 4)),
        check("mlstm", Mlstm::new(rng, 3, 4, 2)),
        check("peephole_lstm", PeepholeLstm::new(rng, 3, 4)),
        check("projected_lstm", ProjectedLstm::new(rng, 3, 4, 2)),
        check("qrnn", Qrnn::new(rng, 3, 4)),
        check("rg_lru", RgLru::new(rng, 3)),
        check("simple_rnn", SimpleRnn::new(rng, 3, 4)),
        check("slstm", Slstm::new(rng, 3, 4)),
    ];
    let cells = include_str!("../../crates/nn/src/cells/mod.rs");
    let cells = cells.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert_eq!(cells.collect::<Vec<_>>(), checked);
}

/// The Rust files in a folder and the folders in it.
fn files(folder: &str, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().to_str().unwrap().to_owned();
        match std::fs::metadata(&path).unwrap().is_dir() {
            true => files(&path, into),
            false => into.extend(path.ends_with(".rs").then_some(path)),
        }
    }
}

/// The message of a panic of its own would name neither layer nor time step, and be printed twice in a loss.
#[test]
fn mistakes_are_raised_in_one_place() {
    let (mut sources, mut seen) = (Vec::new(), 0);
    for name in ["tensor", "autograd", "nn"] {
        files(&format!("{}/../crates/{name}/src", env!("CARGO_MANIFEST_DIR")), &mut sources);
    }
    for path in sources.iter().filter(|path| !path.ends_with("mistake.rs")) {
        let source = std::fs::read_to_string(path).unwrap();
        let library = source.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in library.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let has_message = line.contains('"') || line.ends_with('(');
            let own = line.contains(" panic!(") || line.contains(" assert!(") && has_message;
            assert!(!own || line.contains("const {") || line.contains("elementwise! takes"), "{path}: {line}");
            seen += usize::from(line.contains("ensure!(") || line.contains("fail!("));
        }
    }
    assert!(seen > 250, "{seen} mistakes were read");
}

/// The traits do not have the attribute: it would reach the impls of users, whose lines it would take.
#[test]
fn no_built_in_cell_layer_or_op_forgets_track_caller() {
    let of_cells = ["zero_state", "project", "step", "step_in", "unroll"];
    let (mut sources, mut seen) = (Vec::new(), 0);
    files(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/autograd/src"), &mut sources);
    files(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/nn/src"), &mut sources);
    for path in sources {
        let source = std::fs::read_to_string(&path).unwrap();
        let (mut methods, mut attributes) = (&[][..], Vec::new());
        for line in source.lines() {
            let code = line.trim_start();
            if line.starts_with("impl") && code.contains(" for ") {
                let is = |name| code.contains(&format!(" {name}<'t, T"));
                methods = match () {
                    () if is("Cell") => &of_cells[..],
                    () if is("Layer") => &["apply"],
                    () if is("SequenceLayer") => &["run"],
                    () if code.contains(" Op for") => &["forward"],
                    () => &[],
                };
            } else if line == "}" {
                methods = &[];
            }
            if let Some(name) = code.strip_prefix("fn ").and_then(|code| code.split(['(', '<']).next())
                && methods.contains(&name)
            {
                assert!(attributes.contains(&"#[track_caller]"), "{path}: {code}");
                seen += 1;
            }
            match code.starts_with("#[") || code.starts_with("///") {
                true => attributes.push(code),
                false => attributes.clear(),
            }
        }
    }
    assert!(seen > 120, "{seen} methods were read");
}
