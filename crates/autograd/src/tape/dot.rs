//! The tape as a graph, folded over time.

use super::Tape;
use super::record::Record;
use super::watch::Watch;
use crate::scope::dotted;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use unspool_tensor::{Scalar, Shape};

/// Values that are one node of the graph: the same op, at the same position of a time step.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// An op by its row in the profile, whether it belongs to a time step, and which of its calls in
    /// that step it is.
    Op { row: u32, is_timed: bool, call: usize },
    /// A leaf of a model.
    Parameter(u32),
    /// A variable or a constant without a name, by what reads it first: a node, and the index of its input.
    Leaf { reader: usize, input: usize },
}

struct Group {
    key: Key,
    label: String,
    scope: String,
    shape: Shape,
    count: usize,
}

impl<T: Scalar> Tape<T> {
    /// The tape as a graph in the language DOT of Graphviz (`dot -Tsvg`), folded over time: of a scope
    /// that goes through [time steps](crate::Scope::step), as the layers over sequences do, the calls
    /// at the same position of each step are one node, with their number. A dashed edge reads a value
    /// of another time step, `t-1` of the one before.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new().profiled();
    /// let w = tape.variable(&Tensor::<f32>::ones([20, 20]));
    /// let mut h = tape.constant(&Tensor::ones([32, 20]));
    /// let scope = tape.scope("layer");
    /// for t in 0..100 {
    ///     scope.step(t);
    ///     h = h.matmul(w).tanh();
    /// }
    /// let graph = tape.to_dot();
    /// assert!(graph.contains("matmul ×100") && graph.contains("t-1"));
    /// assert!(graph.lines().count() < 20);
    /// ```
    ///
    /// # Panics
    /// If the tape is neither [profiled](Tape::profiled) nor [keeps all](Tape::keep_all).
    #[track_caller]
    pub fn to_dot(&self) -> String {
        let record = self.record.borrow();
        let Some(watch) = &record.watch else {
            fail!("to_dot: this tape notes no scopes; make it with Tape::new().profiled()")
        };
        let (groups, edges) = fold(&record, watch);
        draw(&groups, &edges)
    }
}

/// From which node to which, and how many time steps before the reader the value was computed.
type Edges = BTreeSet<(usize, usize, isize)>;

fn fold<T: Scalar>(record: &Record<T>, watch: &Watch) -> (Vec<Group>, Edges) {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut edges = Edges::new();
    // The node of each value that has one, and the calls of each op in the time step so far.
    let mut node_of: Vec<Option<usize>> = vec![None; record.nodes.len()];
    let (mut place, mut calls): (_, HashMap<u32, usize>) = (None, HashMap::new());
    let mut add = |key: Key, shape: Shape, text: &dyn Fn() -> (String, String)| {
        let at = *known.entry(key.clone()).or_insert_with(|| {
            let (label, scope) = text();
            groups.push(Group { key, label, scope, shape, count: 0 });
            groups.len() - 1
        });
        groups[at].count += 1;
        at
    };
    for id in 0..record.nodes.len() as u32 {
        let Some(note) = record.note(id) else { continue };
        let scope = watch.profiler.scope(note.row);
        if place != Some((scope, note.step)) {
            place = Some((scope, note.step));
            calls.clear();
        }
        let call = calls.entry(note.row).or_insert(0);
        *call += 1;
        let op_and_scope = || (watch.profiler.op(note.row).to_string(), watch.scopes[scope as usize].clone());
        let key = Key::Op { row: note.row, is_timed: note.step.is_some(), call: *call };
        let at = add(key, record.values[id as usize].shape(), &op_and_scope);
        node_of[id as usize] = Some(at);
        for (i, &input) in record.inputs_of(id).iter().enumerate() {
            let (node, shape) = (&record.nodes[input as usize], record.values[input as usize].shape());
            let from = node_of[input as usize].unwrap_or_else(|| {
                let path = record.names.of(input);
                let kind = if node.needs_gradient() { "variable" } else { "constant" };
                match path.is_empty() {
                    true => add(Key::Leaf { reader: at, input: i }, shape, &|| (kind.to_string(), String::new())),
                    false => add(Key::Parameter(input), shape, &|| (dotted(path), String::new())),
                }
            });
            node_of[input as usize] = Some(from);
            let before = record.note(input).and_then(|input| {
                let is_same_scope = watch.profiler.scope(input.row) == scope;
                Some(note.step? as isize - input.step.filter(|_| is_same_scope)? as isize)
            });
            edges.insert((from, at, before.unwrap_or(0)));
        }
    }
    (groups, edges)
}

fn draw(groups: &[Group], edges: &Edges) -> String {
    let mut dot = String::from(
        "digraph tape {\n  rankdir=BT;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\", \
         fontsize=11];\n  edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    let mut by_scope: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        by_scope.entry(&group.scope).or_default().push(at);
    }
    for (number, (scope, members)) in by_scope.into_iter().enumerate() {
        if !scope.is_empty() {
            let _ = writeln!(
                dot,
                "  subgraph cluster_{number} {{ label={}; labelloc=b; fontname=\"sans-serif\"; style=filled; fillcolor=\"#f0f4f8\";",
                quoted(scope)
            );
        }
        for at in members {
            let Group { key, label, shape, count, .. } = &groups[at];
            let times = if *count > 1 { format!(" ×{count}") } else { String::new() };
            let style = match key {
                Key::Op { .. } => "",
                Key::Parameter(_) => ", shape=cylinder, style=filled, fillcolor=\"#fde8c8\"",
                Key::Leaf { .. } => ", shape=plaintext, style=\"\"",
            };
            let text = quoted(&format!("{label}{times}\n{shape}"));
            let _ = writeln!(dot, "  n{at} [label={text}{style}];");
        }
        if !scope.is_empty() {
            dot.push_str("  }\n");
        }
    }
    for &(from, to, before) in edges {
        let _ = match before {
            0 => writeln!(dot, "  n{from} -> n{to};"),
            // It runs against the order of the ops.
            _ => writeln!(dot, "  n{from} -> n{to} [style=dashed, constraint=false, label=\"t{:+}\"];", -before),
        };
    }
    dot.push_str("}\n");
    dot
}

/// A string of DOT.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
