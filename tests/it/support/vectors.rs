//! Test vectors from outside, which are not part of the repository.

use std::path::PathBuf;

use super::tree;

/// The folder of one collection; `None`, and a line that says so, where it is absent. The README of the vectors names their sources.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let vectors = std::env::var_os("TOWER_SECURITY_VECTORS")
        .map_or_else(|| tree::root().join("../shared/vectors"), PathBuf::from);
    let folder = vectors.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("left out: no vectors at {}", folder.display());
    None
}
