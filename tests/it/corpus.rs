//! The fuzz targets on the stable compiler: their corpora, and mutations of them that are the same in every run.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::fuzz_bodies;
use crate::support::tree;

/// A name in `fuzz/fuzz_targets`, a folder in `fuzz/corpus`, and what both run.
const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("acrh", fuzz_bodies::cors::acrh),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    (
        "authorization_header",
        fuzz_bodies::auth::authorization_header,
    ),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("claims", fuzz_bodies::token::claims),
    ("clean_text", fuzz_bodies::clean_text::clean_text),
    ("cookie_header", fuzz_bodies::cookies::cookie_header),
    ("cors_config", fuzz_bodies::builders::cors_config),
    ("cors_request", fuzz_bodies::cors::cors_request),
    ("csp_parse", fuzz_bodies::csp::csp_parse),
    #[cfg(feature = "csp-report")]
    ("csp_report", fuzz_bodies::csp_report::csp_report),
    ("csp_source", fuzz_bodies::csp::csp_source),
    ("csrf_check", fuzz_bodies::csrf::csrf_check),
    ("csrf_config", fuzz_bodies::builders::csrf_config),
    ("device_cookie", fuzz_bodies::login::device_cookie),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("dpop_proof", fuzz_bodies::token::dpop_proof),
    ("exempt_pattern", fuzz_bodies::csrf::exempt_pattern),
    ("forwarded", fuzz_bodies::client::forwarded),
    ("forwarded_proto", fuzz_bodies::https::forwarded_proto),
    ("https_host", fuzz_bodies::https::https_host),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("jose_header", fuzz_bodies::jws::jose_header),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("jwk_set", fuzz_bodies::jws::jwk_set),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("jws_compact", fuzz_bodies::jws::jws_compact),
    ("origin_pattern", fuzz_bodies::origin::origin_pattern),
    ("origin_request", fuzz_bodies::origin::origin_request),
    ("ownership_id", fuzz_bodies::ownership::ownership_id),
    (
        "permissions_policy",
        fuzz_bodies::headers::permissions_policy,
    ),
    #[cfg(feature = "mfa")]
    ("recovery_code", fuzz_bodies::mfa::recovery_code),
    #[cfg(feature = "password")]
    ("phc_string", fuzz_bodies::password::phc_string),
    #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
    ("refresh_token", fuzz_bodies::refresh::refresh_token),
    #[cfg(feature = "sanitize-html")]
    ("sanitize_html", fuzz_bodies::sanitize_html::html),
    #[cfg(feature = "sanitize")]
    ("sanitize_json", fuzz_bodies::sanitize_json::json),
    #[cfg(feature = "sanitize")]
    (
        "sanitize_multipart",
        fuzz_bodies::sanitize_multipart::multipart,
    ),
    #[cfg(feature = "sanitize")]
    ("sanitize_params", fuzz_bodies::sanitize_head::params),
    #[cfg(feature = "sanitize")]
    ("sanitize_path", fuzz_bodies::sanitize_head::path),
    #[cfg(feature = "sanitize-html")]
    ("sanitize_rewrite", fuzz_bodies::sanitize_rewrite::rewrite),
    #[cfg(feature = "opaque-tokens")]
    ("session_cookie", fuzz_bodies::sessions::session_cookie),
    ("set_cookie", fuzz_bodies::cookies::set_cookie),
    #[cfg(feature = "mfa")]
    ("totp_code", fuzz_bodies::mfa::totp_code),
    #[cfg(feature = "vault")]
    ("vault_unprotect", fuzz_bodies::vault::vault_unprotect),
    ("x_forwarded_for", fuzz_bodies::client::x_forwarded_for),
];

/// Targets of features that are off in this build: they are there, and are run in another.
const LEFT_OUT: &[&str] = &[
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "authorization_header",
    #[cfg(not(feature = "csp-report"))]
    "csp_report",
    #[cfg(not(feature = "mfa"))]
    "recovery_code",
    #[cfg(not(feature = "mfa"))]
    "totp_code",
    #[cfg(not(feature = "password"))]
    "phc_string",
    #[cfg(not(feature = "sanitize-html"))]
    "sanitize_html",
    #[cfg(not(feature = "sanitize"))]
    "sanitize_json",
    #[cfg(not(feature = "sanitize"))]
    "sanitize_multipart",
    #[cfg(not(feature = "sanitize"))]
    "sanitize_params",
    #[cfg(not(feature = "sanitize"))]
    "sanitize_path",
    #[cfg(not(feature = "sanitize-html"))]
    "sanitize_rewrite",
    #[cfg(not(feature = "opaque-tokens"))]
    "session_cookie",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "jose_header",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "jwk_set",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "jws_compact",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "claims",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "dpop_proof",
    #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
    "refresh_token",
    #[cfg(not(feature = "vault"))]
    "vault_unprotect",
];

/// Mutated inputs per target.
const MUTATIONS: usize = 2000;
/// Files in a corpus, and the bytes of one.
const MOST_FILES: usize = 200;
const MOST_BYTES: usize = 16 * 1024;

/// Runs a body and names the input when it panics.
fn run(target: &str, body: fn(&[u8]), origin: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        eprintln!(
            "target {target}, {origin}, input b\"{}\"",
            input.escape_ascii()
        );
        resume_unwind(panic);
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = tree::root().join("fuzz/corpus").join(target);
    let mut files = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.expect("the folder can be listed").path();
            let input = fs::read(&path).expect("the file can be read");
            (path.display().to_string(), input)
        })
        .collect::<Vec<_>>();
    files.sort();
    files
}

/// xorshift64*: reproducible on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % limit
    }
}

/// Bytes that parsers of headers, paths and origins stumble over.
const SPECIAL: &[u8] = b"\0\t\r\n \"#%*,-./0:;=?@A[\\]_a{|}~\x7f\x80\xc3\xff";

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(7) {
            0 => input.insert(at, SPECIAL[random.below(SPECIAL.len())]),
            1 if at < input.len() => input[at] = SPECIAL[random.below(SPECIAL.len())],
            2 if at < input.len() => input[at] ^= 1 << random.below(8),
            3 if at < input.len() => {
                let end = at + random.below(input.len() - at) + 1;
                input.drain(at..end);
            }
            4 => input.truncate(at),
            5 if at < input.len() => {
                let end = at + random.below((input.len() - at).min(32)) + 1;
                let again = input[at..end].repeat(1 + random.below(8));
                input.splice(at..at, again);
            }
            _ if !other.is_empty() => {
                let from = random.below(other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            _ => {}
        }
    }
    input.truncate(MOST_BYTES);
}

#[test]
fn corpora_pass() {
    for &(target, body) in TARGETS {
        run(target, body, "the empty input", b"");
        for (path, input) in corpus(target) {
            run(target, body, &path, &input);
        }
    }
}

#[test]
fn mutations_of_corpora_pass() {
    for &(target, body) in TARGETS {
        let inputs = corpus(target);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for number in 0..MUTATIONS {
            let (path, input) = &inputs[random.below(inputs.len())];
            let (_, other) = &inputs[random.below(inputs.len())];
            let mut input = input.clone();
            mutate(&mut input, other, &mut random);
            run(
                target,
                body,
                &format!("mutation {number} of {path}"),
                &input,
            );
        }
    }
}

#[test]
fn corpora_are_small_and_not_empty() {
    for &(target, _) in TARGETS {
        let inputs = corpus(target);
        assert!((1..=MOST_FILES).contains(&inputs.len()), "{target}");
        for (path, input) in inputs {
            assert!(input.len() <= MOST_BYTES, "{path}");
        }
    }
}

#[test]
fn every_fuzz_target_is_replayed() {
    let mut replayed = TARGETS
        .iter()
        .map(|(target, _)| *target)
        .chain(LEFT_OUT.iter().copied())
        .map(str::to_owned)
        .collect::<Vec<_>>();
    replayed.sort();

    let stem = |path: &str| path.rsplit('/').next().map(|name| name.replace(".rs", ""));
    let targets = tree::files("fuzz/fuzz_targets", "rs");
    let targets = targets.iter().filter_map(|file| stem(&file.path));
    assert_eq!(targets.collect::<Vec<_>>(), replayed, "fuzz/fuzz_targets");

    let folders = fs::read_dir(tree::root().join("fuzz/corpus")).expect("the folder is there");
    let mut corpora = folders
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .map(|name| name.into_string().expect("names are ASCII"))
        .collect::<Vec<_>>();
    corpora.sort();
    assert_eq!(corpora, replayed, "fuzz/corpus");

    let manifest = tree::read("fuzz/Cargo.toml")
        .parse::<toml::Table>()
        .expect("the manifest is TOML");
    let bins = manifest["bin"].as_array().expect("it is a list");
    let mut bins = bins
        .iter()
        .filter_map(|bin| bin["name"].as_str())
        .collect::<Vec<_>>();
    bins.sort_unstable();
    assert_eq!(bins, replayed, "fuzz/Cargo.toml");
}
