//! A pickle as data. Python runs a pickle: it is a program that imports functions and calls them.
//! Here a call stays what it is in the file, the name of a function and its arguments, and no name
//! means anything that is not on a list.

use std::collections::HashMap;

/// A value by its index in [`Pickle`]: values that contain each other, to any depth, then need no
/// recursion, not even to be dropped.
pub(super) type Id = usize;

pub(super) enum Value<'a> {
    Int(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or a class, by the names of its module and its own.
    Global(&'a str, &'a str),
    /// What a call of the first with the second, a tuple, would return, and what would be put into
    /// it as into a dictionary.
    Call(Id, Id, Vec<(Id, Id)>),
    /// An object outside of the pickle, as the pickle describes it.
    Persistent(Id),
    /// Anything that is no part of a weight: a float, a list, bytes.
    Other,
}

/// Why a pickle is not read.
pub(super) enum Problem {
    Invalid(String),
    /// It names what it may not: a sentence about the file.
    NotAllowed(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Problem::Invalid(problem)
    }
}

impl From<&str> for Problem {
    fn from(problem: &str) -> Self {
        Problem::Invalid(problem.to_owned())
    }
}

/// The values of a pickle. `root` is the one that was pickled.
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    pub root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle; `allowed` says which functions and classes it may name, by their module and
    /// their own name, and otherwise why not.
    pub fn read(bytes: &'a [u8], allowed: fn(&str, &str) -> Result<(), String>) -> Result<Pickle<'a>, Problem> {
        let (memo, stack, marks) = Default::default();
        let machine = Machine { bytes, at: 0, values: vec![Value::Other], memo, stack, marks, allowed };
        machine.run()
    }

    pub fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }
}

/// The machine that a pickle is a program for.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The first is [`Value::Other`], one for all.
    values: Vec<Value<'a>>,
    memo: HashMap<u32, Id>,
    stack: Vec<Id>,
    /// How high the stack was when each mark was set.
    marks: Vec<usize>,
    allowed: fn(&str, &str) -> Result<(), String>,
}

const OTHER: Id = 0;

impl<'a> Machine<'a> {
    /// Executes instructions until the one that ends a pickle. They are those of protocols 2 to 5
    /// that pickles of dictionaries, numbers, texts and tensors have.
    fn run(mut self) -> Result<Pickle<'a>, Problem> {
        loop {
            let start = self.at;
            match self.byte()? {
                b'.' => return Ok(Pickle { root: self.pop()?, values: self.values }),
                0x80 => _ = self.byte()?,  // the protocol
                0x95 => _ = self.take(8)?, // the length of a frame

                b'N' | 0x88 | 0x89 | b']' | 0x8f => self.stack.push(OTHER), // None, True, False, [], set()
                b'G' => self.other(8)?,
                b'J' => {
                    let int = i32::from_le_bytes(self.array()?);
                    self.push(Value::Int(int.into()));
                }
                b'K' => {
                    let int = self.byte()?;
                    self.push(Value::Int(int.into()));
                }
                b'M' => {
                    let int = u16::from_le_bytes(self.array()?);
                    self.push(Value::Int(int.into()));
                }
                0x8a => {
                    let length = self.byte()?;
                    self.long(length.into())?;
                }
                0x8b => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.long(length.into())?;
                }

                b'X' | b'T' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length.into())?;
                }
                0x8c | b'U' => {
                    let length = self.byte()?;
                    self.text(length.into())?;
                }
                0x8d => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.text(length)?;
                }
                b'B' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.other(length.into())?;
                }
                b'C' => {
                    let length = self.byte()?;
                    self.other(length.into())?;
                }
                0x8e | 0x96 => {
                    let length = u64::from_le_bytes(self.array()?);
                    self.other(length)?;
                }

                b'(' => self.marks.push(self.stack.len()),
                b')' => self.push(Value::Tuple(Vec::new())),
                b't' => {
                    let items = self.pop_to_mark()?;
                    self.push(Value::Tuple(items));
                }
                count @ 0x85..=0x87 => {
                    let mut items = (0x85..=count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                    items.reverse();
                    self.push(Value::Tuple(items));
                }
                0x91 => {
                    self.pop_to_mark()?;
                    self.stack.push(OTHER); // a frozen set
                }
                b'a' => _ = self.pop()?,
                b'e' | 0x90 => _ = self.pop_to_mark()?,
                b'}' => self.push(Value::Dict(Vec::new())),
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(&[key, value])?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?;
                    self.set_items(&items)?;
                }

                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                        return Err(format!("the function at byte {start} has no name").into());
                    };
                    self.global(module, name)?;
                }
                b'R' | 0x81 => {
                    let (arguments, callable) = (self.pop()?, self.pop()?);
                    self.push(Value::Call(callable, arguments, Vec::new()));
                }
                b'b' => _ = self.pop()?, // attributes of an object, such as `_metadata` of a state dict
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Value::Persistent(id));
                }

                b'q' => {
                    let key = self.byte()?;
                    self.remember(key.into())?;
                }
                b'r' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.remember(key)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let key = self.byte()?;
                    self.recall(key.into())?;
                }
                b'j' => {
                    let key = u32::from_le_bytes(self.array()?);
                    self.recall(key)?;
                }
                other => return Err(format!("the instruction {other:#04x} at byte {start} is unknown").into()),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(*self.take(N as u64)?.first_chunk().expect("of this length"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length)).ok_or("it is cut short")?;
        self.at += taken.len();
        Ok(taken)
    }

    /// The text up to the end of a line.
    fn line(&mut self) -> Result<&'a str, String> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or("it is cut short")?;
        let line = self.take(length as u64)?;
        self.at += 1;
        str::from_utf8(line).map_err(|_| format!("the name at byte {} is not UTF-8", self.at))
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Id, String> {
        match self.marks.last() {
            Some(&mark) if mark >= self.stack.len() => None,
            _ => self.stack.pop(),
        }
        .ok_or_else(|| format!("nothing is on the stack at byte {}", self.at))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(|| format!("no mark is on the stack at byte {}", self.at))?;
        Ok(self.stack.split_off(mark))
    }

    fn other(&mut self, length: u64) -> Result<(), String> {
        self.take(length)?;
        self.stack.push(OTHER);
        Ok(())
    }

    /// A little-endian integer of any length.
    fn long(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.take(length)?;
        if bytes.len() > 8 {
            self.stack.push(OTHER);
            return Ok(());
        }
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut int = [sign; 8];
        int[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(int)));
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<(), String> {
        match str::from_utf8(self.take(length)?) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => self.stack.push(OTHER), // bytes of Python 2, or half of a surrogate pair
        }
        Ok(())
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Result<(), Problem> {
        (self.allowed)(module, name).map_err(Problem::NotAllowed)?;
        self.push(Value::Global(module, name));
        Ok(())
    }

    /// Puts keys and values, which alternate, into the dictionary on the stack.
    fn set_items(&mut self, items: &[Id]) -> Result<(), String> {
        let (pairs, rest) = items.as_chunks::<2>();
        let dict = self.stack.last().map(|&id| &mut self.values[id]);
        match dict {
            Some(Value::Dict(entries) | Value::Call(_, _, entries)) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            _ => Err(format!("no dictionary is on the stack at byte {}", self.at)),
        }
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let top = *self.stack.last().ok_or_else(|| format!("nothing is on the stack at byte {}", self.at))?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let id = self.memo.get(&key);
        let id = *id.ok_or_else(|| format!("no value is remembered as {key} at byte {}", self.at))?;
        self.stack.push(id);
        Ok(())
    }
}
