//! Differences of a series, and back.

use super::*;
use unspool::data::Differences;
use unspool_tests::{assert_close, fixture, tensor};

/// Lags, and a series of whole numbers with a row more than these need at least.
fn lags_and_series() -> impl Strategy<Value = (Vec<usize>, Tensor<f64>)> {
    (prop::collection::vec(1..6usize, 0..4), 1..20usize, 1..4usize).prop_flat_map(|(lags, more, columns)| {
        let rows = lags.iter().sum::<usize>() + more;
        prop::collection::vec(-1000..1000i32, rows * columns).prop_map(move |values| {
            let values = values.into_iter().map(f64::from).collect();
            (lags.clone(), Tensor::from_vec(values, [rows, columns]))
        })
    })
}

proptest! {
    #![proptest_config(cases(300))]

    /// Sums and differences of whole numbers are exact.
    #[test]
    fn a_series_follows_from_its_differences_and_its_first_rows((lags, series) in lags_and_series()) {
        let differences = Differences::new(lags);
        let known = differences.history();
        let changes = differences.transform(&series).unwrap();
        prop_assert_eq!(&changes.shape()[..], [series.shape()[0] - known, series.shape()[1]]);
        let rest = differences.inverse(&series.slice(0, ..known), &changes).unwrap();
        prop_assert_eq!(rest.shape(), changes.shape());
        prop_assert_eq!(rest.to_vec(), series.slice(0, known..).to_vec());
    }

    #[test]
    fn any_number_of_rows_follows_from_all_before_them((lags, series) in lags_and_series(), place: u8) {
        let differences = Differences::new(lags);
        let rows = series.shape()[0];
        let now = differences.history() + usize::from(place) % (rows - differences.history());
        let ahead = differences.transform(&series).unwrap().slice(0, now - differences.history()..);
        let rest = differences.inverse(&series.slice(0, ..now), &ahead).unwrap();
        prop_assert_eq!(rest.to_vec(), series.slice(0, now..).to_vec());
    }

    #[test]
    fn lags_are_taken_one_after_another_in_any_order((lags, series) in lags_and_series()) {
        let columns = series.shape()[1];
        let mut by_hand = series.to_vec();
        for &lag in lags.iter().rev() {
            by_hand = (lag * columns..by_hand.len()).map(|i| by_hand[i] - by_hand[i - lag * columns]).collect();
        }
        prop_assert_eq!(Differences::new(lags).transform(&series).unwrap().to_vec(), by_hand);
    }
}

#[test]
fn differences_are_those_of_numpy() {
    let numpy = fixture("differences_numpy.json");
    let x = tensor(&numpy["x"]);
    for (name, lags) in [("1", vec![1]), ("1,1", vec![1, 1]), ("4", vec![4]), ("1,4", vec![1, 4])] {
        let differences = Differences::new(lags);
        let expected = tensor(&numpy[name]);
        assert_close(name, &differences.transform(&x).unwrap(), &expected, 1e-14);
        let single = differences.transform(&x.cast::<f32>()).unwrap();
        assert_close(name, &single.cast(), &expected, 1e-5);
        let known = x.slice(0, ..10);
        let rest = differences.inverse(&known, &expected.slice(0, 10 - differences.history()..)).unwrap();
        assert_close(name, &rest, &x.slice(0, 10..), 1e-13);
    }
}

#[test]
fn what_cannot_be_differenced_is_said() {
    let differences = Differences::new([1, 12]);
    let transform = |shape: &[usize]| sentence(differences.transform(&Tensor::<f64>::zeros(shape)));
    assert_eq!(transform(&[13, 2]), "a series of 13 rows is too short: differences of lags [1, 12] need at least 14");
    assert_eq!(transform(&[20]), "a series [20] must have rows and columns: [L, F]");
    let all = Differences::new([usize::MAX, usize::MAX]);
    assert!(sentence(all.transform(&series(5, 1))).starts_with("a series of 5 rows is too short"));

    let inverse = |known: &[usize], ahead: &[usize]| {
        sentence(differences.inverse(&Tensor::<f64>::zeros(known), &Tensor::zeros(ahead)))
    };
    let short = "a history of 12 rows is too short: undoing differences of lags [1, 12] takes 13";
    assert_eq!(inverse(&[12, 1], &[3, 1]), short);
    assert_eq!(
        inverse(&[13, 2], &[3, 1]),
        "a history of 2 columns and differences of 1: they must have the same number"
    );
    assert_eq!(inverse(&[13, 2, 1], &[3, 1]), "a history [13, 2, 1] must have rows and columns: [L, F]");
    assert_eq!(inverse(&[13, 1], &[3]), "differences [3] must have rows and columns: [L, F]");
}
