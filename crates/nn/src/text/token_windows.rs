//! Windows over a stream of tokens, for fixed-window models.

use crate::data::error::DataError;
use unspool_autograd::Indices;

/// All windows of `n` consecutive tokens, `[n, N]`, and the token after each, `[N]`: the examples
/// of a fixed-window model (Bengio et al. 2003), as a [`Dataset`](crate::data::Dataset) takes them.
/// `N` is the number of tokens minus `n`.
///
/// ```
/// use unspool::Dataset;
/// use unspool::text::token_windows;
/// let (windows, next) = token_windows(&[5, 6, 7, 8, 9], 3)?;
/// assert_eq!((&windows.shape()[..], windows.as_slice()), (&[3, 2][..], &[5, 6, 6, 7, 7, 8][..]));
/// assert_eq!(next.as_slice(), [8, 9]);
/// let data = Dataset::classes(windows, next)?;
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Errors
/// If there are at most `n` tokens.
///
/// # Panics
/// If `n` is 0.
#[track_caller]
pub fn token_windows(tokens: &[usize], n: usize) -> Result<(Indices, Indices), DataError> {
    ensure!(n > 0, "token_windows: a window of 0 tokens: it must have at least 1");
    let have = tokens.len();
    if have <= n {
        return Err(DataError::new(format!(
            "a text of {have} tokens is too short: a window of {n} and the token after it need {}",
            n.saturating_add(1)
        )));
    }
    let windows = (0..n).flat_map(|step| &tokens[step..have - n + step]).copied().collect();
    Ok((Indices::from_vec(windows, [n, have - n]), Indices::from(&tokens[n..])))
}
