//! The files of this repository.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file and its path from the root, with `/`.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Returns the root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the text of one file.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the files below a folder whose names end in `.{extension}`, sorted by path. A folder that is missing has none.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let path = path.strip_prefix(root()).expect("it was found below");
            let path = path.to_str().expect("paths are ASCII").replace('\\', "/");
            let text = read(&path);
            SourceFile { path, text }
        })
        .collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            // `fuzz` has a target folder of its own.
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, into);
            }
        } else {
            into.push(path);
        }
    }
}
