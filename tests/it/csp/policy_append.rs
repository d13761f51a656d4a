//! Adding to a policy: nothing that held goes, and nothing comes but what is added.

use tower_security::csp::{
    Csp, CspBuilder, CspPolicy, CspProblem, ReportEndpoint, SandboxFlag, Source,
};

fn policy(text: &str) -> CspPolicy {
    Csp::parse(text)
        .build()
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn host(text: &str) -> Source {
    Source::host(text).expect(text)
}

#[track_caller]
fn appends(base: &str, change: impl FnOnce(CspBuilder) -> CspBuilder, expected: &str) {
    match policy(base).append(change) {
        Ok(policy) => assert_eq!(policy.to_template(), expected, "{base}"),
        Err(errors) => panic!("{base}: {errors}"),
    }
}

#[test]
fn a_list_that_is_set_grows_and_keeps_its_nonce() {
    let base = "base-uri 'none'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic'; img-src 'none'";
    appends(
        base,
        |csp| csp.add_img_src([Source::SELF]),
        "base-uri 'none'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic'; img-src 'self'",
    );
    appends(
        base,
        |csp| csp.add_script_src([Source::REPORT_SAMPLE, Source::NONCE]),
        "base-uri 'none'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; img-src 'none'",
    );
    // Nothing to add changes nothing, not even what stands for nothing.
    appends(base, |csp| csp.add_img_src([]).add_font_src([]), base);
    appends(base, |csp| csp.add_img_src([Source::NONE]), base);
    appends(
        base,
        |csp| {
            csp.add_base_uri([Source::SELF])
                .add_object_src([Source::SELF])
        },
        "base-uri 'self'; object-src 'self'; script-src 'nonce-{}' 'strict-dynamic'; img-src 'none'",
    );
    // A nonce that joins `'none'` is no nonce beside `'none'`.
    appends(
        "default-src 'none'; base-uri 'none'; script-src 'none'",
        |csp| csp.add_script_src([Source::NONCE]),
        "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn a_list_that_is_not_set_begins_with_what_held() {
    let a = || [host("a.example")];
    let rows: &[(&str, &dyn Fn(CspBuilder) -> CspBuilder, &str)] = &[
        (
            "default-src 'self'",
            &|csp| csp.add_img_src(a()),
            "img-src 'self' a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_connect_src(a()),
            "connect-src 'self' a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_font_src(a()),
            "font-src 'self' a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_manifest_src(a()),
            "manifest-src 'self' a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_media_src(a()),
            "media-src 'self' a.example",
        ),
        (
            "default-src 'none'",
            &|csp| csp.add_object_src(a()),
            "object-src a.example",
        ),
        (
            "default-src 'nonce-{}' 'self'",
            &|csp| csp.add_script_src(a()),
            "script-src 'nonce-{}' 'self' a.example",
        ),
        (
            "default-src 'nonce-{}' 'self'",
            &|csp| csp.add_style_src(a()),
            "style-src 'nonce-{}' 'self' a.example",
        ),
        // What means nothing in the list is not copied.
        (
            "default-src 'nonce-{}' 'strict-dynamic' 'self'",
            &|csp| csp.add_style_src(a()),
            "style-src 'nonce-{}' 'self' a.example",
        ),
        (
            "default-src 'nonce-{}' 'report-sample'",
            &|csp| csp.add_img_src(a()),
            "img-src a.example",
        ),
        (
            "default-src 'self'; frame-src b.example",
            &|csp| csp.add_fenced_frame_src(a()),
            "fenced-frame-src b.example a.example",
        ),
        (
            "default-src 'self'; child-src b.example",
            &|csp| csp.add_frame_src(a()),
            "frame-src b.example a.example",
        ),
        (
            "default-src 'self'; child-src b.example",
            &|csp| csp.add_worker_src(a()),
            "worker-src b.example a.example",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}'",
            &|csp| csp.add_script_src_elem(a()),
            "script-src-elem 'nonce-{}' a.example",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}'",
            &|csp| csp.add_script_src_attr(a()),
            "script-src-attr 'nonce-{}' a.example",
        ),
        (
            "default-src 'none'; style-src 'self'",
            &|csp| csp.add_style_src_elem(a()),
            "style-src-elem 'self' a.example",
        ),
        (
            "default-src 'none'; style-src 'self'",
            &|csp| csp.add_style_src_attr(a()),
            "style-src-attr 'self' a.example",
        ),
        // Workers of a script list: by its hosts, or by `'strict-dynamic'` from the page's own origin.
        (
            "default-src 'none'; script-src 'nonce-{}' b.example",
            &|csp| csp.add_worker_src(a()),
            "worker-src b.example a.example",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}' 'strict-dynamic' b.example",
            &|csp| csp.add_worker_src([Source::BLOB]),
            "worker-src 'self' blob:",
        ),
        (
            "default-src 'nonce-{}' 'strict-dynamic' b.example",
            &|csp| csp.add_worker_src([Source::BLOB]),
            "worker-src b.example blob:",
        ),
        (
            "default-src 'none'; script-src 'nonce-{}'",
            &|csp| csp.add_worker_src(a()),
            "worker-src a.example",
        ),
        // These fall back to nothing.
        (
            "default-src 'self'",
            &|csp| csp.add_form_action(a()),
            "form-action a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_frame_ancestors(a()),
            "frame-ancestors a.example",
        ),
        (
            "default-src 'self'",
            &|csp| csp.add_sandbox([SandboxFlag::AllowForms]),
            "sandbox allow-forms",
        ),
        ("default-src 'self'", &|csp| csp.add_sandbox([]), "sandbox"),
        (
            "default-src 'self'",
            &|csp| csp.add_report_uri(["/r"]),
            "report-uri /r",
        ),
    ];
    for (base, change, added) in rows {
        let base = format!("{base}; upgrade-insecure-requests; webrtc 'block'; base-uri 'none'");
        let appended = policy(&base)
            .append(change)
            .unwrap_or_else(|errors| panic!("{base}: {errors}"));
        let template = appended.to_template();
        assert!(
            template.split("; ").any(|part| part == *added),
            "{base}: {template}"
        );
        assert_eq!(template.split("; ").count(), base.split("; ").count() + 1);
    }
    let types = policy("default-src 'none'; base-uri 'none'")
        .append(|csp| csp.add_trusted_types(["app"]))
        .expect("it is right");
    assert!(
        types
            .to_template()
            .ends_with("; require-trusted-types-for 'script'; trusted-types app")
    );
}

#[test]
fn a_new_child_src_does_not_take_workers_from_scripts() {
    // Without care, workers would fall back to `child-src` and so to a copy of `default-src`.
    appends(
        "default-src https://wide.example; base-uri 'none'; script-src 'nonce-{}' 'strict-dynamic'",
        |csp| csp.add_child_src([host("a.example")]),
        "default-src https://wide.example; base-uri 'none'; child-src https://wide.example a.example; \
         script-src 'nonce-{}' 'strict-dynamic'; worker-src 'self' a.example",
    );
    appends(
        "default-src https://wide.example; base-uri 'none'; script-src 'nonce-{}'; worker-src 'none'",
        |csp| csp.add_child_src([host("a.example")]),
        "default-src https://wide.example; base-uri 'none'; child-src https://wide.example a.example; script-src 'nonce-{}'; \
         worker-src 'none'",
    );
}

#[test]
fn the_result_is_checked_like_any_policy() {
    // Row 62.
    let codes =
        |base: &CspPolicy, change: &dyn Fn(CspBuilder) -> CspBuilder| match base.append(change) {
            Ok(policy) => panic!("{policy:?}"),
            Err(errors) => errors
                .iter()
                .map(|error| format!("{} {}", error.path(), error.code()))
                .collect::<Vec<_>>(),
        };
    let strict = CspPolicy::strict();
    let unsafe_inline = Source::dangerous_unsafe_inline;
    assert_eq!(
        codes(&strict, &|csp| csp.add_script_src([Source::DATA])),
        ["csp.override.script-src[3] scheme_wide"]
    );
    assert_eq!(
        codes(&strict, &|csp| csp.add_connect_src([Source::NONCE])),
        ["csp.override.connect-src[1] keyword_misplaced"]
    );
    assert_eq!(
        codes(&CspPolicy::owasp_2026(), &|csp| csp
            .add_script_src([unsafe_inline()])),
        ["csp.override.script-src[1] unsafe_inline_script"]
    );
    assert_eq!(
        codes(&strict, &|csp| csp
            .remove("base-uri")
            .directive("scriptsrc", "x")),
        [
            "csp.override unknown_directive",
            "csp.override missing_base_uri"
        ]
    );
    assert!(
        strict
            .append(|csp| csp.add_script_src([unsafe_inline()]))
            .is_ok()
    );

    let endpoint = ReportEndpoint::path("csp", "/r").expect("it is right");
    let base = Csp::strict()
        .report_to(endpoint)
        .add_script_src([Source::dangerous_unsafe_eval()])
        .dangerous_accept(CspProblem::UnsafeEval)
        .build()
        .expect("it is accepted");
    let appended = base.append(|csp| csp).expect("what was accepted still is");
    assert_eq!(appended, base);
    // The policy that was given stays as it is.
    let grown = base
        .append(|csp| csp.add_img_src([Source::BLOB]))
        .expect("it is right");
    assert_ne!(grown, base);
    assert_eq!(appended, base);
}
