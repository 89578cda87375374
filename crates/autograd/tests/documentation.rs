//! The page of `Var`: every method has a running example, and the table at its top is the page's own order.
//!
//! Both are read from the sources: rustdoc shows the `impl` blocks of a type in the order of the modules.

use std::collections::BTreeSet;
use std::path::PathBuf;
use unspool_autograd::ops;

/// A public method, and whether its documentation has a running example.
struct Method {
    name: String,
    example: bool,
}

/// What a file adds to the page: a heading where a family begins, and methods.
#[derive(Default)]
struct Part {
    heading: Option<String>,
    methods: Vec<Method>,
}

fn source(path: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    text.lines().map(String::from).collect()
}

/// The lines above line `i` that belong to it: up to an empty one, or the beginning of a block.
fn above(lines: &[String], i: usize) -> Vec<String> {
    let foreign = |line: &String| {
        let line = line.trim();
        line.is_empty() || (line.ends_with('{') && !line.starts_with("//"))
    };
    let start = lines[..i].iter().rposition(foreign).map_or(0, |last| last + 1);
    lines[start..i].to_vec()
}

/// Whether documentation holds code that is compiled, run, and asserts something; or a macro writes it.
fn has_example(docs: &[String]) -> bool {
    let (mut fence, mut found) = (None, false);
    for line in docs {
        let text = line.trim().trim_start_matches("///").trim();
        match (text.strip_prefix("```"), fence) {
            (Some(kind), None) => fence = Some(kind),
            (Some(_), Some(_)) => fence = None,
            (None, Some("")) => found |= text.starts_with("assert"),
            _ => found |= text.contains("example!("),
        }
    }
    found
}

fn heading(docs: &[String]) -> Option<String> {
    docs.iter().find_map(|line| line.trim().strip_prefix("/// # ")).map(String::from)
}

/// Reads the `impl Var` blocks of a file, and the `reduction!`s that stand for such.
fn read(path: &str) -> Part {
    let lines = source(path);
    let mut part = Part::default();
    let mut end_of_impl = None;
    for (i, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        if code.starts_with("impl<") && code.contains("> Var<") && !code.contains(" for ") {
            end_of_impl = Some(format!("{}}}", &line[..line.len() - code.len()]));
            part.heading = part.heading.or_else(|| heading(&above(&lines, i)));
        } else if end_of_impl.as_ref() == Some(line) {
            end_of_impl = None;
        } else if end_of_impl.is_some() && code.starts_with("pub ") && code.contains("fn ") {
            let name = code.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next());
            let name = name.expect("a function has a name").to_string();
            part.methods.push(Method { name, example: has_example(&above(&lines, i)) });
        } else if code == "reduction!(" {
            // The third to the fifth argument are the methods, and one more than usual the heading of a family.
            let rest = lines[i + 1..].iter().map(|line| line.trim());
            let arguments: Vec<&str> = rest.take_while(|line| *line != ");").collect();
            for name in &arguments[2..5] {
                // Their examples are in the template, which is read by itself.
                part.methods.push(Method { name: name.trim_end_matches(',').into(), example: true });
            }
            let count = arguments.iter().filter(|line| line.ends_with(',')).count() + 1;
            if count == REDUCTION_ARGUMENTS + 1 {
                let family = arguments.last().expect("a reduction has arguments").trim_matches('"');
                part.heading = part.heading.or_else(|| Some(family.into()));
            }
        }
    }
    part
}

/// The arguments of `reduction!` without a heading.
const REDUCTION_ARGUMENTS: usize = 13;

/// The page: the ops in the order of their modules, then `Var` itself.
fn page() -> Vec<(String, Part)> {
    let files = ops::NAMES.iter().map(|name| format!("ops/{name}.rs")).chain(["var.rs".to_string()]);
    files.map(|file| (file.clone(), read(&file))).collect()
}

#[test]
fn every_method_has_a_running_example() {
    let mut without = Vec::new();
    let mut count = 0;
    let templates = ("ops/axes.rs".to_string(), read("ops/axes.rs"));
    assert_eq!(templates.1.methods.len(), 3, "the methods that `reduction!` makes");
    for (file, part) in page().into_iter().chain([templates]) {
        count += part.methods.len();
        let bare = part.methods.iter().filter(|method| !method.example);
        without.extend(bare.map(|method| format!("{file}: {}", method.name)));
    }
    for name in ops::NAMES {
        let lines = source(&format!("ops/{name}.rs"));
        for (i, line) in lines.iter().enumerate() {
            let operator = line.starts_with("impl<") && line.contains(" for Var<") && !has_example(&above(&lines, i));
            if operator || line.contains("binary_operator!") && !has_example(&lines) {
                without.push(format!("ops/{name}.rs: {line}"));
            }
        }
    }
    assert!(count > 100, "only {count} methods were read");
    assert!(without.is_empty(), "without a running example:\n{}", without.join("\n"));
}

#[test]
fn the_table_lists_the_page() {
    let mut families: Vec<(String, Vec<String>)> = Vec::new();
    for (file, part) in page() {
        if let Some(heading) = part.heading {
            families.push((heading, Vec::new()));
        }
        let names = part.methods.into_iter().map(|method| method.name);
        match families.last_mut() {
            Some((_, family)) => family.extend(names),
            None => assert_eq!(names.count(), 0, "{file} has methods before the first heading"),
        }
    }
    let mut table = Vec::new();
    for line in source("var.rs") {
        let Some((family, row)) = line.strip_prefix("/// | [").and_then(|row| row.split_once("](#")) else { continue };
        let (anchor, row) = row.split_once(')').expect("a link ends");
        assert_eq!(anchor, family.to_lowercase().replace(' ', "-"), "the link to a family");
        let names = row.split("(Var::").skip(1).map(|rest| rest[..rest.find(')').expect("a link ends")].to_string());
        table.push((family.to_string(), names.collect::<Vec<_>>()));
    }
    for (row, family) in table.iter().zip(&families) {
        assert_eq!(row, family, "a row of the table, and a family of the page");
    }
    assert_eq!(table.len(), families.len(), "rows of the table, and families of the page");
}

#[test]
fn every_file_of_the_folder_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/ops");
    let entries = std::fs::read_dir(folder).expect("the ops have a folder");
    let files: BTreeSet<String> = entries
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").display().to_string())
        .collect();
    let read = ops::NAMES.iter().chain(&["mod", "axes"]).map(|name| name.to_string()).collect();
    assert_eq!(files, read);
}
