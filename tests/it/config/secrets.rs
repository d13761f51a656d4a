//! Secrets are named, never written.
#![cfg(feature = "jwt")]

use std::fs;
use std::path::PathBuf;

use http::Request;
use tower_security::core::ConfigErrors;
use tower_security::stack::config::{SecretRef, SecurityConfig, Stack, StackParts};

use super::{Body, ask, mistakes, parsed};
use crate::support::service::Spy;

/// A file of its own for each test.
struct Kept(PathBuf);

impl Kept {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("tower-security-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn with_keys(keys: &str) -> SecurityConfig {
    parsed(&format!(
        "[[auth.bearer]]\nissuer = \"https://id.example.com/\"\naudience = [\"api\"]\nprofile = \"plain\"\nkeys = {keys}\n"
    ))
}

fn build(keys: &str) -> Result<Stack, ConfigErrors> {
    with_keys(keys).build(StackParts::new())
}

const KEY: &[u8] = b"0123456789abcdefghijklmnopqrstuv";

#[test]
fn a_file_or_a_variable_holds_the_key() {
    let file = Kept::new("hmac", &[KEY, b"\r\n"].concat());
    let found = build(&format!("{{ hmac = {{ file = {:?} }} }}", file.0));
    assert_eq!(mistakes(found), []);
    // Cargo sets it; it is longer than 256 bits.
    let found = build("{ hmac = { env = \"CARGO_PKG_DESCRIPTION\" } }");
    assert_eq!(mistakes(found), []);
    let jwks = Kept::new(
        "jwks",
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    );
    let found = build(&format!("{{ jwks = {{ file = {:?} }} }}", jwks.0));
    assert_eq!(mistakes(found), []);
    let pem = Kept::new(
        "pem",
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
    );
    let pem = |rest: &str| build(&format!("{{ pem = {{ file = {:?} }}{rest} }}", pem.0));
    assert_eq!(mistakes(pem(", algorithm = \"EdDSA\"")), []);
    for wrong in ["", ", algorithm = \"none\""] {
        assert_eq!(
            mistakes(pem(wrong)),
            [("auth.bearer[0].keys.algorithm".to_owned(), "invalid_name")]
        );
    }
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    let clear = [
        "{ hmac = 2026-11-22 }",
        "{ hmac = \"hunter2hunter2hunter2hunter2hunter2\" }",
        "{ hmac = 4711471147114711 }",
        "{ hmac = 47.11 }",
        "{ hmac = true }",
        "{ hmac = [47, 11] }",
    ];
    for keys in clear {
        let config = with_keys(keys);
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(toml::to_string(&config).is_err());
        let errors = config.build(StackParts::new()).unwrap_err();
        let text = errors.to_string();
        assert_eq!(
            text,
            "auth.bearer[0].keys.hmac: refused secret in clear: write { env = \"NAME\" } or { file = \"path\" }, and replace this \
             one, for it has been read"
        );
    }
}

#[test]
fn what_is_not_there_or_not_sound_is_told_without_the_secret() {
    let empty = Kept::new("empty", b"\n");
    let large = Kept::new("large", &vec![b'a'; 256 * 1024 + 1]);
    let weak = Kept::new("weak", b"hunter2");
    let broken = Kept::new("broken", b"{\"keys\": hunter2}");
    let file = |name: &str, kept: &Kept| format!("{{ {name} = {{ file = {:?} }} }}", kept.0);
    let rows = [
        (
            "{ hmac = { env = \"TOWER_SECURITY_NOT_SET\" } }".to_owned(),
            "hmac",
            "secret_unreadable",
            "there is no such variable",
        ),
        (
            "{ hmac = { file = \"/nowhere/at/all\" } }".to_owned(),
            "hmac",
            "secret_unreadable",
            "cannot be opened",
        ),
        (
            file("hmac", &empty),
            "hmac",
            "secret_unreadable",
            "is empty",
        ),
        (
            file("hmac", &large),
            "hmac",
            "secret_unreadable",
            "more than 256 KiB",
        ),
        (file("hmac", &weak), "hmac", "invalid_keys", "bits"),
        (file("jwks", &broken), "jwks", "invalid_keys", "JSON"),
    ];
    for (keys, field, code, said) in rows {
        let errors = build(&keys).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(
            error.path(),
            format!("auth.bearer[0].keys.{field}"),
            "{errors}"
        );
        assert_eq!(error.code(), code, "{errors}");
        assert!(errors.to_string().contains(said), "{errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
        assert_eq!(errors.len(), 1, "{errors}");
    }
}

#[test]
fn one_source_of_keys_is_chosen() {
    for keys in [
        "{}",
        "{ hmac = { env = \"A\" }, jwks = { env = \"B\" } }",
        // The keys of a set say both: this would restrict nothing.
        "{ jwks = { env = \"B\" }, algorithm = \"ES256\" }",
        "{ jwks = { env = \"B\" }, kid = \"b\" }",
    ] {
        assert_eq!(
            mistakes(build(keys)),
            [("auth.bearer[0].keys".to_owned(), "invalid_choice")]
        );
    }
    let rows = [
        ("{ hmac = { env = \"A\", file = \"B\" } }", "invalid_choice"),
        ("{ hmac = {} }", "invalid_choice"),
        // An error of parsing would show it.
        ("{ hmac = { key = \"hunter2\" } }", "secret_in_clear"),
        (
            "{ hmac = { key = \"hunter2\", env = \"A\" } }",
            "secret_in_clear",
        ),
    ];
    for (keys, code) in rows {
        let path = "auth.bearer[0].keys.hmac".to_owned();
        assert_eq!(mistakes(build(keys)), [(path, code)], "{keys}");
    }
}

#[test]
fn a_reference_is_written_as_it_was_read() {
    for reference in [SecretRef::env("A"), SecretRef::file("/run/secrets/a")] {
        let text = serde_json::to_string(&reference).unwrap();
        assert_eq!(serde_json::from_str::<SecretRef>(&text).unwrap(), reference);
    }
    assert_eq!(
        serde_json::to_string(&SecretRef::env("A")).unwrap(),
        r#"{"env":"A"}"#
    );
}

#[test]
fn other_mistakes_of_an_issuer_are_told_beside_its_keys() {
    let text = "[auth]\nrealm = \"a\\\"b\"\n[[auth.bearer]]\nissuer = \"*\"\naudience = []\nalgorithms = [\"none\"]\nkeys = {}\n";
    let found = mistakes(parsed(text).build(StackParts::new()));
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "auth.bearer[0].keys",
            "auth.bearer[0].algorithms[0]",
            "auth.bearer[0].issuer",
            "auth.bearer[0].audience",
            "auth.realm",
        ]
    );
    let two = with_keys("{ hmac = { env = \"CARGO_PKG_DESCRIPTION\" } }");
    let mut twice = two.clone();
    let again = two.auth.unwrap().bearer;
    twice.auth.as_mut().unwrap().bearer.extend(again);
    assert_eq!(
        mistakes(twice.build(StackParts::new())),
        [("auth.bearer[1]".to_owned(), "duplicate")]
    );
}

#[tokio::test]
async fn a_key_that_is_replaced_in_its_file_is_read_at_reload() {
    use tower_security::core::{Principal, Secret};
    use tower_security::token::jws::{Algorithm, SigningKey};
    use tower_security::token::{Grant, KeyRing, Profile, TokenIssuer};

    const NEXT: &[u8] = b"vutsrqponmlkjihgfedcba9876543210";
    let file = Kept::new("rotated", KEY);
    let config = || with_keys(&format!("{{ hmac = {{ file = {:?} }} }}", file.0));
    let stack = config().build(StackParts::new()).unwrap();
    let spy = Spy::new();
    let status = async |key: &[u8]| {
        let key = SigningKey::hmac(Secret::from(key), Algorithm::Hs256).unwrap();
        let issuer = TokenIssuer::builder()
            .issuer("https://id.example.com/")
            .audience("api")
            .profile(Profile::Plain)
            .signing(KeyRing::new(key))
            .build()
            .unwrap();
        let grant = Grant::new(Principal::builder("ada").client_id("web").build());
        let token = issuer.issue(&grant).unwrap().into_token();
        let request = Request::get("/")
            .header("authorization", format!("Bearer {}", token.expose()))
            .body(Body::default());
        ask(&stack, &spy, request.unwrap()).await.status().as_u16()
    };
    assert_eq!((status(KEY).await, status(NEXT).await), (200, 401));
    fs::write(&file.0, NEXT).unwrap();
    assert_eq!((status(KEY).await, status(NEXT).await), (200, 401));
    stack.handle().reload(config()).unwrap();
    assert_eq!((status(KEY).await, status(NEXT).await), (401, 200));
    // What is gone is no reason to let everybody in, or nobody.
    fs::remove_file(&file.0).unwrap();
    assert_eq!(
        mistakes(stack.handle().reload(config())),
        [("auth.bearer[0].keys.hmac".to_owned(), "secret_unreadable")]
    );
    assert_eq!(status(NEXT).await, 200);
}

/// What stands where keys are expected is never repeated; the text around it is the format's to show, and not part of the message.
#[test]
fn what_the_parser_refuses_of_keys_does_not_repeat_them() {
    let row = |keys: &str| {
        format!(
            "[[auth.bearer]]\nissuer = \"https://id.example.com/\"\naudience = [\"a\"]\nkeys = {keys}\n"
        )
    };
    for keys in [
        "\"hunter2hunter2\"",
        "[\"hunter2hunter2\"]",
        "4711471147114711",
        "0.4711471147114711",
        "{ surprise = \"hunter2hunter2\" }",
        "{ hmac = { env = [\"hunter2hunter2\"] } }",
        "{ hmac = { file = { path = \"hunter2hunter2\" } } }",
    ] {
        let said = match toml::from_str::<SecurityConfig>(&row(keys)) {
            Err(error) => error.message().to_owned(),
            Ok(config) => {
                let errors = config.build(StackParts::new()).unwrap_err();
                assert_eq!(errors.len(), 1, "{errors}");
                format!("{errors} {errors:?}")
            }
        };
        assert!(
            !said.contains("hunter2") && !said.contains("4711"),
            "{keys}: {said}"
        );
    }
    let clear: Result<SecurityConfig, _> = toml::from_str(&row("\"hunter2hunter2\""));
    assert!(
        clear
            .unwrap_err()
            .message()
            .starts_with("invalid keys in clear: ")
    );
}
