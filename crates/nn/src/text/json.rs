//! A JSON array of strings (RFC 8259).

/// `["a","b"]`.
pub(super) fn write(strings: &[String]) -> String {
    let mut json = String::from("[");
    for (i, string) in strings.iter().enumerate() {
        json.push_str(if i == 0 { "\"" } else { ",\"" });
        for c in string.chars() {
            match c {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                '\n' => json.push_str("\\n"),
                c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => json.push(c),
            }
        }
        json.push('"');
    }
    json.push(']');
    json
}

/// Where a text is not such an array, and what should stand there.
type Mistake = (usize, &'static str);

pub(super) fn read(json: &str) -> Result<Vec<String>, Mistake> {
    let mut reader = Reader { json, at: 0 };
    let mut strings = Vec::new();
    reader.expect('[', "[")?;
    reader.spaces();
    if !reader.take(']') {
        loop {
            reader.spaces();
            strings.push(reader.string()?);
            reader.spaces();
            if reader.take(']') {
                break;
            }
            reader.expect(',', "a comma or ]")?;
        }
    }
    reader.spaces();
    if reader.at < json.len() { Err((reader.at, "the end")) } else { Ok(strings) }
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.json[self.at..]
    }

    fn spaces(&mut self) {
        self.at = self.json.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.rest().starts_with(c);
        self.at += if there { c.len_utf8() } else { 0 };
        there
    }

    fn expect(&mut self, c: char, name: &'static str) -> Result<(), Mistake> {
        self.spaces();
        if self.take(c) { Ok(()) } else { Err((self.at, name)) }
    }

    fn string(&mut self) -> Result<String, Mistake> {
        self.expect('"', "a string")?;
        let mut string = String::new();
        loop {
            let at = self.at;
            match self.next() {
                Some('"') => return Ok(string),
                Some('\\') => string.push(self.escape().ok_or((at, "an escape of JSON"))?),
                Some(c) if c >= ' ' => string.push(c),
                _ => return Err((at, "the rest of a string")),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut units = vec![self.four_digits()?];
                if (0xD800..0xDC00).contains(&units[0]) {
                    // The second half of a character beyond U+FFFF.
                    (self.take('\\') && self.take('u')).then_some(())?;
                    units.push(self.four_digits()?);
                }
                char::decode_utf16(units).next()?.ok()?
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }
}
