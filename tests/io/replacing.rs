//! What takes the place of what: permissions, links, long names, folders that may be written only.

use crate::processes::{asked_to_work, child};
use crate::{files_in, folder};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use unspool::io::{Checkpoint, write_npy};
use unspool::prelude::*;
use unspool::train::History;
use unspool::{load, save};

fn model(value: f32) -> Dense<Tensor> {
    Dense { weight: Tensor::full(value, [3, 2]), bias: Tensor::full(value, [2]) }
}

fn loads(path: &Path, value: f32) -> bool {
    let mut loaded = model(-1.0);
    load(path, &mut loaded).unwrap();
    loaded.bias == Tensor::full(value, [2])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_keeps_its_permissions() {
    let folder = folder("permissions");
    let fresh = folder.join("fresh");
    fs::write(&fresh, "").unwrap(); // what the process gives to new files
    type Write = fn(&Path);
    let writes: [(&str, Write); 4] = [
        ("model", |path| save(path, &model(1.0)).unwrap()),
        ("checkpoint", |path| Checkpoint::new().save(path).unwrap()),
        ("tensor.npy", |path| write_npy(path, &Tensor::<f32>::ones([2])).unwrap()),
        ("history.svg", |path| History::default().save_svg(path).unwrap()),
    ];
    for (name, write) in writes {
        let path = folder.join(name);
        write(&path);
        assert_eq!(mode(&path), mode(&fresh), "{name}: one that was not there");
        for kept in [0o600, 0o640, 0o444, 0o666, 0o755] {
            fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
            let before = fs::metadata(&path).unwrap().ino();
            write(&path);
            assert_eq!(format!("{:o}", mode(&path)), format!("{kept:o}"), "{name}");
            assert_ne!(fs::metadata(&path).unwrap().ino(), before, "{name}: it was not replaced");
        }
    }
    assert_eq!(files_in(&folder), ["checkpoint", "fresh", "history.svg", "model", "tensor.npy"]);
}

/// Only for one who may give files away.
#[test]
fn a_file_keeps_its_owner() {
    let path = folder("owner").join("model");
    save(&path, &model(1.0)).unwrap();
    if chown(&path, Some(12345), Some(23456)).is_err() {
        eprintln!("skipped: no right to give files away");
        return;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    save(&path, &model(2.0)).unwrap();
    let file = fs::metadata(&path).unwrap();
    assert_eq!((file.uid(), file.gid(), mode(&path)), (12345, 23456, 0o600));
}

#[test]
fn names_as_long_as_the_system_allows_are_saved() {
    let folder = folder("long names");
    for name in ["a".repeat(250), "a".repeat(255), "ä".repeat(127), "a".repeat(101)] {
        let path = folder.join(&name);
        for value in [1.0, 2.0] {
            save(&path, &model(value)).unwrap();
            assert!(loads(&path, value));
            assert_eq!(files_in(&folder), [&name[..]]);
        }
        fs::remove_file(path).unwrap();
    }
    let error = save(folder.join("a".repeat(256)), &model(1.0)).unwrap_err().to_string();
    assert!(error.starts_with("cannot save "), "{error}");
}

#[test]
fn the_file_behind_a_link_is_replaced() {
    let folder = folder("link");
    let (file, link) = (folder.join("run/best"), folder.join("latest"));
    fs::create_dir(folder.join("run")).unwrap();
    save(&file, &model(1.0)).unwrap();
    symlink("run/best", &link).unwrap();
    save(&link, &model(2.0)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(loads(&file, 2.0));
    assert_eq!(
        (files_in(&folder), files_in(&folder.join("run"))),
        (vec!["latest".into(), "run".into()], vec!["best".into()])
    );
}

#[test]
fn what_is_no_file_is_not_replaced() {
    // A socket, in place of a device.
    let folder = folder("no file");
    let path = folder.join("socket");
    let _socket = UnixListener::bind(&path).unwrap();
    let error = save(&path, &model(1.0)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot save {}: it is not a file", path.display()));
    assert!(!fs::metadata(&path).unwrap().is_file());
    fs::remove_file(path).unwrap();

    let path = format!("{}/models/", folder.display());
    let error = save(&path, &model(1.0)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot save {path}: the path does not name a file"));
    assert!(files_in(&folder).is_empty());
}

/// Saves twice in a folder whose files it cannot list.
#[test]
fn saving_in_a_drop_box() {
    let Some(folder) = asked_to_work() else { return };
    assert!(fs::read_dir(&folder).is_err());
    let path = folder.join("model");
    for value in [1.0, 2.0] {
        save(&path, &model(value)).unwrap();
        assert!(loads(&path, value));
    }
}

#[test]
fn a_folder_that_may_be_written_but_not_read_is_enough() {
    let folder = folder("drop box");
    fs::set_permissions(&folder, Permissions::from_mode(0o300)).unwrap();
    let mut child = child("replacing::saving_in_a_drop_box", &folder);
    if fs::read_dir(&folder).is_ok() {
        // For one who may do anything, it is done by somebody else.
        std::os::unix::process::CommandExt::uid(&mut child, 65534);
        chown(&folder, Some(65534), Some(65534)).unwrap();
    }
    match child.status() {
        Ok(status) => assert!(status.success(), "{status}"),
        Err(error) => eprintln!("skipped: no test as somebody else: {error}"),
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
}
