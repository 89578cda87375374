//! That each misuse of `compile_fail.md` follows a program that compiles and is the same but for the mistake. That the
//! ones compile and the others do not is tested as documentation of this package.

/// The programs in the order of the page: the words after the fence, and their lines.
fn programs() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut programs = Vec::new();
    let mut lines = include_str!("compile_fail.md").lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            programs.push((kind, lines.by_ref().take_while(|line| *line != "```").map(str::trim).collect()));
        }
    }
    programs
}

#[test]
fn every_misuse_differs_in_the_mistake_from_a_program_that_compiles() {
    let programs = programs();
    assert!(programs.len() > 50, "{} programs were read", programs.len());
    for pair in programs.chunks(2) {
        let [(right_kind, right), (wrong_kind, wrong)] = pair else { panic!("a program without another: {pair:?}") };
        assert_eq!(*right_kind, "", "{right:?}");
        let code = wrong_kind.strip_prefix("compile_fail,E").unwrap_or_else(|| panic!("{wrong_kind}: no error code"));
        assert!(code.len() == 4 && code.parse::<u16>().is_ok(), "{wrong_kind}");
        let mut left = right.clone();
        let mut is_new = |line: &&str| left.iter().position(|other| other == line).map(|i| left.remove(i)).is_none();
        let new: Vec<&str> = wrong.iter().copied().filter(|line| is_new(line)).collect();
        assert!(
            right != wrong && new.len() <= 2 && left.len() <= 2,
            "more than the mistake differs: {new:?}, {left:?}"
        );
    }
}
