//! Compiled sets.

use http::HeaderValue;

use super::super::{CredentialRules, Match, OriginRef, PublicSuffixes, TrustedOrigins};
use super::entries;

fn set(origins: &[&str]) -> TrustedOrigins {
    TrustedOrigins::builder()
        .origins(origins)
        .credentials(false)
        .build()
        .unwrap()
}

fn accepts(set: &TrustedOrigins, origin: &str) -> bool {
    let accepted = set.matches(origin.as_bytes()).is_some();
    let parsed = OriginRef::parse(origin.as_bytes());
    assert_eq!(
        parsed.is_some_and(|parsed| set.contains(&parsed)),
        accepted,
        "{origin}"
    );
    accepted
}

#[test]
fn exact_origins() {
    let set = set(&[
        "https://a.example",
        "http://b.example:8080",
        "https://[::1]:8443",
    ]);
    for origin in [
        "https://a.example",
        "http://b.example:8080",
        "https://[::1]:8443",
    ] {
        let value = HeaderValue::from_str(origin).unwrap();
        assert_eq!(set.matches(origin.as_bytes()), Some(Match::Exact(&value)));
        assert!(accepts(&set, origin));
    }
    for origin in [
        "http://a.example",
        "https://a.example:8443",
        "https://a.example.",
        "https://evila.example",
        "https://a.example.evil.test",
        "https://sub.a.example",
        "https://A.example",
        "HTTPS://a.example",
        "https://a.example/",
        "https://a.example ",
        "https://a.example,https://b.example",
        "http://b.example",
        "http://b.example:80",
        "null",
        "",
    ] {
        assert!(!accepts(&set, origin), "{origin}");
    }
}

#[test]
fn patterns_over_subdomains() {
    let set = set(&["https://*.example.com"]);
    assert_eq!(set.matches(b"https://a.example.com"), Some(Match::Pattern));
    assert!(accepts(&set, "https://a.b.c.example.com"));
    assert!(accepts(&set, "https://a_b-c.example.com"));
    for origin in [
        "https://example.com",
        "https://evilexample.com",
        "https://a.evilexample.com",
        "https://.example.com",
        "https://a.example.com.",
        "https://a.example.com:8443",
        "http://a.example.com",
        "https://a.example.com.evil.test",
        "https://a.example.com/",
        "https://A.example.com",
        "https://evil.test/.example.com",
        "https://evil.test@a.example.com",
        "https://evil.test#.example.com",
        "https://evil.test\\.example.com",
        "https://a..example.com",
    ] {
        assert!(!accepts(&set, origin), "{origin}");
    }
}

/// GHSA-vhxv-fg4m-p2w8 of another implementation: a tree of suffixes merged two entries.
#[test]
fn entries_do_not_merge() {
    let set = set(&[
        "https://foo.com",
        "https://bar.com",
        "https://*.foo.org",
        "https://*.bar.org",
    ]);
    for origin in [
        "https://barfoo.com",
        "https://foobar.com",
        "https://a.barfoo.org",
        "https://barfoo.org",
        "https://foo.bar.com",
    ] {
        assert!(!accepts(&set, origin), "{origin}");
    }
    for origin in [
        "https://foo.com",
        "https://bar.com",
        "https://foo.bar.org",
        "https://bar.foo.org",
    ] {
        assert!(accepts(&set, origin), "{origin}");
    }
}

#[test]
fn patterns_over_ports() {
    let set = set(&[
        "http://localhost:*",
        "https://*.a.example:*",
        "https://*.b.example:8443",
        "https://*.b.example",
        "http://[::1]:*",
    ]);
    for origin in [
        "http://localhost",
        "http://localhost:1",
        "http://localhost:65535",
        "https://x.a.example",
        "https://x.a.example:444",
        "https://x.b.example",
        "https://x.b.example:8443",
        "http://[::1]:3000",
    ] {
        assert!(accepts(&set, origin), "{origin}");
    }
    for origin in [
        "https://localhost",
        "http://a.localhost",
        "http://localhost:0",
        "http://localhost:",
        "http://localhost:65536",
        "http://localhost:evil",
        "https://a.example:444",
        "https://x.b.example:444",
        "http://[::2]:3000",
    ] {
        assert!(!accepts(&set, origin), "{origin}");
    }
}

#[test]
fn a_thousand_origins() {
    let origins: Vec<String> = (0..1000)
        .map(|i| format!("https://tenant-{i:03}.example.com"))
        .collect();
    let set = TrustedOrigins::builder().origins(&origins).build().unwrap();
    assert_eq!(set.len(), 1000);
    for origin in &origins {
        assert!(
            matches!(set.matches(origin.as_bytes()), Some(Match::Exact(value)) if value == origin.as_str())
        );
    }
    assert!(!accepts(&set, "https://tenant-1000.example.com"));
    assert!(!accepts(&set, "https://tenant-00.example.com"));
}

#[test]
fn an_empty_set_trusts_nobody() {
    let empty = TrustedOrigins::default();
    assert!(empty.is_empty());
    assert_eq!(empty.iter().count(), 0);
    assert!(!accepts(&empty, "https://a.example"));
    assert!(!accepts(&empty, ""));
}

#[test]
fn what_others_cover_is_left_out() {
    let set = set(&[
        "https://*.b.a.example",
        "https://x.a.example",
        "https://*.a.example",
        "https://*.a.example:8443",
        "https://*.a.example",
        "https://x.a.example",
        "http://*.a.example",
        "https://a.example:*",
        "https://*.za.example",
        "https://x.b.a.example:*",
    ]);
    let left: Vec<&str> = set.iter().map(AsRef::as_ref).collect();
    assert_eq!(
        left,
        [
            "https://x.a.example",
            "http://*.a.example",
            "https://*.a.example",
            "https://*.a.example:8443",
            "https://*.za.example",
            "https://a.example:*",
            "https://x.b.a.example:*",
        ]
    );
    assert_eq!(set.len(), 7);
    assert_eq!(format!("{set:?}").matches("example").count(), 7);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn credentials_want_origins_that_nobody_can_impersonate() {
    let rows = [
        ("http://a.example", Some("refused_insecure_origin")),
        ("http://*.a.example", Some("refused_insecure_origin")),
        ("http://a.example:*", Some("refused_insecure_origin")),
        ("http://192.0.2.1", Some("refused_insecure_origin")),
        ("http://127.a.example", Some("refused_insecure_origin")),
        ("http://localhost.example", Some("refused_insecure_origin")),
        ("app://a.example", Some("refused_insecure_origin")),
        ("http://*.com", Some("refused_insecure_origin")),
        ("https://*.com", Some("refused_public_suffix")),
        ("https://*.com.", Some("refused_public_suffix")),
        ("https://*.co.uk", Some("refused_public_suffix")),
        ("https://*.github.io:*", Some("refused_public_suffix")),
        ("https://*.amazonaws.com", Some("refused_public_suffix")),
        ("https://*.a.run.app", Some("refused_public_suffix")),
        (
            "https://*.us-central1.run.app",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.s3.eu-west-1.amazonaws.com",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.me.s3.amazonaws.com",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.eu-west-1.elasticbeanstalk.com",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.westeurope.cloudapp.azure.com",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.westeurope.azurecontainerapps.io",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.westeurope-01.azurewebsites.net",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.westeurope.2.azurestaticapps.net",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.fra1.digitaloceanspaces.com",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.z6.web.core.windows.net",
            Some("refused_public_suffix"),
        ),
        (
            "https://*.lambda-url.us-east-1.on.aws",
            Some("refused_public_suffix"),
        ),
        ("https://a.example", None),
        ("https://192.0.2.1", None),
        ("http://localhost", None),
        ("http://localhost:*", None),
        ("http://*.localhost", None),
        ("http://app.localhost:3000", None),
        ("http://127.0.0.1", None),
        ("http://127.9.9.9:*", None),
        ("http://[::1]:3000", None),
        ("tauri://localhost", None),
        ("https://github.io", None),
        ("https://com", None),
        ("https://*.me.github.io", None),
        ("https://*.me-uc.a.run.app", None),
        ("https://me-uc.a.run.app", None),
        ("https://*.me.us-central1.run.app", None),
        ("https://me.s3.eu-west-1.amazonaws.com", None),
        ("https://*.notamazonaws.com", None),
        ("https://*.me.eu-west-1.elasticbeanstalk.com", None),
        ("https://*.me.westeurope.cloudapp.azure.com", None),
        ("https://*.env.westeurope.azurecontainerapps.io", None),
        ("https://me.westeurope-01.azurewebsites.net", None),
        ("https://me.westeurope.2.azurestaticapps.net", None),
        ("https://*.me.fra1.digitaloceanspaces.com", None),
        ("https://me.z6.web.core.windows.net", None),
        ("https://me.lambda-url.us-east-1.on.aws", None),
        ("https://*.example.com", None),
        ("https://github.io:*", None),
    ];
    for (origin, expected) in rows {
        let build = |credentials, insecure, suffixes| {
            TrustedOrigins::builder()
                .origins([origin])
                .credentials(credentials)
                .dangerous_allow_insecure_origins(insecure)
                .dangerous_allow_public_suffix_subdomains(suffixes)
                .build()
                .map_err(|errors| errors.iter().map(|error| error.code()).collect::<Vec<_>>())
                .err()
        };
        assert_eq!(
            build(true, false, false),
            expected.map(|code| vec![code]),
            "{origin}"
        );
        assert_eq!(build(false, false, false), None, "{origin}");
        assert_eq!(build(true, true, true), None, "{origin}");
        if origin != "http://*.com" {
            let insecure = expected.filter(|code| *code == "refused_insecure_origin");
            assert_eq!(
                build(true, false, true),
                insecure.map(|code| vec![code]),
                "{origin}"
            );
            let wide = expected.filter(|code| *code == "refused_public_suffix");
            assert_eq!(
                build(true, true, false),
                wide.map(|code| vec![code]),
                "{origin}"
            );
        }
    }
}

#[test]
fn credentials_are_the_default() {
    assert!(
        TrustedOrigins::builder()
            .origins(["http://a.example"])
            .build()
            .is_err()
    );
}

#[test]
fn a_list_of_suffixes_replaces_the_table() {
    let build = |origin| {
        let list = PublicSuffixes::parse("com\ncustomers.example").unwrap();
        TrustedOrigins::builder()
            .origins([origin])
            .public_suffixes(list)
            .build()
    };
    assert!(build("https://*.github.io").is_ok());
    assert_eq!(
        entries(&build("https://*.customers.example").unwrap_err()),
        [("origins[0]", "refused_public_suffix")]
    );
}

#[test]
fn all_mistakes_are_reported_with_their_places() {
    let errors = TrustedOrigins::builder()
        .path("cors.origins")
        .origins([
            "https://a.example",
            "null",
            "http://b.example",
            "https://c.example/",
        ])
        .build()
        .unwrap_err();
    assert_eq!(
        entries(&errors),
        [
            ("cors.origins[1]", "refused_null_origin"),
            ("cors.origins[2]", "refused_insecure_origin"),
            ("cors.origins[3]", "invalid_origin_path"),
        ]
    );
    assert_eq!(
        errors.iter().nth(1).unwrap().message(),
        "refused origin \"http://b.example\": anybody in the network can impersonate it, write \"https://b.example\" or set \
         `dangerous_allow_insecure_origins`"
    );
}

#[test]
fn a_set_is_checked_again_for_credentials() {
    let set = set(&[
        "https://a.example",
        "http://b.example",
        "https://*.github.io",
    ]);
    let errors = set
        .recheck("csrf.trusted_origins", &CredentialRules::default())
        .unwrap_err();
    assert_eq!(
        entries(&errors),
        [
            ("csrf.trusted_origins[0]", "refused_insecure_origin"),
            ("csrf.trusted_origins[2]", "refused_public_suffix")
        ]
    );
    let rules = CredentialRules {
        allow_insecure: true,
        allow_public_suffixes: true,
        ..CredentialRules::default()
    };
    assert!(set.recheck("csrf.trusted_origins", &rules).is_ok());
}

#[test]
fn limits_of_number() {
    let build = |origins: &mut dyn Iterator<Item = String>| {
        TrustedOrigins::builder()
            .credentials(false)
            .origins(origins)
            .build()
    };
    let exact = |n: usize| build(&mut (0..n).map(|i| format!("https://a{i}.example")));
    assert_eq!(exact(65_536).unwrap().len(), 65_536);
    assert_eq!(
        entries(&exact(65_537).unwrap_err()),
        [("origins", "refused_too_many_origins")]
    );
    let patterns = |n: usize| build(&mut (0..n).map(|i| format!("https://*.a{i}.example")));
    assert_eq!(patterns(1024).unwrap().len(), 1024);
    assert_eq!(
        entries(&patterns(1025).unwrap_err()),
        [("origins", "refused_too_many_origins")]
    );
    assert_eq!(
        entries(&build(&mut std::iter::repeat("null".to_owned())).unwrap_err()),
        [("origins", "refused_too_many_origins")]
    );
}
