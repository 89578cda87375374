//! Checkpoints: written by one rank, resumed by any number of them.

use super::*;
use std::path::{Path, PathBuf};
use unspool::text::LanguageModel;
use unspool::train::{FitError, History, Interrupt, StopReason, TruncatedBptt, World};

/// A language model with carried states, for two epochs of 8 steps; interrupted after so many, on rank 1 alone if there
/// is one.
fn train(world: &ThreadWorld, from: Option<&Path>, to: &Path, steps: usize) -> Result<(Vec<u32>, History), FitError> {
    let text = text(3000);
    let mut task = TruncatedBptt::tokens(&text[..2241], 70, 4).unwrap().validate_tokens(&text[2241..], 40).unwrap();
    let mut model: LanguageModel<Tensor, Lstm<Tensor>> = LanguageModel::new(&mut rng(0), 7, 5, [8], Lstm::new);
    let interrupt = Interrupt::new();
    let interrupts = world.rank() == 1.min(world.size() - 1);
    let stop = OnStep(|step| {
        if interrupts && step == steps {
            interrupt.set();
        }
        ControlFlow::Continue(())
    });
    let mut fit = fit(&mut model, &mut task).epochs(2).world(world).quiet().interrupt(&interrupt);
    fit = fit.callback(stop).checkpoint(to);
    if let Some(from) = from {
        fit = fit.resume(from);
    }
    let mut history = fit.run()?;
    history.seconds = 0.0;
    Ok((bits(&model), history))
}

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("unspool-world-{}-{name}.safetensors", std::process::id()))
}

#[test]
fn any_number_of_ranks_resumes_to_the_same_bits() {
    let path = file("resumed");
    let to = path.clone();
    let straight = on_ranks(1, move |world| train(world, None, &to, usize::MAX).unwrap()).remove(0);
    // Inside both epochs, and between them.
    for (steps, before, after) in [(3, 2, 3), (8, 3, 1), (11, 1, 4), (13, 4, 2)] {
        let to = path.clone();
        for (_, history) in on_ranks(before, move |world| train(world, None, &to, steps).unwrap()) {
            assert_eq!(history.stop_reason, StopReason::Interrupted);
        }
        let to = path.clone();
        for (rank, result) in
            on_ranks(after, move |world| train(world, Some(&to), &to, usize::MAX)).into_iter().enumerate()
        {
            assert_eq!(result.unwrap(), straight, "rank {rank} of {after}, {steps} steps after {before} ranks");
        }
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn one_rank_writes_and_all_hear_that_it_cannot() {
    let results = on_ranks(3, |world| train(world, None, Path::new("/no such folder/file"), usize::MAX).map(|_| ()));
    let sentences: Vec<_> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
    assert!(sentences[0].starts_with("cannot save /no such folder/file: "), "{}", sentences[0]);
    for other in &sentences[1..] {
        assert_eq!(*other, format!("rank 0 has stopped: {}", sentences[0]));
    }
}

/// A rank that cannot read the checkpoint, while the others can.
#[test]
fn every_rank_must_reach_the_file() {
    let path = file("reached");
    let to = path.clone();
    on_ranks(2, move |world| train(world, None, &to, 3).unwrap());
    let from = path.clone();
    let results = on_ranks(2, move |world| {
        let from = if world.rank() == 0 { from.clone() } else { file("missing") };
        train(world, Some(&from), &file("reached"), usize::MAX).map(|_| ())
    });
    let sentences: Vec<_> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
    assert!(sentences[1].contains("missing"), "{}", sentences[1]);
    assert_eq!(sentences[0], format!("rank 1 has stopped: {}", sentences[1]));
    std::fs::remove_file(path).unwrap();
}
