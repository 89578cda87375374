//! Numbers, names and tensors as bytes, for other ranks of the same program.

use unspool_autograd::{Scalar, Tensor};

/// How the elements of tensors become bytes. Kept as functions, so that what holds one need not know that its numbers
/// are real.
#[derive(Clone, Copy)]
pub(super) struct Elements<T> {
    pub to_bytes: fn(&[T], &mut [u8]),
    pub from_bytes: fn(&[u8], &mut [T]),
}

impl<T: Scalar> Elements<T> {
    /// Appends the elements.
    pub fn put(self, elements: &[T], message: &mut Vec<u8>) {
        let start = message.len();
        message.resize(start + size_of_val(elements), 0);
        (self.to_bytes)(elements, &mut message[start..]);
    }

    pub fn put_tensor(self, tensor: &Tensor<T>, message: &mut Vec<u8>) {
        put_number(tensor.rank(), message);
        tensor.shape().iter().for_each(|&size| put_number(size, message));
        self.put(tensor.contiguous().as_slice().expect("contiguous"), message);
    }
}

pub(super) fn put_number(number: usize, message: &mut Vec<u8>) {
    message.extend((number as u64).to_le_bytes());
}

pub(super) fn put_text(text: &str, message: &mut Vec<u8>) {
    put_number(text.len(), message);
    message.extend(text.as_bytes());
}

/// Reads a message from its start. All is `None` from the first part that is not there.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn word(&mut self) -> Option<[u8; 8]> {
        self.bytes(8)?.try_into().ok()
    }

    pub fn number(&mut self) -> Option<usize> {
        self.word().map(|word| u64::from_le_bytes(word) as usize)
    }

    pub fn float(&mut self) -> Option<f64> {
        self.word().map(f64::from_le_bytes)
    }

    pub fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        String::from_utf8(self.bytes(length)?.to_vec()).ok()
    }

    /// Fills the elements.
    pub fn elements<T: Scalar>(&mut self, how: Elements<T>, into: &mut [T]) -> Option<()> {
        (how.from_bytes)(self.bytes(size_of_val(into))?, into);
        Some(())
    }

    pub fn tensor<T: Scalar>(&mut self, how: Elements<T>) -> Option<Tensor<T>> {
        let rank = self.number()?;
        let shape = (0..rank).map(|_| self.number()).collect::<Option<Vec<_>>>()?;
        let mut tensor = Tensor::zeros(&shape[..]);
        self.elements(how, tensor.as_mut_slice())?;
        Some(tensor)
    }
}
