//! Policies of any text: what is accepted is one header, says what it says, and reads back.

use std::collections::HashSet;

use tower_security::csp::{Csp, CspPolicy, ReportEndpoint, Source};

/// The text is a policy.
pub fn csp_parse(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let built = Csp::parse(text).build();
    match &built {
        Ok(policy) => is_sound(policy),
        Err(errors) => {
            assert!(errors.len() <= 64);
            assert!(
                !errors
                    .to_string()
                    .contains(|c: char| c.is_control() && c != '\n')
            );
        }
    }
    // One directive at a time into a policy that is right, and back out.
    let (name, value) = text.split_once(' ').unwrap_or((text, ""));
    if let Ok(policy) = Csp::strict().directive(name, value).build() {
        is_sound(&policy);
        let appended = policy.append(|csp| csp.add_img_src([Source::BLOB]));
        is_sound(&appended.expect("images may be blobs"));
    }
}

fn is_sound(policy: &CspPolicy) {
    let text = policy.to_template();
    assert!(text.len() <= 8_192, "{text}");
    assert!(
        text.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "{text}"
    );
    assert!(!text.contains([',', '"', '<', '>']), "{text}");
    assert_eq!(
        text.matches("nonce-").count() - text.matches("'nonce-{}'").count(),
        hosts_named_nonce(&text),
        "{text}"
    );
    let mut names = HashSet::new();
    for part in text.split(';') {
        let part = part.trim_start();
        let name = part.split(' ').next().unwrap_or_default();
        assert!(names.insert(name.to_owned()), "{text}");
        assert!(!part.contains("  ") && !part.ends_with(' '), "{text}");
    }
    let again = Csp::parse(&text).build();
    match again {
        Ok(again) => assert_eq!(again, *policy, "{text}"),
        Err(errors) => panic!("{text}: {errors}"),
    }
    assert!(policy.lints().len() <= 64);
    if let Ok(meta) = policy.to_meta() {
        assert_eq!(meta.matches('"').count(), 4, "{meta}");
    }
}

/// `nonce-cdn.example.com` is a host like any other, and `/nonce-` a path.
fn hosts_named_nonce(text: &str) -> usize {
    text.split([' ', ';'])
        .filter(|word| !word.starts_with('\''))
        .map(|word| word.matches("nonce-").count())
        .sum()
}

/// The text is a host, a scheme, a hash, or the name or address of an endpoint.
pub fn csp_source(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for (list, source) in [
        ("img-src", Source::host(text)),
        ("img-src", Source::scheme(text)),
        ("style-src", Source::hash_str(text)),
    ] {
        let Ok(source) = source else {
            continue;
        };
        let printed = source.to_string();
        assert!(
            printed.bytes().all(|byte| byte.is_ascii_graphic()),
            "{printed}"
        );
        assert!(
            !printed.contains([';', ',', '"', '<', '>', '\\', '{']),
            "{printed}"
        );
        let policy = Csp::strict().directive(list, &printed);
        match policy.build() {
            Ok(policy) => {
                let expected = format!("{list} {printed}");
                let template = policy.to_template();
                assert!(
                    template.split("; ").any(|part| part == expected),
                    "{template}"
                );
            }
            // A host of everybody, or `javascript:`.
            Err(errors) => {
                let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
                assert!(
                    codes == ["wildcard_suffix"] || codes == ["forbidden_scheme"],
                    "{printed}: {errors}"
                );
            }
        }
    }
    for endpoint in [
        ReportEndpoint::path("csp", text),
        ReportEndpoint::https("csp", text),
        ReportEndpoint::path(text, "/r"),
    ]
    .into_iter()
    .flatten()
    {
        for part in [endpoint.name(), endpoint.url()] {
            assert!(part.bytes().all(|byte| byte.is_ascii_graphic()), "{part}");
            assert!(!part.contains([';', ',', '"', '\\']), "{part}");
        }
        // Plain HTTP is refused by the policy alone, which may accept it.
        if !endpoint.url().to_ascii_lowercase().starts_with("http:") {
            let policy = Csp::strict().report_to(endpoint).build();
            assert!(policy.is_ok(), "{}", policy.unwrap_err());
        }
    }
}
