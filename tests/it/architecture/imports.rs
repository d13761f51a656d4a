//! Which room may import which.

use super::source::{first_word, line_of, words};

/// What a room is. The order is the order of the crate: a room may know the kinds before its own, but for the exceptions in
/// [`may_import`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The words that every layer speaks.
    Core,
    /// Used by layers and by handlers.
    Service,
    /// A Tower layer.
    Layer,
    /// Implements traits of the rooms below for a framework or a store.
    Adapter,
    /// Composes the layers.
    Stack,
}

/// Every room of the crate. A new one is added here.
const ROOMS: &[(&str, Kind)] = &[
    ("audit", Kind::Service),
    ("auth", Kind::Layer),
    ("authorize", Kind::Layer),
    ("axum", Kind::Adapter),
    ("cookies", Kind::Layer),
    ("core", Kind::Core),
    ("cors", Kind::Layer),
    ("csp", Kind::Layer),
    ("csrf", Kind::Layer),
    ("error_mask", Kind::Layer),
    ("headers", Kind::Layer),
    ("https", Kind::Layer),
    ("limits", Kind::Layer),
    // Pages alone.
    ("manual", Kind::Stack),
    ("mfa", Kind::Service),
    ("ownership", Kind::Layer),
    ("password", Kind::Service),
    ("rate_limit", Kind::Layer),
    ("redis", Kind::Adapter),
    ("sanitize", Kind::Layer),
    ("stack", Kind::Stack),
    ("token", Kind::Service),
    ("tonic", Kind::Adapter),
    ("vault", Kind::Service),
];

/// Services that keep secrets at rest.
const VAULT_USERS: &[&str] = &["audit", "mfa", "token"];

fn kind(room: &str) -> Option<Kind> {
    ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, kind)| *kind)
}

fn may_import((from, from_kind): (&str, Kind), (to, to_kind): (&str, Kind)) -> bool {
    match (from_kind, to_kind) {
        _ if from == to => true,
        (Kind::Service, Kind::Service) => to == "vault" && VAULT_USERS.contains(&from),
        (Kind::Stack, _)
        | (_, Kind::Core)
        | (Kind::Layer, Kind::Service)
        | (Kind::Adapter, Kind::Service | Kind::Layer) => true,
        _ => false,
    }
}

/// Core, services, layers, adapters, stack: each imports only what stands before it, and no layer another layer.
pub(crate) fn direction(path: &str, code: &str) -> Vec<String> {
    let Some(room) = room_of(path) else {
        return Vec::new();
    };
    let Some(from) = kind(room) else {
        return vec![format!("{path}: room `{room}` is not in the list of rooms")];
    };
    let mut found = Vec::new();
    for (at, name) in root_names(path, code) {
        let line = line_of(code, at);
        // An exported macro stands at the root wherever it is written, and what it expands to is not of this file.
        let is_macro = code[at + name.len()..].starts_with('!');
        match kind(name) {
            None if is_macro => {}
            Some(to) if may_import((room, from), (name, to)) => {}
            Some(to) => found.push(format!(
                "{path}:{line}: {from:?} `{room}` imports {to:?} `{name}`"
            )),
            None => found.push(format!(
                "{path}:{line}: `crate::{name}` names no room; import from the room itself"
            )),
        }
    }
    found
}

/// Returns the room of a file; `None` for `lib.rs`, which may know all.
fn room_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("src/")?;
    match path.split_once('/') {
        Some((room, _)) => Some(room),
        None => path.strip_suffix(".rs").filter(|name| *name != "lib"),
    }
}

/// Returns the first name of every path that starts at the root of the crate, with its position.
fn root_names<'a>(path: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    let mut names = Vec::new();
    for at in words(code, "crate") {
        if let Some(rest) = code[at + "crate".len()..].strip_prefix("::") {
            first_names(code, code.len() - rest.len(), &mut names);
        }
    }
    // `super::super::csrf` reaches the root without the word `crate`.
    let depth = path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .count();
    let climb = "super::".repeat(depth);
    for (at, _) in code.match_indices(&climb) {
        let is_start = !code[..at].ends_with("super::");
        let mut reached = Vec::new();
        first_names(code, at + climb.len(), &mut reached);
        // Inside a module of the file the same climb ends lower: then it names no room.
        reached.retain(|(_, name)| is_start && kind(name).is_some());
        names.append(&mut reached);
    }
    names
}

/// Adds the name at a position, or each first name of the group `{a::b, c}` there.
fn first_names<'a>(code: &'a str, at: usize, names: &mut Vec<(usize, &'a str)>) {
    let rest = &code[at..];
    let Some(group) = rest.strip_prefix('{') else {
        let name = first_word(rest);
        names.push((at, if name.is_empty() { "*" } else { name }));
        return;
    };
    let mut depth = 0_usize;
    let mut start = at + 1;
    for (offset, byte) in group.bytes().enumerate() {
        let end = at + 1 + offset;
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => {
                let name = code[start..end].trim_start();
                if !name.is_empty() {
                    names.push((end - name.len(), first_word(name)));
                }
                start = end + 1;
                if byte == b'}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_wrong_import_is_found_and_its_allowed_twin_is_not() {
    let rows = [
        (
            "src/cors/check.rs",
            "use crate::csrf::Policy;",
            "use crate::core::Origin;",
        ),
        (
            "src/cors/check.rs",
            "fn f(_: crate::csrf::Policy) {}",
            "fn f(_: crate::cors::Policy) {}",
        ),
        (
            "src/cors/check.rs",
            "use crate::{core::A, csrf::{B, C}};",
            "use crate::{core::A, cors::{B, C}};",
        ),
        (
            "src/cors/check.rs",
            "use super::super::csrf::Policy;",
            "use super::super::core::Origin;",
        ),
        (
            "src/cors/mod.rs",
            "use super::csrf::Policy;",
            "use self::csrf::Policy;",
        ),
        (
            "src/cors/check.rs",
            "use crate::CsrfLayer;",
            "use crate::core::CsrfLayer;",
        ),
        ("src/cors/check.rs", "use crate::*;", "use crate::core::*;"),
        (
            "src/cors/check.rs",
            "use crate::exported;",
            "macro_rules! m { () => { $crate::exported! {} } }",
        ),
        (
            "src/cors/check.rs",
            "use crate::axum::Json;",
            "use axum::Json;",
        ),
        (
            "src/cors/check.rs",
            "use crate::stack::S;",
            "use crate::vault::S;",
        ),
        (
            "src/core/event.rs",
            "use crate::cors::CorsLayer;",
            "use crate::core::clock::Clock;",
        ),
        (
            "src/core/event.rs",
            "use crate::audit::Sink;",
            "use crate::core::Sink;",
        ),
        (
            "src/token/issue.rs",
            "use crate::auth::AuthLayer;",
            "use crate::vault::Vault;",
        ),
        (
            "src/password/hash.rs",
            "use crate::vault::Vault;",
            "use crate::core::Secret;",
        ),
        (
            "src/redis/store.rs",
            "use crate::stack::S;",
            "use crate::rate_limit::Store;",
        ),
        ("src/unheard_of/mod.rs", "fn f() {}", ""),
    ];
    for (path, wrong, right) in rows {
        assert_eq!(direction(path, wrong).len(), 1, "{path}: {wrong}");
        if !right.is_empty() {
            assert_eq!(direction(path, right), [""; 0], "{path}: {right}");
        }
    }
    assert_eq!(direction("src/lib.rs", "use crate::cors::A;"), [""; 0]);
    assert_eq!(
        direction("src/stack/mod.rs", "use crate::{cors::A, axum::B};"),
        [""; 0]
    );
}
