//! The rules of the source tree. Each is a function over a path and a text, and is shown to find what it looks for beside its
//! definition; here they run over the repository.

mod examples;
mod features;
mod imports;
mod layout;
mod source;
mod words;

use crate::support::tree::{self, SourceFile};

type Rule = fn(&str, &str) -> Vec<String>;

/// Returns the files of the library: all of `src` but the modules that are compiled for unit tests alone.
fn library() -> Vec<SourceFile> {
    let mut files = tree::files("src", "rs");
    let test_modules = files
        .iter()
        .flat_map(|file| source::test_modules(&file.path, &file.text))
        .collect::<Vec<_>>();
    files.retain(|file| {
        !test_modules.iter().any(|module| {
            file.path
                .strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    });
    assert!(files.iter().any(|file| file.path == "src/lib.rs"));
    files
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Checks the code of the library, without comments, literals and unit tests.
#[track_caller]
fn assert_library_code(rule: Rule) {
    let violations = library()
        .iter()
        .flat_map(|file| rule(&file.path, &source::library_code(&file.text)))
        .collect::<Vec<_>>();
    assert_none(&violations);
}

#[test]
fn imports_follow_the_direction_of_the_rooms() {
    assert_library_code(imports::direction);
}

#[test]
fn responses_are_built_in_rejection_alone() {
    assert_library_code(words::responses);
}

#[test]
fn time_is_read_in_the_clock_alone() {
    assert_library_code(words::time);
}

#[test]
fn the_library_asserts_nothing() {
    assert_library_code(words::assertions);
}

#[test]
fn only_the_sink_logs() {
    assert_library_code(words::logging);
}

#[test]
fn no_signature_is_left_to_the_provider_of_the_process() {
    assert_library_code(words::backends);
}

#[test]
fn only_listed_files_are_exempt_from_a_ban() {
    assert_library_code(words::exemptions);
}

#[test]
fn roots_of_rooms_hold_no_logic() {
    let files = library();
    let code = files
        .iter()
        .map(|file| (file.path.as_str(), source::library_code(&file.text)))
        .collect::<Vec<_>>();
    assert_none(&layout::roots(&code));
}

#[test]
fn files_are_small() {
    let files = library();
    // Contracts are tests that run in other crates.
    let lines = files
        .iter()
        .filter(|file| !file.path.contains("contract"))
        .map(|file| source::library_lines(&file.text))
        .collect();
    let mut violations = files
        .iter()
        .flat_map(|file| layout::size(&file.path, &file.text))
        .collect::<Vec<_>>();
    violations.extend(layout::spread(lines));
    violations.extend(layout::crowd(files.iter().map(|file| file.path.as_str())));
    assert_none(&violations);
}

#[test]
fn files_are_named_after_what_they_hold() {
    let violations = tree::files("src", "rs")
        .iter()
        .flat_map(|file| layout::names(&file.path))
        .collect::<Vec<_>>();
    assert_none(&violations);
}

#[test]
fn source_is_ascii() {
    let violations = ["src", "tests", "benches", "examples", "fuzz"]
        .iter()
        .flat_map(|folder| tree::files(folder, "rs"))
        .flat_map(|file| words::ascii(&file.path, &file.text))
        .collect::<Vec<_>>();
    assert_none(&violations);
}

#[test]
fn no_example_is_ignored() {
    let violations = tree::files("src", "rs")
        .into_iter()
        .chain(tree::files("src", "md"))
        .flat_map(|file| words::doctests(&file.path, &file.text))
        .chain(
            ["README.md", "SECURITY.md"]
                .iter()
                .flat_map(|path| words::doctests(path, &tree::read(path))),
        )
        .collect::<Vec<_>>();
    assert_none(&violations);
}

#[test]
fn features_are_the_same_everywhere() {
    let manifest = features::of_manifest(&tree::read("Cargo.toml"));
    let violations = ["src/lib.rs", "README.md"]
        .iter()
        .flat_map(|path| {
            features::differences(&manifest, path, &features::of_table(&tree::read(path)))
        })
        .collect::<Vec<_>>();
    assert_none(&violations);
}
