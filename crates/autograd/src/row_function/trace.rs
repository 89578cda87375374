//! What a function did with the numbers of a block of rows.
//!
//! Each operation is a node: its values, one for each row of the block, and how steeply they depend on
//! those of its operands. Operations are few and blocks have some hundred rows, so the time goes into
//! the loops over a block, which are SIMD code whatever the function is; a sweep from the last node
//! to the first adds up the gradients.

use unspool_tensor::{Number, dispatch};

/// Rows are padded to a multiple of this, so that loops over a block end with whole vectors.
const LANES: usize = 16;

/// How steeply a node's values depend on an operand's.
#[derive(Clone, Copy)]
pub(super) enum Slope<T> {
    /// Equally in all rows.
    Constant(T),
    /// By the numbers in this block.
    Block(usize),
}

struct Edge<T> {
    operand: u32,
    slope: Slope<T>,
}

struct Node {
    /// The block of its values.
    block: usize,
    /// Where its edges end: they begin where those of the node before it end.
    edges_end: usize,
    /// Whether its gradient is needed.
    is_active: bool,
    /// The last sweep that reached it.
    reached: usize,
}

/// The nodes of one call of a function, in order. The first ones are its inputs.
pub(super) struct Trace<T> {
    rows: usize,
    nodes: Vec<Node>,
    edges: Vec<Edge<T>>,
    /// One block after the other.
    blocks: Vec<T>,
    blocks_len: usize,
    /// A block for each node: of the gradient with respect to it.
    gradients: Vec<T>,
    sweep: usize,
    /// Whether the rows were found to differ where the function needs a single answer.
    disagreed: bool,
}

impl<T: Number> Trace<T> {
    pub(super) fn new() -> Self {
        Trace {
            rows: 0,
            nodes: Vec::new(),
            edges: Vec::new(),
            blocks: Vec::new(),
            blocks_len: 0,
            gradients: Vec::new(),
            sweep: 0,
            disagreed: false,
        }
    }

    /// Starts again, with so many rows. The nodes that follow are the inputs.
    pub(super) fn begin(&mut self, rows: usize) {
        self.rows = rows.next_multiple_of(LANES);
        self.nodes.clear();
        self.edges.clear();
        self.blocks_len = 0;
        self.disagreed = false;
    }

    /// The next input: `read` writes its values for the first `rows` rows, the last of which fills
    /// the block.
    pub(super) fn input(&mut self, rows: usize, is_active: bool, read: impl FnOnce(&mut [T])) {
        let block = self.new_block();
        let values = self.block_mut(block);
        read(&mut values[..rows]);
        let last = values[rows - 1];
        values[rows..].fill(last);
        self.push(block, is_active);
    }

    pub(super) fn disagreed(&self) -> bool {
        self.disagreed
    }

    /// Whether nothing was traced yet.
    pub(super) fn is_new(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The numbers that a row takes in blocks and gradients.
    pub(super) fn numbers_per_row(&self) -> usize {
        self.blocks_len + self.nodes.len()
    }

    /// The numbers that the trace keeps for the next one.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.len() + self.gradients.len()
    }

    pub(super) fn values(&self, node: u32) -> &[T] {
        &self.blocks[self.nodes[node as usize].block * self.rows..][..self.rows]
    }

    /// The slope of a product with the values of a node.
    pub(super) fn slope_of(&self, node: u32) -> Slope<T> {
        Slope::Block(self.nodes[node as usize].block)
    }

    /// The answer of all rows to a question, that of the first one if they differ.
    pub(super) fn answer<A: PartialEq>(&mut self, of: impl Fn(&Self, usize) -> A) -> A {
        let first = of(self, 0);
        self.disagreed |= (1..self.rows).any(|row| of(self, row) != first);
        first
    }

    fn block_mut(&mut self, block: usize) -> &mut [T] {
        &mut self.blocks[block * self.rows..][..self.rows]
    }

    fn new_block(&mut self) -> usize {
        self.blocks_len += 1;
        let needed = self.blocks_len * self.rows;
        if self.blocks.len() < needed {
            self.blocks.resize(2 * needed, T::ZERO);
        }
        self.blocks_len - 1
    }

    fn push(&mut self, block: usize, is_active: bool) -> u32 {
        self.nodes.push(Node { block, edges_end: self.edges.len(), is_active, reached: 0 });
        self.nodes.len() as u32 - 1
    }

    fn push_edges(&mut self, block: usize, operands: impl IntoIterator<Item = (u32, Slope<T>)>) -> u32 {
        let before = self.edges.len();
        for (operand, slope) in operands {
            if self.nodes[operand as usize].is_active {
                self.edges.push(Edge { operand, slope });
            }
        }
        self.push(block, self.edges.len() > before)
    }

    /// A node of one operand; `f` returns the value.
    pub(super) fn map(&mut self, x: (u32, Slope<T>), f: impl Fn(T) -> T) -> u32 {
        let block = self.new_block();
        let (before, y) = self.blocks.split_at_mut(block * self.rows);
        let values = &before[self.nodes[x.0 as usize].block * self.rows..][..self.rows];
        dispatch(
            #[inline(always)]
            || {
                y.iter_mut().zip(values).for_each(
                    #[inline(always)]
                    |(y, x)| *y = f(*x),
                )
            },
        );
        self.push_edges(block, [x])
    }

    /// A node of two operands; `f` returns the value.
    pub(super) fn zip(&mut self, a: (u32, Slope<T>), b: (u32, Slope<T>), f: impl Fn(T, T) -> T) -> u32 {
        let block = self.new_block();
        let (before, y) = self.blocks.split_at_mut(block * self.rows);
        let [p, q] = [a, b].map(|(x, _)| &before[self.nodes[x as usize].block * self.rows..][..self.rows]);
        dispatch(
            #[inline(always)]
            || {
                y.iter_mut().zip(p).zip(q).for_each(
                    #[inline(always)]
                    |((y, p), q)| *y = f(*p, *q),
                )
            },
        );
        self.push_edges(block, [a, b])
    }

    /// A node of one operand; `f` returns the value and the slope.
    pub(super) fn map_with_slope(&mut self, x: u32, f: impl Fn(T) -> [T; 2]) -> u32 {
        let (block, slope) = (self.new_block(), self.new_block());
        let (before, y) = self.blocks.split_at_mut(block * self.rows);
        let (y, dx) = y.split_at_mut(self.rows);
        let values = &before[self.nodes[x as usize].block * self.rows..][..self.rows];
        dispatch(
            #[inline(always)]
            || {
                y.iter_mut().zip(dx).zip(values).for_each(
                    #[inline(always)]
                    |((y, dx), x)| [*y, *dx] = f(*x),
                )
            },
        );
        self.push_edges(block, [(x, Slope::Block(slope))])
    }

    /// A node of two operands; `f` returns the value and the slopes.
    pub(super) fn zip_with_slopes(&mut self, a: u32, b: u32, f: impl Fn(T, T) -> [T; 3]) -> u32 {
        let [block, of_a, of_b] = [(); 3].map(|()| self.new_block());
        let (before, y) = self.blocks.split_at_mut(block * self.rows);
        let (y, da) = y.split_at_mut(self.rows);
        let (da, db) = da.split_at_mut(self.rows);
        let [p, q] = [a, b].map(|x| &before[self.nodes[x as usize].block * self.rows..][..self.rows]);
        dispatch(
            #[inline(always)]
            || {
                y.iter_mut().zip(da).zip(db).zip(p).zip(q).for_each(
                    #[inline(always)]
                    |((((y, da), db), p), q)| [*y, *da, *db] = f(*p, *q),
                );
            },
        );
        self.push_edges(block, [(a, Slope::Block(of_a)), (b, Slope::Block(of_b))])
    }

    /// Forgets the gradients of the last sweep.
    pub(super) fn begin_sweep(&mut self) {
        self.sweep += 1;
        let needed = self.nodes.len() * self.rows;
        if self.gradients.len() < needed {
            self.gradients.resize(needed, T::ZERO);
        }
    }

    /// Adds to the gradient with respect to a node: `read` writes that of the first `rows` rows.
    pub(super) fn seed(&mut self, node: u32, rows: usize, read: impl FnOnce(&mut [T])) {
        let block = self.new_block();
        let values = self.block_mut(block);
        read(&mut values[..rows]);
        values[rows..].fill(T::ZERO);
        let (at, n) = (block * self.rows, self.rows);
        let sum = &mut self.gradients[node as usize * n..][..n];
        let is_first = std::mem::replace(&mut self.nodes[node as usize].reached, self.sweep) != self.sweep;
        add(sum, is_first, &self.blocks[at..at + n], Slope::Constant(T::ONE), &self.blocks);
        self.blocks_len -= 1;
    }

    /// Passes the gradients on, from the last node to the inputs.
    pub(super) fn sweep(&mut self) {
        let n = self.rows;
        for i in (0..self.nodes.len()).rev() {
            let start = if i == 0 { 0 } else { self.nodes[i - 1].edges_end };
            if self.nodes[i].reached != self.sweep {
                continue;
            }
            let edges = &self.edges[start..self.nodes[i].edges_end];
            let (before, gradient) = self.gradients.split_at_mut(i * n);
            for edge in edges {
                let operand = edge.operand as usize;
                let sum = &mut before[operand * n..][..n];
                let is_first = std::mem::replace(&mut self.nodes[operand].reached, self.sweep) != self.sweep;
                add(sum, is_first, &gradient[..n], edge.slope, &self.blocks);
            }
        }
    }

    /// The gradient with respect to a node, `None` if it is 0.
    pub(super) fn gradient(&self, node: u32) -> Option<&[T]> {
        let is_reached = self.nodes[node as usize].reached == self.sweep;
        is_reached.then(|| &self.gradients[node as usize * self.rows..][..self.rows])
    }
}

/// Adds `slope * gradient` to the sum, which is written if this is the first term.
fn add<T: Number>(sum: &mut [T], is_first: bool, gradient: &[T], slope: Slope<T>, blocks: &[T]) {
    dispatch(
        #[inline(always)]
        || match (slope, is_first) {
            (Slope::Constant(slope), true) => {
                sum.iter_mut().zip(gradient).for_each(
                    #[inline(always)]
                    |(sum, g)| *sum = slope * *g,
                );
            }
            (Slope::Constant(slope), false) => {
                sum.iter_mut().zip(gradient).for_each(
                    #[inline(always)]
                    |(sum, g)| *sum += slope * *g,
                );
            }
            (Slope::Block(block), first) => {
                let slope = &blocks[block * sum.len()..][..sum.len()];
                let terms = sum.iter_mut().zip(gradient).zip(slope);
                match first {
                    true => terms.for_each(
                        #[inline(always)]
                        |((sum, g), slope)| *sum = *slope * *g,
                    ),
                    false => terms.for_each(
                        #[inline(always)]
                        |((sum, g), slope)| *sum += *slope * *g,
                    ),
                }
            }
        },
    );
}
