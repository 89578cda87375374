//! One step of a recurrence, forward and backward: loops over the elements of a block.

use crate::scalar::Scalar;

/// The recurrences that there are, of `N` planes.
///
/// Backwards in time, `g_t` is the gradient with respect to `h_t`: that of its value alone and what
/// reaches it from the step after it.
#[doc(hidden)]
pub trait Form<const N: usize>: Clone + Send + Sync + 'static {
    /// `y`, the next state, from the state `h`.
    fn step<T: Scalar>(y: &mut [&mut [T]; N], a: [&[T]; N], h: [&[T]; N], b: [&[T]; N]);

    /// The gradient with respect to `a`, written to `da` or added to it, from the state `h` before
    /// the step.
    fn factor_gradient<T: Scalar>(da: &mut [&mut [T]; N], g: [&[T]; N], h: [&[T]; N], b: [&[T]; N], add: bool);

    /// From `g` the gradient with respect to `b`, in its place, and what reaches the step before,
    /// `carried`; 0 if it is below `least`.
    fn step_back<T: Scalar>(g: &mut [&mut [T]; N], carried: &mut [&mut [T]; N], a: [&[T]; N], least: T);
}

/// `h_t = a_t h_(t-1) + b_t`: `da_t = h_(t-1) g_t`, `db_t = g_t`, and `a_t g_t` goes on.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Real;

impl Form<1> for Real {
    #[inline(always)]
    fn step<T: Scalar>([y]: &mut [&mut [T]; 1], [a]: [&[T]; 1], [h]: [&[T]; 1], [b]: [&[T]; 1]) {
        let n = y.len();
        let (a, h, b) = (&a[..n], &h[..n], &b[..n]);
        for i in 0..n {
            y[i] = a[i] * h[i] + b[i];
        }
    }

    #[inline(always)]
    fn factor_gradient<T: Scalar>([da]: &mut [&mut [T]; 1], [g]: [&[T]; 1], [h]: [&[T]; 1], _b: [&[T]; 1], add: bool) {
        let n = da.len();
        let (g, h) = (&g[..n], &h[..n]);
        for i in 0..n {
            let term = g[i] * h[i];
            da[i] = if add { da[i] + term } else { term };
        }
    }

    #[inline(always)]
    fn step_back<T: Scalar>([g]: &mut [&mut [T]; 1], [carried]: &mut [&mut [T]; 1], [a]: [&[T]; 1], least: T) {
        let n = g.len();
        let (carried, a) = (&mut carried[..n], &a[..n]);
        for i in 0..n {
            carried[i] = (a[i] * g[i]).flush(least);
        }
    }
}

/// `h_t = h_(t-1) + a_t (b_t - h_(t-1))`: `da_t = (b_t - h_(t-1)) g_t`, `db_t = a_t g_t`, and
/// `(1 - a_t) g_t` goes on.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Lerp;

impl Form<1> for Lerp {
    #[inline(always)]
    fn step<T: Scalar>([y]: &mut [&mut [T]; 1], [a]: [&[T]; 1], [h]: [&[T]; 1], [b]: [&[T]; 1]) {
        let n = y.len();
        let (a, h, b) = (&a[..n], &h[..n], &b[..n]);
        for i in 0..n {
            y[i] = h[i] + a[i] * (b[i] - h[i]);
        }
    }

    #[inline(always)]
    fn factor_gradient<T: Scalar>([da]: &mut [&mut [T]; 1], [g]: [&[T]; 1], [h]: [&[T]; 1], [b]: [&[T]; 1], add: bool) {
        let n = da.len();
        let (g, h, b) = (&g[..n], &h[..n], &b[..n]);
        for i in 0..n {
            let term = g[i] * (b[i] - h[i]);
            da[i] = if add { da[i] + term } else { term };
        }
    }

    #[inline(always)]
    fn step_back<T: Scalar>([g]: &mut [&mut [T]; 1], [carried]: &mut [&mut [T]; 1], [a]: [&[T]; 1], least: T) {
        let n = g.len();
        let (carried, a) = (&mut carried[..n], &a[..n]);
        for i in 0..n {
            carried[i] = ((T::ONE - a[i]) * g[i]).flush(least);
            g[i] = a[i] * g[i];
        }
    }
}

/// [`Real`] of complex numbers: its gradients with the complex conjugates of `a_t` and `h_(t-1)`.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Complex;

impl Form<2> for Complex {
    #[inline(always)]
    fn step<T: Scalar>([yr, yi]: &mut [&mut [T]; 2], [ar, ai]: [&[T]; 2], [hr, hi]: [&[T]; 2], [br, bi]: [&[T]; 2]) {
        let n = yr.len();
        let (yi, ar, ai, hr, hi, br, bi) = (&mut yi[..n], &ar[..n], &ai[..n], &hr[..n], &hi[..n], &br[..n], &bi[..n]);
        for i in 0..n {
            yr[i] = ar[i] * hr[i] - ai[i] * hi[i] + br[i];
            yi[i] = ar[i] * hi[i] + ai[i] * hr[i] + bi[i];
        }
    }

    #[inline(always)]
    fn factor_gradient<T: Scalar>(
        [dr, di]: &mut [&mut [T]; 2],
        [gr, gi]: [&[T]; 2],
        [hr, hi]: [&[T]; 2],
        _b: [&[T]; 2],
        add: bool,
    ) {
        let n = dr.len();
        let (di, gr, gi, hr, hi) = (&mut di[..n], &gr[..n], &gi[..n], &hr[..n], &hi[..n]);
        for i in 0..n {
            let (re, im) = (gr[i] * hr[i] + gi[i] * hi[i], gi[i] * hr[i] - gr[i] * hi[i]);
            (dr[i], di[i]) = if add { (dr[i] + re, di[i] + im) } else { (re, im) };
        }
    }

    #[inline(always)]
    fn step_back<T: Scalar>([gr, gi]: &mut [&mut [T]; 2], [cr, ci]: &mut [&mut [T]; 2], [ar, ai]: [&[T]; 2], least: T) {
        let n = gr.len();
        let (gi, cr, ci, ar, ai) = (&gi[..n], &mut cr[..n], &mut ci[..n], &ar[..n], &ai[..n]);
        for i in 0..n {
            cr[i] = (ar[i] * gr[i] + ai[i] * gi[i]).flush(least);
            ci[i] = (ar[i] * gi[i] - ai[i] * gr[i]).flush(least);
        }
    }
}
