//! What the layer asks of a policy.

use crate::core::ConfigErrorKind;
use crate::csp::{Csp, CspBuilder, CspPolicy, CspProblem, ReportEndpoint, Source};

fn built(builder: CspBuilder) -> CspPolicy {
    builder.build().unwrap_or_else(|errors| panic!("{errors}"))
}

fn endpoint() -> ReportEndpoint {
    ReportEndpoint::path("csp", "/csp-report").expect("it is right")
}

#[test]
fn a_policy_that_only_reports_has_an_endpoint_and_nothing_that_must_be_enforced() {
    let codes = |builder: CspBuilder| {
        let errors = built(builder).check_report_only();
        errors.iter().map(|error| error.code()).collect::<Vec<_>>()
    };
    let pages = || Csp::strict().upgrade_insecure_requests(false);
    assert_eq!(
        codes(Csp::strict()),
        ["ignored_report_only", "report_only_silent"]
    );
    assert_eq!(
        codes(Csp::api().report_to(endpoint())),
        ["ignored_report_only"]
    );
    assert_eq!(codes(pages()), ["report_only_silent"]);
    assert_eq!(codes(pages().report_to(endpoint())), [""; 0]);
    assert_eq!(codes(pages().report_uri(["/csp-report"])), [""; 0]);
    assert_eq!(
        codes(pages().dangerous_accept(CspProblem::ReportOnlySilent)),
        [""; 0]
    );
}

#[test]
fn an_endpoint_is_declared_where_the_policy_names_it() {
    let header = |builder| {
        let policy = built(builder);
        policy.reporting_endpoints().cloned()
    };
    assert_eq!(header(Csp::strict()), None);
    assert_eq!(header(Csp::strict().report_uri(["/csp-report"])), None);
    assert_eq!(
        header(Csp::strict().report_to(endpoint())).expect("it is there"),
        "csp=\"/csp-report\""
    );
    let https = ReportEndpoint::https("r-1", "https://r.example/a?b=c").expect("it is right");
    assert_eq!(
        header(Csp::strict().report_to(endpoint()).report_to(https)).expect("it is there"),
        "r-1=\"https://r.example/a?b=c\""
    );
    assert_eq!(
        header(Csp::strict().report_to(endpoint()).remove("report-to")),
        None
    );
    let appended = built(Csp::strict().report_to(endpoint()))
        .append(|csp| csp.add_img_src([Source::BLOB]))
        .expect("it is right");
    assert!(appended.reporting_endpoints().is_some());
}

#[test]
fn nonces_are_known() {
    for (policy, has_slot) in [
        (CspPolicy::strict(), true),
        (CspPolicy::compatible(), true),
        (CspPolicy::api(), false),
        (CspPolicy::owasp_2026(), false),
    ] {
        assert_eq!(policy.has_slot(), has_slot, "{policy:?}");
    }
}

#[test]
fn what_is_dangerous_is_told_once() {
    assert_eq!(CspPolicy::strict().dangerous(), [""; 0]);
    assert_eq!(
        CspPolicy::compatible().dangerous(),
        ["dangerous_unsafe_inline"]
    );
    // Current browsers ignore it there.
    assert_eq!(built(Csp::strict().legacy_fallback()).dangerous(), [""; 0]);
    let policy = built(
        Csp::strict()
            .dangerous_accept(CspProblem::UnsafeEval)
            .dangerous_accept(CspProblem::UnsafeEval)
            .add_script_src([Source::dangerous_unsafe_eval()])
            .img_src([Source::dangerous_any()])
            .font_src([Source::dangerous_any(), Source::dangerous_http()]),
    );
    assert_eq!(
        policy.dangerous(),
        [
            "dangerous_any",
            "dangerous_http",
            "dangerous_unsafe_eval",
            "unsafe_eval"
        ]
    );
}
