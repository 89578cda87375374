//! From a series to its forecast, and to the gradient on its way back through time.

use unspool::data::{DataError, StandardScaler, Windows};
use unspool::inspect::GradientFlow;
use unspool::layers::{Boxed, boxed};
use unspool::prelude::*;

/// The number of points from which the next is forecast: the time steps of the network.
pub const WINDOW: usize = 48;
/// The number of windows of a training step.
pub const BATCH: usize = 32;
/// The number of windows, spread over the series, whose gradient is shown.
const SHOWN: usize = 16;

/// What the recurrent layer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Starts with uniform weights, as in PyTorch.
    SimpleRnn,
    /// Starts with a forget gate that is open, as in Keras.
    Lstm,
    /// Resets after the product, as in PyTorch and Keras.
    Gru,
}

/// One variable of the state, such as `h`, and the norm of its gradient `dL/dh_t` at each time step.
#[derive(Clone, Debug)]
pub struct StateNorms {
    /// Its letter.
    pub name: String,
    /// `|dL/dh_t|` for each step of the window.
    pub norm: Vec<f64>,
}

/// A series and the network that learns to continue it.
#[derive(Debug)]
pub struct Session {
    /// Scaled to mean 0 and standard deviation 1: `[L, 1]`.
    series: Tensor,
    scaler: StandardScaler,
    /// All windows `[WINDOW, N, 1]`, and the points after them `[N, 1]`.
    windows: Dataset,
    /// Those whose gradient is shown.
    shown: Dataset,
    model: Boxed,
    adam: Adam,
    shards: Shards,
    rng: Rng,
}

impl Session {
    /// A network with new weights.
    ///
    /// # Errors
    /// If the series has no point after a window, or one that is not finite.
    pub fn new(series: &[f32], cell: CellKind, hidden: usize, seed: u64) -> Result<Self, DataError> {
        let series = Tensor::from_vec(series.to_vec(), [series.len(), 1]);
        let scaler = StandardScaler::fit(&series)?;
        let series = scaler.transform(&series);
        let windows = Windows::new(WINDOW, 1).examples(&series)?;
        let spread: Vec<usize> = (0..SHOWN).map(|i| i * (windows.len() - 1) / (SHOWN - 1)).collect();
        Ok(Session {
            shown: windows.select(&spread),
            model: network(cell, hidden, seed),
            adam: Adam::default(),
            shards: Shards::new(),
            series,
            scaler,
            windows,
            rng: rng(seed),
        })
    }

    /// The number of weights.
    pub fn parameters(&self) -> usize {
        self.model.parameter_count()
    }

    /// Sets the learning rate and the limit of the gradient norm. What the optimizer remembers stays.
    pub fn tune(&mut self, learning_rate: f64, clip_norm: f64) {
        self.adam = std::mem::take(&mut self.adam).learning_rate(learning_rate).clip_norm(clip_norm);
    }

    /// Takes a training step on windows chosen at random. Returns their mean squared error, in units of the series'
    /// variance: to forecast the mean has an error of 1.
    pub fn step(&mut self) -> f64 {
        let places = Tensor::<f64>::uniform(&mut self.rng, [BATCH], 0.0, self.windows.len() as f64);
        let chosen: Vec<usize> = places.to_vec().iter().map(|&place| place as usize).collect();
        let batch = self.windows.select(&chosen);
        let (loss, gradients) = self.shards.batch_gradients(&self.model, &batch, mse, Mode::Training { seed: 0 });
        self.adam.step(&mut self.model, &gradients);
        loss
    }

    /// The gradient norm of the last training step, over all weights and before clipping; 0 before the first.
    pub fn gradient_norm(&self) -> f64 {
        self.adam.gradient_norm().unwrap_or(0.0)
    }

    /// The next `count` points, each forecast from the window before it, in which the earlier forecasts are.
    pub fn forecast(&self, count: usize) -> Vec<f32> {
        let length = self.series.shape()[0];
        let mut points = self.series.slice(0, length - WINDOW..).to_vec();
        for _ in 0..count {
            let window = Tensor::from_vec(points[points.len() - WINDOW..].to_vec(), [WINDOW, 1, 1]);
            points.extend(predict(&self.model, &window).to_vec());
        }
        self.scaler.inverse(&Tensor::from_vec(points.split_off(WINDOW), [count, 1])).to_vec()
    }

    /// For each variable of the state, the norms of the gradients of the mean squared error of some windows.
    pub fn gradient_flow(&self) -> Vec<StateNorms> {
        let (x, y) = (self.shown.x(), self.shown.y());
        let flow = GradientFlow::of(&self.model, |tape, net| mse(net.forward(tape.constant(x)), tape.constant(y)));
        let layer = flow.layers.into_iter().next().expect("the one recurrent layer");
        layer.states.into_iter().map(|state| StateNorms { name: state.name, norm: state.norm }).collect()
    }
}

/// A recurrent layer, and a dense layer on its last state.
fn network(cell: CellKind, hidden: usize, seed: u64) -> Boxed {
    let empty = sequential().seed(seed);
    match cell {
        CellKind::SimpleRnn => boxed(empty.add(recurrent(|rng| uniform(rng, hidden))).add(dense(hidden, 1))),
        CellKind::Lstm => boxed(empty.add(lstm(1, hidden)).add(dense(hidden, 1))),
        CellKind::Gru => boxed(empty.add(gru(1, hidden)).add(dense(hidden, 1))),
    }
}

/// With recurrent weights that are uniform, not orthogonal: then the gradient vanishes from the start.
fn uniform(rng: &mut Rng, hidden: usize) -> SimpleRnn<Tensor> {
    let bound = 1.0 / f64::sqrt(hidden as f64);
    SimpleRnn { u: init::uniform(rng, [hidden, hidden], -bound, bound), ..SimpleRnn::new(rng, 1, hidden) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: [CellKind; 3] = [CellKind::SimpleRnn, CellKind::Lstm, CellKind::Gru];

    fn wave(length: usize) -> Vec<f32> {
        (0..length).map(|i| 0.3 + 2.0 * f32::sin(i as f32 * 0.26)).collect()
    }

    fn trained(cell: CellKind, steps: usize) -> (Session, Vec<f64>) {
        let mut session = Session::new(&wave(200), cell, 16, 0).unwrap();
        session.tune(0.01, 1.0);
        let losses = (0..steps).map(|_| session.step()).collect();
        (session, losses)
    }

    #[test]
    fn every_cell_learns_to_continue_a_wave() {
        for cell in CELLS {
            let (session, losses) = trained(cell, 300);
            assert!((0.3..3.0).contains(&losses[0]) && losses[299] < 0.05, "{cell:?}: {losses:?}");
            assert!(session.gradient_norm() > 0.0);
            let truth = &wave(240)[200..];
            let forecast = session.forecast(40);
            let error = forecast.iter().zip(truth).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / 40.0;
            assert!(forecast.len() == 40 && error < 0.4, "{cell:?}: {error}, of a wave of variance 2");
        }
    }

    #[test]
    fn gradients_vanish_in_a_simple_network_first() {
        let ratios = CELLS.map(|cell| {
            let (session, _) = trained(cell, 0);
            let flow = session.gradient_flow();
            assert!(flow.iter().all(|state| state.norm.len() == WINDOW && state.norm.iter().all(|n| n.is_finite())));
            let names: Vec<_> = flow.iter().map(|state| &state.name[..]).collect();
            assert_eq!(names, if cell == CellKind::Lstm { vec!["h", "c"] } else { vec!["h"] });
            let carrier = flow.last().unwrap();
            carrier.norm[0] / carrier.norm[WINDOW - 1]
        });
        assert!(ratios[0] < 1e-3 * ratios[1] && ratios[0] < 1e-3 * ratios[2], "{ratios:?}");
    }

    #[test]
    fn the_same_seed_has_the_same_losses() {
        assert_eq!(trained(CellKind::Gru, 3).1, trained(CellKind::Gru, 3).1);
    }

    #[test]
    fn a_series_that_is_too_short_is_an_error() {
        let error = Session::new(&wave(WINDOW), CellKind::Gru, 4, 0).err().unwrap().to_string();
        assert!(error.contains("48 rows is too short"), "{error}");
        assert!(Session::new(&wave(WINDOW + 1), CellKind::Gru, 4, 0).is_ok());
        assert!(Session::new(&[f32::NAN; 100], CellKind::Gru, 4, 0).is_err());
    }

    #[test]
    fn a_constant_series_is_continued_by_finite_points() {
        let mut session = Session::new(&[0.5; 100], CellKind::Lstm, 4, 0).unwrap();
        session.tune(0.01, 1.0);
        assert!(session.step().is_finite() && session.forecast(5).iter().all(|point| point.is_finite()));
    }
}
