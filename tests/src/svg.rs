//! Pictures as SVG, read.

/// A tag of an SVG text: its name, its attributes, and the text up to the next tag.
#[derive(Debug)]
pub struct Tag<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its attributes, in order.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// The text up to the next tag.
    pub text: &'a str,
}

impl<'a> Tag<'a> {
    /// An attribute.
    pub fn get(&self, attribute: &str) -> &'a str {
        self.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, value)| *value).expect(attribute)
    }

    /// An attribute.
    pub fn number(&self, attribute: &str) -> f64 {
        self.get(attribute).parse().expect(attribute)
    }
}

/// The tags of a text, all of which are closed in order; one element holds all others.
pub fn tags(svg: &str) -> Vec<Tag<'_>> {
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    let mut pieces = svg.split('<');
    assert_eq!(pieces.next(), Some(""));
    for piece in pieces {
        let (inside, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.replace("&lt;", "").replace("&amp;", "").contains(['&', '>']), "{text}");
        assert!(!tags.is_empty() || inside.starts_with("svg "), "{inside}");
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            assert!(!open.is_empty() || text == "\n", "{text}");
            continue;
        }
        assert!(tags.is_empty() || !open.is_empty(), "{inside} stands behind the end");
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes: Vec<(&str, &str)> = Vec::new();
        while !rest.is_empty() {
            let (attribute, behind) = rest.split_once("=\"").expect("an attribute has a value");
            let (value, behind) = behind.split_once('"').expect("a value ends");
            assert!(attributes.iter().all(|(name, _)| *name != attribute), "{attribute} twice");
            attributes.push((attribute, value));
            rest = behind.strip_prefix(' ').unwrap_or(behind);
        }
        if !closed {
            open.push(name);
        }
        tags.push(Tag { name, attributes, text });
    }
    assert_eq!(open, [""; 0]);
    tags
}

/// The tags of this name.
pub fn named<'a, 'b>(tags: &'b [Tag<'a>], name: &str) -> Vec<&'b Tag<'a>> {
    tags.iter().filter(|tag| tag.name == name).collect()
}

/// The points of a line.
pub fn points(line: &Tag) -> Vec<(f64, f64)> {
    let point = |point: &str| {
        let (x, y) = point.split_once(',').expect("two numbers");
        (x.parse().expect("a number"), y.parse().expect("a number"))
    };
    line.get("points").split(' ').map(point).collect()
}

/// Left, right, top and bottom of the frame.
pub fn frame(tags: &[Tag]) -> [f64; 4] {
    let frame = tags.iter().find(|tag| tag.attributes.contains(&("class", "frame"))).expect("a frame");
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| frame.number(name));
    [x, x + width, y, y + height]
}

/// The dots within the frame.
pub fn dots(tags: &[Tag]) -> Vec<(f64, f64)> {
    let all = named(tags, "circle").into_iter().filter(|tag| tag.get("r") == "2.5");
    all.map(|dot| (dot.number("cx"), dot.number("cy"))).collect()
}
