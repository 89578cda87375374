//! The names of leaves.

use std::fmt;

/// The path of a leaf in its model, and whether it is that of a buffer. Displays as a dotted name,
/// `cell.x.weight`.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::autograd::Path;
/// let model = sequential().add(dense(3, 2));
/// let mut shapes = Vec::new();
/// model.visit_leaves(Path::ROOT, &mut |path, leaf| shapes.push(format!("{path} {}", leaf.shape())));
/// assert_eq!(shapes, ["layers.0.weight [3, 2]", "layers.0.bias [2]"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Option<Segment>,
    is_buffer: bool,
}

/// One segment of a [`Path`].
///
/// ```
/// use unspool::autograd::{Path, Segment};
/// let layers = Path::ROOT.join(Segment::Field("layers"));
/// let (first, weight) = (Segment::Index(0), Segment::Field("weight"));
/// assert_eq!(layers.join(first).join(weight).to_string(), "layers.0.weight");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// A named field.
    Field(&'static str),
    /// An index in a tuple, an array or a list.
    Index(usize),
}

impl<'a> Path<'a> {
    /// The path of the outermost model: no name yet.
    pub const ROOT: Path<'static> = Path { parent: None, segment: None, is_buffer: false };

    /// This path, one segment longer.
    pub fn join(&'a self, segment: Segment) -> Path<'a> {
        Path { parent: Some(self), segment: Some(segment), is_buffer: self.is_buffer }
    }

    /// This path, one segment longer: that of a field that is a [buffer](super::Params#buffers). So
    /// is every path that continues it.
    pub fn join_buffer(&'a self, segment: Segment) -> Path<'a> {
        Path { is_buffer: true, ..self.join(segment) }
    }

    /// The number of its segments.
    pub(crate) fn len(&self) -> usize {
        self.parent.map_or(0, Path::len) + usize::from(self.segment.is_some())
    }

    /// Appends its segments, the outermost first.
    pub(crate) fn push_to(&self, segments: &mut Vec<Segment>) {
        if let Some(parent) = self.parent {
            parent.push_to(segments);
        }
        segments.extend(self.segment);
    }

    /// Whether this is the path of a [buffer](super::Params#buffers), or of a leaf inside one.
    pub fn is_buffer(&self) -> bool {
        self.is_buffer
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
            if parent.segment.is_some() {
                f.write_str(".")?;
            }
        }
        self.segment.map_or(Ok(()), |segment| fmt::Display::fmt(&segment, f))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Field(name) => f.write_str(name),
            Segment::Index(i) => write!(f, "{i}"),
        }
    }
}
