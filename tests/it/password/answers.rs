//! What a client is told.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_security::core::{AbuseKind, AbuseSignal, RefusalContext, Rejection};
use tower_security::password::{HashError, PasswordFault, VerifyError};

pub(super) fn rendered(rejection: Rejection) -> Response<Full<Bytes>> {
    let (head, ()) = Request::post("/login").body(()).unwrap().into_parts();
    rejection.into_response(&RefusalContext::new(&head))
}

fn over_grpc(rejection: Rejection) -> Response<Full<Bytes>> {
    let request = Request::post("/login").header("content-type", "application/grpc");
    let (head, ()) = request.body(()).unwrap().into_parts();
    rejection.into_response(&RefusalContext::new(&head))
}

#[tokio::test]
async fn each_refusal_has_its_answer() {
    let retry_after = Duration::from_millis(1_200);
    let fault = PasswordFault::Panicked;
    let failed = (401, "login_failed", "16", None, Some(AbuseKind::AuthFailed));
    let verify = [
        (VerifyError::Invalid, failed),
        (VerifyError::MalformedHash, failed),
        (VerifyError::CostAboveCeiling, failed),
        (
            VerifyError::TooLong,
            (400, "password_too_long", "3", None, None),
        ),
        (
            VerifyError::Busy { retry_after },
            (503, "busy", "8", Some("2"), None),
        ),
        (
            VerifyError::Internal(fault),
            (500, "internal_error", "13", None, None),
        ),
    ];
    let verify = verify.map(|(error, row)| (error.rejection(), Rejection::from(error), row));
    let hash = [
        (HashError::Empty, (422, "password_refused", "3", None, None)),
        (
            HashError::TooLong,
            (400, "password_too_long", "3", None, None),
        ),
        (
            HashError::Busy { retry_after },
            (503, "busy", "8", Some("2"), None),
        ),
        (
            HashError::Internal(fault),
            (500, "internal_error", "13", None, None),
        ),
    ];
    let hash = hash.map(|(error, row)| (error.rejection(), Rejection::from(error), row));
    for (plain, grpc, (status, code, grpc_status, retry, abuse)) in verify.into_iter().chain(hash) {
        assert_eq!(plain.code(), code);
        let answer = rendered(plain);
        assert_eq!(answer.status(), status, "{code}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        // RFC 9110 section 15.5.2.
        let challenge = answer.headers().get("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401, "{code}");
        let line = answer.headers().get("retry-after");
        assert_eq!(line.map(|line| line.to_str().unwrap()), retry, "{code}");
        let sign = AbuseSignal::of(answer.extensions());
        assert_eq!(sign, abuse, "{code}");
        let answer = over_grpc(grpc);
        assert_eq!(answer.headers()["grpc-status"], grpc_status, "{code}");
    }
}

/// Byte by byte: who has no account cannot be told from who has mistyped, nor from whose hash is broken.
#[test]
fn every_login_that_fails_is_answered_alike() {
    let of = |error: VerifyError| format!("{:?}", rendered(error.rejection()));
    let invalid = of(VerifyError::Invalid);
    assert_eq!(invalid, of(VerifyError::MalformedHash));
    assert_eq!(invalid, of(VerifyError::CostAboveCeiling));
    // RFC 9110, section 15.5.2.
    let headers = rendered(VerifyError::Invalid.rejection()).headers().clone();
    assert_eq!(headers["www-authenticate"], r#"Bearer realm="api""#);
    assert_ne!(invalid, of(VerifyError::TooLong));
}
