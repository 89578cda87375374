//! What must be the same on all ranks.

use super::messages::{Reader, put_number, put_text};
use super::ranks::{Broken, Kind, Shared};
use unspool_autograd::{Params, Path, Scalar, Tensor};

/// What must be the same on all ranks, by name: a setting, or the hash of something larger.
#[derive(Debug, Default)]
pub struct Agreement(Vec<(String, u64, bool)>);

impl Agreement {
    /// A number that a sentence can name.
    pub fn number(&mut self, name: impl Into<String>, number: u64) {
        self.0.push((name.into(), number, true));
    }

    /// What is too large for a sentence.
    pub fn hash(&mut self, name: impl Into<String>, hash: Hash) {
        self.0.push((name.into(), hash.0, false));
    }
}

impl Shared {
    /// Compares this with what the other ranks have.
    ///
    /// # Errors
    /// If one has something else than rank 0; the same error on all ranks.
    pub fn agree(&self, when: &str, on: &Agreement) -> Result<(), Broken> {
        if self.size() == 1 {
            return Ok(());
        }
        let mut contents = Vec::new();
        put_number(on.0.len(), &mut contents);
        for (name, value, is_number) in &on.0 {
            put_text(name, &mut contents);
            contents.extend(value.to_le_bytes());
            contents.push(u8::from(*is_number));
        }
        let lists = self.to_all(Kind::Agreement, &contents)?.read(|messages| {
            let list = |message: &mut Reader<'_>| {
                let length = message.number()?;
                let entry = |_| Some((message.text()?, message.number()? as u64, message.bytes(1)? == [1]));
                (0..length).map(entry).collect::<Option<Vec<_>>>()
            };
            messages.iter_mut().map(list).collect::<Option<Vec<_>>>()
        })?;
        for (rank, list) in lists.iter().enumerate() {
            if let Some(difference) = difference(&lists[0], list) {
                return Err(Broken::differ(format!("{when}, rank {rank} has {difference}")));
            }
        }
        Ok(())
    }
}

/// What a rank has that differs from rank 0.
fn difference(first: &[(String, u64, bool)], other: &[(String, u64, bool)]) -> Option<String> {
    let differs = first.iter().zip(other).find(|(a, b)| a != b);
    match differs {
        Some(((name, a, true), (same, b, true))) if name == same => Some(format!("{name} {b}, and rank 0 has {a}")),
        Some(((name, ..), (same, ..))) if name == same => Some(format!("another {name} than rank 0")),
        None if first.len() == other.len() => None,
        _ => Some("other settings than rank 0: all must run the same program".to_owned()),
    }
}

/// A hash of what ranks compare: the same on all machines.
#[derive(Clone, Copy, Debug)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// With a word more: multiplied by an odd number, from which every bit of a word reaches the upper ones, and
    /// rotated, by which these reach the lower ones.
    #[inline(always)]
    pub fn word(&mut self, word: u64) {
        self.0 = ((self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(29);
    }

    pub fn value(self) -> u64 {
        self.0
    }

    pub fn text(mut self, text: &str) -> Self {
        self.word(text.len() as u64);
        text.bytes().for_each(|byte| self.word(u64::from(byte)));
        self
    }

    pub fn counts(mut self, counts: &[usize]) -> Self {
        counts.iter().for_each(|&count| self.word(count as u64));
        self
    }

    #[inline(never)] // see compiled.rs
    pub fn tensor<T: Scalar>(mut self, tensor: &Tensor<T>) -> Self {
        self = self.counts(&tensor.shape());
        let tensor = tensor.contiguous();
        tensor.as_slice().expect("contiguous").iter().for_each(|x| self.word(x.to_f64().to_bits()));
        self
    }

    /// The names and shapes of a model's leaves, and their values.
    pub fn model<T: Scalar, M: Params<Tensor<T>>>(model: &M) -> [Self; 2] {
        let [mut names, mut values] = [Hash::default(); 2];
        model.visit_leaves(Path::ROOT, &mut |path, leaf| {
            names = names.text(&path.to_string()).text(&leaf.shape().to_string());
            values = values.tensor(leaf);
        });
        [names, values]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let list = |entries: &[(&str, u64, bool)]| {
            entries.iter().map(|&(name, value, is_number)| (name.to_owned(), value, is_number)).collect::<Vec<_>>()
        };
        let first = list(&[("a seed of", 3, true), ("model", 17, false)]);
        assert_eq!(difference(&first, &first), None);
        let seed = difference(&first, &list(&[("a seed of", 4, true), ("model", 18, false)]));
        assert_eq!(seed.unwrap(), "a seed of 4, and rank 0 has 3");
        let model = difference(&first, &list(&[("a seed of", 3, true), ("model", 18, false)]));
        assert_eq!(model.unwrap(), "another model than rank 0");
        for other in [&first[..1], &list(&[("a seed of", 3, true), ("task", 17, false)])] {
            assert!(difference(&first, other).unwrap().contains("the same program"));
        }
    }

    #[test]
    fn every_bit_counts() {
        let zeros = Hash::default().tensor(&Tensor::<f32>::zeros([4])).0;
        for i in 0..4 {
            let other = Tensor::from_fn([4], |j| if i == j { f32::from_bits(1) } else { 0.0 });
            assert_ne!(Hash::default().tensor(&other).0, zeros);
        }
        assert_ne!(Hash::default().tensor(&Tensor::<f32>::zeros([2, 2])).0, zeros);
        assert_ne!(Hash::default().text("ab").text("c").0, Hash::default().text("a").text("bc").0);
    }
}
