//! Products, reductions, and what runs along an axis.

use super::*;
use unspool::ops::Convolution;

pub const CASES: &[Case] = &[
    ("matmul", |name| {
        for shapes in [[&[3, 4][..], &[4, 5][..]], [&[1, 1], &[1, 1]], [&[3, 1], &[1, 2]]] {
            check(name, shapes, f!(|a, b| a.matmul(b)));
        }
        for shapes in [[&[2, 3, 4][..], &[4, 5][..]], [&[4], &[4, 2]], [&[2, 0], &[0, 3]], [&[0, 2], &[2, 3]]] {
            let o = Operands { a: values(shapes[0], 1), b: values(shapes[1], 2) };
            gradcheck(&o, |_, o| project(o.a.matmul(o.b))).unwrap();
        }
        for shapes in [
            [&[2, 3, 4][..], &[2, 4, 2][..]],
            [&[3, 4], &[2, 4, 2]],
            [&[2, 1, 3, 4], &[5, 4, 2]],
            [&[0, 2, 3], &[1, 3, 2]],
        ] {
            check(name, shapes, f!(|a, b| a.matmul(b)));
        }
        // A weight used at many steps, as a recurrent one is: its gradient is collected and computed at once.
        let o = Operands { a: values([40, 3], 1), b: values([3, 3], 2) };
        gradcheck(&o, |_, o| project((0..20).fold(o.a, |h, _| h.matmul(o.b).tanh()))).unwrap();
    }),
    ("linear", |name| {
        check(name, [&[3, 4], &[4, 5]], f!(|a, b| a.linear(b, (a.sum() * b).sum_axes(&[0]))));
        check(name, [&[2, 3, 4], &[4, 2]], f!(|a, b| a.linear(b, b.sum_axes(&[0]))));
        check(name, [&[0, 4], &[4, 2]], f!(|a, b| a.linear(b, b.sum_axes(&[0])).sum() + a.sum()));
        check(name, [&[3, 4], &[4, 4]], f!(|a, b| (0..3).fold(a * 0.3, |h, _| h.linear(b, a).tanh() * 0.1)));
    }),
    ("sum", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.sum() * b.sum()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.sum_axes(&[0, 2]) + b.sum_axes(&[1]).sum()));
        check(name, [&[], &[2, 0]], f!(|a, b| a.sum() + b.sum_axes(&[1])));
    }),
    ("mean", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.mean() * b.mean()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.mean_axes(&[0, 2]) + b.mean_axes(&[1]).mean()));
    }),
    ("prod", |name| {
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| a.prod() * b.prod_keepdim(&[0]) + b.prod_axes(&[1]).sum()));
        check(name, [&[2, 3, 2], &[2, 3, 2]], f!(|a, b| a.prod_axes(&[2, 0]) + b.prod_axes(&[1]).sum()));
        check(name, [&[], &[2, 0]], f!(|a, b| a.prod() + b.prod_axes(&[1]) + b.prod_axes(&[0]).sum() + b.prod()));
        // Rows with no zero, one, and two, at which a division would fail.
        check(
            name,
            [&[3, 4], &[4, 3]],
            f!(|a, b| (a * mask(a, &[5, 8, 10])).prod_axes(&[1]) + (b * mask(b, &[7])).prod_axes(&[0])),
        );
    }),
    ("max", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.max() * b.max()));
        check(name, [&[2, 3, 4], &[2, 3, 4]], f!(|a, b| a.max_axes(&[0, 2]) + b.max_axes(&[1]).sum()));
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| (a.max_keepdim(&[1]) - b) * a));
        check(name, [&[], &[0, 2]], f!(|a, b| a.max() + b.max_axes(&[1]).sum()));
    }),
    ("max", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.min() * b.min()));
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| (a.min_keepdim(&[1]) - b.min_axes(&[0])) * a));
    }),
    ("var", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.var_axes(&[1], 1) + b.var(0) * a.var_keepdim(&[0], 1).sum()));
        check(
            name,
            [&[2, 3, 4], &[2, 3, 4]],
            f!(|a, b| a.std_axes(&[0, 2], 1) * b.std_axes(&[2, 0], 0) + a.std(1) * b.std_keepdim(&[1, 2], 0).sum()),
        );
    }),
    ("norm", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| (a.norm_axes(&[1]) + b.norm()).sum() + a.norm_keepdim(&[0]) * b))
    }),
    ("logsumexp", |name| {
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| (a * 5.0).logsumexp_axes(&[1]) + b.logsumexp() * a.logsumexp_keepdim(&[0]).sum()),
        );
        check(name, [&[], &[1, 1]], f!(|a, b| a.logsumexp_axes(&[]) + b.logsumexp_axes(&[0])));
    }),
    ("softmax", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.softmax(1) * b.softmax(0)));
        check(name, [&[1, 1], &[0, 2]], f!(|a, b| a.softmax(1).sum() + b.softmax(1).sum()));
    }),
    ("log_softmax", |name| check(name, [&[3, 4], &[3, 4]], f!(|a, b| (a * 5.0).log_softmax(1) * b.log_softmax(0)))),
    ("cumsum", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.cumsum(1) * b.cumsum(0)));
        check(name, [&[2, 3, 2], &[0, 2]], f!(|a, b| a.cumsum(1).sum() + b.cumsum(0).sum()));
    }),
    ("cumprod", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.cumprod(1) * b.cumprod(0)));
        check(name, [&[2, 3, 2], &[0, 2]], f!(|a, b| a.cumprod(1).sum() + b.cumprod(0).sum()));
        // The first and the second zero of a row, at which a division would fail.
        check(
            name,
            [&[3, 4], &[3, 4]],
            f!(|a, b| (a * mask(a, &[1, 6, 7])).cumprod(1) + (b * mask(b, &[0])).cumprod(1)),
        );
    }),
    ("lerp_recurrence", |name| {
        check(name, [&[4, 2, 3], &[2, 3]], f!(|a, b| Var::lerp_recurrence(a * 0.5, a.sin(), b)));
        check(name, [&[4, 2, 3], &[3]], f!(|a, b| Var::lerp_recurrence(a, b.tanh(), a.select(0, 0))));
        check(name, [&[4, 2, 3], &[4, 2, 1]], f!(|a, b| Var::lerp_recurrence(a, b.tanh(), a.select(0, 1))));
    }),
    ("linear_recurrence", |name| {
        // Gates: chunks, of a sequence walked in either direction.
        check(
            name,
            [&[4, 2, 6], &[2, 3]],
            f!(|a, b| {
                let [decay, input] = a.chunks();
                let (decay_back, input_back) = (decay.flip(0), input.flip(0));
                Var::linear_recurrence(decay, input, b)
                    + Var::linear_recurrence(input_back, decay_back, b)
                    + Var::lerp_recurrence(decay_back, input, b)
            }),
        );
        check(name, [&[4, 2, 3], &[2, 3]], f!(|a, b| Var::linear_recurrence(a.sin(), a * 0.5, b)));
        check(name, [&[4, 2, 3], &[3]], f!(|a, b| Var::linear_recurrence(b.tanh(), a, a.select(0, 0))));
        check(name, [&[4, 2, 3], &[4, 2, 1]], f!(|a, b| Var::linear_recurrence(b.tanh(), a, a.select(0, 1))));
        check(name, [&[0, 3], &[3]], f!(|a, b| Var::linear_recurrence(a, a, b).sum() + b));
        check(
            name,
            [&[4, 2, 3], &[4, 2, 3]],
            f!(|a, b| {
                let start = (a.select(0, 1), b.select(0, 2));
                let (re, im) = Var::complex_linear_recurrence((a.sin(), b.cos()), (b, a), start);
                let decay = (b.select(0, 0).tanh(), a.select(0, 3) * 0.3);
                let (re_2, im_2) = Var::complex_linear_recurrence(decay, (a, b), start);
                re * im + re_2 - im_2
            }),
        );
    }),
    ("layer_norm", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.layer_norm(1e-5) * b.layer_norm(0.1)));
        check(name, [&[5], &[2, 1, 3]], f!(|a, b| a.layer_norm(1e-3).sum() + b.layer_norm(1e-3)));
        check(name, [&[3, 0], &[0, 3]], f!(|a, b| a.layer_norm(1e-3).sum() + b.layer_norm(1e-3).sum()));
        check(name, [&[2, 3, 4], &[4]], f!(|a, b| a.layer_norm_affine(b, b * b, 0.1)));
        check(
            name,
            [&[4], &[4]],
            f!(|a, b| a.layer_norm_affine(b, a, 0.1) + mask(a, &[1, 2]).layer_norm_affine(a, b, 0.1)),
        );
    }),
    ("rms_norm", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| a.rms_norm(1e-5) * b.rms_norm(0.1)));
        check(name, [&[5], &[2, 1, 3]], f!(|a, b| a.rms_norm(1e-3).sum() + b.rms_norm(0.0)));
        check(name, [&[3, 0], &[0, 3]], f!(|a, b| a.rms_norm(1e-3).sum() + b.rms_norm(1e-3).sum()));
        check(name, [&[2, 3, 4], &[4]], f!(|a, b| a.rms_norm_affine(b, 0.1)));
        check(name, [&[4], &[4]], f!(|a, b| a.rms_norm_affine(b, 0.1) + mask(a, &[1, 2]).rms_norm_affine(a, 9.0)));
    }),
    ("sort", |name| {
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| apart(a).sort(1).0 * b.square() + apart(b).sort(0).0 * a));
        check(name, [&[3, 4], &[3, 4]], f!(|a, b| apart(a).topk(1, 2).0.sum() * a + apart(b).topk(0, 3).0 * b));
        check(name, [&[1], &[0, 2]], f!(|a, b| a.sort(0).0 + b.sort(0).0.sum() + a.topk(0, 0).0.sum()));
    }),
    ("dot", |name| {
        check(name, [&[4], &[4]], f!(|a, b| a.dot(b) * a));
        check(name, [&[4], &[3]], f!(|a, b| a.outer(b)));
        check(name, [&[0], &[3]], f!(|a, b| a.dot(a) + a.outer(b).sum() + b));
    }),
    ("einsum", |name| {
        check(name, [&[3, 4], &[4, 2]], f!(|a, b| Var::einsum("ij,jk->ki", a, b)));
        check(name, [&[2, 3, 4], &[2, 5, 4]], f!(|a, b| Var::einsum("bqd,bkd->bqk", a, b)));
        check(name, [&[2, 3, 4], &[4, 5, 2]], f!(|a, b| Var::einsum("bqd,dkb->kbq", a, b)));
        check(name, [&[2, 3, 4], &[5, 3]], f!(|a, b| Var::einsum("abc,db->cda", a, b)));
        check(name, [&[2, 3], &[2, 3]], f!(|a, b| Var::einsum("ij,ij->ij", a, b)));
        check(name, [&[2, 3], &[4, 3]], f!(|a, b| Var::einsum("ai,bi->", a, b))); // a and b summed by themselves
        check(name, [&[], &[3]], f!(|a, b| Var::einsum(",i->i", a, b)));
        check(name, [&[2, 0], &[0, 3]], f!(|a, b| Var::einsum("ij,jk->ik", a, b)));
    }),
    ("conv1d", |name| {
        check(name, [&[5, 2, 3], &[2, 3, 4]], f!(|a, b| a.conv1d(b, Convolution::default())));
        check(
            name,
            [&[7, 2, 1], &[3, 1, 2]],
            f!(|a, b| a.conv1d(b, Convolution { stride: 2, before: 2, after: 1, dilation: 1 })),
        );
        check(
            name,
            [&[6, 1, 2], &[3, 2, 1]],
            f!(|a, b| a.conv1d(b, Convolution { stride: 3, before: 0, after: 4, dilation: 2 })),
        );
    }),
];
