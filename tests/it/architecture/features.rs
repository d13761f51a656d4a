//! The features that `Cargo.toml`, `lib.rs` and the README name.

use std::collections::BTreeSet;

/// Returns the public features of a manifest: all but `default` and those that start with `_`.
pub(crate) fn of_manifest(text: &str) -> BTreeSet<String> {
    let manifest = text.parse::<toml::Table>().expect("the manifest is TOML");
    let features = manifest["features"].as_table().expect("it is a table");
    features
        .keys()
        .filter(|name| *name != "default" && !name.starts_with('_'))
        .cloned()
        .collect()
}

/// Returns the names in backquotes in the first column of the table below the heading `Features`. Works on Markdown and on
/// the inner documentation of a Rust file.
pub(crate) fn of_table(text: &str) -> BTreeSet<String> {
    text.lines()
        .map(|line| line.strip_prefix("//!").unwrap_or(line).trim())
        .skip_while(|line| !is_heading(line) || !line.ends_with(" Features"))
        .skip(1)
        .take_while(|line| !is_heading(line))
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

fn is_heading(line: &str) -> bool {
    line.trim_start_matches('#').starts_with(' ') && line.starts_with('#')
}

/// A feature that one names and the other does not.
pub(crate) fn differences(
    manifest: &BTreeSet<String>,
    path: &str,
    table: &BTreeSet<String>,
) -> Vec<String> {
    let missing = manifest.difference(table);
    let unknown = table.difference(manifest);
    missing
        .map(|name| format!("{path}: no row for feature `{name}`"))
        .chain(unknown.map(|name| format!("{path}: `{name}` is no feature")))
        .collect()
}

#[test]
fn a_feature_that_only_one_side_names_is_found() {
    let manifest = of_manifest(
        "[features]\ndefault = [\"a\"]\na = []\nb-c = [\"dep:x\"]\n_private = []\nfull = [\"a\"]\n",
    );
    let same = "\
# Title
| `not` | this |
## Features
Text with `code`.

| feature | brings |
|---|---|
| `a` (default) | `x` |
| `b-c` / `full` | |
## Next
| `nor` | this |
";
    assert_eq!(
        differences(&manifest, "README.md", &of_table(same)),
        [""; 0]
    );
    let in_rust = same.replace('\n', "\n//! ");
    assert_eq!(
        differences(&manifest, "src/lib.rs", &of_table(&in_rust)),
        [""; 0]
    );

    let other = same.replace("`a`", "`d`");
    assert_eq!(
        differences(&manifest, "README.md", &of_table(&other)),
        [
            "README.md: no row for feature `a`",
            "README.md: `d` is no feature"
        ]
    );
    assert_eq!(differences(&manifest, "README.md", &of_table("")).len(), 3);
}
