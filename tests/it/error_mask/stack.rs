//! The mask in its slot: what stands outside of it is on its answers too.

use std::future::ready;

use tower_security::core::{ClientIp, Mode};
use tower_security::cors::CorsLayer;
use tower_security::csrf::CsrfLayer;
use tower_security::{CookieLayer, CspLayer, SecurityHeadersLayer, SecurityStack};

use super::*;

#[tokio::test]
async fn a_500_of_the_mask_has_what_every_answer_has() {
    let log = Log::default();
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .build()
        .unwrap();
    let stack = SecurityStack::new()
        .events(log.clone())
        .headers(SecurityHeadersLayer::api())
        .csp(CspLayer::api())
        .cookies(CookieLayer::strict())
        .cors(cors)
        .error_mask(ErrorMaskLayer::new())
        .csrf(CsrfLayer::new());
    let mut request = get("/orders/7");
    request.headers_mut().insert(
        "origin",
        HeaderValue::from_static("https://app.example.com"),
    );
    request
        .extensions_mut()
        .insert(ClientIp::resolved_by_caller("192.0.2.1".parse().unwrap()));
    let panics = || -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
        panic!("orders.total")
    };
    let answer = stack.layer(Calls(panics)).call(request).await.unwrap();
    assert_eq!(answer.status(), 500);
    for name in [
        "access-control-allow-origin",
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "x-request-id",
    ] {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    let line = log.line();
    assert_eq!(line.client, Some("192.0.2.1".parse().unwrap()));
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(line.id.as_deref(), Some(id.as_str()));
    assert!(text(answer).await.contains(&id));
}

/// A guard inside of the mask makes its refusals of the handler's body, one outside of the mask's.
#[tokio::test]
async fn guards_refuse_on_both_sides_of_the_mask() {
    let log = Log::default();
    let stack = || {
        SecurityStack::new()
            .events(log.clone())
            .cors(
                CorsLayer::builder()
                    .origins(["https://app.example.com"])
                    .build()
                    .unwrap(),
            )
            .error_mask(
                ErrorMaskLayer::builder()
                    .mask_client_errors(true)
                    .build()
                    .unwrap(),
            )
    };
    let served = || Calls(|| ready(Ok::<_, Infallible>(answer(200, &[], "seven apples"))));
    let mut forged = get("/");
    *forged.method_mut() = http::Method::POST;
    forged
        .headers_mut()
        .insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let refused = stack().csrf(
        CsrfLayer::builder()
            .events(tower_security::core::NoopSink::new())
            .build()
            .unwrap(),
    );
    let refused = refused.layer(served()).call(forged).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(text(refused).await.contains("csrf_refused"));
    let passed = stack()
        .csrf(CsrfLayer::new())
        .layer(served())
        .call(get("/"))
        .await
        .unwrap();
    assert_eq!(text(passed).await, "seven apples");
    // A body that no refusal can be made of is no matter to what stands outside.
    let foreign = Calls(|| {
        ready(Ok::<_, Infallible>(Response::new(http_body_util::Empty::<
            Bytes,
        >::new())))
    });
    let passed = stack().layer(foreign).call(get("/")).await.unwrap();
    assert_eq!(passed.status(), 200);
    assert!(log.lines().is_empty());
}

#[test]
fn the_posture_says_how_much_is_masked() {
    let posture = |layer: ErrorMaskLayer| {
        let posture = SecurityStack::new().error_mask(layer).posture();
        let entry = posture
            .entries()
            .iter()
            .find(|entry| entry.protection() == "error_mask")
            .unwrap();
        let settings: Vec<_> = entry
            .settings()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (
            entry.state().as_str(),
            settings.join(" "),
            crate::support::posture::warnings(&posture)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let (state, settings, warnings) = posture(ErrorMaskLayer::new());
    assert_eq!(
        (state, settings.as_str()),
        ("on", "client_errors=kept not_found=empty kept=2 stripped=4")
    );
    assert!(warnings.is_empty());
    let builder = ErrorMaskLayer::builder()
        .mask_client_errors(true)
        .mask_all_not_found()
        .keep_headers(["www-authenticate"])
        .strip_headers(["via"])
        .mode(Mode::ReportOnly)
        .dangerous_show_details();
    let (state, settings, warnings) = posture(builder.build().unwrap());
    assert_eq!(
        (state, settings.as_str()),
        (
            "report-only",
            "client_errors=masked not_found=all kept=3 stripped=5"
        )
    );
    assert_eq!(
        warnings,
        [
            "error_mask: report-only",
            "error_mask: dangerous_show_details"
        ]
    );
}

/// The answer is another one, and so is the type of its body; nothing is lost on the way through two masks.
#[tokio::test]
async fn a_mask_within_a_mask_tells_once() {
    let log = Log::default();
    let layers = (mask(&log).build().unwrap(), mask(&log).build().unwrap());
    let stack = SecurityStack::new().error_mask(layers);
    let answer = stack
        .layer(Calls(|| {
            ready(Ok::<_, Infallible>(answer(500, &[], "orders.total")))
        }))
        .call(get("/"))
        .await;
    assert_eq!(answer.unwrap().status(), 500);
    assert_eq!(log.codes(), ["internal_error"]);
}
