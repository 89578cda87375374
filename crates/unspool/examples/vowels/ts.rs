//! Reading sequences from files in the `.ts` format of the UEA archive.
//!
//! After lines of header that begin with `@` or `#`, the last of them `@data`, each line is a
//! sequence: its channels, separated by colons, each a list of numbers, and after the last colon
//! its class.

use std::path::Path;
use unspool::text::read_text;

/// A sequence and who spoke it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Utterance {
    /// Time step by time step, the values of all channels.
    pub(crate) steps: Vec<Vec<f32>>,
    pub(crate) speaker: String,
}

/// Reads a file of utterances of one number of channels.
pub(crate) fn read(file: &Path) -> Result<Vec<Utterance>, String> {
    let text = read_text(file).map_err(|e| e.to_string())?;
    parse(&text).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Utterance>, String> {
    let mut lines = text.lines().map(str::trim).enumerate();
    header(lines.by_ref().map(|(_, line)| line).take_while(|line| !line.eq_ignore_ascii_case("@data")))?;
    if !text.lines().any(|line| line.trim().eq_ignore_ascii_case("@data")) {
        return Err("no line says @data: this is no .ts file".to_string());
    }
    let mut utterances: Vec<Utterance> = Vec::new();
    for (i, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let utterance = utterance(line).map_err(|sentence| format!("line {}: {sentence}", i + 1))?;
        let (channels, first) = (utterance.steps[0].len(), utterances.first().map(|first| first.steps[0].len()));
        if first.is_some_and(|first| channels != first) {
            return Err(format!("line {}: {channels} channels, where those before have {}", i + 1, first.unwrap_or(0)));
        }
        utterances.push(utterance);
    }
    if utterances.is_empty() { Err("no sequence follows @data".to_string()) } else { Ok(utterances) }
}

/// Says what a header tells that this example cannot read.
fn header<'a>(lines: impl Iterator<Item = &'a str>) -> Result<(), String> {
    for line in lines {
        let mut words = line.split_whitespace().map(str::to_ascii_lowercase);
        let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let cannot = match (&name[..], &value[..]) {
            ("@targetlabel", "true") => "its targets are numbers (a regression), and this example tells classes apart",
            ("@classlabel", "false") => "its sequences have no class, and this example learns to tell classes apart",
            ("@timestamps", "true") => {
                "its values have time stamps, and this example takes steps that are equally long"
            }
            _ => continue,
        };
        return Err(format!("{cannot} ({line})"));
    }
    Ok(())
}

fn utterance(line: &str) -> Result<Utterance, String> {
    let (channels, speaker) = line.rsplit_once(':').ok_or("no colon separates the class from the values")?;
    let number = |text: &str| match text.trim().parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("{text:?} is not a finite number")),
    };
    let channels = channels
        .split(':')
        .map(|channel| channel.split(',').map(number).collect())
        .collect::<Result<Vec<Vec<f32>>, String>>()?;
    let length = channels[0].len();
    if let Some(other) = channels.iter().find(|channel| channel.len() != length) {
        return Err(format!("one channel has {length} values, another {}", other.len()));
    }
    let steps = (0..length).map(|t| channels.iter().map(|channel| channel[t]).collect()).collect();
    Ok(Utterance { steps, speaker: speaker.trim().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_become_time_steps() {
        let text = "# a comment\n@problemName x\n@classLabel true a b\n@data\n1,2,3:-4,5e-1,6:a\r\n7:8:b\n\n";
        let steps = vec![vec![1.0, -4.0], vec![2.0, 0.5], vec![3.0, 6.0]];
        let first = Utterance { steps, speaker: "a".to_string() };
        let second = Utterance { steps: vec![vec![7.0, 8.0]], speaker: "b".to_string() };
        assert_eq!(parse(text), Ok(vec![first, second]));
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        for (text, sentence) in [
            ("", "no line says @data: this is no .ts file"),
            ("1,2:a\n", "no line says @data: this is no .ts file"),
            ("@data\n\n", "no sequence follows @data"),
            (
                "@problemName x\n@targetLabel true\n@data\n1,2:0.5\n",
                "its targets are numbers (a regression), and this example tells classes apart (@targetLabel true)",
            ),
            (
                "@classLabel false\n@data\n1,2\n",
                "its sequences have no class, and this example learns to tell classes apart (@classLabel false)",
            ),
            (
                "@timeStamps true\n@data\n(0,1):a\n",
                "its values have time stamps, and this example takes steps that are equally long (@timeStamps true)",
            ),
            ("@data\n1,2\n", "line 2: no colon separates the class from the values"),
            ("@data\n1,2:3:a\n", "line 2: one channel has 2 values, another 1"),
            ("@data\n1:2:a\n1,x:2,3:a\n", "line 3: \"x\" is not a finite number"),
            ("@data\n1,?:a\n", "line 2: \"?\" is not a finite number"),
            ("@data\n1,inf:a\n", "line 2: \"inf\" is not a finite number"),
            ("@data\n:a\n", "line 2: \"\" is not a finite number"),
            ("@data\n1:2:a\n1:a\n", "line 3: 1 channels, where those before have 2"),
        ] {
            assert_eq!(parse(text), Err(sentence.to_string()), "{text:?}");
        }
        let sentence = read(Path::new("no/such/file.ts")).unwrap_err();
        assert!(sentence.starts_with("cannot read no/such/file.ts: "), "{sentence}");
    }
}
