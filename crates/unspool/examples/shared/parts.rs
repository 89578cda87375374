//! Finding the files of a data set in several parts, whatever its name.

use std::path::{Path, PathBuf};

/// The files of a folder whose names have these endings, in upper or lower case, and the same
/// beginning.
pub(crate) fn find<const N: usize>(folder: &Path, ends: [&str; N]) -> Result<[PathBuf; N], String> {
    let name = folder.display();
    let cannot = |e: std::io::Error| format!("cannot read {name}: {e}");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        names.push(entry.map_err(cannot)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    // Lower case of ASCII alone, which leaves the length as it was.
    let beginning = |name: &str, end: &str| {
        let is = name.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase());
        is.then(|| name[..name.len() - end.len()].to_string())
    };
    let beginnings: Vec<String> = names.iter().filter_map(|name| beginning(name, ends[0])).collect();
    let parts_of = |start: &str| -> Option<Vec<PathBuf>> {
        let part = |end: &&str| names.iter().find(|name| beginning(name, end).as_deref() == Some(start));
        ends.iter().map(|end| part(end).map(|name| folder.join(name))).collect()
    };
    let mut sets: Vec<(&String, Vec<PathBuf>)> =
        beginnings.iter().filter_map(|start| Some((start, parts_of(start)?))).collect();
    match sets.len() {
        1 => Ok(sets.remove(0).1.try_into().expect("one for each end")),
        0 => Err(format!("{name} has no files of one name that end in {}", ends.join(", "))),
        _ => {
            let sets: Vec<&str> = sets.iter().map(|(start, _)| &start[..]).collect();
            Err(format!("{name} has several data sets ({}): one must be in a folder of its own", sets.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_may_have_any_name() {
        let folder = std::env::temp_dir().join(format!("unspool-parts-{}-{}", std::process::id(), module_path!()));
        let _ = std::fs::remove_dir_all(&folder);
        let found =
            || find(&folder, ["_TRAIN.ts", "_TEST.ts"]).map_err(|e| e.replace(&folder.display().to_string(), "DIR"));
        assert!(found().unwrap_err().starts_with("cannot read DIR: "));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str| std::fs::write(folder.join(name), "").unwrap();
        ["Heart_TRAIN.ts", "Other_TEST.ts", "notes.txt"].into_iter().for_each(write);
        assert_eq!(found().unwrap_err(), "DIR has no files of one name that end in _TRAIN.ts, _TEST.ts");
        write("Heart_test.ts");
        assert_eq!(found(), Ok(["Heart_TRAIN.ts", "Heart_test.ts"].map(|name| folder.join(name))));
        ["A_TRAIN.ts", "A_TEST.ts"].into_iter().for_each(write);
        assert_eq!(found().unwrap_err(), "DIR has several data sets (A, Heart): one must be in a folder of its own");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
