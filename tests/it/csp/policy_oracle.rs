//! Policies of any sources against an independent implementation of the specification.

use content_security_policy::{
    CheckResult, CspList, Destination, Element, Initiator, InlineCheckType, Origin, ParserMetadata,
    Policy, PolicyDisposition, PolicySource, Request, Url,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tower_security::csp::{Csp, CspBuilder, CspPolicy, Source};

const NONCE: &str = "0123456789abcdefghijABCD";
const PAGE: &str = "https://page.test";

/// The header's value: the nonce in its places.
fn header(policy: &CspPolicy) -> String {
    policy.to_template().replace("{}", NONCE)
}

fn list(text: &str) -> CspList {
    CspList::parse(text, PolicySource::Header, PolicyDisposition::Enforce)
}

fn page() -> Origin {
    Url::parse(PAGE).expect("a URL").origin()
}

fn runs_inline(policy: &CspList, kind: InlineCheckType, nonce: Option<&str>) -> bool {
    let element = Element {
        nonce: nonce.map(Into::into),
    };
    let (result, _) =
        policy.should_elements_inline_type_behavior_be_blocked(&element, kind, "alert(1)");
    result == CheckResult::Allowed
}

fn loads(policy: &CspList, url: &str, destination: Destination, nonce: &str) -> bool {
    let url = Url::parse(url).expect("a URL");
    // A worker is started by a script, never by the parser.
    let parser_metadata = match destination {
        Destination::Worker => ParserMetadata::NotParserInserted,
        _ => ParserMetadata::ParserInserted,
    };
    let request = Request {
        current_url: url.clone(),
        url,
        origin: page(),
        redirect_count: 0,
        destination,
        initiator: Initiator::None,
        nonce: nonce.to_owned(),
        integrity_metadata: String::new(),
        parser_metadata,
    };
    policy.should_request_be_blocked(&request).0 == CheckResult::Allowed
}

const DESTINATIONS: [Destination; 9] = [
    Destination::Font,
    Destination::IFrame,
    Destination::Image,
    Destination::Manifest,
    Destination::None,
    Destination::Object,
    Destination::Script,
    Destination::Style,
    Destination::Video,
];

const URLS: [&str; 12] = [
    "https://page.test/a.js",
    "https://a.example/js/a.js",
    "https://a.example/img",
    "https://a.example:8443/",
    "https://sub.a.example/",
    "https://b.example/",
    "http://b.example/",
    "http://localhost:3000/",
    "https://evil.test/x",
    "data:text/plain,x",
    "blob:https://page.test/1",
    "wss://b.example/",
];

/// Every source of which a list can be made; none of them covers `evil.test`.
fn source() -> impl Strategy<Value = String> {
    let known = select(vec![
        "'self'",
        "'none'",
        "'nonce-{}'",
        "'strict-dynamic'",
        "'report-sample'",
        "'unsafe-inline'",
        "'unsafe-eval'",
        "'unsafe-hashes'",
        "'wasm-unsafe-eval'",
        "'trusted-types-eval'",
        "'inline-speculation-rules'",
        "'report-sha256'",
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg'",
        "data:",
        "blob:",
        "wss:",
        "https://a.example",
        "https://a.example/js/",
        "https://*.a.example",
        "a.example:*",
        "b.example",
        "http://b.example",
        "wss://b.example",
        "http://localhost:3000",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        8 => known,
        1 => "(https://)?(\\*\\.)?[a-z]{1,3}\\.(example|com)(:[1-9][0-9]{0,3})?(/[a-z%0-9]{0,4}){0,2}",
    ]
}

const FETCHES: [&str; 18] = [
    "default-src",
    "child-src",
    "connect-src",
    "fenced-frame-src",
    "font-src",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "worker-src",
    "base-uri",
];

/// The text of a policy that mostly builds: `base-uri` and a list of scripts with a nonce, then anything.
fn policy_text() -> impl Strategy<Value = String> {
    let scripts = prop::collection::vec(source(), 0..4);
    let others = prop::collection::vec(
        (
            select(FETCHES.to_vec()),
            prop::collection::vec(source(), 1..4),
        ),
        0..5,
    );
    let base = select(vec!["'none'", "'self'", "https://a.example"]);
    (scripts, others, base).prop_map(|(scripts, others, base)| {
        let mut text = format!(
            "base-uri {base}; script-src 'nonce-{{}}' {}",
            scripts.join(" ")
        );
        let mut seen = vec!["base-uri", "script-src"];
        for (name, sources) in others {
            if !seen.contains(&name) {
                seen.push(name);
                text.push_str(&format!("; {name} {}", sources.join(" ")));
            }
        }
        if !seen.contains(&"default-src") && !seen.contains(&"object-src") {
            text.push_str("; object-src 'none'");
        }
        text
    })
}

fn built_policy() -> impl Strategy<Value = CspPolicy> {
    policy_text().prop_filter_map("it has a mistake", |text| Csp::parse(&text).build().ok())
}

/// Adds one of the lists by its name.
fn add(builder: CspBuilder, name: &str, sources: Vec<Source>) -> CspBuilder {
    match name {
        "default-src" => builder.add_default_src(sources),
        "child-src" => builder.add_child_src(sources),
        "connect-src" => builder.add_connect_src(sources),
        "fenced-frame-src" => builder.add_fenced_frame_src(sources),
        "font-src" => builder.add_font_src(sources),
        "frame-src" => builder.add_frame_src(sources),
        "img-src" => builder.add_img_src(sources),
        "manifest-src" => builder.add_manifest_src(sources),
        "media-src" => builder.add_media_src(sources),
        "object-src" => builder.add_object_src(sources),
        "script-src" => builder.add_script_src(sources),
        "script-src-attr" => builder.add_script_src_attr(sources),
        "script-src-elem" => builder.add_script_src_elem(sources),
        "style-src" => builder.add_style_src(sources),
        "style-src-attr" => builder.add_style_src_attr(sources),
        "style-src-elem" => builder.add_style_src_elem(sources),
        "worker-src" => builder.add_worker_src(sources),
        "base-uri" => builder.add_base_uri(sources),
        _ => panic!("{name} is no list"),
    }
}

/// Hosts that can be added anywhere.
fn added() -> impl Strategy<Value = Vec<Source>> {
    let hosts = select(vec![
        "https://a.example",
        "https://a.example/js/",
        "https://b.example",
        "https://*.a.example",
    ]);
    prop::collection::vec(
        prop_oneof![
            4 => hosts.prop_map(|text| Source::host(text).expect(text)),
            1 => Just(Source::SELF),
            1 => Just(Source::NONE),
        ],
        0..3,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 400_000, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_builds_is_valid_and_protects(policy in built_policy()) {
        let text = header(&policy);
        let parsed = Policy::parse(&text, PolicySource::Header, PolicyDisposition::Enforce);
        prop_assert!(parsed.is_valid(), "{}", text);
        let printed = parsed.to_string().replace(" ;", ";");
        prop_assert_eq!(printed.trim_end(), &text);
        let csp = list(&text);
        prop_assert_eq!(csp.0.len(), 1);

        prop_assert!(!runs_inline(&csp, InlineCheckType::Script, None), "{}", text);
        prop_assert!(!runs_inline(&csp, InlineCheckType::Script, Some("wrong")), "{}", text);
        prop_assert!(!runs_inline(&csp, InlineCheckType::ScriptAttribute, None), "{}", text);
        prop_assert!(!runs_inline(&csp, InlineCheckType::Navigation, None), "{}", text);
        if !text.contains("script-src-elem") {
            prop_assert!(runs_inline(&csp, InlineCheckType::Script, Some(NONCE)), "{}", text);
            prop_assert!(loads(&csp, "https://evil.test/x", Destination::Script, NONCE));
        }
        prop_assert!(!loads(&csp, "https://evil.test/x", Destination::Script, ""), "{}", text);
        prop_assert!(!loads(&csp, "data:text/javascript,x", Destination::Script, ""), "{}", text);
        prop_assert!(!loads(&csp, "https://evil.test/x", Destination::Object, ""), "{}", text);
        let evil = Url::parse("https://evil.test/").expect("a URL");
        prop_assert!(csp.is_base_allowed_for_document(&evil, &page()).0 == CheckResult::Blocked, "{}", text);
        prop_assert!(csp.is_js_evaluation_allowed("alert(1)").0 == CheckResult::Blocked, "{}", text);
    }

    #[test]
    fn text_is_read_back_and_stays(policy in built_policy()) {
        let text = policy.to_template();
        let again = Csp::parse(&text).build();
        prop_assert!(again.is_ok(), "{}: {}", text, again.unwrap_err());
        let again = again.unwrap();
        prop_assert_eq!(again.to_template(), text);
        prop_assert_eq!(again, policy);
    }

    #[test]
    fn adding_allows_nothing_but_what_is_added(
        policy in built_policy(),
        names in prop::collection::vec(select(FETCHES.to_vec()), 1..3),
        sources in added(),
        kind in any::<Index>(),
    ) {
        let change = |csp| names.iter().fold(csp, |csp, name| add(csp, name, sources.clone()));
        let Ok(appended) = policy.append(change) else {
            return Err(TestCaseError::reject("the result has a mistake"));
        };
        let (before, after) = (list(&header(&policy)), list(&header(&appended)));
        let own = sources.iter().map(Source::to_string).collect::<Vec<_>>().join(" ");
        let only_added = list(&format!("default-src {own}; base-uri {own}"));

        let mut destinations = DESTINATIONS.to_vec();
        destinations.push(Destination::Worker);
        let destination = destinations[kind.index(destinations.len())];
        // A worker has no element that could carry one.
        let nonce = if destination == Destination::Worker { "" } else { NONCE };
        for url in URLS {
            // Workers come from the page's own origin, or from what its scripts made.
            if destination == Destination::Worker && !url.contains("page.test") && !url.starts_with("data:") {
                continue;
            }
            let allowed = loads(&after, url, destination, "");
            let expected = loads(&before, url, destination, "") || !own.is_empty() && loads(&only_added, url, destination, "");
            prop_assert!(!allowed || expected, "{:?} {} {:?}\n{}\n{}", names, url, destination, header(&policy), header(&appended));
            prop_assert!(
                !loads(&before, url, destination, nonce) || loads(&after, url, destination, nonce) || unset_before(&policy, &names),
                "{:?} lost {} {:?}\n{}\n{}", names, url, destination, header(&policy), header(&appended)
            );
        }
        for inline in [InlineCheckType::Script, InlineCheckType::ScriptAttribute, InlineCheckType::Style, InlineCheckType::StyleAttribute] {
            for nonce in [None, Some(NONCE)] {
                prop_assert!(
                    !runs_inline(&after, inline, nonce) || runs_inline(&before, inline, nonce),
                    "{:?} {:?}\n{}\n{}", inline, nonce, header(&policy), header(&appended)
                );
            }
        }
        let nonces = |policy: &CspPolicy| policy.to_template().matches("'nonce-{}'").count();
        prop_assert!(nonces(&appended) >= nonces(&policy));
    }
}

/// Whether a directive was added that nothing had restricted before: from then on only what was added is allowed.
fn unset_before(policy: &CspPolicy, names: &[&str]) -> bool {
    let text = policy.to_template();
    let is_set = |name: &str| {
        let mut directives = text
            .split(';')
            .filter_map(|one| one.split_whitespace().next());
        directives.any(|set| set == name)
    };
    !is_set("default-src") && names.iter().any(|name| !is_set(name))
}
