//! Scopes: what the thread is computing, for messages, profiles and pictures.
//!
//! A stack of names, from the outermost to the innermost. Layers open a scope named by their path in
//! the model; programs open their own.

use crate::params::{Params, Path, Segment};
use crate::tape::{Tape, Var};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use unspool_tensor::Scalar;

/// Until it is dropped, what its thread computes belongs to this scope: what
/// [`Tape::scope`] and [`Tape::layer_scope`] return.
#[must_use = "the scope ends when this is dropped: `let _scope = ..`"]
#[derive(Debug)]
pub struct Scope<'t> {
    /// Where it is in the stack.
    depth: usize,
    /// Of one thread, and not for longer than its tape is borrowed.
    marker: PhantomData<(*const (), &'t ())>,
}

impl Scope<'_> {
    /// From now on, what belongs to this scope is computed at time step `t`, counted from 0, or at none.
    ///
    /// ```
    /// use unspool::Tape;
    /// use unspool::autograd::here;
    /// let tape = Tape::<f32>::new();
    /// let scope = tape.scope("decoder");
    /// for t in 0..3 {
    ///     scope.step(t);
    /// }
    /// assert_eq!(here().to_string(), "decoder, time step 2");
    /// scope.step(None);
    /// assert_eq!(here().to_string(), "decoder");
    /// ```
    #[inline]
    pub fn step(&self, t: impl Into<Option<usize>>) {
        let t = t.into();
        STACK.with_borrow_mut(|stack| {
            if let Some(frame) = stack.frames.get_mut(self.depth) {
                frame.step = t;
            }
        });
    }
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        STACK.with_borrow_mut(|stack| stack.pop_to(self.depth));
    }
}

/// # Scopes
impl<T: Scalar> Tape<T> {
    /// Opens a scope of this name, inside those that are open: until it is dropped, what the thread
    /// computes belongs to it. The messages of mistakes, the report of a bad value and a profile name
    /// it.
    ///
    /// ```
    /// use unspool::autograd::here;
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::ones([2, 3]));
    /// {
    ///     let _scope = tape.scope("attention");
    ///     x.t().matmul(x);
    ///     assert_eq!(here().to_string(), "attention");
    /// }
    /// assert_eq!(here().to_string(), "");
    /// ```
    #[track_caller]
    pub fn scope(&self, name: impl Into<Cow<'static, str>>) -> Scope<'_> {
        open(|_| Name::Own(name.into()), Location::caller())
    }

    /// Opens a scope named by the path of a layer in the model that was [bound](Tape::bind) to this
    /// tape; without a name if the layer has no parameter from there. For a layer's own code: a user
    /// of the layer sees which one it is.
    ///
    /// ```
    /// use unspool::autograd::here;
    /// use unspool::prelude::*;
    /// #[derive(Params)]
    /// struct Scale<P> { factor: P }
    /// #[derive(Params)]
    /// struct Model<P> { layers: Vec<Scale<P>> }
    ///
    /// impl<'t, T: Scalar> Scale<Var<'t, T>> {
    ///     fn apply(&self, x: Var<'t, T>) -> Var<'t, T> {
    ///         let _scope = x.tape().layer_scope(self);
    ///         # assert!(here().to_string().starts_with("layers."));
    ///         x * self.factor
    ///     }
    /// }
    ///
    /// let scale = || Scale { factor: Tensor::<f32>::scalar(2.0) };
    /// let (tape, model) = (Tape::new(), Model { layers: vec![scale(), scale()] });
    /// let net = tape.bind(&model);
    /// let _scope = tape.layer_scope(&net.layers[1]);
    /// assert_eq!(here().to_string(), "layers.1");
    /// # let y = net.layers[0].apply(tape.constant(&Tensor::scalar(3.0)));
    /// # assert_eq!(y.item(), 6.0);
    /// ```
    #[track_caller]
    pub fn layer_scope<'t, M: Params<Var<'t, T>>>(&'t self, layer: &M) -> Scope<'t> {
        layer_scope(layer)
    }
}

/// [`Tape::layer_scope`] where the layer's variables are the only ones at hand.
#[doc(hidden)]
#[track_caller]
pub fn layer_scope<'t, T: Scalar, M: Params<Var<'t, T>>>(layer: &M) -> Scope<'t> {
    let mut first = None;
    layer.visit_leaves(Path::ROOT, &mut |path, leaf: &Var<'t, T>| {
        first.get_or_insert_with(|| (*leaf, path.len()));
    });
    let push_path = |stack: &mut Stack| {
        let start = stack.segments.len();
        if let Some((leaf, depth)) = first {
            let record = leaf.tape().record.borrow();
            let path = record.names.of(leaf.id());
            stack.segments.extend_from_slice(&path[..path.len().saturating_sub(depth)]);
        }
        Name::Layer { start }
    };
    open(push_path, Location::caller())
}

/// Opens the scope of a layer in the chain of layers whose scope is the innermost: named by its index, so that
/// one without parameters has a name, too. Without a name if the chain has none.
#[doc(hidden)]
#[track_caller]
pub fn chained_scope(index: usize) -> Scope<'static> {
    let push_path = |stack: &mut Stack| {
        let start = stack.segments.len();
        if let Some(Frame { name: Name::Layer { start: of_chain }, .. }) = stack.frames.last()
            && *of_chain < start
        {
            stack.segments.extend_from_within(*of_chain..);
            stack.segments.push(Segment::Index(index));
        }
        Name::Layer { start }
    };
    open(push_path, Location::caller())
}

/// Where the thread is: its innermost layer and the scopes opened by the program, with the time step
/// if there is one: `attention > layers.0.cell, time step 3`. Empty outside of any scope.
///
/// ```
/// use unspool::autograd::here;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::<f32>::new();
/// let scope = tape.scope("encoder");
/// scope.step(3);
/// assert_eq!(here().to_string(), "encoder, time step 3");
/// ```
pub fn here() -> impl Display {
    struct Here;
    impl Display for Here {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            STACK.with_borrow(|stack| stack.fmt(f))
        }
    }
    Here
}

/// Runs `f` outside of any scope: for work that has nothing to do with what the thread was computing.
///
/// ```
/// use unspool::Tape;
/// use unspool::autograd::{here, isolated};
/// let tape = Tape::<f32>::new();
/// let _scope = tape.scope("encoder");
/// assert_eq!(isolated(|| here().to_string()), "");
/// assert_eq!(here().to_string(), "encoder");
/// ```
pub fn isolated<R>(f: impl FnOnce() -> R) -> R {
    /// Brings the scopes back, also after a panic.
    struct Back(Vec<Frame>, Vec<Segment>);
    impl Drop for Back {
        fn drop(&mut self) {
            STACK.with_borrow_mut(|stack| {
                (stack.frames, stack.segments) = (std::mem::take(&mut self.0), std::mem::take(&mut self.1));
                stack.generation += 1;
            });
        }
    }
    let _back = STACK.with_borrow_mut(|stack| {
        stack.generation += 1;
        Back(std::mem::take(&mut stack.frames), std::mem::take(&mut stack.segments))
    });
    f()
}

/// The line of the program that a computation at `location` is due to: `location` itself, or, if that is
/// in this library, the line that called the layer which computes.
#[doc(hidden)]
pub fn users_line(location: &'static Location<'static>) -> &'static Location<'static> {
    if !is_library(location) {
        return location;
    }
    let of_scope = |stack: &Stack| {
        let mut lines = stack.frames.iter().rev().map(|frame| frame.location);
        lines.find(|line| !is_library(line))
    };
    STACK.with_borrow(of_scope).unwrap_or(location)
}

/// Whether a line is in this library or, called from there, in the standard library.
#[doc(hidden)]
pub fn is_library(location: &Location<'_>) -> bool {
    // A workspace has `crates/autograd/src/scope.rs`, a registry `unspool-autograd-0.1.0/src/scope.rs`.
    let root = &file!()[..file!().rfind("autograd").expect("the crate's name is in the path")];
    let of_std = location.file().starts_with("/rustc/") || location.file().contains("/lib/rustlib/src/");
    let of_crate = |name: &str| {
        let rest = location.file().strip_prefix(root).and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(['/', '\\', '-']) && rest.contains("src"))
    };
    of_std || ["tensor", "autograd", "nn"].into_iter().any(of_crate)
}

/// What the message of a mistake at `location` names.
pub(crate) fn find_place(location: &'static Location<'static>) -> unspool_tensor::mistake::Place {
    let (name, line) = (here().to_string(), users_line(location));
    let name = match &name[..] {
        "" => None,
        step if step.starts_with("time step") => Some(format!("at {step}")),
        name => Some(format!("in {name}")),
    };
    unspool_tensor::mistake::Place { name, line: (!is_library(line)).then_some(line) }
}

/// What a watched tape notes of the place in which an op ran.
pub(crate) struct Place {
    /// Two places of the same generation have the same scopes.
    pub(crate) generation: u64,
    /// The time step of the innermost scope that has one.
    pub(crate) step: Option<usize>,
}

impl Place {
    pub(crate) fn now() -> Place {
        STACK.with_borrow(|stack| Place { generation: stack.generation, step: stack.step() })
    }

    /// The names of the scopes, without the time step.
    pub(crate) fn scopes() -> String {
        STACK.with_borrow(Stack::scopes)
    }
}

fn open(name: impl FnOnce(&mut Stack) -> Name, location: &'static Location<'static>) -> Scope<'static> {
    STACK.with_borrow_mut(|stack| {
        let name = name(stack);
        stack.frames.push(Frame { name, step: None, location });
        stack.generation += 1;
        Scope { depth: stack.frames.len() - 1, marker: PhantomData }
    })
}

thread_local! {
    static STACK: RefCell<Stack> = RefCell::new(Stack::new());
}

struct Stack {
    frames: Vec<Frame>,
    /// The paths of layers, one after the other, so that opening a scope allocates nothing.
    segments: Vec<Segment>,
    /// Changes with the scopes; no two threads have the same.
    generation: u64,
}

struct Frame {
    name: Name,
    step: Option<usize>,
    /// The line that opened the scope.
    location: &'static Location<'static>,
}

enum Name {
    Own(Cow<'static, str>),
    /// The path from here to the start of the next.
    Layer {
        start: usize,
    },
}

impl Stack {
    fn new() -> Stack {
        static THREADS: AtomicU64 = AtomicU64::new(0);
        let generation = THREADS.fetch_add(1, Ordering::Relaxed) << 40;
        Stack { frames: Vec::new(), segments: Vec::new(), generation }
    }

    fn pop_to(&mut self, depth: usize) {
        while self.frames.len() > depth {
            if let Some(Frame { name: Name::Layer { start }, .. }) = self.frames.pop() {
                self.segments.truncate(start);
            }
        }
        self.generation += 1;
    }

    fn step(&self) -> Option<usize> {
        self.frames.iter().rev().find_map(|frame| frame.step)
    }

    /// The path of the layer of frame `at`.
    fn path(&self, at: usize) -> &[Segment] {
        let Name::Layer { start } = self.frames[at].name else { return &[] };
        let next = self.frames[at + 1..].iter().find_map(|frame| match frame.name {
            Name::Layer { start } => Some(start),
            Name::Own(_) => None,
        });
        &self.segments[start..next.unwrap_or(self.segments.len())]
    }

    /// The names, without the time step.
    fn scopes(&self) -> String {
        let mut names = Vec::new();
        for (at, frame) in self.frames.iter().enumerate() {
            let path = self.path(at);
            // A layer inside another has the longer path, which says where both are.
            let is_inside = |inner: usize| self.path(inner).starts_with(path);
            match &frame.name {
                Name::Own(name) => names.push(name.to_string()),
                Name::Layer { .. } if path.is_empty() || (at + 1..self.frames.len()).any(is_inside) => {}
                Name::Layer { .. } => names.push(dotted(path)),
            }
        }
        names.join(" > ")
    }
}

impl Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes = self.scopes();
        match self.step() {
            None => f.write_str(&scopes),
            Some(t) if scopes.is_empty() => write!(f, "time step {t}"),
            Some(t) => write!(f, "{scopes}, time step {t}"),
        }
    }
}

/// A path as a dotted name: `layers.0.cell`.
pub(crate) fn dotted(path: &[Segment]) -> String {
    path.iter().map(Segment::to_string).collect::<Vec<_>>().join(".")
}
