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

    #[test]
    fn every_file_is_a_chapter_of_the_book_whose_snippets_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<_> = names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect();
        let summary = fs::read_to_string(format!("{folder}/SUMMARY.md")).unwrap();
        let links = summary.lines().filter_map(|line| line.rsplit_once("](")?.1.strip_suffix(')'));
        assert_eq!(files, links.map(String::from).collect());
        assert_eq!(files, super::FILES.iter().map(|&file| file.into()).collect());
    }
}
