//! Windows and parts: what is in them, and that nothing is in two.

use super::*;
use unspool::data::{Windows, time_split};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn windows_are_the_rows_that_they_should_be(
        rows in 1..40usize, window in 1..8usize, horizon in 1..6usize, stride in 1..5usize,
        targets in prop::option::of(prop::collection::vec(0..3usize, 1..4)), all_steps: bool,
    ) {
        let mut windows = Windows::new(window, horizon).stride(stride);
        if let Some(targets) = &targets {
            windows = windows.targets(&targets[..]);
        }
        if all_steps {
            windows = windows.all_steps();
        }
        let targets = targets.unwrap_or(vec![0, 1, 2]);
        let starts: Vec<usize> = (0..rows).step_by(stride).filter(|start| start + window + horizon <= rows).collect();
        if starts.is_empty() {
            let expected = format!(
                "a series of {rows} rows is too short: a window of {window} and a horizon of {horizon} need at least {}",
                window + horizon
            );
            prop_assert_eq!(sentence(windows.examples(&series(rows, 3))), expected);
            return Ok(());
        }
        let data = windows.examples(&series(rows, 3)).unwrap();
        let steps: Vec<usize> = if all_steps { (1..=horizon).collect() } else { vec![horizon] };
        prop_assert_eq!(&data.x().shape()[..], [window, starts.len(), 3]);
        prop_assert_eq!(&data.y().shape()[..], [starts.len(), steps.len() * targets.len()]);
        for (n, start) in starts.iter().enumerate() {
            for t in 0..window {
                for f in 0..3 {
                    prop_assert_eq!(data.x().at([t, n, f]), (10 * (start + t) + f) as f64);
                }
            }
            let expected = steps.iter().flat_map(|step| targets.iter().map(move |f| 10 * (start + window - 1 + step) + f));
            let expected: Vec<f64> = expected.map(|x| x as f64).collect();
            prop_assert_eq!(data.y().select(0, n).to_vec(), expected);
        }
    }

    #[test]
    fn the_windows_of_parts_are_those_of_the_whole_each_once(
        rows in 1..60usize, window in 1..8usize, horizon in 1..6usize, stride in 1..5usize, cuts: [u8; 3],
    ) {
        prop_assume!(cuts.iter().any(|&cut| cut > 0));
        let windows = Windows::new(window, horizon).stride(stride);
        let parts = time_split(rows, cuts.map(usize::from));
        let starts = parts.clone().map(|part| windows.starts(part));
        prop_assert_eq!(starts.concat(), windows.starts(0..rows));
        // All targets of all steps lie in the part, too.
        for part in parts {
            for start in windows.clone().all_steps().starts(part.clone()) {
                prop_assert!(start + window >= part.start && start + window + horizon <= part.end);
            }
        }
    }

    #[test]
    fn parts_are_disjoint_in_order_and_everything(n in 0..500usize, proportions: [u16; 4]) {
        prop_assume!(proportions.iter().any(|&part| part > 0));
        let proportions = proportions.map(usize::from);
        let parts = time_split(n, proportions);
        prop_assert_eq!(parts.clone().map(|part| part.collect::<Vec<_>>()).concat(), (0..n).collect::<Vec<_>>());
        let total: usize = proportions.iter().sum();
        for (part, proportion) in parts.iter().zip(proportions) {
            let exact = (n * proportion) as f64 / total as f64;
            prop_assert!((part.len() as f64 - exact).abs() < 1.0);
        }
    }

    #[test]
    fn with_a_gap_no_row_is_in_two_parts_and_with_less_one_is(
        window in 1..8usize, horizon in 1..6usize, stride in 1..5usize,
    ) {
        let windows = Windows::new(window, horizon).stride(stride);
        let data = windows.examples(&series(200, 2)).unwrap();
        let shared = |gap: usize| {
            let [a, b, c] = data.split([50, 30, 20], gap).unwrap().map(|part| rows_of(&part));
            assert!(a.iter().max() < c.iter().min());
            let of_both = |early: &[usize], late: &[usize]| early.iter().filter(|row| late.contains(row)).count();
            of_both(&a, &b) + of_both(&b, &c)
        };
        prop_assert_eq!(shared(windows.gap()), 0);
        // A row between a window and its target is in neither, so only without such rows one example less must share some.
        if horizon == 1 && windows.gap() > 0 {
            prop_assert!(shared(windows.gap() - 1) > 0);
        }
    }
}

#[test]
fn parts_of_the_series_and_examples_with_a_gap_are_the_same() {
    let (windows, series) = (Windows::new(6, 2), series(100, 1));
    let [train, valid] = time_split(100, [70, 30]).map(|rows| series.slice(0, rows));
    let (train, valid) = (windows.examples(&train).unwrap(), windows.examples(&valid).unwrap());
    assert_eq!((rows_of(&train), rows_of(&valid)), ((0..70).collect(), (70..100).collect()));
    let all = windows.examples(&series).unwrap();
    let [before, behind] = all.split([70, 23], windows.gap()).unwrap();
    assert_eq!(all.len(), 93);
    assert_eq!((before.x(), before.y()), (train.x(), train.y()));
    assert_eq!((behind.x(), behind.y()), (valid.x(), valid.y()));
}

#[test]
fn a_split_shares_the_memory_of_the_whole_and_leaves_out_what_lies_before_a_cut() {
    let data = Dataset::new(series(10, 1), series(10, 1)).unwrap();
    let [a, b, c] = data.split([5, 3, 2], 1).unwrap();
    assert_eq!([&a, &b, &c].map(rows_of), [vec![0, 1, 2, 3], vec![5, 6], vec![8, 9]]);
    let [all] = data.split([1], 99).unwrap();
    assert_eq!(all.len(), 10);
}

#[test]
fn the_latest_window_is_the_last_one_without_a_target() {
    let windows = Windows::new(3, 4).targets([1]);
    let latest = windows.latest(&series(5, 2)).unwrap();
    assert_eq!((&latest.shape()[..], latest.to_vec()), (&[3, 1, 2][..], vec![20., 21., 30., 31., 40., 41.]));
    assert_eq!(windows.latest(&series(3, 2)).unwrap().at([0, 0, 0]), 0.0);
    assert_eq!(sentence(windows.latest(&series(2, 2))), "a series of 2 rows is shorter than a window of 3");
}

#[test]
fn what_cannot_be_cut_is_said_in_a_sentence() {
    let windows = Windows::new(3, 2);
    let data = Dataset::new(series(7, 1), series(7, 1)).unwrap();
    for (sentence, expected) in [
        (sentence(windows.examples(&Tensor::<f32>::zeros([9]))), "a series [9] must have rows and columns: [L, F]"),
        (sentence(windows.latest(&Tensor::<f32>::zeros([9]))), "a series [9] must have rows and columns: [L, F]"),
        (
            sentence(windows.clone().targets([0, 2]).examples(&series(9, 2))),
            "there is no column 2 to forecast: the series has 2, counted from 0",
        ),
        (
            sentence(windows.examples(&series(4, 1))),
            "a series of 4 rows is too short: a window of 3 and a horizon of 2 need at least 5",
        ),
        (
            sentence(windows.at(&series(9, 1), &[4, 5])),
            "the window from row 5 reaches beyond the series: with its target it needs 5 rows of the 9",
        ),
        (
            sentence(windows.at(&series(9, 1), &[usize::MAX])),
            "the window from row 18446744073709551615 reaches beyond the series: with its target it needs 5 rows of the 9",
        ),
        (
            sentence(data.split([80, 10, 10], 1)),
            "7 examples split as [80, 10, 10] with a gap of 1 leave none for part 2: each part needs one",
        ),
        (
            sentence(data.split([1, 1], usize::MAX)),
            "7 examples split as [1, 1] with a gap of 18446744073709551615 leave none for part 1: each part needs one",
        ),
    ] {
        assert_eq!(sentence, expected);
    }
    assert!(windows.at(&series(9, 1), &[]).unwrap().is_empty());
    assert!(Windows::new(usize::MAX, usize::MAX).examples(&series(9, 1)).is_err());
}
