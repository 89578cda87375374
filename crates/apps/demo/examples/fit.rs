//! `fit`, where there is no clock, no second thread and no standard error. `test.sh` runs it in a browser.

#![forbid(unsafe_code)]

use unspool::prelude::*;
use unspool::train::EarlyStopping;

fn main() {
    let examples = |seed| {
        let x = Tensor::<f32>::uniform(&mut rng(seed), [12, 64, 1], -1.0, 1.0);
        let y = x.select(0, 11);
        Dataset::new(x, y).expect("a target for each example")
    };
    let (train, valid) = (examples(0), examples(1));
    let mut model = sequential().add(gru(1, 8)).add(dense(8, 1));
    let before = evaluate(&model, &valid, mse);
    let mut stopping = EarlyStopping::new(5);
    // Not quiet: its lines go nowhere there.
    let fit = fit(&mut model, &train).loss(mse).optimizer(Adam::default().learning_rate(0.01)).batch_size(32);
    let history = fit.epochs(20).validate(&valid).callback(&mut stopping).run().expect("it trains");
    let after = evaluate(&model, &valid, mse);
    assert!(after < 0.5 * before && history.loss.len() > 1, "{before} to {after}");
    assert_eq!(history.seconds == 0.0, cfg!(target_family = "wasm"));
}
