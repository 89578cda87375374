//! The record of a training as text and as a picture.

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use unspool::train::History;
use unspool_tests::svg::{Tag, dots, frame, named, points, tags};

fn history(loss: &[f64], val_loss: &[f64]) -> History {
    let mut history = History::default();
    (history.loss, history.val_loss, history.seconds) = (loss.to_vec(), val_loss.to_vec(), 2.0);
    history
}

#[test]
fn tables_read_back_as_the_numbers_that_they_were() {
    let history = history(&[0.1 + 0.2, 1e-7, f64::NAN], &[f64::INFINITY, -0.5]);
    assert_eq!(history.to_csv(), "epoch,loss,val_loss\n1,0.30000000000000004,inf\n2,1e-7,-0.5\n3,NaN,\n");
    let json: Value = serde_json::from_str(&history.to_json()).unwrap();
    let expected = serde_json::json!({
        "loss": [0.30000000000000004, 1e-7, null], "val_loss": [null, -0.5], "seconds": 2.0
    });
    assert_eq!(json, expected);
}

#[test]
fn nothing_is_said_about_what_was_not_measured() {
    assert_eq!(history(&[0.5], &[]).to_csv(), "epoch,loss\n1,0.5\n");
    assert_eq!(history(&[0.5], &[]).to_json(), "{\"loss\": [0.5], \"seconds\": 2.0}\n");
    assert_eq!(History::default().to_csv(), "epoch\n");
    assert_eq!(History::default().to_json(), "{\"seconds\": 0.0}\n");
}

#[test]
fn the_picture_has_curves_labels_and_a_legend() {
    let svg = history(&[1.0, 0.6, 0.4, 0.3], &[0.9, 0.7, 0.5, 0.5]).to_svg();
    let tags = tags(&svg);
    let [left, right, top, bottom] = frame(&tags);
    let curves: Vec<Vec<(f64, f64)>> = named(&tags, "polyline").into_iter().map(points).collect();
    let [train, valid] = &curves[..] else { panic!("{} curves", curves.len()) };
    assert_eq!((train.len(), valid.len()), (4, 4));
    // The epochs from left to right at equal distances; lower losses below higher ones, to scale.
    for curve in [train, valid] {
        assert!(curve.windows(2).all(|pair| (pair[1].0 - pair[0].0 - (curve[3].0 - curve[0].0) / 3.0).abs() < 0.11));
    }
    assert!(train[0].0 < left + 10.0 && train[3].0 > right - 10.0);
    let scale = (train[3].1 - train[0].1) / (1.0 - 0.3);
    assert!(scale > 0.85 * (bottom - top) / 0.7);
    for (point, loss) in train.iter().zip([1.0, 0.6, 0.4, 0.3]).chain(valid.iter().zip([0.9, 0.7, 0.5, 0.5])) {
        assert!((point.1 - train[0].1 - (1.0 - loss) * scale).abs() < 0.11, "{point:?} {loss}");
    }
    let colors: Vec<&str> = named(&tags, "polyline").iter().map(|line| line.get("stroke")).collect();
    assert_ne!(colors[0], colors[1]);
    let texts: Vec<&Tag> = named(&tags, "text");
    let say = |text: &str| *texts.iter().find(|tag| tag.text.trim() == text).unwrap_or_else(|| panic!("{text}"));
    for (name, color) in [("training", colors[0]), ("validation", colors[1])] {
        let entry = named(&tags, "circle").into_iter().find(|dot| dot.get("r") == "5" && dot.get("fill") == color);
        let distance = say(name).number("x") - entry.expect(name).number("cx");
        assert!((0.0..15.0).contains(&distance), "{distance}");
    }
    // A label is at the height of its value.
    for epoch in 1..=4 {
        assert!((say(&epoch.to_string()).number("x") - train[epoch - 1].0).abs() < 0.11);
    }
    for loss in ["0.4", "0.6", "0.8", "1.0"] {
        let y = train[0].1 + (1.0 - loss.parse::<f64>().unwrap()) * scale;
        assert!((say(loss).number("y") - 4.0 - y).abs() < 0.11, "{loss}");
    }
    assert!(texts.iter().any(|tag| tag.text == "epoch") && texts.iter().any(|tag| tag.text == "loss"));
}

#[test]
fn metrics_and_a_rate_that_changes_have_frames_of_their_own() {
    let metrics =
        [("a<b & c", [0.5, 0.75]), ("accuracy", [0.1, 0.9])].map(|(name, values)| (name.into(), values.to_vec()));
    let mut history = history(&[1.0, 0.6], &[0.9, 0.7]);
    (history.metrics, history.learning_rate) = (metrics.to_vec(), vec![0.1, 0.1]);
    let names = |svg: &str| {
        let tags = tags(svg);
        let turned =
            named(&tags, "text").into_iter().filter(|tag| tag.attributes.iter().any(|(name, _)| *name == "transform"));
        let names: Vec<String> = turned.map(|tag| tag.text.to_string()).collect();
        assert_eq!(named(&tags, "polyline").len(), names.len() + 1);
        assert_eq!(named(&tags, "svg")[0].number("height"), 400.0 * names.len() as f64);
        let places: Vec<&str> = named(&tags, "g").iter().map(|group| group.get("transform")).collect();
        assert_eq!(
            places,
            ["translate(0 0)", "translate(0 400)", "translate(0 800)", "translate(0 1200)"][..names.len()]
        );
        names
    };
    assert_eq!(names(&history.to_svg()), ["loss", "a&lt;b &amp; c", "accuracy"]);
    history.learning_rate[1] = 0.05;
    assert_eq!(names(&history.to_svg()), ["loss", "a&lt;b &amp; c", "accuracy", "learning rate"]);
}

#[test]
fn losses_of_many_sizes_are_drawn_on_a_logarithmic_axis() {
    let heights = |losses: &[f64]| {
        let svg = history(losses, &[]).to_svg();
        assert!(!svg.contains("validation"));
        points(named(&tags(&svg), "polyline")[0]).into_iter().map(|(_, y)| y).collect::<Vec<_>>()
    };
    let curve = heights(&[100.0, 1.0, 0.01]);
    assert!((curve[2] - curve[1] - (curve[1] - curve[0])).abs() < 0.11, "{curve:?}");
    // One has too small a ratio, one a loss that is not positive: these are linear.
    for losses in [[10.0, 1.0, 0.6], [100.0, 1.0, 0.0]] {
        let curve = heights(&losses);
        let ratio = (losses[0] - losses[1]) / (losses[1] - losses[2]);
        assert!((curve[1] - curve[0] - ratio * (curve[2] - curve[1])).abs() < 0.11 * (1.0 + ratio), "{curve:?}");
    }
}

#[test]
fn a_loss_that_is_not_finite_is_a_gap() {
    let nan = f64::NAN;
    let svg = history(&[1.0, 2.0, nan, 3.0, f64::INFINITY, 2.0, 1.0, 2.0], &[]).to_svg();
    let picture = tags(&svg);
    let lines: Vec<usize> = named(&picture, "polyline").into_iter().map(|line| points(line).len()).collect();
    assert_eq!((lines, dots(&picture).len()), (vec![2, 3], 6));
    // In long curves a point alone still shows.
    let mut long = vec![1.0; 200];
    (long[99], long[101]) = (nan, nan);
    let svg = history(&long, &[]).to_svg();
    assert_eq!(dots(&tags(&svg)).len(), 1);
}

#[test]
fn a_single_epoch_and_a_constant_stand_in_the_middle() {
    for losses in [&[0.5][..], &[0.0], &[0.0, 0.0, 0.0], &[-7.0; 70]] {
        let svg = history(losses, &[]).to_svg();
        let tags = tags(&svg);
        let [left, right, top, bottom] = frame(&tags);
        let drawn: Vec<(f64, f64)> = named(&tags, "polyline").into_iter().flat_map(points).chain(dots(&tags)).collect();
        assert!(drawn.len() >= losses.len());
        assert!(drawn.iter().all(|(_, y)| (y - (top + bottom) / 2.0).abs() < 0.11), "{losses:?} {drawn:?}");
        assert!(losses.len() > 1 || (drawn[0].0 - (left + right) / 2.0).abs() < 0.11, "{losses:?} {drawn:?}");
    }
}

#[test]
fn without_anything_to_see_the_picture_says_so() {
    for (history, text) in
        [(History::default(), "no epoch was trained"), (history(&[f64::NAN], &[f64::INFINITY]), "no loss is finite")]
    {
        let svg = history.to_svg();
        assert!(named(&tags(&svg), "text").iter().any(|tag| tag.text == text), "{text}");
    }
    assert!(!history(&[1.0], &[f64::NAN]).to_svg().contains("no "));
}

#[test]
fn the_picture_has_a_frame_for_each_pair_and_marks_the_best_epoch() {
    let curve = |name: &str| (name.to_owned(), vec![0.5, 0.25, 0.75]);
    let metrics = ["mae", "val_mae", "val_f1", "lone"].map(curve).to_vec();
    let tracked = ["gradient_norm", "gradient_norm.layers.0.bias", "update_ratio"].map(curve).to_vec();
    let mut history = history(&[3.0, 2.0, 1.0], &[2.0, 1.0, 2.0]);
    (history.metrics, history.tracked) = (metrics, tracked);
    let svg = history.to_svg();
    let tags = tags(&svg);
    let texts: Vec<&str> = named(&tags, "text").iter().map(|tag| tag.text.trim()).collect();
    let is_number = |text: &str| text.parse::<f64>().is_ok() || text == "epoch";
    let words: Vec<&str> = texts.into_iter().filter(|text| !is_number(text)).collect();
    let expected = [
        ["loss", "training", "validation", "best epoch: 2"].as_slice(),
        &["mae", "training", "validation"],
        &["f1", "validation"],
        &["lone", "lone"],
        &["gradient norm", "all parameters", "layers.0.bias"],
        &["update-to-weight ratio", "all parameters"],
    ];
    assert_eq!(words, expected.concat());
    // A curve of validation has its color, also alone.
    let lines = named(&tags, "polyline");
    let colors: Vec<&str> = lines.iter().map(|line| line.get("stroke")).collect();
    assert_eq!((colors[0], colors[1]), (colors[2], colors[3]));
    assert_eq!(colors[4], colors[1]);
    // Through the second point of every curve.
    let best: Vec<f64> = named(&tags, "line")
        .into_iter()
        .filter(|line| line.attributes.contains(&("class", "mark")))
        .map(|line| line.number("x1"))
        .collect();
    let middle = points(lines[0])[1].0;
    let through = best.iter().filter(|&&x| x == middle).count();
    assert_eq!((best.len(), through), (6 + 1, 6), "the legend has one, too: {best:?}");
    assert!(lines.iter().all(|line| points(line)[1].0 == middle), "an epoch is at one place in all frames");
}

#[test]
fn many_curves_differ_in_color_or_dashes_and_fit_into_the_legend() {
    let curve = |i: usize| (format!("gradient_norm.layers.{i}.cell.x.weight"), vec![1.0 + i as f64, 2.0]);
    let mut history = history(&[1.0, 2.0], &[]);
    history.tracked = (0..21).map(curve).collect();
    let svg = history.to_svg();
    let tags = tags(&svg);
    let mut looks: Vec<_> = named(&tags, "polyline")[1..]
        .iter()
        .map(|line| (line.get("stroke"), line.attributes.iter().find(|(name, _)| *name == "stroke-dasharray")))
        .collect();
    looks.sort();
    looks.dedup();
    assert_eq!(looks.len(), 21);
    let names = named(&tags, "text").into_iter().filter(|text| text.text.starts_with("layers."));
    let (mut count, mut lowest) = (0, 0f64);
    for name in names {
        assert!(name.number("x") + 7.0 * name.text.len() as f64 <= 720.0, "{}", name.text);
        (count, lowest) = (count + 1, lowest.max(name.number("y")));
    }
    let frames: Vec<&Tag> = tags.iter().filter(|tag| tag.attributes.contains(&("class", "frame"))).collect();
    assert!(count == 21 && lowest < frames[1].number("y"));
    assert_eq!(frames[0].number("height"), frames[1].number("height"));
}

#[test]
fn the_best_epoch_is_that_of_the_lowest_loss_or_of_a_callback() {
    assert_eq!(History::default().best_epoch(), None);
    assert_eq!(history(&[f64::NAN], &[]).best_epoch(), None);
    assert_eq!(history(&[3.0, 1.0, 2.0, 1.0], &[]).best_epoch(), Some(2));
    assert_eq!(history(&[3.0, 1.0, 2.0], &[f64::NEG_INFINITY, f64::NAN, 2.0]).best_epoch(), Some(3));
    let mut chosen = history(&[3.0, 1.0], &[]);
    chosen.best = Some(1);
    assert_eq!(chosen.best_epoch(), Some(1));
}

#[test]
fn the_table_has_columns_with_digits_that_fit_and_a_star() {
    let tracked =
        [("gradient_norm", [120.0, 2.5]), ("gradient_norm.bias", [1.0, 1.0]), ("update_ratio", [2e-3, 3.25e-5])];
    let mut history = history(&[0.5, f64::INFINITY], &[0.25, 1e-7]);
    history.tracked = tracked.map(|(name, values)| (name.to_owned(), values.to_vec())).to_vec();
    history.metrics = vec![("val_a long name".into(), vec![12.0])];
    history.learning_rate = vec![1e-3; 2];
    history.stop_reason = unspool::train::StopReason::Stopped;
    let expected = "\
epoch      loss  val_loss  val_a long name  gradient_norm  update_ratio  learning_rate
    1   0.50000  2.500e-1          12.0000        120.000      2.000e-3        0.00100
    2*      inf  1.000e-7                           2.500      3.250e-5        0.00100
* the best epoch; 2 epochs in 2.0 s, stopped by a callback
";
    assert_eq!(history.to_string(), expected);
    assert_eq!(History::default().to_string(), "epoch\n0 epochs in 0.0 s\n");
}

#[test]
fn of_many_epochs_the_table_shows_some() {
    let rows = |epochs: usize| {
        let text = history(&(0..epochs).map(|i| (i as f64 - 122.0).abs()).collect::<Vec<_>>(), &[]).to_string();
        let firsts = text.lines().map(|line| line.split(' ').find(|word| !word.is_empty()).unwrap().to_owned());
        firsts.skip(1).take_while(|first| first != "*").collect::<Vec<_>>()
    };
    assert_eq!(rows(20).len(), 20);
    assert_eq!(rows(21), ["1", "5", "10", "15", "20", "21*"]);
    assert_eq!(rows(300), ["1", "50", "100", "123*", "150", "200", "250", "300"]);
}

/// Losses of all positive sizes, or of all sizes and signs, and what is none.
fn losses() -> impl Strategy<Value = [Vec<f64>; 2]> {
    let positive = (-323.9..100.0f64).prop_map(|power| 10f64.powf(power));
    let two = |loss: BoxedStrategy<f64>| prop::array::uniform2(prop::collection::vec(loss, 0..90));
    prop_oneof![two(loss().boxed()), two(positive.boxed())]
}

fn loss() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -1.0..1.0f64,
        (-1e-12..1e-12f64).prop_map(|x| 1.0 + x),
        (-300..300i32).prop_map(|power| 10f64.powi(power)),
        Just(f64::NAN),
        Just(f64::NEG_INFINITY),
        Just(0.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_history_has_a_picture_inside_its_frame(
        [loss, val_loss] in losses(),
    ) {
        let history = history(&loss, &val_loss);
        let svg = history.to_svg();
        prop_assert_eq!(&svg, &history.to_svg());
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf,") && !svg.contains("inf\""));
        let tags = tags(&svg);
        let [left, right, top, bottom] = frame(&tags);
        prop_assert!(left > 36.0 && right < 720.0 && top > 0.0 && bottom < 400.0 && right - left > 400.0, "{left}");
        let lines = named(&tags, "polyline").into_iter().flat_map(points);
        let drawn: Vec<(f64, f64)> = lines.chain(dots(&tags)).collect();
        for (x, y) in &drawn {
            prop_assert!((left..=right).contains(x) && (top..=bottom).contains(y), "{x} {y}");
        }
        prop_assert_eq!(drawn.is_empty(), loss.iter().chain(&val_loss).all(|x| x.is_nan() || x.abs() > 1e100));
        // From two marks to a dozen, on the frame; labels in the picture.
        let marks = named(&tags, "line").into_iter().filter(|line| line.get("stroke") == "#e1e1e1").count();
        prop_assert!((2..=14).contains(&marks), "{marks} marks");
        for label in named(&tags, "text").into_iter().filter(|tag| tag.get("text-anchor") == "end") {
            prop_assert!(label.number("x") - 7.0 * label.text.trim().len() as f64 >= 20.0, "{}", label.text);
            let y = label.number("y");
            prop_assert!((top + 3.9..=bottom + 4.1).contains(&y));
        }
        let json: Value = serde_json::from_str(&history.to_json()).unwrap();
        prop_assert_eq!(json["loss"].as_array().map_or(0, |list| list.len()), loss.len());
        prop_assert_eq!(history.to_csv().lines().count(), 1 + loss.len().max(val_loss.len()));
    }
}

#[test]
fn files_are_replaced_as_a_whole_and_leave_nothing_else() {
    let folder = std::env::temp_dir().join(format!("unspool-history-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let history = history(&[1.0, 0.5], &[]);
    let (csv, json, svg) = (folder.join("a.csv"), folder.join("a.json"), folder.join("a.svg"));
    fs::write(&csv, "old, and much longer than what takes its place: not a bit of this is left").unwrap();
    history.save_csv(&csv).unwrap();
    history.save_json(&json).unwrap();
    history.save_svg(&svg).unwrap();
    for (path, text) in [(&csv, history.to_csv()), (&json, history.to_json()), (&svg, history.to_svg())] {
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    // Where a folder is in the way, or none is there, nothing half-written stays.
    let taken = folder.join("taken");
    fs::create_dir(&taken).unwrap();
    for path in [&taken, &folder.join("no/such/a.csv"), &folder.join("..")] {
        let error = history.save_csv(path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    fs::remove_dir_all(&folder).unwrap();
}
