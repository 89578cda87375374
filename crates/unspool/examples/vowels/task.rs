//! Utterances as examples: standardized, their speakers as class indices, padded to batches.

use crate::parts;
use crate::ts::{self, Utterance};
use rand::RngExt;
use std::path::Path;
use unspool::data::{Padded, StandardScaler, pad};
use unspool::prelude::*;

/// What is learned from, and what is tested on.
pub(crate) struct Task {
    pub(crate) train: Vec<Example>,
    pub(crate) test: Vec<Example>,
    /// The names of the classes.
    pub(crate) speakers: Vec<String>,
    pub(crate) channels: usize,
}

/// A sequence and its class.
pub(crate) struct Example {
    /// `[L, channels]`.
    pub(crate) steps: Tensor,
    pub(crate) class: usize,
}

impl Task {
    /// Every channel is scaled to mean 0 and standard deviation 1 over the time steps of the
    /// training part.
    pub(crate) fn new(train: Vec<Utterance>, test: Vec<Utterance>) -> Result<Task, String> {
        let mut speakers: Vec<String> = train.iter().map(|utterance| utterance.speaker.clone()).collect();
        speakers.sort();
        speakers.dedup();
        if speakers.len() < 2 {
            return Err(format!("{} class to learn from: there must be at least 2 to tell apart", speakers.len()));
        }
        let channels = train[0].steps[0].len();
        let tensor = |steps: &[Vec<f32>]| Tensor::from_vec(steps.concat(), [steps.len(), steps[0].len()]);
        let all: Vec<Tensor> = train.iter().map(|utterance| tensor(&utterance.steps)).collect();
        let scaler = StandardScaler::fit(&Tensor::concat(0, &all)).map_err(|e| e.to_string())?;
        let example = |Utterance { steps, speaker }: Utterance| {
            if steps[0].len() != channels {
                return Err(format!("{channels} channels to learn from, {} to test: not the same", steps[0].len()));
            }
            match speakers.binary_search(&speaker) {
                Ok(class) => Ok(Example { steps: scaler.transform(&tensor(&steps)), class }),
                Err(_) => Err(format!("class {speaker:?} is in the test part, but not in the training part")),
            }
        };
        let [train, test] = [train, test].map(|part| part.into_iter().map(example).collect::<Result<Vec<_>, String>>());
        Ok(Task { train: train?, test: test?, channels, speakers })
    }

    /// The two files of a data set of the archive, which end in `_TRAIN.ts` and `_TEST.ts`.
    pub(crate) fn load(folder: &Path) -> Result<Task, String> {
        let [train, test] = parts::find(folder, ["_TRAIN.ts", "_TEST.ts"])?.map(|file| ts::read(&file));
        Task::new(train?, test?).map_err(|sentence| format!("{}: {sentence}", folder.display()))
    }

    /// Utterances of the same form: nine speakers, 12 channels that glide from one value to
    /// another, each speaker's own, and noise; 7 to 29 steps.
    pub(crate) fn made_up(rng: &mut Rng) -> Task {
        const CHANNELS: usize = 12;
        let mut noise = || -> Vec<f32> { (0..CHANNELS).map(|_| 2.0 * rng.random::<f32>() - 1.0).collect() };
        let voices: Vec<[Vec<f32>; 2]> = (0..9).map(|_| [noise(), noise()]).collect();
        let mut part = |count: usize| -> Vec<Utterance> {
            let utterance = |i: usize| {
                let [from, to] = &voices[i % voices.len()];
                let length = 7 + (noise()[0].abs() * 23.0) as usize;
                let offset = noise();
                let steps = (0..length).map(|t| {
                    let (progress, noise) = (t as f32 / length as f32, noise());
                    let at = |c: usize| from[c] + progress * (to[c] - from[c]) + 0.7 * offset[c] + 0.7 * noise[c];
                    (0..CHANNELS).map(at).collect()
                });
                Utterance { steps: steps.collect(), speaker: (i % voices.len() + 1).to_string() }
            };
            (0..count).map(utterance).collect()
        };
        let (train, test) = (part(270), part(370));
        Task::new(train, test).expect("both parts have the same speakers and channels")
    }
}

/// Sequences side by side, padded with zeros to the longest of them.
pub(crate) struct Batch {
    /// `[T, B, F]`.
    pub(crate) xs: Tensor,
    pub(crate) lengths: Vec<usize>,
    pub(crate) classes: Vec<usize>,
}

impl Batch {
    pub(crate) fn new<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Batch {
        let (steps, classes): (Vec<Tensor>, _) =
            examples.into_iter().map(|example| (example.steps.clone(), example.class)).unzip();
        let Padded { x: xs, lengths } = pad(&steps).expect("sequences of the same channels");
        Batch { xs, lengths, classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(values: &[f32], speaker: &str) -> Utterance {
        Utterance { steps: values.iter().map(|&value| vec![value]).collect(), speaker: speaker.to_string() }
    }

    #[test]
    fn the_training_part_alone_decides_scale_and_speakers() {
        let train = vec![utterance(&[1.0, 3.0], "b"), utterance(&[1.0, 3.0, 2.0], "a")];
        let task = Task::new(train, vec![utterance(&[100.0], "b")]).unwrap();
        let scaled = |value: f64| ((value - 2.0) / 0.8f64.sqrt()) as f32;
        assert_eq!(task.train[0].steps.to_vec(), [scaled(1.0), scaled(3.0)]);
        assert_eq!(task.test[0].steps.to_vec(), [scaled(100.0)]);
        assert_eq!((task.train[0].class, task.train[1].class, task.test[0].class), (1, 0, 1));
        assert_eq!((task.speakers, task.channels), (vec!["a".to_string(), "b".to_string()], 1));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let train = || vec![utterance(&[1.0], "a"), utterance(&[1.0], "b")];
        let alone = Task::new(train()[..1].to_vec(), train()).err().unwrap();
        assert_eq!(alone, "1 class to learn from: there must be at least 2 to tell apart");
        let stranger = Task::new(train(), vec![utterance(&[1.0], "c")]).err().unwrap();
        assert_eq!(stranger, "class \"c\" is in the test part, but not in the training part");
        let wide = Utterance { steps: vec![vec![1.0, 2.0]], speaker: "a".to_string() };
        let wide = Task::new(train(), vec![wide]).err().unwrap();
        assert_eq!(wide, "1 channels to learn from, 2 to test: not the same");
        assert!(Task::load(Path::new("no/such")).err().unwrap().starts_with("cannot read no/such: "));
    }

    #[test]
    fn batches_are_padded_behind() {
        let example = |values: &[f32], class| {
            let steps = values.iter().flat_map(|&v| [v, -v]).collect();
            Example { steps: Tensor::from_vec(steps, [values.len(), 2]), class }
        };
        let batch = Batch::new(&[example(&[1.0], 3), example(&[2.0, 3.0], 0)]);
        assert_eq!(batch.xs.shape()[..], [2, 2, 2]);
        assert_eq!(batch.xs.to_vec(), [1.0, -1.0, 2.0, -2.0, 0.0, 0.0, 3.0, -3.0]);
        assert_eq!((batch.lengths, batch.classes), (vec![1, 2], vec![3, 0]));
    }

    #[test]
    fn made_up_utterances_have_the_form_of_the_real_ones() {
        let task = Task::made_up(&mut rng(0));
        assert_eq!((task.train.len(), task.test.len(), task.channels, task.speakers.len()), (270, 370, 12, 9));
        let lengths = || task.train.iter().chain(&task.test).map(|example| example.steps.shape()[0]);
        assert!(lengths().min() == Some(7) && lengths().max() == Some(29));
    }
}
