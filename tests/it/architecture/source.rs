//! Rust source reduced to what a rule may look at.

use std::ops::Range;

/// Returns the text with comments and the insides of literals blanked. Lengths and line numbers stay as they are.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = vec![b' '; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let end = blank_end(bytes, at);
        if end == at {
            out[at] = if bytes[at].is_ascii() {
                bytes[at]
            } else {
                b'?'
            };
            at += 1;
        } else {
            for (to, from) in out[at..end].iter_mut().zip(&bytes[at..end]) {
                if *from == b'\n' {
                    *to = b'\n';
                }
            }
            at = end;
        }
    }
    String::from_utf8(out).expect("only ASCII was written")
}

/// Returns the code outside of items that are compiled for unit tests alone.
pub(crate) fn library_code(text: &str) -> String {
    let mut code = code(text).into_bytes();
    for range in test_items(text) {
        for byte in &mut code[range] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8(code).expect("only ASCII was written")
}

/// Returns the number of lines outside of items that are compiled for unit tests alone.
pub(crate) fn library_lines(text: &str) -> usize {
    let in_tests = |range: Range<usize>| text[range].lines().count();
    text.lines().count() - test_items(text).into_iter().map(in_tests).sum::<usize>()
}

/// Returns the modules in files of their own that are compiled for unit tests alone, as paths without `.rs`.
pub(crate) fn test_modules(path: &str, text: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_root = path.ends_with("/mod.rs") || path.ends_with("/lib.rs");
    let below = if is_root {
        folder
    } else {
        path.trim_end_matches(".rs")
    };
    let code = code(text);
    test_items(text)
        .into_iter()
        .filter_map(|range| {
            let item = code[range.clone()].trim_end();
            let name = item.strip_suffix(';')?.rsplit_once("mod ")?.1.trim();
            // The name of the file is a literal, so it is blanked in the code.
            if let Some((_, file)) = text[range].split_once("#[path = \"") {
                let (file, _) = file.split_once(".rs\"")?;
                return Some(format!("{folder}/{file}"));
            }
            name.bytes().all(is_word).then(|| format!("{below}/{name}"))
        })
        .collect()
}

/// Returns the positions of a word, where it is not part of a longer one.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = at.checked_sub(1).map(|before| code.as_bytes()[before]);
            let after = code.as_bytes().get(at + word.len()).copied();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
}

/// Returns the line number of a position, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the word at the start of a text.
pub(crate) fn first_word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte));
    &text[..end.unwrap_or(text.len())]
}

/// Returns where the comment or literal that starts at `at` ends; `at` itself when there is none.
fn blank_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return block_comment_end(bytes, at);
    }
    match rest[0] {
        b'"' => string_end(bytes, at),
        b'\'' => char_end(rest).map_or(at, |length| at + length),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || is_byte_prefix(bytes, at - 1) => {
            raw_string_end(bytes, at).unwrap_or(at)
        }
        _ => at,
    }
}

/// Says whether the byte before an `r` is the prefix of `br"..."` or `cr"..."`.
fn is_byte_prefix(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'b' | b'c') && (at == 0 || !is_word(bytes[at - 1]))
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let hashes = bytes[start + 1..]
        .iter()
        .take_while(|&&b| b == b'#')
        .count();
    let open = start + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = &bytes[open + 1..];
    let length = body.windows(close.len()).position(|found| found == close);
    Some(length.map_or(bytes.len(), |length| open + 1 + length + close.len()))
}

/// Returns the length of a character literal; `None` for a lifetime.
fn char_end(rest: &[u8]) -> Option<usize> {
    match rest.get(1)? {
        b'\\' => rest[3..].iter().position(|&b| b == b'\'').map(|at| at + 4),
        byte if !byte.is_ascii() => rest[1..].iter().position(|&b| b == b'\'').map(|at| at + 2),
        _ => (rest.get(2) == Some(&b'\'')).then_some(3),
    }
}

/// Returns the ranges of the items under `#[cfg(test)]` or `#[cfg(all(test, ..))]`, attributes included.
fn test_items(text: &str) -> Vec<Range<usize>> {
    let code = code(text);
    if code.contains("#![cfg(test)]") {
        return std::iter::once(0..code.len()).collect();
    }
    let mut items = Vec::<Range<usize>>::new();
    for (start, _) in code.match_indices("#[cfg(") {
        let condition = &code[start + "#[cfg(".len()..];
        let is_test = condition.starts_with("test)") || condition.starts_with("all(test,");
        if is_test && items.last().is_none_or(|last| last.end <= start) {
            items.push(start..item_end(&code, start));
        }
    }
    items
}

/// Returns where the item at `start` ends, attributes before it included.
pub(crate) fn item_end(code: &str, start: usize) -> usize {
    let bytes = code.as_bytes();
    let mut at = start;
    while bytes[at..].trim_ascii_start().starts_with(b"#[") {
        at = closing(
            bytes,
            at + code[at..].find('[').expect("it starts with one"),
        );
    }
    let first = code[at..].trim_start();
    let is_item = [
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "union",
        "unsafe",
        "use",
    ]
    .contains(&first_word(first));
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = closing(bytes, at),
            b'{' => return closing(bytes, at),
            b';' => return at + 1,
            // A field, a variant or an argument.
            b',' if !is_item => return at + 1,
            b'}' => return at,
            _ => at += 1,
        }
    }
    at
}

/// Returns the position after the bracket that closes the one at `open`.
pub(crate) fn closing(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

#[test]
fn comments_and_literals_are_blanked_and_positions_kept() {
    let rows = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c\n */ d */ e", "a          \n         e"),
        (
            r#"f("a\"b", 'c', '\'', 'x: &'a str)"#,
            "f(      ,    ,     , 'x: &'a str)",
        ),
        (
            r##"r#"a" b"# + br"c" + r#type"##,
            "          + b     + r#type",
        ),
        ("'\u{e9}' \"\u{e9}\" x", "          x"),
    ];
    for (text, expected) in rows {
        assert_eq!(code(text), expected, "{text}");
        assert_eq!(code(text).len(), text.len(), "{text}");
    }
}

#[test]
fn items_for_unit_tests_are_not_library_code() {
    let text = "\
use a;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = \"x.rs\"]
pub(crate) mod more;
struct S {
    #[cfg(test)]
    probe: [u8; 4],
    kept: u8,
}
#[cfg(not(test))]
fn kept_too() {}
#[cfg(all(test, feature = \"x\"))]
fn gone<A, B>(_: [u8; 2]) {
    b();
}
#[cfg(test)]
mod inner {
    fn also_gone() {}
}
";
    let library = library_code(text);
    for kept in ["use a;", "kept: u8", "kept_too"] {
        assert!(library.contains(kept), "{kept}: {library}");
    }
    for gone in ["probe", "gone", "tests", "more", "inner"] {
        assert!(!library.contains(gone), "{gone}: {library}");
    }
    assert_eq!(library.len(), text.len());
    assert_eq!(
        test_modules("src/a/mod.rs", text),
        ["src/a/tests", "src/a/x"]
    );
    assert_eq!(
        test_modules("src/a/b.rs", text),
        ["src/a/b/tests", "src/a/x"]
    );
    assert_eq!(library_lines(text), 21 - 15);
    assert_eq!(library_lines("#![cfg(test)]\nfn a() {}\n"), 0);
}
