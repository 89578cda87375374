//! A gradient flow as text and as pictures.

use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;
use unspool::recurrent::wrappers::Residual;
use unspool_tests::svg::{frame, named, points, tags};

fn flow() -> GradientFlow {
    let model = sequential().add(lstm(1, 3).return_sequences()).add(gru(3, 2)).add(dense(2, 1));
    let xs = Tensor::ones([4, 2, 1]);
    let options = GradientFlow::options().jacobian(Jacobian::Exact);
    options.of(&model, |tape, net| net.forward(tape.constant(&xs)).square().sum())
}

#[test]
fn a_table_has_a_line_for_each_number() {
    let flow = flow();
    let csv = flow.to_csv();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("layer,name,quantity,time_step,value"));
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    // Of an LSTM and a GRU, over 4 steps: 3 states with 2 norms, 3 + 4 parameters, 5 gates with 3 numbers.
    assert_eq!(lines.len(), 4 * (3 * 2 + 3 + 4 + 5 * 3));
    let read = |of: [&str; 4]| {
        let line = lines.iter().find(|line| line[..4] == of).unwrap_or_else(|| panic!("{of:?}"));
        line[4].parse::<f64>().unwrap()
    };
    let [lstm, gru] = &flow.layers[..] else { panic!("two layers") };
    assert_eq!(read(["layers.0.cell", "c", "gradient norm", "2"]), lstm.state("c").unwrap().norm[2]);
    assert_eq!(read(["layers.1.cell", "h", "jacobian norm", "3"]), f64::sqrt(2.0));
    let bias = gru.parameter("layers.1.cell.recurrent_bias").unwrap();
    assert_eq!(read(["layers.1.cell", "layers.1.cell.recurrent_bias", "term norm", "1"]), bias.norm[1]);
    for (quantity, value) in [("mean", gru.gates[1].mean[0]), ("closed", 0.0), ("open", 0.0)] {
        assert_eq!(read(["layers.1.cell", "z", quantity, "0"]), value);
    }
}

/// The texts of a picture.
fn texts(svg: &str) -> Vec<String> {
    named(&tags(svg), "text").iter().map(|tag| tag.text.trim().replace("&lt;", "<")).collect()
}

#[test]
fn the_lines_are_norms_on_a_logarithmic_axis() {
    let flow = flow();
    let svg = flow.to_svg();
    let tags = tags(&svg);
    let curves: Vec<Vec<(f64, f64)>> = named(&tags, "polyline").into_iter().map(points).collect();
    assert_eq!(curves.len(), 6); // three states, twice
    let [left, right, top, bottom] = frame(&tags);
    let norms: Vec<&Vec<f64>> =
        flow.layers.iter().flat_map(|layer| layer.states.iter().map(|state| &state.norm)).collect();
    let points = || curves[..3].iter().flatten().zip(norms.iter().flat_map(|norm| norm.iter()));
    assert!(curves[..3].iter().zip(&norms).all(|(curve, norm)| curve.len() == 4 && norm.len() == 4));
    // The same distance for the same ratio, in one panel: measured between the lowest and the highest point.
    let order = |a: &(&(f64, f64), &f64), b: &(&(f64, f64), &f64)| a.1.total_cmp(b.1);
    let ((_, from), least) = points().min_by(order).unwrap();
    let ((_, to), most) = points().max_by(order).unwrap();
    let scale = (from - to) / (most / least).ln();
    for ((x, y), norm) in points() {
        assert!((from - y - scale * (norm / least).ln()).abs() < 0.3, "{y} {norm}");
        assert!((left..=right).contains(x) && (top..=bottom).contains(y));
    }
    let texts = texts(&svg);
    for text in ["layers.0.cell h", "layers.0.cell c", "layers.1.cell h", "time step", "gradient norm |dL/ds_t|"] {
        assert!(texts.contains(&text.to_string()), "{text}: {texts:?}");
    }
    assert!(texts.contains(&"Jacobian norm |dh_T/ds_t|".to_string()));
    for t in ["0", "1", "2", "3"] {
        assert!(texts.contains(&t.to_string()), "{t}: {texts:?}");
    }
}

#[test]
fn a_state_has_the_same_color_in_both_panels() {
    let rng = &mut rng(0);
    let residual = Recurrent::new(Residual::new(SimpleRnn::<Tensor>::new(rng, 3, 3), 3)).return_sequences();
    let model = sequential().add(move |_: &mut Rng| residual).add(gru(3, 2));
    let xs = Tensor::ones([4, 2, 3]);
    let options = GradientFlow::options().jacobian(Jacobian::Exact);
    let svg = options.of(&model, |tape, net| net.forward(tape.constant(&xs)).square().sum()).to_svg();
    let tags = tags(&svg);
    let strokes: Vec<&str> = named(&tags, "polyline").iter().map(|tag| tag.get("stroke")).collect();
    // h and the output of the first layer, h of the second; the output has no Jacobian.
    let [h, _, second] = strokes[..3] else { panic!("{strokes:?}") };
    assert_eq!(strokes[3..], [h, second]);
}

#[test]
fn a_norm_of_0_is_a_ring_on_the_axis() {
    let model = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 3));
    let xs = Tensor::ones([6, 2, 1]);
    let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).steps()[2].square().sum());
    assert_eq!(flow.layers[0].states[0].norm[3..], [0.0; 3]);
    let svg = flow.to_svg();
    let tags = tags(&svg);
    let [.., bottom] = frame(&tags);
    let rings = || named(&tags, "circle").into_iter().filter(|tag| tag.get("fill") == "white");
    assert_eq!(rings().filter(|ring| ring.number("cy") == bottom).count(), 3);
    assert_eq!(rings().count(), 4); // one in the legend
    assert!(texts(&svg).contains(&"0 or less".to_string()));
    // In a map they are gray.
    let map = flow.to_heat_map_svg();
    assert_eq!(map.matches("fill=\"#d9d9d9\"").count(), 2); // and one in the scale
}

#[test]
fn the_map_has_a_field_for_each_unit_and_step() {
    let flow = flow();
    let svg = flow.to_heat_map_svg();
    let tags = tags(&svg);
    assert_eq!(named(&tags, "rect").iter().filter(|tag| tag.attributes.contains(&("class", "frame"))).count(), 3);
    let all: usize = named(&tags, "path").iter().map(|tag| tag.get("d").matches('M').count()).sum();
    assert_eq!(all, 4 * (3 + 3 + 2) + 3 * 100); // and the fields of three scales
    let texts = texts(&svg);
    assert_eq!(texts.iter().filter(|text| *text == "unit").count(), 3);
    assert!(texts.contains(&"|dL/ds_t|".to_string()));
}

/// The larger a norm, the brighter its field.
#[test]
fn the_brightness_of_a_map_is_the_norm() {
    let model = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(3), 1, 3));
    let xs = Tensor::ones([6, 2, 1]);
    let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().sum());
    let svg = flow.to_heat_map_svg();
    let tags = tags(&svg);
    let [left, right, top, bottom] = frame(&tags);
    let norms = flow.layers[0].states[0].unit_norms();
    let mut fields = Vec::new();
    for path in named(&tags, "path") {
        let channel = |i: usize| f64::from(u8::from_str_radix(&path.get("fill")[i..i + 2], 16).unwrap());
        let brightness = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
        for corner in path.get("d").split('M').skip(1) {
            let (x, y) = corner.split_once('h').unwrap().0.split_once(' ').unwrap();
            let [x, y]: [f64; 2] = [x, y].map(|number| number.parse().unwrap());
            if x < right - 1.0 {
                let step = ((x - left) / (right - left) * 6.0).round() as usize;
                let unit = 2 - ((y - top) / (bottom - top) * 3.0).round() as usize;
                fields.push((norms.at([step, unit]), brightness));
            }
        }
    }
    assert_eq!(fields.len(), 18);
    fields.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(fields.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{fields:?}");
    assert!(fields[17].1 > fields[0].1 + 100.0);
}

#[test]
fn many_steps_and_units_share_fields() {
    let model = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 100));
    let xs = Tensor::ones([300, 1, 1]);
    let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().sum());
    let svg = flow.to_heat_map_svg();
    let all: usize = named(&tags(&svg), "path").iter().map(|tag| tag.get("d").matches('M').count()).sum();
    assert_eq!(all - all % 100, 200 * 80 + 100);
    assert!(svg.len() < 700_000, "{}", svg.len());
    // Steps 151 and 152 share a field. The gradient of the first of them is seen.
    let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).steps()[151].sum());
    let svg = flow.to_heat_map_svg();
    let gray = named(&tags(&svg), "path")
        .iter()
        .filter(|tag| tag.get("fill") == "#d9d9d9")
        .map(|tag| tag.get("d").matches('M').count())
        .max();
    assert_eq!(gray, Some((200 - 102) * 80));
}

#[test]
fn gates_and_terms_have_pictures() {
    let flow = flow();
    let gates = flow.to_gates_svg();
    assert_eq!(named(&tags(&gates), "polyline").len(), 3 * 5);
    assert!(texts(&gates).contains(&"share below 0.05".to_string()));
    let terms = flow.to_terms_svg();
    assert_eq!(named(&tags(&terms), "polyline").len(), 3 + 4);
    assert!(texts(&terms).contains(&"layers.0.cell.u".to_string()));
    // A simple network has none.
    let model = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 3));
    let xs = Tensor::ones([6, 2, 1]);
    let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().sum());
    assert!(texts(&flow.to_gates_svg()).contains(&"no layer has a gate".to_string()));
}

#[test]
fn files_hold_the_texts() {
    let flow = flow();
    let folder = std::env::temp_dir().join(format!("unspool-flow-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    flow.save_csv(folder.join("a")).unwrap();
    flow.save_svg(folder.join("b")).unwrap();
    flow.save_heat_map_svg(folder.join("c")).unwrap();
    flow.save_terms_svg(folder.join("d")).unwrap();
    flow.save_gates_svg(folder.join("e")).unwrap();
    let expected = [flow.to_csv(), flow.to_svg(), flow.to_heat_map_svg(), flow.to_terms_svg(), flow.to_gates_svg()];
    assert_eq!(["a", "b", "c", "d", "e"].map(read), expected);
    std::fs::remove_dir_all(&folder).unwrap();
}
