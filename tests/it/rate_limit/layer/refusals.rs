//! Most refusals are written in a way of their own; a renderer that renders nothing has them made as all others are.

use super::stores::Away;
use super::*;

struct Silent;

impl RejectionRenderer for Silent {
    fn render(&self, _: &Rejection, _: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
        None
    }
}

/// A layer over a store that is there or away, on a clock that stands still.
fn layer(
    policies: &[Policy],
    style: HeaderStyle,
    is_away: bool,
    is_rendered: bool,
) -> RateLimitLayer<Away> {
    let store = Away::new();
    let builder = RateLimitLayer::builder()
        .store(store.clone())
        .clock(ManualClock::new())
        .headers(style, Emit::OnRefusal);
    let builder = if is_rendered {
        builder.renderer(Silent)
    } else {
        builder
    };
    let builder = policies
        .iter()
        .fold(builder, |all, one| all.policy(one.clone()));
    let layer = builder.build().unwrap();
    store.away(is_away);
    layer
}

/// All that a client and the layers outside see of an answer.
async fn seen(answer: Answer) -> String {
    let (head, body) = answer.into_parts();
    let lines: Vec<_> = head.headers.iter().collect();
    let body = text(Response::new(body)).await;
    let marker = head.extensions.get::<Refused>();
    let reason = head.extensions.get::<RateLimited>();
    let peer = head.extensions.get::<PeerAddr>();
    let (version, status) = (head.version, head.status);
    format!("{version:?} {status} {lines:?} {body} {marker:?} {reason:?} {peer:?}")
}

#[tokio::test]
async fn the_quick_way_and_the_whole_one_say_the_same() {
    let strict = Policy::new("strict", Quota::per_minute(9))
        .key(key::extension::<u64>())
        .on_missing(OnMissing::Refuse);
    let closed = by_address(1).on_store_error(OnStoreError::Deny);
    let draft = IetfDraft::Draft10;
    // Policies, style, whether the store is away; status and code.
    let rows: [(&[Policy], HeaderStyle, bool, u16, &str); 6] = [
        (
            &[by_address(1)],
            HeaderStyle::default(),
            false,
            429,
            "rate_limited",
        ),
        (
            &[by_address(1)],
            HeaderStyle::Both(draft),
            false,
            429,
            "rate_limited",
        ),
        (
            &[by_address(1)],
            HeaderStyle::None,
            false,
            429,
            "rate_limited",
        ),
        (
            &[by_address(1), everybody("all", 1)],
            HeaderStyle::LegacyX,
            false,
            429,
            "rate_limited",
        ),
        (
            &[strict],
            HeaderStyle::default(),
            false,
            403,
            "rate_key_missing",
        ),
        (
            &[closed],
            HeaderStyle::default(),
            true,
            503,
            "rate_store_unavailable",
        ),
    ];
    for (policies, style, is_away, status, code) in rows {
        for (method, content_type) in [
            (Method::GET, "text/plain"),
            (Method::HEAD, "text/plain"),
            (Method::POST, "application/json"),
            (Method::POST, "application/grpc"),
        ] {
            let mut answers = Vec::new();
            for is_rendered in [false, true] {
                let service = layer(policies, style, is_away, is_rendered).layer(Spy::new());
                go(service.clone(), one()).await;
                let mut request = one();
                *request.method_mut() = method.clone();
                let headers = request.headers_mut();
                headers.insert("content-type", HeaderValue::from_static(content_type));
                headers.insert("cookie", HeaderValue::from_static("secret"));
                let answer = go(service, request).await;
                let refused = answer.extensions().get::<Refused>().unwrap();
                assert_eq!((refused.status().as_u16(), refused.code()), (status, code));
                answers.push(seen(answer).await);
            }
            assert_eq!(answers[0], answers[1], "{method} {code} {style:?}");
        }
    }
}
