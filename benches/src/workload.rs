//! What is measured: the list in `workloads.json`.

use serde::Deserialize;

/// The list that is kept with the project.
pub const LIST: &str = include_str!("../workloads.json");

/// One piece of work, under the name that the command line and the tables give it.
#[derive(Clone, Debug)]
pub struct Workload {
    /// `W5`.
    pub id: String,
    /// `lstm_256`.
    pub name: String,
    /// What is done.
    pub kind: Kind,
}

/// The kinds of work.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A training step of recurrent layers from the library.
    Seq(Sequence),
    /// A training step of a recurrent layer whose cell is written in the user's code.
    Custom(Sequence),
    /// Forward and backward through a long chain of small ops.
    Tape {
        /// The number of links.
        iters: usize,
        /// The number of ops in each.
        ops_per_iter: usize,
        /// The number of elements.
        size: usize,
    },
    /// Forward and backward through a chain of products `x = x w` of square matrices.
    MatmulChain {
        /// The number of products.
        count: usize,
        /// The size of the matrices.
        n: usize,
    },
    /// A training step of dense layers with relu between them and a cross-entropy at the end.
    Mlp {
        /// The width of the input and of each layer.
        sizes: Vec<usize>,
        /// B.
        #[serde(rename = "B")]
        batch: usize,
    },
}

/// Recurrent layers over a batch of sequences.
#[derive(Clone, Debug, Deserialize)]
pub struct Sequence {
    /// The cell of every layer.
    pub cell: CellKind,
    #[serde(default)]
    layers: Vec<usize>,
    #[serde(rename = "H")]
    hidden: Option<usize>,
    /// The number of tokens, if the input is tokens that an embedding turns into vectors.
    pub vocab: Option<usize>,
    /// The width of a dense layer on top; 0 if there is none.
    #[serde(default)]
    pub dense: usize,
    /// What comes out: the last step or all of them.
    #[serde(default)]
    pub on: On,
    /// The loss.
    pub loss: Loss,
    /// B.
    #[serde(rename = "B")]
    pub batch: usize,
    /// T.
    #[serde(rename = "T")]
    pub time: usize,
    /// The width of the input.
    #[serde(rename = "I")]
    pub inputs: usize,
}

impl Sequence {
    /// H of each layer, the one next to the input first.
    pub fn widths(&self) -> Vec<usize> {
        self.hidden.into_iter().chain(self.layers.iter().copied()).collect()
    }
}

/// The cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// The library's `SimpleRnn`.
    Rnn,
    /// The library's `Lstm`.
    Lstm,
    /// The library's `Gru`.
    Gru,
    /// A user's LSTM with peepholes.
    Peephole,
    /// A user's minimal gated unit.
    Mgu,
    /// A user's LSTM with layer normalization.
    LnLstm,
    /// A user's plain LSTM.
    PlainLstm,
    /// The library's `MinGru`, all steps at once.
    MinGru,
    /// A user's minimal GRU, step by step.
    MinGruSteps,
}

/// The steps of which the output is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// The last one.
    Last,
    /// Every one.
    #[default]
    All,
}

/// The losses, each a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Squared errors.
    Mse,
    /// The cross-entropy of known classes.
    Xent,
    /// The squares of the output itself.
    MeanSq,
}

/// The workloads of a list in JSON, in the order of their numbers.
///
/// # Errors
/// If it is not such a list; the sentence says which entry.
pub fn parse(json: &str) -> Result<Vec<Workload>, String> {
    let list: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|e| format!("the workloads are not an object in JSON: {e}"))?;
    let mut workloads = Vec::new();
    for (id, entry) in list.into_iter().filter(|(id, _)| !id.starts_with('_')) {
        let name = entry.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
        let kind: Kind = serde_json::from_value(entry).map_err(|e| format!("workload {id}: {e}"))?;
        check(&kind).map_err(|e| format!("workload {id}: {e}"))?;
        workloads.push(Workload { id, name, kind });
    }
    workloads.sort_by_key(|workload| order(&workload.id));
    Ok(workloads)
}

fn check(kind: &Kind) -> Result<(), &'static str> {
    match kind {
        Kind::Seq(s) | Kind::Custom(s) if s.widths().is_empty() => Err("neither `layers` nor `H` says how wide it is"),
        Kind::Seq(s) | Kind::Custom(s) if s.loss != Loss::MeanSq && s.dense == 0 => Err("the loss needs a dense layer"),
        Kind::Seq(s) | Kind::Custom(s) if s.loss == Loss::Xent && s.on == On::Last => {
            Err("the cross-entropy is that of all steps")
        }
        Kind::Mlp { sizes, .. } if sizes.len() < 2 => Err("`sizes` needs at least two numbers"),
        Kind::Tape { ops_per_iter, .. } if *ops_per_iter != 3 => Err("a link of the chain is three ops"),
        _ => Ok(()),
    }
}

/// `W8a` comes after `W8` and before `W10`.
fn order(id: &str) -> (usize, String) {
    let number: String = id.chars().filter(char::is_ascii_digit).collect();
    (number.parse().unwrap_or(usize::MAX), id.to_owned())
}

/// Those of `all` that are named, in the order of the list; every one if none is named.
///
/// # Errors
/// If a name is not in the list; the sentence lists what there is.
pub fn choose(all: &[Workload], names: &[String]) -> Result<Vec<Workload>, String> {
    let known = |name: &String| all.iter().any(|workload| workload.id.eq_ignore_ascii_case(name));
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let ids: Vec<&str> = all.iter().map(|workload| &workload.id[..]).collect();
        return Err(format!("there is no workload {unknown}; there are {}", ids.join(", ")));
    }
    let named = |workload: &&Workload| names.is_empty() || names.iter().any(|n| workload.id.eq_ignore_ascii_case(n));
    Ok(all.iter().filter(named).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(workloads: &[Workload]) -> Vec<&str> {
        workloads.iter().map(|workload| &workload.id[..]).collect()
    }

    #[test]
    fn the_list_is_read_in_the_order_of_its_numbers() {
        let all = parse(LIST).unwrap();
        assert_eq!(
            ids(&all),
            [
                "W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8a", "W8b", "W8c", "W8d", "W9", "W10", "W11", "W12", "W13",
                "W14"
            ]
        );
        assert_eq!(all[4].name, "lstm_256");
        let Kind::Seq(lecture) = &all[0].kind else { panic!("W1 is a sequence") };
        assert_eq!((lecture.cell, lecture.widths(), lecture.on), (CellKind::Rnn, vec![20, 20], On::Last));
        let Kind::Custom(mgu) = &all[8].kind else { panic!("W8b is a cell of the user's") };
        assert_eq!((mgu.cell, mgu.widths(), mgu.on, mgu.loss), (CellKind::Mgu, vec![256], On::All, Loss::MeanSq));
        let Kind::Seq(characters) = &all[3].kind else { panic!("W4 is a sequence") };
        assert_eq!((characters.vocab, characters.dense, characters.time), (Some(65), 65, 64));
    }

    #[test]
    fn workloads_are_chosen_by_name_in_any_case() {
        let all = parse(LIST).unwrap();
        assert_eq!(ids(&choose(&all, &["w8D".into(), "W2".into()]).unwrap()), ["W2", "W8d"]);
        assert_eq!(choose(&all, &[]).unwrap().len(), all.len());
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let message = choose(&parse(LIST).unwrap()[..3], &["W99".into()]).unwrap_err();
        assert_eq!(message, "there is no workload W99; there are W1, W2, W3");
    }

    #[test]
    fn a_list_that_makes_no_sense_is_refused_with_its_entry() {
        let message = |json: &str| parse(json).unwrap_err();
        assert!(message("[]").starts_with("the workloads are not an object in JSON: "));
        assert!(message(r#"{"A": {"kind": "mlp", "B": 3}}"#).starts_with("workload A: missing field `sizes`"));
        let no_width = r#"{"A": {"kind": "seq", "cell": "gru", "loss": "meansq", "B": 1, "T": 2, "I": 3}}"#;
        assert_eq!(message(no_width), "workload A: neither `layers` nor `H` says how wide it is");
        let no_head = r#"{"A": {"kind": "seq", "cell": "gru", "H": 1, "loss": "mse", "B": 1, "T": 2, "I": 3}}"#;
        assert_eq!(message(no_head), "workload A: the loss needs a dense layer");
    }
}
