//! Every setter that weakens a layer is shown by the posture of the stack that the layer stands in.

use std::collections::BTreeSet;
use std::num::NonZeroU8;
use std::time::Duration;

use http::Method;
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::core::{AbuseKind, ConfigErrors, SchemeSource, TrustedProxies};
use tower_security::cors::CorsBuilder;
use tower_security::csp::{Csp, CspBuilder, CspHashes, CspProblem, Source};
use tower_security::csrf::CsrfBuilder;
use tower_security::headers::WeakReferrerPolicy;
use tower_security::limits::Limit;
use tower_security::rate_limit::key::Key;
use tower_security::rate_limit::login::LoginThrottle;
use tower_security::rate_limit::{BanTable, Policy, Quota, key};
use tower_security::sanitize::Rule;
use tower_security::stack::{Posture, SecurityStack};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{
    HttpsJwksFetch, JwksCache, JwtVerifier, JwtVerifierBuilder, MemoryRevocationStore,
};
use tower_security::{
    AuthLayer, BanLayer, CookieLayer, CorsLayer, CspLayer, CsrfLayer, ErrorMaskLayer, LimitsLayer,
    LoginThrottleLayer, RateLimitLayer, SanitizeLayer, SecurityHeadersLayer,
};

use crate::support::tree;

type Made = Result<Posture, ConfigErrors>;

/// A setter, by its file and name; what the posture shows when it was called; and a stack in which it was or was not.
struct Row(&'static str, &'static str, &'static str, fn(bool) -> Made);

fn cors(is_called: bool, call: fn(CorsBuilder) -> CorsBuilder) -> Made {
    let builder = CorsLayer::builder().origins(["https://app.example.com"]);
    let builder = if is_called { call(builder) } else { builder };
    Ok(SecurityStack::new().cors(builder.build()?).posture())
}

fn csrf(is_called: bool, call: fn(CsrfBuilder) -> CsrfBuilder) -> Made {
    let builder = CsrfLayer::builder();
    let builder = if is_called { call(builder) } else { builder };
    Ok(SecurityStack::new().csrf(builder.build()?).posture())
}

fn csp(is_called: bool, call: fn(CspBuilder) -> CspBuilder) -> Made {
    let builder = Csp::strict();
    let builder = if is_called { call(builder) } else { builder };
    let layer = CspLayer::builder().enforce(builder.build()?).build()?;
    Ok(SecurityStack::new().csp(layer).posture())
}

fn limit(is_called: bool, call: fn(Policy) -> Policy) -> Made {
    let policy = Policy::new("client", Quota::per_minute(60)).key(key::client_ip());
    let policy = if is_called { call(policy) } else { policy };
    let layer = RateLimitLayer::builder().policy(policy).build()?;
    Ok(SecurityStack::new().rate_limit(layer).posture())
}

fn limit_by(is_called: bool, key: fn() -> Key) -> Made {
    let key = if is_called { key() } else { key::client_ip() };
    let policy = Policy::new("client", Quota::per_minute(60)).key(key);
    let layer = RateLimitLayer::builder().policy(policy).build()?;
    Ok(SecurityStack::new().rate_limit(layer).posture())
}

fn key() -> Jwk {
    Jwk::hmac(b"an example: take 32 random bytes", Algorithm::Hs256).expect("it is long enough")
}

fn bearer(verifier: JwtVerifierBuilder) -> Made {
    let verifier = verifier.audience("https://api.example.com").build()?;
    let layer = AuthLayer::builder().bearer(verifier).build()?;
    Ok(SecurityStack::new().auth(layer).posture())
}

fn verifier() -> JwtVerifierBuilder {
    JwtVerifier::builder().issuer("https://id.example.com/")
}

const ROWS: &[Row] = &[
    Row(
        "auth/session/config.rs",
        "dangerous_plain_cookie",
        "auth: dangerous_plain_cookie",
        |is_called| {
            let sessions = SessionAuth::builder(MemorySessionStore::new());
            let sessions = if is_called {
                sessions.cookie("session").dangerous_plain_cookie()
            } else {
                sessions
            };
            let layer = AuthLayer::builder().session(sessions.build()?).build()?;
            Ok(SecurityStack::new().auth(layer).posture())
        },
    ),
    Row(
        "cookies/config.rs",
        "dangerous_insecure_on_plain_http",
        "cookies: dangerous_insecure_on_plain_http",
        |is_called| {
            let builder = CookieLayer::builder();
            let builder = if is_called {
                builder.dangerous_insecure_on_plain_http(SchemeSource::Tls)
            } else {
                builder
            };
            Ok(SecurityStack::new().cookies(builder.build()?).posture())
        },
    ),
    Row(
        "cookies/config.rs",
        "dangerous_script_readable",
        "cookies: dangerous_script_readable",
        |is_called| {
            let names: &[&str] = if is_called { &["sid"] } else { &[] };
            let layer = CookieLayer::builder().dangerous_script_readable(names);
            Ok(SecurityStack::new().cookies(layer.build()?).posture())
        },
    ),
    Row(
        "cookies/config.rs",
        "dangerous_skip",
        "cookies: dangerous_skip",
        |is_called| {
            let names: &[&str] = if is_called { &["sid"] } else { &[] };
            let layer = CookieLayer::builder().dangerous_skip(names);
            Ok(SecurityStack::new().cookies(layer.build()?).posture())
        },
    ),
    Row(
        "core/client/proxies.rs",
        "dangerous_hops_from_any_peer",
        "context: dangerous_hops_from_any_peer",
        |is_called| {
            let proxies = if is_called {
                TrustedProxies::dangerous_hops_from_any_peer(NonZeroU8::MIN)?
            } else {
                TrustedProxies::direct()
            };
            Ok(SecurityStack::new().client_ip(proxies).posture())
        },
    ),
    Row(
        "cors/builder.rs",
        "dangerous_allow_insecure_origins",
        "cors: dangerous_allow_insecure_origins",
        |is_called| {
            cors(is_called, |builder| {
                builder
                    .origins(["http://app.example.com"])
                    .credentials(true)
                    .dangerous_allow_insecure_origins(true)
            })
        },
    ),
    Row(
        "cors/builder.rs",
        "dangerous_allow_origin_if",
        "cors: dangerous_allow_origin_if",
        |is_called| {
            cors(is_called, |builder| {
                builder.dangerous_allow_origin_if(|_, _| false)
            })
        },
    ),
    Row(
        "cors/builder.rs",
        "dangerous_allow_private_network",
        "cors: dangerous_allow_private_network",
        |is_called| {
            cors(is_called, |builder| {
                builder.dangerous_allow_private_network(true)
            })
        },
    ),
    Row(
        "cors/builder.rs",
        "dangerous_allow_public_suffix_subdomains",
        "cors: dangerous_allow_public_suffix_subdomains",
        |is_called| {
            cors(is_called, |builder| {
                builder
                    .origins(["https://*.github.io"])
                    .credentials(true)
                    .dangerous_allow_public_suffix_subdomains(true)
            })
        },
    ),
    Row(
        "cors/builder.rs",
        "dangerous_keep_inner_cors",
        "cors: dangerous_keep_inner_cors",
        |is_called| cors(is_called, |builder| builder.dangerous_keep_inner_cors(true)),
    ),
    Row(
        "csp/hashes/builder.rs",
        "dangerous_unsafe_hashes",
        "csp: dangerous_unsafe_hashes",
        |is_called| {
            let page = if is_called {
                "<!doctype html><button onclick=\"go()\">go</button>"
            } else {
                "<!doctype html><script>go()</script>"
            };
            let hashes = CspHashes::builder().html(page);
            let hashes = if is_called {
                hashes.dangerous_unsafe_hashes()
            } else {
                hashes
            };
            let policy = Csp::spa(hashes.build()?.scripts()).build()?;
            let layer = CspLayer::builder().enforce(policy).build()?;
            Ok(SecurityStack::new().csp(layer).posture())
        },
    ),
    Row(
        "csp/policy/builder.rs",
        "dangerous_accept",
        "csp: unsafe_eval",
        |is_called| {
            csp(is_called, |builder| {
                builder
                    .add_script_src([Source::dangerous_unsafe_eval()])
                    .dangerous_accept(CspProblem::UnsafeEval)
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_any",
        "csp: dangerous_any",
        |is_called| {
            csp(is_called, |builder| {
                builder.img_src([Source::dangerous_any()])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_http",
        "csp: dangerous_http",
        |is_called| {
            csp(is_called, |builder| {
                builder
                    .upgrade_insecure_requests(false)
                    .img_src([Source::dangerous_http()])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_strict_dynamic_url",
        "csp: dangerous_strict_dynamic_url",
        |is_called| {
            csp(is_called, |builder| {
                builder.add_script_src([Source::dangerous_strict_dynamic_url()])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_unsafe_allow_redirects",
        "csp: dangerous_unsafe_allow_redirects",
        |is_called| {
            csp(is_called, |builder| {
                builder.add_img_src([Source::dangerous_unsafe_allow_redirects()])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_unsafe_eval",
        "csp: dangerous_unsafe_eval",
        |is_called| {
            csp(is_called, |builder| {
                builder
                    .add_script_src([Source::dangerous_unsafe_eval()])
                    .dangerous_accept(CspProblem::UnsafeEval)
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_unsafe_hashes",
        "csp: dangerous_unsafe_hashes",
        |is_called| {
            csp(is_called, |builder| {
                builder.add_style_src([Source::dangerous_unsafe_hashes(), Source::sha256([7; 32])])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_unsafe_inline",
        "csp: dangerous_unsafe_inline",
        |is_called| {
            csp(is_called, |builder| {
                builder.style_src([Source::dangerous_unsafe_inline()])
            })
        },
    ),
    Row(
        "csp/policy/source.rs",
        "dangerous_unsafe_webtransport_hashes",
        "csp: dangerous_unsafe_webtransport_hashes",
        |is_called| {
            csp(is_called, |builder| {
                builder.add_connect_src([Source::dangerous_unsafe_webtransport_hashes()])
            })
        },
    ),
    Row(
        "csrf/config.rs",
        "dangerous_allow_insecure_origins",
        "csrf: dangerous_allow_insecure_origins",
        |is_called| {
            csrf(is_called, |builder| {
                builder.dangerous_allow_insecure_origins(true)
            })
        },
    ),
    Row(
        "csrf/config.rs",
        "dangerous_allow_missing_metadata",
        "csrf: dangerous_allow_missing_metadata",
        |is_called| csrf(is_called, CsrfBuilder::dangerous_allow_missing_metadata),
    ),
    Row(
        "csrf/config.rs",
        "dangerous_allow_same_site",
        "csrf: dangerous_allow_same_site",
        |is_called| csrf(is_called, |builder| builder.dangerous_allow_same_site(true)),
    ),
    Row(
        "csrf/config.rs",
        "dangerous_exempt",
        "csrf: dangerous_exempt",
        |is_called| {
            csrf(is_called, |builder| {
                builder.dangerous_exempt("/webhooks/{*rest}")
            })
        },
    ),
    Row(
        "csrf/config.rs",
        "dangerous_exempt_method",
        "csrf: dangerous_exempt_method",
        |is_called| {
            csrf(is_called, |builder| {
                builder.dangerous_exempt_method(Method::POST, "/saml/acs")
            })
        },
    ),
    Row(
        "csrf/config.rs",
        "dangerous_skip_websocket_check",
        "csrf: dangerous_skip_websocket_check",
        |is_called| {
            csrf(is_called, |builder| {
                builder.dangerous_skip_websocket_check(true)
            })
        },
    ),
    Row(
        "error_mask/config.rs",
        "dangerous_show_details",
        "error_mask: dangerous_show_details",
        |is_called| {
            let builder = ErrorMaskLayer::builder();
            let builder = if is_called {
                builder.dangerous_show_details()
            } else {
                builder
            };
            Ok(SecurityStack::new().error_mask(builder.build()?).posture())
        },
    ),
    Row(
        "headers/config.rs",
        "dangerous_referrer_policy",
        "headers: dangerous_referrer_policy",
        |is_called| {
            let builder = SecurityHeadersLayer::builder();
            let builder = if is_called {
                builder.dangerous_referrer_policy(WeakReferrerPolicy::UnsafeUrl)
            } else {
                builder
            };
            Ok(SecurityStack::new().headers(builder.build()?).posture())
        },
    ),
    Row(
        "headers/config.rs",
        "dangerous_unsafe_none_opener_policy",
        "headers: dangerous_unsafe_none_opener_policy",
        |is_called| {
            let builder = SecurityHeadersLayer::builder();
            let builder = if is_called {
                builder.dangerous_unsafe_none_opener_policy()
            } else {
                builder
            };
            Ok(SecurityStack::new().headers(builder.build()?).posture())
        },
    ),
    Row(
        "limits/config.rs",
        "dangerous_unlimited",
        "limits: dangerous_unlimited body_limit",
        |is_called| {
            let builder = LimitsLayer::builder();
            let builder = if is_called {
                builder.dangerous_unlimited(Limit::BodyLimit)
            } else {
                builder
            };
            Ok(SecurityStack::new().limits(builder.build()?).posture())
        },
    ),
    Row(
        "rate_limit/ban/config.rs",
        "dangerous_full_v6",
        "bans: dangerous_full_v6",
        |is_called| {
            let minute = Duration::from_secs(60);
            let builder = BanLayer::builder().on(AbuseKind::CsrfRefused, 3, minute, minute);
            let builder = if is_called {
                builder.dangerous_full_v6()
            } else {
                builder
            };
            Ok(SecurityStack::new().bans(builder.build()?).posture())
        },
    ),
    Row(
        "rate_limit/ban/table_builder.rs",
        "dangerous_full_v6",
        "bans: dangerous_full_v6",
        |is_called| {
            let table = BanTable::builder();
            let table = if is_called {
                table.dangerous_full_v6()
            } else {
                table
            };
            let builder = BanLayer::builder().table(table.build()?);
            Ok(SecurityStack::new().bans(builder.build()?).posture())
        },
    ),
    Row(
        "rate_limit/key/make.rs",
        "dangerous_full_v6",
        "rate_limit: dangerous_full_v6",
        |is_called| limit_by(is_called, key::dangerous_full_v6),
    ),
    Row(
        "rate_limit/key/make.rs",
        "dangerous_header",
        "rate_limit: dangerous_header",
        |is_called| limit_by(is_called, || key::dangerous_header("x-api-key")),
    ),
    Row(
        "rate_limit/login/config.rs",
        "dangerous_full_v6",
        "login_throttle: dangerous_full_v6",
        |is_called| {
            let builder = LoginThrottle::builder(
                *b"\x1f\x62\xc8\x0d\x97\xe4\x5a\xb1\x33\x7c\xd0\x8e\x49\xf6\x25\xa8",
            );
            let builder = if is_called {
                builder.dangerous_full_v6()
            } else {
                builder
            };
            let layer = LoginThrottleLayer::new(builder.build()?);
            Ok(SecurityStack::new().rate_limit(layer).posture())
        },
    ),
    Row(
        "rate_limit/policy.rs",
        "dangerous_allow_on_store_error",
        "rate_limit: dangerous_allow_on_store_error",
        |is_called| limit(is_called, Policy::dangerous_allow_on_store_error),
    ),
    Row(
        "rate_limit/policy.rs",
        "dangerous_skip_missing",
        "rate_limit: dangerous_skip_missing",
        |is_called| limit(is_called, Policy::dangerous_skip_missing),
    ),
    Row(
        "sanitize/config/builder.rs",
        "dangerous_allow",
        "sanitize: dangerous_allow path_nul",
        |is_called| {
            let builder = SanitizeLayer::builder();
            let builder = if is_called {
                builder.dangerous_allow(Rule::PathNul)
            } else {
                builder
            };
            Ok(SecurityStack::new().sanitize(builder.build()?).posture())
        },
    ),
    Row(
        "sanitize/config/builder.rs",
        "dangerous_block_on_detection",
        "sanitize: dangerous_block_on_detection",
        |is_called| {
            let builder = SanitizeLayer::builder();
            let builder = if is_called {
                builder.dangerous_block_on_detection()
            } else {
                builder
            };
            Ok(SecurityStack::new().sanitize(builder.build()?).posture())
        },
    ),
    Row(
        "sanitize/config/builder.rs",
        "dangerous_exempt",
        "sanitize: dangerous_exempt",
        |is_called| {
            let builder = SanitizeLayer::builder();
            let builder = if is_called {
                builder.dangerous_exempt(|_| false)
            } else {
                builder
            };
            Ok(SecurityStack::new().sanitize(builder.build()?).posture())
        },
    ),
    Row(
        "token/jwks/config.rs",
        "dangerous_http_jwks",
        "auth: dangerous_http_jwks",
        |is_called| {
            let url = if is_called {
                "http://127.0.0.1:9/jwks"
            } else {
                "https://id.example.com/jwks"
            };
            let fetch = HttpsJwksFetch::new().expect("a client");
            let cache = JwksCache::builder(url).fetch(fetch);
            let cache = if is_called {
                cache.dangerous_http_jwks()
            } else {
                cache
            };
            bearer(verifier().keys(cache.build()?))
        },
    ),
    Row(
        "token/jws/set.rs",
        "dangerous_guessable_secrets",
        "auth: dangerous_guessable_secrets",
        |is_called| {
            // 32 zeros; beside them 32 bytes that are none.
            let guessable = br#"{"keys":[{"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
            let set = if is_called {
                JwkSet::dangerous_guessable_secrets(guessable).expect("a set")
            } else {
                JwkSet::from_keys([key()])
            };
            bearer(verifier().keys(set))
        },
    ),
    Row(
        "token/verifier/builder.rs",
        "dangerous_accept_when_revocation_fails",
        "auth: dangerous_accept_when_revocation_fails",
        |is_called| {
            let verifier = verifier()
                .keys(key())
                .revocation(MemoryRevocationStore::new());
            bearer(if is_called {
                verifier.dangerous_accept_when_revocation_fails()
            } else {
                verifier
            })
        },
    ),
    Row(
        "token/verifier/builder.rs",
        "dangerous_http_issuer",
        "auth: dangerous_http_issuer",
        |is_called| {
            let verifier = verifier().keys(key());
            bearer(if is_called {
                verifier.dangerous_http_issuer("http://127.0.0.1:9")
            } else {
                verifier
            })
        },
    ),
];

/// What no layer is built with.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "core/origin/set.rs",
        "dangerous_allow_insecure_origins",
        "the layers that take such a set check it again",
    ),
    (
        "core/origin/set.rs",
        "dangerous_allow_public_suffix_subdomains",
        "the layers that take such a set check it again",
    ),
    (
        "core/principal/attached.rs",
        "dangerous_attach",
        "called for a request, by a layer of the user",
    ),
    (
        "mfa/sealing.rs",
        "dangerous_accept_unsealed",
        "a service that handlers call, and that tells of it itself",
    ),
    (
        "password/config.rs",
        "dangerous_test_cost",
        "a service that handlers call, and that tells of it itself",
    ),
    (
        "rate_limit/login/config.rs",
        "dangerous_allow_on_store_error",
        "refused by `build`, always",
    ),
    (
        "sanitize/html/safe_html.rs",
        "dangerous_from_trusted",
        "a value that handlers make",
    ),
    (
        "token/issuer/builder.rs",
        "dangerous_http_issuer",
        "a service that handlers call; who verifies its tokens has to say it too",
    ),
];

#[test]
fn every_dangerous_setter_of_a_layer_is_shown_by_the_posture() {
    let mut wrong = Vec::new();
    for Row(file, setter, shown, posture) in ROWS {
        // Not to be built without debug assertions.
        if *setter == "dangerous_show_details" && !cfg!(debug_assertions) {
            continue;
        }
        for is_called in [false, true] {
            let is_shown = posture(is_called).map(|posture| {
                let mut warnings = posture.warnings().iter();
                warnings.any(|warning| warning == shown)
            });
            match is_shown {
                Ok(is_shown) if is_shown == is_called => {}
                other => wrong.push(format!("{file} {setter} {is_called}: {other:?}")),
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// Returns the functions of a source whose names begin with `dangerous_`, other than those of its tests.
fn dangerous_functions(code: &str) -> impl Iterator<Item = &str> {
    let library = code.split("#[cfg(test)]").next().unwrap_or_default();
    let public = library
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("pub "));
    public.filter_map(|line| {
        let name = line.strip_prefix("const ").unwrap_or(line);
        let name = name.strip_prefix("async ").unwrap_or(name);
        let name = name.strip_prefix("fn dangerous_")?;
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        let start = line.find("dangerous_")?;
        line.get(start..start + "dangerous_".len() + end)
    })
}

#[test]
fn no_dangerous_setter_is_without_a_row() {
    let sample = "    pub const fn dangerous_a(self) -> Self {\npub fn dangerous_b2<T>(\n  pub fn c(dangerous_d: u8)\n\
                  fn dangerous_e() {}\npub(crate) fn dangerous_f() {}\n#[cfg(test)]\npub fn dangerous_g() {}";
    let found: Vec<_> = dangerous_functions(sample).collect();
    assert_eq!(found, ["dangerous_a", "dangerous_b2"]);

    let mut found = BTreeSet::new();
    for source in tree::files("src", "rs") {
        let path = source.path.strip_prefix("src/").expect("it is in src");
        for name in dangerous_functions(&source.text) {
            found.insert((path.to_owned(), name.to_owned()));
        }
    }
    let rows = ROWS.iter().map(|Row(file, setter, ..)| (*file, *setter));
    let elsewhere = ELSEWHERE.iter().map(|(file, setter, _)| (*file, *setter));
    let known: BTreeSet<_> = rows
        .chain(elsewhere)
        .map(|(file, setter)| (file.to_owned(), setter.to_owned()))
        .collect();
    assert_eq!(
        known.len(),
        ROWS.len() + ELSEWHERE.len(),
        "a row stands twice"
    );
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(unknown.is_empty(), "no row shows them: {unknown:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "they are no more: {gone:?}");
}
