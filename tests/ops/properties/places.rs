//! Parts and places: slices, picks, and what is added back to them.

use super::*;
use unspool::{Embedding, Layer, rng};

/// Numbers below `n` in `shape`, none if that is not possible.
fn positions(shape: &[usize], n: usize, salt: u64) -> Option<Indices> {
    let shape = Shape::from(shape);
    (n > 0 || shape.numel() == 0).then(|| {
        let numbers = values(shape, salt).to_vec().into_iter().map(|x| ((x + 1.0) / 2.0 * n as f64) as usize);
        Indices::from_vec(numbers.collect(), shape)
    })
}

fn place(shape: Shape, index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (&n, &i)| at * n + i)
}

/// The positions of NumPy's `range(n)[start:end:step]`, if the range lies within the axis and runs the right way.
fn numpy(n: usize, start: Option<isize>, end: Option<isize>, step: isize) -> Option<Vec<usize>> {
    let n = n as isize;
    let (lowest, highest) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let (first, past) = if step > 0 { (0, n) } else { (n - 1, -1) };
    let from_end = |at: isize| if at < 0 { at + n } else { at };
    let (mut at, past) = (start.map_or(first, from_end), end.map_or(past, from_end));
    if [at, past].iter().any(|at| !(lowest..=highest).contains(at)) || (past - at) * step < 0 {
        return None;
    }
    let mut list = Vec::new();
    while (past - at) * step > 0 {
        list.push(at as usize);
        at += step;
    }
    Some(list)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn slices_are_those_of_numpy_and_their_gradients_lie_where_they_were_cut(
        x in view(),
        axis in 0..4usize,
        start in prop::option::of(-5..5isize),
        end in prop::option::of(-5..5isize),
        step in (-4..5isize).prop_filter("steps", |&step| step != 0),
    ) {
        prop_assume!(axis < x.rank());
        let Some(list) = numpy(x.shape()[axis], start, end, step) else { return Ok(()) };
        let span = match (start, end) {
            (Some(start), Some(end)) => SliceRange::from(start..end),
            (Some(start), None) => SliceRange::from(start..),
            (None, Some(end)) => SliceRange::from(..end),
            (None, None) => SliceRange::from(..),
        };
        let tape = Tape::new();
        let v = tape.variable(&x);
        let y = v.slice_step(axis, span, step);
        prop_assert_eq!(y.shape(), x.shape().with(axis, list.len()));
        prop_assert_eq!(&y.value(), &x.slice_step(axis, span, step));
        if step == 1 {
            prop_assert_eq!(&y.value(), &x.slice(axis, span));
        }
        let seed = values(y.shape(), 5);
        let mut expected = x.map(|_| 0.0);
        for mut index in indices(y.shape()) {
            let got = element_at(&y.value(), &index);
            let given = element_at(&seed, &index);
            index[axis] = list[index[axis]];
            prop_assert_eq!(got, element_at(&x, &index));
            expected.as_mut_slice()[place(x.shape(), &index)] += given;
        }
        prop_assert_eq!(y.backward_with(&seed).wrt(v), expected);
    }

    #[test]
    fn picks_along_an_axis_and_their_sums_are_as_defined(
        x in view(), axis in 0..4usize, list in prop::collection::vec(0..4usize, 0..3), salt in any::<u64>(),
    ) {
        prop_assume!(axis < x.rank());
        let Some(at) = positions(&list, x.shape()[axis], salt) else { return Ok(()) };
        let y = x.index_select(axis, &at);
        let shape: Vec<usize> = x.shape()[..axis].iter().chain(&list).chain(&x.shape()[axis + 1..]).copied().collect();
        prop_assert_eq!(&y.shape()[..], &shape[..]);
        let part = strided(&shape, salt ^ 3);
        let mut sums = x.clone();
        sums.index_add(axis, &at, &part);
        let mut expected = x.to_vec();
        for index in indices(y.shape()) {
            let inner = axis + list.len();
            let picked = at.as_slice()[place(at.shape(), &index[axis..inner])];
            let from: Vec<usize> = index[..axis].iter().chain(&[picked]).chain(&index[inner..]).copied().collect();
            prop_assert_eq!(element_at(&y, &index), element_at(&x, &from));
            expected[place(x.shape(), &from)] += element_at(&part, &index);
        }
        prop_assert_eq!(sums.to_vec(), expected);
        let tape = Tape::new();
        let v = tape.variable(&x);
        let picked = v.index_select(axis, &at);
        prop_assert_eq!(&picked.value(), &y);
        let mut gradient = x.map(|_| 0.0);
        gradient.index_add(axis, &at, &part);
        prop_assert_eq!(picked.backward_with(&part).wrt(v), gradient);
    }

    #[test]
    fn gathers_and_scatters_are_as_defined(
        x in view(), axis in 0..4usize, sizes in prop::collection::vec(0..5usize, 4), salt in any::<u64>(),
    ) {
        prop_assume!(axis < x.rank());
        let fitting = |a: usize| if a == axis { sizes[a] } else { sizes[a].min(x.shape()[a]) };
        let places: Vec<usize> = (0..x.rank()).map(fitting).collect();
        let Some(at) = positions(&places, x.shape()[axis], salt) else { return Ok(()) };
        let (y, part) = (x.gather(axis, &at), strided(&places, salt ^ 3));
        prop_assert_eq!(y.shape(), at.shape());
        let mut sums = x.clone();
        sums.scatter_add(axis, &at, &part);
        let (mut expected, mut gradient) = (x.to_vec(), x.map(|_| 0.0));
        for index in indices(y.shape()) {
            let mut from = index.clone();
            from[axis] = at.as_slice()[place(at.shape(), &index)];
            prop_assert_eq!(element_at(&y, &index), element_at(&x, &from));
            expected[place(x.shape(), &from)] += element_at(&part, &index);
            gradient.as_mut_slice()[place(x.shape(), &from)] += element_at(&part, &index);
        }
        prop_assert_eq!(sums.to_vec(), expected);
        let tape = Tape::new();
        let (v, p) = (tape.variable(&x), tape.variable(&part));
        let sum = v.scatter_add(axis, &at, p);
        prop_assert_eq!(sum.value(), sums);
        let seed = strided(&x.shape(), salt ^ 4);
        let of_sum = sum.backward_with(&seed);
        prop_assert_eq!(of_sum.wrt(v), seed.copy());
        prop_assert_eq!(of_sum.wrt(p), seed.gather(axis, &at));
        let gathered = v.gather(axis, &at);
        prop_assert_eq!(&gathered.value(), &y);
        prop_assert_eq!(gathered.backward_with(&part).wrt(v), gradient);
    }

    #[test]
    fn what_is_taken_along_an_axis_broadcasts(
        x in view(), axis in 0..4usize, size in 0..4usize, own in any::<u64>(), salt in any::<u64>(),
    ) {
        prop_assume!(axis < x.rank());
        // Some axes of the positions are of size 1, and some of the value's are longer in the positions.
        let places = |a: usize| match (x.shape()[a], own >> (2 * a) & 3) {
            _ if a == axis => size,
            (1, kind) => kind as usize,
            (_, 0) => 1,
            (n, _) => n,
        };
        let places: Vec<usize> = (0..x.rank()).map(places).collect();
        let Some(at) = positions(&places, x.shape()[axis], salt) else { return Ok(()) };
        let y = Tape::new().constant(&x).take_along(axis, &at).value();
        let common = x.shape().with(axis, 1).broadcast(&at.shape().with(axis, 1)).unwrap().with(axis, size);
        prop_assert_eq!(y.shape(), common);
        let repeated = |shape: Shape, index: &[usize]| -> Vec<usize> {
            (0..index.len()).map(|a| if a != axis && shape[a] == 1 { 0 } else { index[a] }).collect()
        };
        for index in indices(common) {
            let mut from = repeated(x.shape(), &index);
            from[axis] = at.as_slice()[place(at.shape(), &repeated(at.shape(), &index))];
            prop_assert_eq!(element_at(&y, &index), element_at(&x, &from));
        }
    }

    #[test]
    fn repeats_and_parts_are_as_defined(x in view(), axis in 0..4usize, times in 0..4usize, cut in 0..5usize) {
        prop_assume!(axis < x.rank());
        let tape = Tape::new();
        let v = tape.variable(&x);
        let (n, y) = (x.shape()[axis], v.repeat(axis, times).value());
        prop_assert_eq!(y.shape(), x.shape().with(axis, n * times));
        for mut index in indices(y.shape()) {
            let got = element_at(&y, &index);
            index[axis] %= n;
            prop_assert_eq!(got, element_at(&x, &index));
        }
        let cut = cut.min(n);
        let parts = v.split(axis, &[cut, 0, n - cut]);
        prop_assert_eq!(parts[1].shape(), x.shape().with(axis, 0));
        prop_assert_eq!(parts[0].value(), x.slice(axis, ..cut));
        prop_assert_eq!(Var::concat(axis, &parts).value(), x.copy());
        let order: Vec<usize> = (0..x.rank()).map(|a| if a == axis { 0 } else if a == 0 { axis } else { a }).collect();
        prop_assert_eq!(v.transpose(axis, 0).value(), x.permute(&order));
    }
}

#[test]
fn an_embedding_is_a_table_that_learns() {
    let table = Embedding::<Tensor<f64>>::new(&mut rng(3), 50, 40);
    let weights = table.weight.to_vec();
    let (least, most) = weights.iter().fold((0f64, 0f64), |(least, most), &w| (least.min(w), most.max(w)));
    assert!((-0.05..-0.049).contains(&least) && (0.049..=0.05).contains(&most), "{least} to {most}");
    let tape = Tape::new();
    let net = tape.bind(&table);
    let tokens = Indices::from_vec(vec![4, 9, 4, 0], [2, 2]);
    let gradient = net.forward(&tokens).sum().backward().of(&net).weight.sum_axes(&[1]).to_vec();
    let expected: Vec<f64> = (0..50)
        .map(|token| [(4, 80.0), (9, 40.0), (0, 40.0)].iter().find(|t| t.0 == token).map_or(0.0, |t| t.1))
        .collect();
    assert_eq!(gradient, expected);
    let labels = Tensor::<f64>::one_hot(&tokens, 10);
    for index in indices(labels.shape()) {
        let token = tokens.as_slice()[index[0] * 2 + index[1]];
        assert_eq!(element_at(&labels, &index), if index[2] == token { 1.0 } else { 0.0 });
    }
}

#[test]
fn whole_numbers_of_any_type_are_indices() {
    let expected = Indices::from_vec(vec![3, 0, 250], [3]);
    macro_rules! check {
        ($($Int:ty)*) => {
            $(
                let numbers: [$Int; 3] = [3, 0, 250];
                assert_eq!(Indices::from(numbers), expected);
                assert_eq!(Indices::from(&numbers), expected);
                assert_eq!(Indices::from(&numbers[..]), expected);
                assert_eq!(Indices::from(&numbers.to_vec()), expected);
                assert_eq!(Indices::from(numbers.to_vec()), expected);
            )*
        };
    }
    check! { usize u8 u16 u32 u64 i32 i64 }
    assert_eq!(Indices::from([3, 0, 250]), expected); // numbers of no stated type
    assert_eq!(Indices::from(Vec::<u32>::new()).shape()[..], [0]);
}
