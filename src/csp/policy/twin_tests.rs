//! The forms of a policy: row by row, and never looser than the policy.

use content_security_policy::{
    CheckResult, CspList, Destination, Element, Initiator, InlineCheckType, ParserMetadata,
    PolicyDisposition, PolicySource, Request, Url,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::templates;
use crate::csp::forms::Templates;
use crate::csp::policy::CspProblem;
use crate::csp::policy::entry::Entries;
use crate::csp::{Csp, CspBuilder};

/// The forms of a policy that builds.
fn forms(builder: CspBuilder) -> Templates {
    let policy = builder.build().unwrap_or_else(|errors| panic!("{errors}"));
    templates(&entries(&policy.to_template()))
}

fn entries(text: &str) -> Entries {
    Csp::parse(text).entries
}

/// `script-src` of a policy, then that of its twin and of its script twin.
#[rustfmt::skip]
const SCRIPTS: &[(&str, &str, &str)] = &[
    ("'nonce-{}'", "'none'", "'self'"),
    ("'nonce-{}' 'strict-dynamic' 'report-sample'", "'none'", "'self'"),
    ("'report-sample' 'report-sha256' 'nonce-{}'", "'none'", "'self'"),
    // What the nonce had switched off.
    ("'nonce-{}' 'unsafe-inline'", "'none'", "'self'"),
    ("'nonce-{}' 'strict-dynamic' 'unsafe-inline' https:", "'none'", "'self'"),
    ("'nonce-{}' 'self' 'unsafe-inline'", "'self'", "'self'"),
    ("'self' 'nonce-{}' 'strict-dynamic' a.example", "'none'", "'self'"),
    // What it had not.
    ("'nonce-{}' a.example 'report-sample'", "a.example 'report-sample'", "'self'"),
    ("'nonce-{}' 'self' a.example/js/", "'self' a.example/js/", "'self'"),
    ("'nonce-{}' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'strict-dynamic' a.example",
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "'self'"),
    ("'nonce-{}' 'wasm-unsafe-eval' a.example", "'wasm-unsafe-eval' a.example", "'self' 'wasm-unsafe-eval'"),
    ("'trusted-types-eval' 'nonce-{}' 'strict-dynamic'", "'trusted-types-eval'", "'self' 'trusted-types-eval'"),
    ("'nonce-{}' 'inline-speculation-rules'", "'inline-speculation-rules'", "'self'"),
    ("'nonce-{}' 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "'self'"),
];

#[test]
fn a_twin_loses_the_nonce_and_what_it_had_switched_off() {
    for (scripts, twin, script_twin) in SCRIPTS {
        let policy =
            |scripts: &str| format!("default-src 'none'; base-uri 'none'; script-src {scripts}");
        let forms = forms(Csp::parse(&policy(scripts)));
        assert_eq!(forms.full.https, policy(scripts));
        assert_eq!(forms.twin.https, policy(twin), "{scripts}");
        assert_eq!(forms.script_twin.https, policy(script_twin), "{scripts}");
    }
    let eval =
        Csp::parse("default-src 'none'; base-uri 'none'; script-src 'nonce-{}' 'unsafe-eval'");
    let entries = eval.dangerous_accept(CspProblem::UnsafeEval).entries;
    assert_eq!(
        templates(&entries).script_twin.https,
        "default-src 'none'; base-uri 'none'; script-src 'self' 'unsafe-eval'"
    );
}

#[test]
fn each_list_has_its_own_twin() {
    let base = "base-uri 'none'; ";
    for (policy, twin, script_twin) in [
        // Without a nonce every form is the policy, the one of scripts too.
        (
            "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'",
            "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'",
            "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'",
        ),
        // A nonce for styles says nothing of scripts.
        (
            "default-src 'none'; script-src 'none'; style-src 'nonce-{}' 'unsafe-inline' a.example",
            "default-src 'none'; script-src 'none'; style-src a.example",
            "default-src 'none'; script-src 'none'; style-src a.example",
        ),
        (
            "default-src 'nonce-{}' 'self'; object-src 'none'",
            "default-src 'self'; object-src 'none'",
            "default-src 'self'; object-src 'none'; script-src 'self'",
        ),
        (
            "default-src 'nonce-{}' 'strict-dynamic' 'self'; img-src a.example",
            "default-src 'none'; img-src a.example",
            "default-src 'none'; img-src a.example; script-src 'self'",
        ),
        (
            "default-src 'nonce-{}'; script-src a.example",
            "default-src 'none'; script-src a.example",
            "default-src 'none'; script-src a.example",
        ),
        (
            "default-src 'none'; script-src a.example; script-src-attr 'nonce-{}'; script-src-elem 'nonce-{}' a.example",
            "default-src 'none'; script-src a.example; script-src-attr 'none'; script-src-elem a.example",
            "default-src 'none'; script-src a.example; script-src-attr 'none'; script-src-elem 'self'",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}' 'wasm-unsafe-eval'; script-src-elem b.example",
            "default-src 'none'; script-src 'wasm-unsafe-eval'; script-src-elem b.example",
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; script-src-elem b.example",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}'; style-src-attr 'nonce-{}'; style-src-elem 'nonce-{}' 'report-sample'",
            "default-src 'none'; script-src 'none'; style-src-attr 'none'; style-src-elem 'none'",
            "default-src 'none'; script-src 'self'; style-src-attr 'none'; style-src-elem 'none'",
        ),
    ] {
        let forms = forms(Csp::parse(&format!("{base}{policy}")));
        assert_eq!(forms.full.https, format!("{base}{policy}"));
        assert_eq!(forms.twin.https, format!("{base}{twin}"), "{policy}");
        assert_eq!(
            forms.script_twin.https,
            format!("{base}{script_twin}"),
            "{policy}"
        );
    }
    let strict = forms(Csp::strict());
    assert_eq!(
        strict.twin.https,
        "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'none'; style-src 'self'; upgrade-insecure-requests"
    );
}

#[test]
fn plain_http_has_forms_without_the_upgrade() {
    let text =
        "default-src 'none'; upgrade-insecure-requests; base-uri 'none'; script-src 'nonce-{}'";
    let forms = forms(Csp::parse(text));
    for (form, scripts) in [
        (&forms.full, "'nonce-{}'"),
        (&forms.twin, "'none'"),
        (&forms.script_twin, "'self'"),
    ] {
        assert_eq!(
            form.http,
            format!("default-src 'none'; base-uri 'none'; script-src {scripts}")
        );
        assert_eq!(
            form.https,
            format!(
                "default-src 'none'; upgrade-insecure-requests; base-uri 'none'; script-src {scripts}"
            )
        );
    }
    let without = templates(&entries("default-src 'none'; base-uri 'none'"));
    assert_eq!(without.full.http, without.full.https);
}

const NONCE: &str = "0123456789abcdefghijABCD";

fn list(template: &str) -> CspList {
    let text = template.replace("{}", NONCE);
    CspList::parse(&text, PolicySource::Header, PolicyDisposition::Enforce)
}

fn loads(policy: &CspList, url: &str, destination: Destination) -> bool {
    let url = Url::parse(url).expect("a URL");
    let parser_metadata = match destination {
        Destination::Worker => ParserMetadata::NotParserInserted,
        _ => ParserMetadata::ParserInserted,
    };
    let request = Request {
        current_url: url.clone(),
        url,
        origin: Url::parse("https://page.test").expect("a URL").origin(),
        redirect_count: 0,
        destination,
        initiator: Initiator::None,
        nonce: String::new(),
        integrity_metadata: String::new(),
        parser_metadata,
    };
    policy.should_request_be_blocked(&request).0 == CheckResult::Allowed
}

fn runs_inline(policy: &CspList, kind: InlineCheckType) -> bool {
    let element = Element { nonce: None };
    let (result, _) = policy.should_elements_inline_type_behavior_be_blocked(&element, kind, "");
    result == CheckResult::Allowed
}

fn sources() -> impl Strategy<Value = String> {
    let source = select(vec![
        "'self'",
        "'nonce-{}'",
        "'nonce-{}'",
        "'strict-dynamic'",
        "'report-sample'",
        "'unsafe-inline'",
        "'wasm-unsafe-eval'",
        // Of the empty text.
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "https://a.example",
        "https://b.example",
        "https:",
        "data:",
    ]);
    prop::collection::vec(source, 1..5).prop_map(|sources| sources.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 400_000, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_twin_is_never_looser_than_its_policy(
        default in prop::option::of(sources()),
        script in sources(),
        elements in prop::option::of(sources()),
        attributes in prop::option::of(sources()),
        styles in prop::option::of(sources()),
    ) {
        let lists = [
            ("default-src", default),
            ("script-src", Some(script)),
            ("script-src-elem", elements),
            ("script-src-attr", attributes),
            ("style-src", styles),
        ];
        let mut text = "base-uri 'none'; object-src 'none'".to_owned();
        for (name, sources) in lists {
            if let Some(sources) = sources {
                text.push_str(&format!("; {name} {sources}"));
            }
        }
        let Ok(policy) = Csp::parse(&text).build() else {
            return Err(TestCaseError::reject("it has a mistake"));
        };
        let forms = templates(&entries(&policy.to_template()));
        let full = list(&forms.full.https);
        for (twin, may_load_own) in [(&forms.twin, false), (&forms.script_twin, true)] {
            prop_assert!(!twin.https.contains("nonce"), "{}", twin.https);
            let reads_back = Csp::parse(&twin.https).build();
            prop_assert!(reads_back.is_ok(), "{}: {}", twin.https, reads_back.unwrap_err());
            let parsed = list(&twin.https);
            for destination in [Destination::Script, Destination::Style, Destination::Image, Destination::Worker, Destination::Object] {
                for url in ["https://page.test/a", "https://a.example/", "https://b.example/", "https://evil.test/", "data:text/plain,x"] {
                    let is_own = may_load_own
                        && url.contains("page.test")
                        && matches!(destination, Destination::Script | Destination::Worker);
                    prop_assert!(
                        !loads(&parsed, url, destination) || loads(&full, url, destination) || is_own,
                        "{:?} {}\n{}\n{}", destination, url, forms.full.https, twin.https
                    );
                }
            }
            for kind in [
                InlineCheckType::Script,
                InlineCheckType::ScriptAttribute,
                InlineCheckType::Style,
                InlineCheckType::StyleAttribute,
                InlineCheckType::Navigation,
            ] {
                prop_assert!(
                    !runs_inline(&parsed, kind) || runs_inline(&full, kind),
                    "{:?}\n{}\n{}", kind, forms.full.https, twin.https
                );
            }
            let evaluates = |policy: &CspList| policy.is_js_evaluation_allowed("x").0 == CheckResult::Allowed;
            prop_assert!(!evaluates(&parsed) || evaluates(&full));
            let compiles = |policy: &CspList| policy.is_wasm_evaluation_allowed().0 == CheckResult::Allowed;
            prop_assert!(!compiles(&parsed) || compiles(&full));
        }
    }
}
