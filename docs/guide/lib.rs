//! The guide to unspool, in `src`, for mdBook: `mdbook build docs/guide`. The tests of this package compile and run every
//! snippet.

#![forbid(unsafe_code)]

/// A module for each chapter, whose documentation is the chapter.
macro_rules! chapters {
    ($($name:ident: $file:literal,)*) => {
        $(#[doc = include_str!(concat!("src/", $file))] pub mod $name {})*

        #[cfg(test)]
        const FILES: &[&str] = &[$($file),*];
    };
}

chapters! {
    introduction: "introduction.md",
    tape: "tape.md",
    by_hand: "by-hand.md",
    bptt: "bptt.md",
    vanishing: "vanishing.md",
    gates: "gates.md",
    patterns: "patterns.md",
    your_cell: "your-cell.md",
    training: "training.md",
    language_models: "language-models.md",
    long_sequences: "long-sequences.md",
    seeing: "seeing.md",
    benchmarking: "benchmarking.md",
    many_machines: "many-machines.md",
    coming_from: "coming-from.md",
    inside: "inside.md",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

    #[test]
    fn every_file_is_a_chapter_of_the_book_whose_snippets_run() {
        let files: BTreeSet<_> = markdown(&Path::new(FOLDER).join("src")).iter().map(|path| name(path)).collect();
        let summary = fs::read_to_string(format!("{FOLDER}/src/SUMMARY.md")).unwrap();
        let mut listed: BTreeSet<_> = targets(&summary).map(String::from).collect();
        assert_eq!(listed, super::FILES.iter().map(|&file| file.into()).collect());
        listed.insert("SUMMARY.md".into());
        assert_eq!(files, listed);
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let root = Path::new(FOLDER).join("../..");
        let folders = ["", "docs", "docs/guide/src", "crates/mpi", "benches/gradbench", "tests/fuzz"];
        let files: Vec<_> = folders.iter().flat_map(|folder| markdown(&root.join(folder))).collect();
        assert!(files.len() > 20);
        let mut dead = Vec::new();
        for file in &files {
            let text = without_code(&fs::read_to_string(file).unwrap());
            for target in targets(&text).filter(|target| !target.contains("://")) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let to = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
                let is_found = match fs::read_to_string(&to) {
                    Ok(text) => anchor.is_empty() || anchors(&text).contains(anchor),
                    Err(_) => to.is_dir(),
                };
                if !is_found {
                    dead.push(format!("{}: {target}", file.display()));
                }
            }
        }
        assert!(dead.is_empty(), "{}", dead.join("\n"));
    }

    fn markdown(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
    }

    fn name(path: &Path) -> String {
        path.file_name().unwrap().to_str().unwrap().into()
    }

    /// What is between `](` and `)`.
    fn targets(text: &str) -> impl Iterator<Item = &str> {
        text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
    }

    fn without_code(text: &str) -> String {
        let prose = text.split("```").step_by(2).collect::<String>();
        prose.split('`').step_by(2).collect()
    }

    /// The headings, as they are written in a link.
    fn anchors(text: &str) -> BTreeSet<String> {
        let prose = text.split("```").step_by(2).collect::<String>();
        let headings =
            prose.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_matches(['#', ' ']));
        let kept =
            |heading: &str| heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        headings.map(|heading| kept(&heading.to_lowercase()).replace(' ', "-")).collect()
    }
}
