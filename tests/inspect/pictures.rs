//! A gradient flow as text and as pictures.

use unspool::inspect::{GradientFlow, Jacobian};
use unspool::prelude::*;

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
