//! Sizes and names of files.

use super::source::{closing, first_word, item_end, library_lines, line_of};

/// Lines of a file without its unit tests.
const FILE_LINES: usize = 500;
const LIB_LINES: usize = 200;
/// Half and nine tenths of all files stay below these.
const MEDIAN_LINES: usize = 160;
const MOST_LINES: usize = 400;
const ROOM_FILES: usize = 10;

/// Rooms without a limit on their files: `core` is no single room, `headers` has a file for each header, `csp` has the policy, the
/// hashes and the reports, `ownership` the guards, the extractors and what handlers ask, `redis` what each other room shares between
/// nodes, `audit` the queue, the formats and the detector, `auth`, `mfa` and `token` each kind of credential, `authorize` the layer of a
/// route, the table and the tripwire, `password` the hasher and the policy, `sanitize` the guard, the cleaner and the text types, `stack`
/// the configuration with a file for a few sections each.
const LARGE_ROOMS: &[&str] = &[
    "audit",
    "auth",
    "authorize",
    "core",
    "csp",
    "headers",
    "mfa",
    "ownership",
    "password",
    "rate_limit",
    "redis",
    "sanitize",
    "stack",
    "token",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "type", "types", "util", "utils",
];

/// A file has a limit.
pub(crate) fn size(path: &str, text: &str) -> Vec<String> {
    let limit = if path == "src/lib.rs" {
        LIB_LINES
    } else {
        FILE_LINES
    };
    let lines = library_lines(text);
    if lines <= limit {
        return Vec::new();
    }
    vec![format!(
        "{path}: {lines} lines without tests, limit {limit}"
    )]
}

/// Most files are far below the limit.
pub(crate) fn spread(mut lines: Vec<usize>) -> Vec<String> {
    lines.sort_unstable();
    let below = |tenths: usize, limit: usize| {
        let at = *lines.get(lines.len() * tenths / 10)?;
        (at > limit)
            .then(|| format!("{tenths} tenths of the files reach {at} lines, limit {limit}"))
    };
    [below(5, MEDIAN_LINES), below(9, MOST_LINES)]
        .into_iter()
        .flatten()
        .collect()
}

/// A room has few files.
pub(crate) fn crowd<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut rooms = std::collections::BTreeMap::<&str, usize>::new();
    for path in paths {
        if let Some((room, _)) = path
            .strip_prefix("src/")
            .and_then(|path| path.split_once('/'))
        {
            *rooms.entry(room).or_default() += 1;
        }
    }
    rooms
        .into_iter()
        .filter(|(room, files)| *files > ROOM_FILES && !LARGE_ROOMS.contains(room))
        .map(|(room, files)| format!("src/{room}: {files} files, limit {ROOM_FILES}"))
        .collect()
}

/// A file is named after what it holds.
pub(crate) fn names(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")))
        .map(|part| format!("{path}: `{part}` does not say what is inside"))
        .collect()
}

/// The root of a room of several files is documentation, modules and re-exports.
pub(crate) fn roots(files: &[(&str, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, code) in files {
        let Some(folder) = path.strip_suffix("mod.rs") else {
            continue;
        };
        let is_room = folder.matches('/').count() == 2;
        let is_alone = !files
            .iter()
            .any(|(other, _)| other != path && other.starts_with(folder));
        if !is_room || is_alone {
            continue;
        }
        found.extend(items(code).filter_map(|at| {
            let word = first_word(&code[at..]);
            let line = line_of(code, at);
            (!matches!(word, "mod" | "use"))
                .then(|| format!("{path}:{line}: `{word}` in the root of a room"))
        }));
    }
    found
}

/// Returns where each item of a file starts, behind its attributes and visibility.
fn items(code: &str) -> impl Iterator<Item = usize> {
    let bytes = code.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += bytes[at..].len() - bytes[at..].trim_ascii_start().len();
            match bytes.get(at)? {
                // The rest of `use a::{b};`, and inner attributes.
                b';' | b'!' => at += 1,
                b'#' | b'[' | b'(' => at = closing(bytes, at + usize::from(bytes[at] == b'#')),
                _ if first_word(&code[at..]) == "pub" => at += "pub".len(),
                _ => {
                    let start = at;
                    at = item_end(code, at);
                    return Some(start);
                }
            }
        }
    })
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = |count: usize| "fn f() {}\n".repeat(count);
    assert_eq!(size("src/cors/check.rs", &lines(501)).len(), 1);
    assert_eq!(size("src/cors/check.rs", &lines(500)), [""; 0]);
    assert_eq!(size("src/lib.rs", &lines(201)).len(), 1);
    assert_eq!(size("src/lib.rs", &lines(200)), [""; 0]);
    let tests = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        lines(500),
        lines(500)
    );
    assert_eq!(size("src/cors/check.rs", &tests), [""; 0]);
}

#[test]
fn files_that_are_mostly_long_are_found() {
    assert_eq!(spread(vec![100, 100, 170, 170]).len(), 1);
    assert_eq!(spread(vec![100, 100, 160, 401]).len(), 1);
    assert_eq!(spread(vec![170, 401]).len(), 2);
    assert_eq!(spread(vec![100, 100, 160, 400]), [""; 0]);
}

#[test]
fn a_room_with_many_files_is_found() {
    let paths = |room: &str, count: usize| {
        (0..count)
            .map(|n| format!("src/{room}/f{n}.rs"))
            .collect::<Vec<_>>()
    };
    let found = |paths: Vec<String>| crowd(paths.iter().map(String::as_str)).len();
    assert_eq!(found(paths("cors", 11)), 1);
    assert_eq!(found(paths("cors", 10)), 0);
    assert_eq!(found(paths("core", 50)), 0);
}

#[test]
fn a_name_that_says_nothing_is_found() {
    assert_eq!(names("src/cors/utils.rs").len(), 1);
    assert_eq!(names("src/common/mod.rs").len(), 1);
    assert_eq!(names("src/cors/helpers/utils.rs").len(), 2);
    assert_eq!(names("src/cors/utilities_of_fetch.rs"), [""; 0]);
}

#[test]
fn logic_in_the_root_of_a_room_is_found() {
    let found = |path, code: &str| {
        let other = ("src/cors/check.rs", String::new());
        roots(&[(path, code.to_owned()), other])
    };
    for wrong in [
        "fn f() {}",
        "mod a;\npub(crate) struct S { a: u8 }\nuse b::{c, d};",
        "#![expect(x)]\n#[inline]\npub const fn f() {}",
        "use a::{b};\nimpl A for B {}",
        "macro_rules! m { () => {} }",
        "const A: [u8; 2] = [1, 2];",
    ] {
        assert_eq!(found("src/cors/mod.rs", wrong).len(), 1, "{wrong}");
        assert_eq!(found("src/cors/layer.rs", wrong), [""; 0], "{wrong}");
        assert_eq!(
            found("src/axum/mod.rs", wrong),
            [""; 0],
            "a room of one file"
        );
    }
    let right = "#![cfg_attr(a, b)]\n#[cfg(feature = b)]\nmod a;\npub mod b;\n\npub use a::{A, b::{B}};\npub(crate) use c::C;\n";
    assert_eq!(found("src/cors/mod.rs", right), [""; 0]);
}
