//! Shapes, parts, and places.

use super::*;

pub const CASES: &[Case] = &[
    ("expand", |name| check(name, [&[3, 1], &[4]], f!(|a, b| a.reshape([3, 1]).expand([2, 3, 4]) * b))),
    ("flip", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.flip(0) * b.flip(1)))),
    ("pad", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.pad(0, 1, 2).last().sum() + a.pad(1, 2, 0) * b.pad(1, 0, 2)));
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.pad_with(1, 1, 2, 3.0) * b.pad_with(1, 2, 1, -0.5)));
    }),
    ("roll", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.roll(0, 1) * b.roll(1, -6) + a.roll(1, 4).roll(0, -1)));
        check(name, [&[1], &[0, 2]], f!(|a, b| a.roll(0, 5) + b.roll(0, 1).sum()));
    }),
    ("vec_to_tril_matrix", |name| {
        check(
            name,
            [&[2, 6], &[2, 3]],
            f!(|a, b| a.reshape([2, 6]).vec_to_tril_matrix(0) * b.reshape([2, 3]).vec_to_tril_matrix(0).sum()
                + b.reshape([2, 3]).vec_to_tril_matrix(-1)),
        );
        check(
            name,
            [&[3, 3], &[2, 3, 3]],
            f!(|a, b| a.tril_matrix_to_vec(0) * b.tril_matrix_to_vec(0) + b.tril_matrix_to_vec(-2)),
        );
    }),
    ("tril", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.tril(0) * b.triu(-1) + a.triu(1) * b.tril(2)));
        check(name, [&[2, 4, 3], &[0, 2]], f!(|a, b| (a.tril(-1) + a.triu(isize::MIN)).sum() + b.triu(0).sum()));
    }),
    ("concat", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| Var::concat(1, &[a, b, a * b]) * Var::concat(1, &[b, b, a])));
        check(
            name,
            [&[2, 2], &[0, 2]],
            f!(|a, b| Var::concat(0, &[a.reshape([2, 2]), b.reshape([0, 2]), a.reshape([2, 2])])),
        );
    }),
    ("index_select", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.index_select(0, [2, 0, 2, 2]) * b.index_select(0, [1, 1, 0, 2])));
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| a.index_select(1, [3, 3]).sum() + b.index_select(1, Indices::from_vec(vec![], [0])).sum()),
        );
    }),
    ("reshape", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.unsqueeze(1).squeeze(1) * b.reshape([3, 4])))),
    ("reshape", |name| check(name, [&[2, 6], &[3, 4]], f!(|a, b| a.reshape([3, 4]) * b))),
    ("permute", |name| {
        check(
            name,
            [&[2, 3, 4], &[4, 2, 3]],
            f!(|a, b| a.reshape([2, 3, 4]).permute(&[2, 0, 1]) * b.reshape([4, 2, 3])),
        );
        check(name, [&[3, 4], &[4, 3]], f!(|a, b| a.reshape([3, 4]).t() * b.reshape([4, 3])));
    }),
    ("select", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.select(1, 2) * b.select(1, 0) + a.select(1, 2)));
        check(
            name,
            [&[5, 2], &[5, 2]],
            f!(|a, b| a.unbind().zip(b.unbind()).fold(a.last(), |sum, (a, b)| sum * a + b)),
        );
        // A value used whole and in parts: the parts are added to what is there, and the other way round.
        check(name, [&[5, 2], &[5, 2]], f!(|a, b| a.square().sum() + a.last().sum() + b.select(0, 1).sum() + b.sum()));
    }),
    ("slice", |name| {
        check(name, [&[3, 6], &[3, 6]], f!(|a, b| a.slice(1, 1..3) * b.slice(1, -2..)));
        check(
            name,
            [&[2, 6], &[2, 6]],
            f!(|a, b| {
                let ([a1, a2, a3], [b1, b2]) = (a.reshape([2, 6]).chunks(), b.reshape([2, 6]).chunks());
                (a1 * a2 * a3).sum() + (b1 * b2).sum()
            }),
        );
        check(name, [&[4], &[4]], f!(|a, b| a.slice(0, 2..2).sum() + a.slice(0, ..) * b));
        check(
            name,
            [&[3, 7], &[3, 7]],
            f!(|a, b| a.slice_step(1, 1.., 2) * b.slice_step(1, .., -3) + a.slice_step(1, -2.., -2).sum()),
        );
        check(
            name,
            [&[5, 2], &[5, 2]],
            f!(|a, b| {
                let (a, b) = (a.reshape([5, 2]).split(0, &[1, 0, 3, 1]), b.reshape([5, 2]).split(0, &[2, 3]));
                (a[2] * b[1]).sum() + (a[0] * a[3]).sum() + a[1].sum() + b[0].sum()
            }),
        );
    }),
    ("stack", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| Var::stack(0, &[a, b, a * b, a])));
        check(name, [&[], &[]], f!(|a, b| Var::stack(0, &[a, b])));
        check(
            name,
            [&[2, 3], &[2, 3]],
            f!(|a, b| (Var::stack(1, &[a, b, a * b]) * Var::stack(2, &[a, b, b])).sum_axes(&[1])),
        );
    }),
    ("repeat", |name| {
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| a.repeat(0, 2) * b.repeat(0, 2) + a.repeat(1, 3).sum() + b.repeat(1, 0).sum()),
        );
    }),
    ("gather", |name| {
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| {
                let picked = a.gather(1, Indices::from_vec(vec![3, 0, 3, 1, 2, 2], [3, 2]));
                picked * b.gather(0, Indices::from_vec(vec![2, 0, 0, 1, 1, 2], [3, 2]))
            }),
        );
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| {
                a.take_along(1, Indices::from_vec(vec![3, 0, 3], [1, 3])).sum() * b.take_along(0, b.argmax_keepdim(0))
            }),
        );
        check(
            name,
            [&[2, 3, 4], &[2, 0, 4]],
            f!(|a, b| {
                a.gather(1, Indices::from_vec(vec![2, 0], [1, 1, 2])).sum()
                    + b.gather(1, Indices::from_vec(vec![], [0, 1, 1])).sum()
            }),
        );
    }),
    ("scatter_add", |name| {
        check(
            name,
            [&[3, 4], &[3, 2]],
            f!(|a, b| a.reshape([3, 4]).scatter_add(
                1,
                Indices::from_vec(vec![3, 3, 0, 2, 1, 1], [3, 2]),
                b.reshape([3, 2])
            ) * a.reshape([3, 4])),
        );
        check(
            name,
            [&[3, 4], &[2, 4]],
            f!(|a, b| a.reshape([3, 4]).scatter_add(
                0,
                Indices::from_vec(vec![2, 0, 1, 1, 2, 2, 0, 1], [2, 4]),
                b.reshape([2, 4]).square()
            )),
        );
    }),
    ("dropout", |name| {
        for shape in SHAPES {
            check(name, [shape, shape], f!(|a, b| a.dropout(0.4, 7) * b.dropout(0.0, 1) + b.dropout(0.9, 8)));
        }
    }),
];
