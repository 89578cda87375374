//! The one list of ops. It imports nothing, so that the page of [`Var`](crate::Var) can be made
//! from it.

/// Passes the list of all ops to a macro: `families!(crate::ops::families::table)`.
///
/// A line is the module of a family, its ops in the order of the table, and in parentheses the
/// further methods of an op's file; an op without a method of its name has its sign in brackets.
/// The heading of a family on the page of [`Var`](crate::Var) is the name of its module.
macro_rules! families {
    ($($macro:ident)::+) => {
        $($macro)::+! {
            arithmetic: add["+"] sub["-"] mul["*"] div["/"] neg["unary -"];
            powers: square pow(powf powi) sqrt reciprocal abs sign;
            rounding: floor ceil round trunc remainder;
            exponential: exp expm1 ln ln1p sin cos atan(atan2) erf(erfc) lgamma(digamma);
            activation: tanh sigmoid softplus logsigmoid softsign relu leaky_relu elu selu silu mish gelu(gelu_tanh)
                hardsigmoid(hardtanh) hardswish;
            selection: maximum(minimum) clamp where_(masked_fill) lerp;
            dropout: dropout;
            product: matmul linear dot(outer) einsum conv1d;
            reduction: sum(sum_axes sum_keepdim) mean(mean_axes mean_keepdim) prod(prod_axes prod_keepdim)
                max(max_axes max_keepdim min min_axes min_keepdim argmax argmax_keepdim argmin argmin_keepdim)
                var(var_axes var_keepdim std std_axes std_keepdim) norm(norm_axes norm_keepdim)
                logsumexp(logsumexp_axes logsumexp_keepdim);
            normalize: softmax log_softmax layer_norm(layer_norm_affine) rms_norm(rms_norm_affine);
            scan: cumsum cumprod;
            recurrence: lerp_recurrence linear_recurrence(complex_linear_recurrence);
            shape: reshape(unsqueeze squeeze) permute(t transpose) expand repeat flip roll pad(pad_with) tril(triu)
                vec_to_tril_matrix(tril_matrix_to_vec);
            slicing: select(unbind last) slice(slice_step chunks split) stack concat;
            indexing: index_select gather(take_along) scatter_add sort(topk);
        }
    };
}
pub(crate) use families;

/// The rows of the table of ops on the page of [`Var`](crate::Var).
macro_rules! table {
    ($($family:ident: $($op:ident $([$sign:literal])? $(($($method:ident)*))?)*;)*) => {
        concat!($(
            "| [", stringify!($family), "](#", stringify!($family), ") | ",
            $(crate::ops::families::table!(@$op $($sign)?), $($(crate::ops::families::table!(@$method),)*)?)*
            "|\n",
        )*)
    };
    (@$op:ident $sign:literal) => { concat!("[`", $sign, "`](#trait-implementations) ") };
    (@$method:ident) => { concat!("[`", stringify!($method), "`](Var::", stringify!($method), ") ") };
}
pub(crate) use table;
