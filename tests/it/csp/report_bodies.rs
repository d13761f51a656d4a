//! Bodies: the shapes that browsers send, and those that hostile senders do. Written from CSP3 sections 5.3 and 5.5, the Reporting API and
//! the specifications of the other kinds.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tower_security::core::{EventName, Level, ManualClock, Outcome};
use tower_security::csp::report::{
    BrowserReport, CspReportRefusal, CspReportService, CspReportStats, Disposition, ReportKind,
};

use super::report::{LEGACY, Log, REPORTS, Told, post};
use crate::support::service::go;

const JSON: &str = "application/json";

struct Outcomes {
    status: StatusCode,
    refusal: Option<CspReportRefusal>,
    told: Vec<Told>,
    heard: Vec<BrowserReport>,
    stats: CspReportStats,
}

/// What becomes of one body at an endpoint of its own.
async fn send(content_type: &str, body: impl Into<bytes::Bytes>) -> Outcomes {
    let log = Log::default();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let service = CspReportService::builder()
        .events(log.sink())
        .clock(ManualClock::new())
        .on_report(move |report: &BrowserReport| hears.lock().unwrap().push(report.clone()))
        .service();
    let answer = go(service.clone(), post(content_type, body)).await;
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    Outcomes {
        status: answer.status(),
        refusal: answer.extensions().get().copied(),
        told: log.take(),
        heard,
        stats: service.stats(),
    }
}

/// The one report of a body that is accepted.
async fn one(content_type: &str, body: &str) -> (BrowserReport, Option<Told>) {
    let mut sent = send(content_type, body.to_owned()).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{:?}", sent.refusal);
    assert_eq!(sent.heard.len(), 1);
    assert!(sent.told.len() <= 1);
    (sent.heard.remove(0), sent.told.pop())
}

const CHROMIUM_LEGACY: &str = r#"{"csp-report":{"document-uri":"https://app.example/cart?session=SECRET#SECRET","referrer":"https://search.example/?q=SECRET",
    "violated-directive":"script-src-elem","effective-directive":"script-src-elem","original-policy":"default-src 'none'; report-uri /csp-report?key=SECRET",
    "disposition":"enforce","blocked-uri":"inline","line-number":12,"column-number":7,"source-file":"https://user:SECRET@app.example/cart?v=SECRET",
    "status-code":200,"script-sample":"alert(document.domain)"}}"#;

#[tokio::test]
async fn chromium_sends_report_uri() {
    let (report, told) = one(LEGACY, CHROMIUM_LEGACY).await;
    assert_eq!(report.kind(), ReportKind::CspViolation);
    assert_eq!(report.disposition(), Disposition::Enforce);
    assert_eq!(report.directive(), Some("script-src-elem"));
    assert_eq!(&*report.document(), "https://app.example/cart");
    assert_eq!(report.blocked().as_deref(), Some("inline"));
    assert_eq!(
        report.source_file().as_deref(),
        Some("https://app.example/cart")
    );
    assert_eq!(
        report.referrer().as_deref(),
        Some("https://search.example/")
    );
    assert_eq!(report.sample().as_deref(), Some("alert(document.domain)"));
    assert_eq!(
        (report.line(), report.column(), report.status()),
        (Some(12), Some(7), Some(200))
    );
    assert!(!format!("{report:?}").contains("SECRET"));

    let told = told.unwrap();
    assert_eq!(told.name, EventName::MaliciousCspViolation);
    assert_eq!((told.level, told.outcome), (Level::Warn, Outcome::Refused));
    assert_eq!(told.code, "script-src-elem");
    assert_eq!(told.target.as_deref(), Some("inline"));
    assert_eq!(told.rule, None);
    assert_eq!(
        told.detail.as_deref(),
        Some(
            "status=200 line=12 column=7 document=https://app.example/cart blocked=inline source=https://app.example/cart \
             sample=alert(document.domain)"
        )
    );
    assert!(!told.whole.contains("SECRET"), "{}", told.whole);
}

#[tokio::test]
async fn firefox_sends_report_uri() {
    // No line, no column; the whole URL of what was blocked; a report-only policy.
    let body = r#"{"csp-report":{"blocked-uri":"https://cdn.example/lib.js?x=1","column-number":1,"disposition":"report",
        "document-uri":"https://app.example/","effective-directive":"script-src-elem","original-policy":"script-src 'self'",
        "referrer":"","status-code":200,"violated-directive":"script-src-elem"}}"#;
    let (report, told) = one(LEGACY, body).await;
    assert_eq!(report.disposition(), Disposition::Report);
    assert_eq!(
        report.blocked().as_deref(),
        Some("https://cdn.example/lib.js")
    );
    assert_eq!((report.line(), report.referrer().as_deref()), (None, None));
    let told = told.unwrap();
    assert_eq!(
        (told.level, told.outcome),
        (Level::Info, Outcome::WouldRefuse)
    );
}

#[tokio::test]
async fn safari_and_older_browsers_send_the_whole_directive() {
    let body = r#"{"csp-report":{"document-uri":"https://app.example/","referrer":"","violated-directive":"img-src 'self' data:",
        "original-policy":"img-src 'self' data:","blocked-uri":"data","status-code":0}}"#;
    let (report, told) = one(LEGACY, body).await;
    assert_eq!(report.directive(), Some("img-src"));
    assert_eq!(
        report.disposition(),
        Disposition::Enforce,
        "not said, hence meant"
    );
    assert_eq!(told.unwrap().code, "img-src");
}

#[tokio::test]
async fn chromium_sends_report_to() {
    let body = r#"[{"age":53531,"body":{"blockedURL":"trusted-types-sink","columnNumber":12,"disposition":"enforce",
        "documentURL":"https://app.example/a#f","effectiveDirective":"require-trusted-types-for","lineNumber":121,"originalPolicy":"x",
        "referrer":"https://app.example/","sample":"Element innerHTML|<img src=x>","sourceFile":"https://app.example/a.js","statusCode":200},
        "type":"csp-violation","url":"https://app.example/a","user_agent":"Mozilla/5.0"}]"#;
    let (report, told) = one(REPORTS, body).await;
    assert_eq!(report.age().as_millis(), 53_531);
    assert_eq!(report.directive(), Some("require-trusted-types-for"));
    assert_eq!(&*report.document(), "https://app.example/a");
    assert_eq!(report.blocked().as_deref(), Some("trusted-types-sink"));
    assert_eq!(
        report.sample().as_deref(),
        Some("Element innerHTML|<img src=x>")
    );
    assert_eq!(
        (report.line(), report.column(), report.status()),
        (Some(121), Some(12), Some(200))
    );
    let detail = told.unwrap().detail.unwrap();
    assert!(
        detail.ends_with(" sample=Element innerHTML|<img src=x>"),
        "{detail}"
    );
}

#[tokio::test]
async fn safari_sends_report_to_with_an_envelope_of_its_own() {
    let body = r#"[{"body":{"documentURL":"https://app.example/","disposition":"report","referrer":"","effectiveDirective":"style-src-attr",
        "blockedURL":"inline","originalPolicy":"style-src 'none'","statusCode":200,"sample":"","sourceFile":"https://app.example/","lineNumber":3,
        "columnNumber":0},"user_agent":"Mozilla/5.0 Safari","destination":"csp","type":"csp-violation","age":0,"attempts":0,"url":"https://app.example/"}]"#;
    let (report, told) = one(REPORTS, body).await;
    assert_eq!(report.directive(), Some("style-src-attr"));
    assert_eq!(report.sample().as_deref(), None);
    assert_eq!(told.unwrap().level, Level::Info);

    // One report without the list, as its deprecations come.
    let body = r#"{"type":"deprecation","url":"https://app.example/","body":{"id":"x","message":"going away","anticipatedRemoval":"2027-01-01"}}"#;
    let (report, told) = one(REPORTS, body).await;
    assert_eq!((report.kind(), told), (ReportKind::Deprecation, None));
}

#[tokio::test]
async fn the_other_kinds_are_typed_through() {
    let rows = [
        (
            "coep",
            r#"{"type":"corp","blockedURL":"https://b.example/x?SECRET","destination":"image","disposition":"reporting"}"#,
            ReportKind::Coep,
            "corp",
        ),
        (
            "coop",
            r#"{"disposition":"enforce","effectivePolicy":"same-origin","type":"navigation-to-response"}"#,
            ReportKind::Coop,
            "navigation-to-response",
        ),
        (
            "permissions-policy-violation",
            r#"{"policyId":"geolocation","disposition":"report","message":"blocked"}"#,
            ReportKind::PermissionsPolicyViolation,
            "geolocation",
        ),
        (
            "permissions-policy-violation",
            r#"{"featureId":"camera"}"#,
            ReportKind::PermissionsPolicyViolation,
            "camera",
        ),
        (
            "document-policy-violation",
            r#"{"policyId":"document-write"}"#,
            ReportKind::DocumentPolicyViolation,
            "document-write",
        ),
        (
            "deprecation",
            r#"{"id":"WebSQL","message":"gone","lineNumber":1}"#,
            ReportKind::Deprecation,
            "WebSQL",
        ),
        (
            "intervention",
            r#"{"id":"audio-no-gesture","message":"no"}"#,
            ReportKind::Intervention,
            "audio-no-gesture",
        ),
        ("crash", r#"{"reason":"oom"}"#, ReportKind::Crash, "oom"),
    ];
    for (name, body, kind, subject) in rows {
        let body = format!(
            r#"[{{"type":"{name}","age":1,"url":"https://app.example/?SECRET","user_agent":"x","body":{body}}}]"#
        );
        let (report, told) = one(REPORTS, &body).await;
        assert_eq!((report.kind(), kind.as_str()), (kind, name));
        assert_eq!(report.subject().as_deref(), Some(subject), "{name}");
        assert_eq!(&*report.document(), "https://app.example/", "{name}");
        assert_eq!(told, None, "{name}");
        assert!(!format!("{report:?}").contains("SECRET"));
    }
    let (report, _) = one(
        REPORTS,
        r#"[{"type":"crash","url":"https://app.example/","body":null}]"#,
    )
    .await;
    assert_eq!(report.subject(), None);
    let (report, _) = one(
        REPORTS,
        r#"[{"type":"coep","url":"u","body":{"disposition":"reporting","type":"corp"}}]"#,
    )
    .await;
    assert_eq!(report.disposition(), Disposition::Report);
}

#[tokio::test]
async fn an_integrity_violation_is_an_event() {
    for (only, level) in [("true", Level::Info), ("false", Level::Warn)] {
        let body = format!(
            r#"[{{"type":"integrity-violation","url":"https://app.example/","body":{{"documentURL":"https://app.example/p?x",
            "blockedURL":"https://cdn.example/x.js?y","destination":"script","reportOnly":{only}}}}}]"#
        );
        let (report, told) = one(REPORTS, &body).await;
        assert_eq!(report.kind(), ReportKind::IntegrityViolation);
        let told = told.unwrap();
        assert_eq!(
            (told.name, told.code, told.level),
            (
                EventName::MaliciousCspViolation,
                "integrity-violation",
                level
            )
        );
        assert_eq!(told.target.as_deref(), Some("https://cdn.example/x.js"));
        assert_eq!(told.rule.as_deref(), Some("script"));
        assert_eq!(
            told.detail.as_deref(),
            Some("document=https://app.example/p blocked=https://cdn.example/x.js")
        );
    }
}

#[tokio::test]
async fn the_words_for_what_is_no_address_stay() {
    for word in [
        "inline",
        "eval",
        "wasm-eval",
        "data",
        "blob",
        "self",
        "trusted-types-policy",
        "trusted-types-sink",
    ] {
        let body = format!(
            r#"{{"csp-report":{{"effective-directive":"script-src","blocked-uri":"{word}"}}}}"#
        );
        let (report, told) = one(LEGACY, &body).await;
        assert_eq!(report.blocked().as_deref(), Some(word));
        assert_eq!(told.unwrap().target.as_deref(), Some(word));
    }
}

#[tokio::test]
async fn extensions_are_filtered_and_counted() {
    let rows = [
        ("chrome-extension", "", 1),
        ("moz-extension://abc/x.js", "", 1),
        ("inline", "safari-web-extension://abc/x.js", 1),
        ("inline", "chrome-extension", 1),
        ("about", "", 1),
        ("about:blank", "", 1),
        // What Chromium says of a script in the `srcdoc` of an injected frame.
        ("inline", "about", 0),
        ("inline", "about:srcdoc", 0),
        ("https://chrome-extension.example/x.js", "", 0),
        ("inline", "https://app.example/moz-extension://x", 0),
    ];
    for (blocked, source, filtered) in rows {
        let body = format!(
            r#"{{"csp-report":{{"effective-directive":"script-src","blocked-uri":"{blocked}","source-file":"{source}"}}}}"#
        );
        let sent = send(LEGACY, body).await;
        assert_eq!(sent.status, StatusCode::NO_CONTENT);
        assert_eq!(sent.stats.filtered, filtered, "{blocked} {source}");
        assert_eq!(sent.told.len() as u64, 1 - filtered);
    }
}

#[tokio::test]
async fn unknown_directives_and_kinds_are_told_apart() {
    let body =
        r#"{"csp-report":{"effective-directive":"new-src; level=error","blocked-uri":"inline"}}"#;
    let (report, told) = one(LEGACY, body).await;
    assert_eq!(report.directive(), None);
    let told = told.unwrap();
    assert_eq!(told.code, "unknown_directive");
    assert_eq!(told.rule.as_deref(), Some("new-src;"));

    let sent = send(
        REPORTS,
        r#"[{"type":"csp-hash","body":{}},{"type":"network-error"},{"type":""}]"#,
    )
    .await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT);
    assert_eq!((sent.stats.unknown, sent.heard.len()), (3, 0));
}

#[tokio::test]
async fn of_many_reports_the_first_are_looked_at() {
    let list = |count: usize| {
        let reports: Vec<_> = (0..count)
            .map(|n| format!(r#"{{"type":"csp-violation","url":"https://a.example/{n}","body":{{"effectiveDirective":"img-src"}}}}"#))
            .collect();
        format!("[{}]", reports.join(","))
    };
    for (count, told, dropped) in [(0, 0, 0), (32, 32, 0), (33, 32, 1), (400, 32, 368)] {
        let sent = send(REPORTS, list(count)).await;
        assert_eq!(sent.status, StatusCode::NO_CONTENT);
        assert_eq!(
            (sent.told.len(), sent.stats.dropped),
            (told, dropped),
            "{count}"
        );
    }
    // What stands behind them is not looked at, whatever it is.
    let sent = send(
        REPORTS,
        format!(
            "[{}{}]",
            "{\"type\":\"x\"},".repeat(32),
            "1,".repeat(9_999) + "1"
        ),
    )
    .await;
    assert_eq!((sent.stats.unknown, sent.stats.dropped), (32, 10_000));
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    use CspReportRefusal::{Depth, Shape, Syntax};
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let in_report = |depth: usize| {
        let inner = nested(depth);
        format!(r#"{{"csp-report":{{"effective-directive":"img-src","x":{inner}}}}}"#)
    };
    let accepted = [
        (LEGACY, in_report(6)),
        (LEGACY, r#"{"csp-report":{"effective-directive":"img-src","x":"[[[[[[[[[[{{{{{{{{{{\"[[[[[[[["}}"#.to_owned()),
        (LEGACY, r#"{"csp-report":{"effective-directive":"img-src","effective-directive":"font-src"}}"#.to_owned()),
        (LEGACY, r#"{"csp-report":{"effective-directive":"img-src","line-number":-1,"status-code":1e9,"blocked-uri":[]}}"#.to_owned()),
        (LEGACY, r#"{"csp-report":{"effective-directive":"img-src","line-number":99999999999999999999999999}}"#.to_owned()),
        (JSON, "[]".to_owned()),
        (REPORTS, " \n[]\n".to_owned()),
    ];
    for (content_type, body) in accepted {
        let sent = send(content_type, body.clone()).await;
        assert_eq!(
            (sent.status, sent.refusal),
            (StatusCode::NO_CONTENT, None),
            "{body}"
        );
    }
    let refused: [(&str, Vec<u8>, CspReportRefusal); 27] = [
        (LEGACY, in_report(7).into(), Depth),
        (REPORTS, nested(9).into(), Depth),
        (REPORTS, nested(32_000).into(), Depth),
        (REPORTS, "[".repeat(65_536).into(), Depth),
        (REPORTS, "{\"a\":".repeat(9_000).into(), Depth),
        (JSON, b"".to_vec(), Syntax),
        (JSON, b"{".to_vec(), Syntax),
        (JSON, b"[] []".to_vec(), Syntax),
        (JSON, b"]]]]]]]]]]".to_vec(), Syntax),
        (JSON, b"a=b".to_vec(), Syntax),
        (JSON, b"\xef\xbb\xbf[]".to_vec(), Syntax),
        (JSON, b"[\"\xff\xfe\"]".to_vec(), Syntax),
        (JSON, b"[\"\\ud800\"]".to_vec(), Syntax),
        (JSON, b"[1e999999]".to_vec(), Syntax),
        (JSON, b"[\"a\nb\"]".to_vec(), Syntax),
        (JSON, b"\x1f\x8b\x08".to_vec(), Syntax),
        (JSON, b"null".to_vec(), Shape),
        (JSON, b"{}".to_vec(), Shape),
        (LEGACY, b"[]".to_vec(), Shape),
        (LEGACY, b"{\"csp-report\":[]}".to_vec(), Shape),
        (LEGACY, b"{\"csp-report\":{}}".to_vec(), Shape),
        (LEGACY, b"{\"csp-report\":{\"effective-directive\":1}}".to_vec(), Shape),
        (REPORTS, br#"{"csp-report":{"effective-directive":"img-src"}}"#.to_vec(), Shape),
        (REPORTS, b"[1]".to_vec(), Shape),
        (REPORTS, b"[{\"type\":1}]".to_vec(), Shape),
        (REPORTS, b"[{\"type\":\"csp-violation\",\"body\":null}]".to_vec(), Shape),
        (REPORTS, br#"[{"type":"csp-violation","body":{"effectiveDirective":"img-src"}},{"type":"crash","body":[]}]"#.to_vec(), Shape),
    ];
    for (content_type, body, refusal) in refused {
        let shown = body
            .escape_ascii()
            .take(80)
            .map(char::from)
            .collect::<String>();
        let sent = send(content_type, body).await;
        assert_eq!(sent.status, StatusCode::BAD_REQUEST, "{shown}");
        assert_eq!(sent.refusal, Some(refusal), "{shown}");
        assert_eq!(
            sent.heard,
            [],
            "nothing of a refused request is told: {shown}"
        );
        assert_eq!(sent.told.len(), 1, "{shown}");
        assert_eq!(sent.told[0].rule.as_deref(), Some(refusal.as_str()));
    }
}

#[tokio::test]
async fn hostile_text_is_cut_and_spelt_out() {
    let long = "x".repeat(10_000);
    let body = format!(
        r#"{{"csp-report":{{"effective-directive":"script-src","document-uri":"https://a.example/\r\nlevel=error {long}",
        "blocked-uri":"https://b.example/{long}","source-file":"https://c.example/\u202e{long}","referrer":"https://d.example/{long}",
        "script-sample":"{}"}}}}"#,
        r"\u0000\u001b[31m\n sample=".to_owned() + &"\\u00e9".repeat(100)
    );
    let (report, told) = one(LEGACY, &body).await;
    assert!(
        report
            .document()
            .starts_with("https://a.example/\\u{d}\\u{a}level=error%20xxx")
    );
    for text in [
        report.document(),
        report.blocked().unwrap(),
        report.source_file().unwrap(),
        report.referrer().unwrap(),
    ] {
        assert!(text.len() <= 512, "{}", text.len());
        assert!(text.ends_with('\u{2026}'), "what was cut says so");
        assert!(!text.contains(' ') && !text.chars().any(char::is_control));
    }
    assert!(report.source_file().unwrap().contains("\\u{202e}"));
    let sample = report.sample().unwrap().to_string();
    // Forty characters: NUL, ESC, `[31m`, LF, ` sample=` and 25 more.
    assert_eq!(
        sample,
        format!(
            "\\u{{0}}\\u{{1b}}[31m\\u{{a}} sample={}",
            "\u{e9}".repeat(25)
        )
    );
    let told = told.unwrap();
    let detail = told.detail.unwrap();
    assert!(detail.len() <= 1_024, "{}", detail.len());
    assert_eq!(
        detail.split(' ').next().unwrap().split('=').next(),
        Some("document")
    );
    let (fields, sample_told) = detail.split_once(" sample=").unwrap();
    assert_eq!(sample_told, sample, "all behind the first `sample=`");
    let mut keys = String::new();
    for field in fields.split(' ') {
        let _ = write!(keys, "{} ", field.split('=').next().unwrap());
    }
    assert_eq!(keys, "document blocked source ");
    assert!(told.target.unwrap().len() <= 128);
}
