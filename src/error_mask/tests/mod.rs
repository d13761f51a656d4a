//! What is decided without a service around it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use proptest::prelude::*;

use super::check::{Seen, Verdict, replacement};
use super::config::ErrorMaskBuilder;
use super::grpc::{Fault, fault, keep_only};
use super::layer::Core;
use super::watch::Watch;
use super::web::Frames;
use super::{ErrorMaskConfigError, ErrorMaskLayer};
use crate::core::{ConfigErrors, ErrorClass, Mode, NoopSink, base64};

mod web;

fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn core() -> Core {
    ErrorMaskBuilder::default().core_without_names()
}

fn watch(builder: ErrorMaskBuilder) -> Watch {
    let layer = builder.events(NoopSink::new()).build().unwrap();
    let core = layer.core();
    Watch::of(&core, &Request::new(()))
}

mod verdicts {
    use super::*;

    fn judged(
        core: &Core,
        status: u16,
        lines: &[(&'static str, &'static str)],
        is_empty: bool,
    ) -> Verdict {
        let seen = Seen::of(&map(lines), core);
        let status = StatusCode::from_u16(status).unwrap();
        Verdict::of(core, status, seen, &Extensions::new(), is_empty)
    }

    const PLAIN: &[(&str, &str)] = &[("content-type", "text/plain; charset=utf-8")];
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

    #[test]
    fn every_server_error_is_a_fault_and_no_success_is() {
        for status in [500, 501, 502, 503, 504, 511, 599, 600, 999] {
            for is_empty in [true, false] {
                assert_eq!(
                    judged(&core(), status, JSON, is_empty),
                    Verdict::MaskFault,
                    "{status}"
                );
            }
        }
        for status in [200, 204, 206, 301, 304, 399] {
            assert_eq!(
                judged(&core(), status, PLAIN, true),
                Verdict::Keep,
                "{status}"
            );
        }
    }

    #[test]
    fn an_empty_404_is_the_routers() {
        for status in [404, 405] {
            assert_eq!(judged(&core(), status, &[], true), Verdict::MaskClientError);
            assert_eq!(judged(&core(), status, JSON, false), Verdict::Keep);
            // To a HEAD: the body was taken off.
            assert_eq!(
                judged(&core(), status, &[("content-length", "9")], true),
                Verdict::Keep
            );
            assert_eq!(
                judged(&core(), status, &[("content-length", "0")], true),
                Verdict::MaskClientError
            );
        }
        for status in [400, 403, 406, 410, 429] {
            assert_eq!(
                judged(&core(), status, &[], true),
                Verdict::Keep,
                "{status}"
            );
        }
        let all = Core {
            all_not_found: true,
            ..core()
        };
        assert_eq!(judged(&all, 404, JSON, false), Verdict::MaskClientError);
        assert_eq!(judged(&all, 405, JSON, false), Verdict::MaskClientError);
        assert_eq!(judged(&all, 410, JSON, false), Verdict::Keep);
    }

    #[test]
    fn plain_text_is_a_frameworks_where_that_was_asked_for() {
        let asked = Core {
            client_errors: true,
            ..core()
        };
        for (content_type, is_plain) in [
            ("text/plain", true),
            ("Text/PLAIN;charset=utf-8", true),
            ("text/plain ; charset=utf-8", true),
            ("", true),
            (" ", true),
            ("text/plainer", false),
            ("text/html", false),
            ("application/problem+json", false),
            ("application/json", false),
        ] {
            let lines = [("content-type", content_type)];
            for status in [400, 413, 415, 422, 499] {
                let expected = if is_plain {
                    Verdict::MaskClientError
                } else {
                    Verdict::Keep
                };
                assert_eq!(
                    judged(&asked, status, &lines, false),
                    expected,
                    "{content_type}"
                );
                assert_eq!(judged(&core(), status, &lines, false), Verdict::Keep);
            }
            assert_eq!(judged(&asked, 200, &lines, false), Verdict::Keep);
        }
        for status in [400, 403, 404, 405, 413, 499] {
            assert_eq!(
                judged(&asked, status, &[], false),
                Verdict::MaskClientError,
                "{status}"
            );
            assert_eq!(judged(&core(), status, &[], false), Verdict::Keep);
        }
        // There are no words.
        assert_eq!(judged(&asked, 400, &[], true), Verdict::Keep);
        assert_eq!(judged(&asked, 200, &[], false), Verdict::Keep);
    }

    #[test]
    fn what_takes_the_place_keeps_the_status() {
        for (status, code, title) in [
            (400, "bad_request", "Bad request"),
            (404, "not_found", "Not found"),
            (405, "method_not_allowed", "Method not allowed"),
            (413, "content_too_large", "Content too large"),
            (422, "unprocessable_content", "Unprocessable content"),
            (499, "request_refused", "Request refused"),
            (500, "internal_error", "internal error"),
            (503, "service_unavailable", "Service unavailable"),
            (599, "internal_error", "internal error"),
        ] {
            let rejection = replacement(&core(), StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (
                    rejection.status().as_u16(),
                    rejection.code(),
                    rejection.title()
                ),
                (status, code, title)
            );
        }
    }
}

mod statuses {
    use super::*;

    #[test]
    fn four_statuses_tell_of_the_inside() {
        for (status, expected) in [
            ("2", Some(Fault::Unknown)),
            ("13", Some(Fault::Internal)),
            ("14", Some(Fault::Unavailable)),
            ("15", Some(Fault::DataLoss)),
        ] {
            assert_eq!(fault(&map(&[("grpc-status", status)]), true), expected);
        }
        for status in [
            "0", "1", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "16",
        ] {
            assert_eq!(
                fault(&map(&[("grpc-status", status)]), true),
                None,
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_no_status_counts_as_unknown() {
        for status in ["", "17", "013", "+5", "5 ", "-1", "SELECT 1", "5,7", "\t5"] {
            let found = fault(&map(&[("grpc-status", status)]), false);
            assert_eq!(found, Some(Fault::Unknown), "{status}");
        }
        let twice = map(&[("grpc-status", "5"), ("grpc-status", "7")]);
        assert_eq!(fault(&twice, false), Some(Fault::Unknown));
    }

    #[test]
    fn a_status_is_missed_where_there_are_words_or_has_to_be_one() {
        for name in ["grpc-message", "grpc-status-details-bin"] {
            assert_eq!(fault(&map(&[(name, "x")]), false), Some(Fault::Unknown));
        }
        assert_eq!(fault(&map(&[("x-a", "x")]), false), None);
        assert_eq!(fault(&map(&[("x-a", "x")]), true), Some(Fault::Unknown));
    }

    #[test]
    fn kept_headers_keep_all_their_lines() {
        let mut headers = map(&[
            ("x-a", "1"),
            ("retry-after", "2"),
            ("x-a", "3"),
            ("x-b", "4"),
        ]);
        let names = [HeaderName::from_static("x-a"), RETRY_AFTER];
        keep_only(&mut headers, names.iter());
        let lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(lines.len(), 3);
        for line in [("x-a", "1"), ("x-a", "3"), ("retry-after", "2")] {
            assert!(lines.contains(&line), "{line:?}");
        }
    }
}

mod configuration {
    use super::*;

    fn mistakes(errors: &ConfigErrors) -> Vec<(String, ErrorClass, &'static str)> {
        errors
            .iter()
            .map(|error| (error.path().to_owned(), error.class(), error.code()))
            .collect()
    }

    #[test]
    fn details_are_for_builds_with_debug_assertions() {
        let shown = ErrorMaskLayer::builder().dangerous_show_details();
        let errors = shown.clone().build_for(false).unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [(
                "error_mask.dangerous_show_details".to_owned(),
                ErrorClass::Refused,
                "details_in_release"
            )]
        );
        let layer = shown.build_for(true).unwrap();
        assert_eq!(layer.dangerous(), [("dangerous_show_details", true)]);
        assert_eq!(
            ErrorMaskLayer::builder()
                .build_for(false)
                .unwrap()
                .dangerous(),
            [("dangerous_show_details", false)]
        );
    }

    #[test]
    fn an_error_keeps_no_header_that_tells() {
        for name in [
            "Server",
            "x-powered-by",
            "X-AspNet-Version",
            "x-runtime",
            "x-debug-sql",
            "Set-Cookie",
            "content-length",
            "content-type",
            "content-encoding",
            "etag",
            "last-modified",
            "transfer-encoding",
            "connection",
            "grpc-message",
            "grpc-status-details-bin",
            "via",
        ] {
            let builder = ErrorMaskLayer::builder()
                .strip_headers(["via"])
                .keep_headers(["www-authenticate", name]);
            let errors = builder.build().unwrap_err();
            assert_eq!(
                mistakes(&errors),
                [(
                    "error_mask.keep_headers[1]".to_owned(),
                    ErrorClass::Refused,
                    "keep_header"
                )],
                "{name}"
            );
        }
        let layer = ErrorMaskLayer::builder()
            .keep_headers(["via", "x-debugger", "Retry-After"])
            .build()
            .unwrap();
        let kept: Vec<_> = layer.kept_headers().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["retry-after", "x-request-id", "via", "x-debugger"]);
    }

    #[test]
    fn what_an_answer_needs_is_not_taken_off() {
        for name in [
            "content-length",
            "Transfer-Encoding",
            "connection",
            "upgrade",
            "content-type",
            "content-encoding",
            "grpc-status",
            "location",
        ] {
            let errors = ErrorMaskLayer::builder()
                .strip_headers([name])
                .build()
                .unwrap_err();
            assert_eq!(
                mistakes(&errors),
                [(
                    "error_mask.strip_headers[0]".to_owned(),
                    ErrorClass::Forbidden,
                    "forbidden_header"
                )],
                "{name}"
            );
        }
        let layer = ErrorMaskLayer::builder()
            .strip_headers(["via", "x-backend", "retry-after"])
            .build()
            .unwrap();
        assert_eq!(layer.stripped_headers(), 7);
        let kept: Vec<_> = layer.kept_headers().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["x-request-id"]);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let errors = ErrorMaskLayer::builder()
            .strip_headers(["via", "a b"])
            .strip_headers(["te"])
            .keep_headers(["server", ""])
            .dangerous_show_details()
            .build_for(false)
            .unwrap_err();
        let codes: Vec<_> = errors
            .iter()
            .map(|error| format!("{} {}", error.path(), error.code()))
            .collect();
        assert_eq!(
            codes,
            [
                "error_mask.strip_headers[1] invalid_header",
                "error_mask.strip_headers[2] forbidden_header",
                "error_mask.keep_headers[0] keep_header",
                "error_mask.keep_headers[1] invalid_header",
                "error_mask.dangerous_show_details details_in_release",
            ]
        );
        let text = errors.to_string();
        assert!(
            text.contains(
                "refused header \"server\": it is taken off every answer, name other ones"
            ),
            "{text}"
        );
        let kind = errors
            .iter()
            .next()
            .unwrap()
            .downcast::<ErrorMaskConfigError>()
            .unwrap();
        assert_eq!(
            kind,
            &ErrorMaskConfigError::InvalidHeader {
                name: "a b".to_owned()
            }
        );
    }
}

#[test]
fn a_banner_is_seen_by_its_name_or_its_prefix() {
    let core: Arc<Core> = ErrorMaskLayer::builder()
        .strip_headers(["via"])
        .build()
        .unwrap()
        .core();
    for name in [
        "server",
        "x-powered-by",
        "x-aspnet-version",
        "x-runtime",
        "x-debug-",
        "x-debug-sql",
        "via",
    ] {
        assert!(Seen::of(&map(&[(name, "1")]), &core).has_banner(), "{name}");
    }
    for name in [
        "x-debug",
        "x-debugger",
        "server-timing",
        "x-runtimes",
        "date",
    ] {
        assert!(
            !Seen::of(&map(&[(name, "1")]), &core).has_banner(),
            "{name}"
        );
    }
}
