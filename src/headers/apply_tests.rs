use proptest::prelude::*;

use super::*;
use crate::headers::{CachePolicy, Preset, SecurityHeadersBuilder, SecurityHeadersLayer};

/// Names that the layer sets, takes off, reads and leaves alone.
const NAMES: [&str; 14] = [
    "cache-control",
    "content-length",
    "content-type",
    "cross-origin-resource-policy",
    "permissions-policy",
    "reporting-endpoints",
    "server",
    "set-cookie",
    "x-content-type-options",
    "x-frame-options",
    "x-own",
    "x-powered-by",
    "x-runtime",
    "vary",
];

fn plans() -> [Plan; 4] {
    let of = |builder: SecurityHeadersBuilder| {
        let settings = super::super::compile::compile(builder);
        Plan::of(settings.expect("it is sound"))
    };
    [
        of(SecurityHeadersLayer::builder()),
        of(SecurityHeadersLayer::builder().preset(Preset::Web)),
        of(SecurityHeadersLayer::builder()
            .preset(Preset::Owasp2026)
            .remove_header("x-runtime")),
        of(SecurityHeadersLayer::builder()
            .preset(Preset::WebCompatible)
            .reporting_endpoint("main", "/reports")
            .custom("x-own", "ours")
            .cache(CachePolicy::NoStore)
            .if_absent("x-own")
            .if_absent("cache-control")
            .if_absent("x-frame-options")),
    ]
}

/// The lines of each name in their order.
fn lines(headers: &HeaderMap) -> Vec<(String, Vec<String>)> {
    let mut all = headers
        .keys()
        .map(|name| {
            let lines = headers.get_all(name).iter();
            let lines = lines.map(|line| format!("{line:?}")).collect::<Vec<_>>();
            (name.to_string(), lines)
        })
        .collect::<Vec<_>>();
    all.sort_unstable();
    all
}

/// What `amend_headers` does with a map that has few names, done with any.
fn rebuild(plan: &Plan, headers: &mut HeaderMap, seen: Seen, no_store: bool) {
    let base = plan.base(no_store);
    let names = headers.keys_len();
    let copy = base.copy(names).or_else(|| base.copy(0));
    plan.rebuild(headers, copy.expect("there is one for no name"), seen);
}

#[test]
fn a_copy_has_room_for_the_names_and_no_name_of_its_own() {
    let mut headers = HeaderMap::new();
    headers.insert("x-own", HeaderValue::from_static("1"));
    let base = Base::of(&headers, 9);
    for names in 0..=5 {
        let copy = base.copy(names).expect("it was made for as many");
        assert_eq!(copy, headers);
    }
    assert!(base.copy(6).is_none());
    assert!(Base::of(&headers, 1).copy(2).is_none());
}

proptest! {
    #[test]
    fn both_ways_write_the_same(
        handler in prop::collection::vec((0..NAMES.len(), "[a-z]{0,3}"), 0..24),
        no_store: bool,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &handler {
            headers.append(NAMES[*name], value.parse().expect("letters"));
        }
        for plan in plans() {
            let seen = Seen::of(&headers, &plan.settings.removed);
            // As `amend_headers` does: with the handler's line there, `Cache-Control` is written to replace it.
            let no_store = no_store && !(plan.settings.cache_if_absent && seen.has_cache_control());
            let (mut inserted, mut rebuilt) = (headers.clone(), headers.clone());
            plan.insert(&mut inserted, seen, no_store);
            rebuild(&plan, &mut rebuilt, seen, no_store);
            prop_assert_eq!(lines(&inserted), lines(&rebuilt));
        }
    }
}

#[test]
fn endpoints_of_the_handler_stay_before_ours() {
    let [.., plan] = plans();
    for way in [Plan::insert, rebuild] {
        let mut headers = HeaderMap::new();
        headers.insert(
            "reporting-endpoints",
            HeaderValue::from_static("csp=\"/csp\""),
        );
        way(&plan, &mut headers, Seen::default(), false);
        let lines = headers.get_all("reporting-endpoints").iter();
        assert_eq!(
            lines.collect::<Vec<_>>(),
            ["csp=\"/csp\"", "main=\"/reports\""]
        );
    }
}
