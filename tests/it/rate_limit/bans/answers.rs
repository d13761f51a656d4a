//! What a refused client is told.

use super::*;

#[tokio::test]
async fn a_ban_refuses_its_client_alone_until_it_ends() {
    let site = Site::new(|builder| builder);
    site.ban(ALICE, 90 * SECOND);
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(90));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
    site.clock.advance(Duration::from_millis(500));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(90));
    site.clock.advance(Duration::from_millis(500));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(89));
    site.clock.advance(89 * SECOND - Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(1));
    site.clock.advance(Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
}

#[tokio::test]
async fn retry_after_is_never_too_early() {
    for (rest, seconds) in [
        (Duration::from_millis(1), 1),
        (Duration::from_millis(999), 1),
        (SECOND, 1),
        (Duration::from_millis(1_001), 2),
    ] {
        let site = Site::new(|builder| builder);
        site.ban(ALICE, rest);
        assert_eq!(
            site.ask(from(ALICE, "/")).await,
            banned(seconds),
            "{rest:?}"
        );
        site.clock.advance(Duration::from_secs(seconds));
        assert_eq!(site.ask(from(ALICE, "/")).await, passes(), "{rest:?}");
    }
}

#[tokio::test]
async fn the_answer_says_what_clients_need_and_the_extensions_the_rest() {
    let site = Site::new(|builder| builder.blocklist(set(["198.51.100.0/24"])));
    site.ban(ALICE, MINUTE);
    let rest = MINUTE;
    for (ip, refusal, code) in [
        (ALICE, BanRefusal::Banned { rest }, "banned"),
        ("198.51.100.3", BanRefusal::Blocklisted, "blocked"),
    ] {
        let answer = site.answer(from(ip, "/")).await;
        assert_eq!(answer.extensions().get(), Some(&refusal), "{ip}");
        assert_eq!(refusal.code(), code);
        let mark = answer.extensions().get::<Refused>().unwrap();
        assert_eq!(
            (mark.code(), mark.status(), mark.abuse()),
            (code, StatusCode::FORBIDDEN, None)
        );
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["cache-control"], "no-store");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["status"], &body["code"]),
            (&403.into(), &code.into())
        );
        assert_eq!(body.get("type"), None);
    }
}

#[tokio::test]
async fn the_duration_can_be_hidden() {
    let site = Site::new(BanBuilder::hide_duration);
    site.ban(ALICE, MINUTE);
    assert_eq!(site.ask(from(ALICE, "/")).await, (403, None));
}

#[tokio::test]
async fn a_ban_can_be_answered_with_429() {
    const REGISTERED: &str =
        "https://iana.org/assignments/http-problem-types#abnormal-usage-detected";
    const OWN: &str = "https://example.com/problems/banned";
    let status = |builder: BanBuilder| builder.status(BanStatus::TooManyRequests);
    for (site, uri) in [
        (Site::new(status), REGISTERED),
        (Site::new(|builder| status(builder).problem_type(OWN)), OWN),
    ] {
        site.ban(ALICE, MINUTE);
        let answer = site.answer(from(ALICE, "/")).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "60");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["type"], &body["code"]),
            (&uri.into(), &"banned".into())
        );
        assert_eq!(site.ask(from(BOB, "/")).await, passes());
    }
}

#[tokio::test]
async fn grpc_and_head_are_answered_in_their_own_way() {
    for status in [BanStatus::Forbidden, BanStatus::TooManyRequests] {
        let site = Site::new(|builder| builder.status(status).blocklist(set([BOB])));
        site.ban(ALICE, MINUTE);
        for ip in [ALICE, BOB] {
            let mut call = from(ip, "/orders.Orders/Get");
            *call.method_mut() = Method::POST;
            let grpc = "application/grpc".parse().unwrap();
            call.headers_mut().insert("content-type", grpc);
            let answer = site.answer(call).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["grpc-status"], "7");
            for name in [
                "retry-after",
                "grpc-retry-pushback-ms",
                "grpc-status-details-bin",
            ] {
                assert!(!answer.headers().contains_key(name), "{name}");
            }
        }
        let mut head = from(ALICE, "/");
        *head.method_mut() = Method::HEAD;
        let answer = site.answer(head).await;
        assert_eq!(answer.headers()["retry-after"], "60");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty());
    }
}
