//! Words that only certain files may say.

use super::source::{first_word, line_of, words};

/// Files that may open with an exemption from a ban of `clippy.toml`, and the lint.
const EXEMPT: &[(&str, &str)] = &[
    // A table of fixed size in 16 parts; events for tests; a queue whose lock is held to move one event.
    ("src/audit/anomaly/table.rs", "disallowed_types"),
    ("src/audit/export/memory.rs", "disallowed_types"),
    ("src/audit/queue/sink.rs", "disallowed_types"),
    // The one box of a decision that is really waited for.
    ("src/auth/authenticator.rs", "disallowed_methods"),
    // The one place that reads the time; `ManualClock` is set under a lock.
    ("src/core/clock.rs", "disallowed_methods"),
    ("src/core/clock.rs", "disallowed_types"),
    // A buffer for each thread.
    ("src/core/random.rs", "disallowed_types"),
    // The one place that makes responses.
    ("src/core/rejection/", "disallowed_methods"),
    // `Box::pin` of a user's store that is really pending.
    ("src/core/store.rs", "disallowed_methods"),
    // The timer of the limits that wait.
    ("src/limits/timer.rs", "disallowed_methods"),
    // Stores in memory: requests share a lock that is held for a look-up.
    ("src/mfa/memory.rs", "disallowed_types"),
    ("src/core/rows.rs", "disallowed_types"),
    // Held by who ties the counter of the processor to the system's clock, some twenty times a second.
    ("src/core/sync.rs", "disallowed_types"),
    // Serialises the writers of a reload cell.
    ("src/cors/layer.rs", "disallowed_types"),
    // A table of what was told, of fixed size, in 256 parts.
    ("src/csp/report/quota.rs", "disallowed_types"),
    // Timers of the configured wait and floor; a lock that is held to count, or to take a buffer from a list.
    ("src/password/wait.rs", "disallowed_methods"),
    ("src/password/pool.rs", "disallowed_types"),
    // A table of decisions, in sixteen parts; `Box::pin` of a user's policy that is really pending; the timer of a time limit.
    ("src/ownership/cache.rs", "disallowed_types"),
    ("src/ownership/decision.rs", "disallowed_methods"),
    ("src/ownership/load.rs", "disallowed_methods"),
    ("src/ownership/guard/timer.rs", "disallowed_methods"),
    // The one box of an attempt that a store is really pending on; the table of sprays, of fixed size, in 512 parts.
    ("src/rate_limit/future.rs", "disallowed_methods"),
    ("src/rate_limit/login/future.rs", "disallowed_methods"),
    ("src/rate_limit/login/spray.rs", "disallowed_types"),
    // The list of tables of a store, and one mutex for each 512 sets of slots.
    ("src/rate_limit/memory.rs", "disallowed_types"),
    ("src/rate_limit/table/sync.rs", "disallowed_types"),
    // A call over the application's type of connection is boxed once; a task waits for a server, or for a second to pass.
    ("src/redis/", "disallowed_methods"),
    // A table of fixed size in 64 parts, and the list of policies.
    ("src/redis/", "disallowed_types"),
    // Proofs that were used: a table of fixed size in 16 parts.
    ("src/token/dpop/replay.rs", "disallowed_types"),
    // A future of the trait of fetchers is boxed once in minutes; the one fetch under way, and a table of fixed size.
    ("src/token/jwks/https.rs", "disallowed_methods"),
    ("src/token/jwks/shared.rs", "disallowed_types"),
    ("src/token/jwks/unknown.rs", "disallowed_types"),
    // Who revokes has a shard for a few operations; requests look at what was revoked.
    ("src/token/revocation/memory.rs", "disallowed_types"),
    // The one place that reads the environment, by names of the configuration; serialises the writers of a reload cell.
    ("src/stack/config/secret.rs", "disallowed_methods"),
    ("src/stack/config/live.rs", "disallowed_types"),
    // `IntoResponse` belongs to axum.
    ("src/axum/", "disallowed_methods"),
];

/// A response is built in `core/rejection` alone.
pub(crate) fn responses(path: &str, code: &str) -> Vec<String> {
    if path.starts_with("src/core/rejection/") {
        return Vec::new();
    }
    let constructors = words(code, "Response").filter(|at| {
        let after = skip_generics(&code[at + "Response".len()..]);
        after
            .strip_prefix("::")
            .is_some_and(|rest| matches!(first_word(rest), "new" | "builder" | "default"))
    });
    let builders = words(code, "response").filter(|at| {
        code[*at..].starts_with("response::Builder")
            || code[*at..].starts_with("response::{Builder")
    });
    constructors
        .chain(builders)
        .map(|at| format!("{path}:{}: builds a response", line_of(code, at)))
        .collect()
}

/// Skips `::<T>`, `<T>` and the `>` of `<Response<T>>::new`.
fn skip_generics(code: &str) -> &str {
    let open = code.strip_prefix("::").unwrap_or(code);
    if !open.starts_with('<') {
        return code.strip_prefix('>').unwrap_or(code);
    }
    let mut depth = 0_usize;
    for (at, byte) in open.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let rest = &open[at + 1..];
            return rest.strip_prefix('>').unwrap_or(rest);
        }
    }
    ""
}

/// Time is read in `core/clock.rs` alone.
pub(crate) fn time(path: &str, code: &str) -> Vec<String> {
    // The second file asks the clock of a timer, which tests stop.
    if matches!(path, "src/core/clock.rs" | "src/limits/timer.rs") {
        return Vec::new();
    }
    let reads = ["Instant", "SystemTime"].into_iter().flat_map(|clock| {
        words(code, clock).filter(move |at| {
            let member = code[at + clock.len()..].strip_prefix("::");
            member.is_some_and(|rest| matches!(first_word(rest), "now" | "elapsed"))
        })
    });
    reads
        .chain(words(code, "elapsed").filter(|at| {
            code[..*at].ends_with('.') && code[at + "elapsed".len()..].starts_with("()")
        }))
        .map(|at| format!("{path}:{}: reads the time", line_of(code, at)))
        .collect()
}

/// The library panics on nobody: an assertion is `debug_assert!`, or made by the compiler.
pub(crate) fn assertions(path: &str, code: &str) -> Vec<String> {
    ["assert", "assert_eq", "assert_ne"]
        .into_iter()
        .flat_map(|name| {
            words(code, name).filter(move |at| code[at + name.len()..].starts_with('!'))
        })
        .filter(|at| {
            let before = code[..*at].trim_end();
            !before.ends_with("const _: () =") && !before.ends_with("const {")
        })
        .map(|at| format!("{path}:{}: panics if it is wrong", line_of(code, at)))
        .collect()
}

/// What happened is said by an event, and `tracing` hears of it from its sink alone.
pub(crate) fn logging(path: &str, code: &str) -> Vec<String> {
    if path == "src/core/event/tracing_sink.rs" {
        return Vec::new();
    }
    words(code, "tracing")
        .filter(|at| {
            code[at + "tracing".len()..].starts_with("::") || code[..*at].ends_with("use ")
        })
        .map(|at| format!("{path}:{}: logs without an event", line_of(code, at)))
        .collect()
}

/// What other files than [`PROVIDER`] may name of the crate `jsonwebtoken`: keys, which verify nothing by themselves.
const KEYS_OF_TOKENS: &[&str] = &[
    "AlgorithmFamily",
    "DecodingKey",
    "DecodingKeyKind",
    "EncodingKey",
];
/// The file that names a backend of signatures.
const PROVIDER: &str = "src/token/jws/provider.rs";

/// Everything of the crate `jsonwebtoken` that asks for the provider of the process is left alone: it panics with two backends, and
/// `decode` checks less than is promised here.
pub(crate) fn backends(path: &str, code: &str) -> Vec<String> {
    let names = words(code, "jsonwebtoken").flat_map(|at| {
        let rest = code[at + "jsonwebtoken".len()..]
            .strip_prefix("::")
            .unwrap_or_default();
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => rest
                .split([';', '(', ',', ')', '>', ' '])
                .next()
                .unwrap_or_default(),
        };
        names.split(',').map(move |name| (at, name.trim()))
    });
    names
        .filter(|(_, name)| {
            let is_in_provider = path == PROVIDER
                && [
                    "Algorithm",
                    "crypto::aws_lc::",
                    "crypto::rust_crypto::",
                    "crypto::CryptoProvider",
                    // The name of a curve.
                    "jwk::EllipticCurve",
                    "signature::Verifier",
                ]
                .iter()
                .any(|allowed| name.starts_with(allowed));
            !is_in_provider && !name.is_empty() && !KEYS_OF_TOKENS.contains(&first_word(name))
        })
        .map(|(at, name)| {
            let line = line_of(code, at);
            format!("{path}:{line}: `jsonwebtoken::{name}` may ask for the provider of the process")
        })
        .collect()
}

/// An exemption from a ban of `clippy.toml` stands in the files of [`EXEMPT`] alone.
pub(crate) fn exemptions(path: &str, code: &str) -> Vec<String> {
    // lib.rs turns the lints on.
    if path == "src/lib.rs" {
        return Vec::new();
    }
    ["disallowed_methods", "disallowed_types"]
        .into_iter()
        .filter(|lint| {
            !EXEMPT.iter().any(|(file, of)| {
                of == lint && (path == *file || (file.ends_with('/') && path.starts_with(file)))
            })
        })
        .flat_map(|lint| {
            words(code, lint).map(move |at| {
                let line = line_of(code, at);
                format!("{path}:{line}: `{lint}` is lifted, and the file is not in the list")
            })
        })
        .collect()
}

/// Source is ASCII: what looks like one character and is another is written as an escape.
pub(crate) fn ascii(path: &str, text: &str) -> Vec<String> {
    text.char_indices()
        .filter(|(_, character)| !character.is_ascii())
        .map(|(at, character)| {
            let line = line_of(text, at);
            format!("{path}:{line}: {} is not ASCII", character.escape_unicode())
        })
        .collect()
}

/// No example is marked `ignore`: `cargo test -- --ignored` would compile and fail it.
pub(crate) fn doctests(path: &str, text: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            let line = line.trim_start();
            let line = line.strip_prefix("///").unwrap_or(line);
            let line = line.strip_prefix("//!").unwrap_or(line).trim_start();
            let fence = line.trim_start_matches(['`', '~']);
            line.len() - fence.len() >= 3
                && fence
                    .split([',', ' '])
                    .any(|word| word.trim().starts_with("ignore"))
        })
        .map(|(index, _)| format!("{path}:{}: an example is ignored", index + 1))
        .collect()
}

#[test]
fn a_response_outside_of_rejection_is_found() {
    let path = "src/cors/service.rs";
    for wrong in [
        "let r = Response::new(body);",
        "http::Response::builder()",
        "Response::<B>::new(b)",
        "<Response<B>>::default()",
        "<Response<Vec<B>> as Default>::x; Response::default()",
        "use http::response::Builder;",
        "use http::response::{Builder, Parts};",
    ] {
        assert_eq!(responses(path, wrong).len(), 1, "{wrong}");
        assert_eq!(responses("src/core/rejection/render.rs", wrong), [""; 0]);
    }
    for right in [
        "fn f(r: Response<B>) -> Response<B> {}",
        "Response::from_parts(parts, body)",
        "MyResponse::new()",
        "use http::response::Parts;",
    ] {
        assert_eq!(responses(path, right), [""; 0], "{right}");
    }
}

#[test]
fn a_look_at_the_time_outside_of_the_clock_is_found() {
    let path = "src/rate_limit/gcra.rs";
    for wrong in [
        "Instant::now()",
        "std::time::SystemTime::now()",
        "start.elapsed()",
        "Instant::elapsed(&start)",
    ] {
        assert_eq!(time(path, wrong).len(), 1, "{wrong}");
        assert_eq!(time("src/core/clock.rs", wrong), [""; 0]);
    }
    for right in [
        "clock.now()",
        "fn f(_: SystemTime) {}",
        "MyInstant::now()",
        "SystemTime::UNIX_EPOCH",
    ] {
        assert_eq!(time(path, right), [""; 0], "{right}");
    }
}

#[test]
fn an_assertion_is_found() {
    let path = "src/cors/layer.rs";
    for wrong in [
        "assert!(a)",
        "assert_eq!(a, b)",
        "std::assert_ne!(a, b)",
        "const A: u8 = f();assert!(a)",
    ] {
        assert_eq!(assertions(path, wrong).len(), 1, "{wrong}");
    }
    for right in [
        "debug_assert!(a)",
        "const _: () = assert!(A > 1);",
        "const { assert!(A > 1) };",
        "fn assert() {}",
    ] {
        assert_eq!(assertions(path, right), [""; 0], "{right}");
    }
}

#[test]
fn a_log_line_without_an_event_is_found() {
    for wrong in [
        "tracing::info!(a)",
        "::tracing::event!(a)",
        "use tracing::warn;",
        "use tracing as t;",
    ] {
        assert_eq!(logging("src/cors/service.rs", wrong).len(), 1, "{wrong}");
        assert_eq!(logging("src/core/event/tracing_sink.rs", wrong), [""; 0]);
    }
    assert_eq!(
        logging("src/cors/service.rs", "use a::tracing_sink::B;"),
        [""; 0]
    );
}

#[test]
fn an_exemption_that_is_not_in_the_list_is_found() {
    let methods = "#![expect(clippy::disallowed_methods, reason = \"\")]";
    let types = "#[expect(clippy::disallowed_types, reason = \"\")]";
    assert_eq!(exemptions("src/cors/service.rs", methods).len(), 1);
    assert_eq!(exemptions("src/core/rejection/render.rs", types).len(), 1);
    assert_eq!(exemptions("src/core/clock.rs.rs", methods).len(), 1);
    assert_eq!(exemptions("src/core/rejection/render.rs", methods), [""; 0]);
    assert_eq!(exemptions("src/core/clock.rs", methods), [""; 0]);
    assert_eq!(
        exemptions("src/cors/service.rs", "#[expect(clippy::expect_used)]"),
        [""; 0]
    );
}

#[test]
fn a_character_outside_of_ascii_is_found() {
    assert_eq!(
        ascii("src/a.rs", "a\n\u{2192}"),
        [r"src/a.rs:2: \u{2192} is not ASCII"]
    );
    assert_eq!(ascii("src/a.rs", "\"\\u{2192}\""), [""; 0]);
}

#[test]
fn an_ignored_example_is_found() {
    for wrong in [
        "/// ```ignore",
        "//! ```rust,ignore",
        "    /// ~~~ ignore-windows",
        "```rust, ignore",
    ] {
        assert_eq!(doctests("src/a.rs", wrong).len(), 1, "{wrong}");
    }
    for right in [
        "/// ```no_run",
        "/// ```",
        "/// `ignore`",
        "#[ignore = \"needs a browser\"]",
    ] {
        assert_eq!(doctests("src/a.rs", right), [""; 0], "{right}");
    }
}

#[test]
fn what_asks_for_the_provider_of_the_process_is_found() {
    for wrong in [
        "use jsonwebtoken::decode;",
        "use jsonwebtoken::{DecodingKey, Validation};",
        "jsonwebtoken::jws::decode(t)",
        "jsonwebtoken::crypto::verify(a, b)",
        "jsonwebtoken::crypto::CryptoProvider::install_default(p)",
        "use jsonwebtoken::jwk::Jwk;",
        "jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER",
        "use jsonwebtoken::*;",
    ] {
        assert_eq!(backends("src/token/claims.rs", wrong).len(), 1, "{wrong}");
    }
    for right in [
        "use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};",
        "fn f(key: &jsonwebtoken::DecodingKey) {}",
        "fn jsonwebtoken() {}",
    ] {
        assert_eq!(backends("src/token/claims.rs", right), [""; 0], "{right}");
    }
    let right = "&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER";
    assert_eq!(backends(PROVIDER, right), [""; 0]);
    assert_eq!(
        backends(PROVIDER, "jsonwebtoken::crypto::verify(a, b)").len(),
        1
    );
}
