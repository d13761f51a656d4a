//! Who is one client.

use super::*;

#[tokio::test]
async fn one_ipv6_subscriber_and_one_mapped_address_are_one_client() {
    let site = Site::new(three_probes);
    for ip in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2::3"] {
        assert_eq!(site.ask(from(ip, "/probe")).await, passes());
    }
    assert_eq!(
        site.ask(from("2001:db8:1:2:abcd::", "/")).await,
        banned(3_600)
    );
    assert_eq!(site.ask(from("2001:db8:1:3::1", "/")).await, passes());

    for ip in [ALICE, "::ffff:192.0.2.7", ALICE] {
        assert_eq!(site.ask(from(ip, "/probe")).await, passes());
    }
    assert_eq!(site.ask(from("::ffff:192.0.2.7", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("::ffff:192.0.2.8", "/")).await, passes());
    // Not mapped, though it has the same last bits.
    assert_eq!(site.ask(from("::192.0.2.7", "/")).await, passes());
}

#[tokio::test]
async fn the_width_of_a_client_can_be_chosen() {
    let rows = [
        (32, 64, "192.0.2.200", "2001:db8:0:1::1", [200, 200]),
        (24, 48, "192.0.2.200", "2001:db8:0:1::1", [403, 403]),
        (24, 48, "192.0.3.7", "2001:db8:1:1::1", [200, 200]),
    ];
    for (v4, v6, first, second, expected) in rows {
        let site = Site::new(|builder| builder.client_prefix(v4, v6));
        site.ban(ALICE, MINUTE);
        site.ban("2001:db8::1", MINUTE);
        let statuses = [
            site.ask(from(first, "/")).await.0,
            site.ask(from(second, "/")).await.0,
        ];
        assert_eq!(statuses, expected, "/{v4} /{v6} {first}");
    }
    let orders: [fn(BanBuilder) -> BanBuilder; 3] = [
        BanBuilder::dangerous_full_v6,
        |builder| builder.client_prefix(24, 48).dangerous_full_v6(),
        |builder| builder.dangerous_full_v6().client_prefix(24, 48),
    ];
    for order in orders {
        let full = Site::new(order);
        full.ban("2001:db8::1", MINUTE);
        assert_eq!(full.ask(from("2001:db8::1", "/")).await, banned(60));
        assert_eq!(full.ask(from("2001:db8::2", "/")).await, passes());
        assert_eq!(full.layer.dangerous(), [("dangerous_full_v6", true)]);
    }
    let plain = Site::new(|builder| builder);
    assert_eq!(plain.layer.dangerous(), [("dangerous_full_v6", false)]);
}

#[tokio::test]
async fn requests_without_an_address_count_as_one_client_or_are_refused() {
    let site = Site::new(three_probes);
    for _ in 0..3 {
        assert_eq!(site.ask(nobody("/probe")).await, passes());
    }
    let told = site.events.take();
    let codes: Vec<_> = told.iter().map(|told| (told.name, told.code)).collect();
    assert_eq!(
        codes,
        [
            (EventName::SysMonitorDisabled, "peer_address_missing"),
            (EventName::ExcessRateLimitExceeded, "ban_started"),
        ]
    );
    let remedy = told[0].detail.as_deref().unwrap();
    assert!(
        remedy.contains("into_make_service_with_connect_info"),
        "{remedy}"
    );
    assert_eq!(site.ask(nobody("/")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());

    let site = Site::new(|builder| builder.on_missing(OnMissing::Refuse));
    let answer = site.answer(nobody("/")).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.extensions().get(), Some(&BanRefusal::AddressMissing));
    assert_eq!(
        answer.extensions().get::<Refused>().unwrap().code(),
        "client_ip_missing"
    );
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    let codes: Vec<_> = site.events.take().iter().map(|told| told.code).collect();
    assert_eq!(codes, ["peer_address_missing", "client_ip_missing"]);
    let mut call = nobody("/orders.Orders/Get");
    *call.method_mut() = Method::POST;
    let grpc = "application/grpc".parse().unwrap();
    call.headers_mut().insert("content-type", grpc);
    assert_eq!(site.answer(call).await.headers()["grpc-status"], "7");
}

#[tokio::test]
async fn a_layer_that_has_nothing_to_do_yet_misses_nothing() {
    let site = Site::new(|builder| builder);
    for client in [ALICE, BOB] {
        assert_eq!(site.ask(from(client, "/")).await, passes());
    }
    assert!(site.events.take().is_empty());
    // That nobody is banned yet is no reason not to say that nobody could be.
    assert_eq!(site.ask(nobody("/")).await, passes());
    let codes: Vec<_> = site.events.take().iter().map(|told| told.code).collect();
    assert_eq!(codes, ["peer_address_missing"]);

    site.ban(ALICE, HOUR);
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
    assert!(site.layer.table().unban(site.key(ALICE)));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    site.ban(BOB, HOUR);
    assert_eq!(site.ask(from(BOB, "/")).await, banned(3_600));

    let strict = Site::new(|builder| builder.on_missing(OnMissing::Refuse));
    assert_eq!(strict.ask(from(ALICE, "/")).await, passes());
    assert_eq!(strict.ask(nobody("/")).await, blocked());
    strict
        .layer
        .handle()
        .set_lists(set([]), set(["192.0.2.7/32"]))
        .unwrap();
    assert_eq!(strict.ask(from(ALICE, "/")).await, blocked());
    assert_eq!(strict.ask(from(BOB, "/")).await, passes());
}

/// Trusts `10.0.0.0/8` to name clients.
fn behind_proxies() -> TrustedProxies {
    ClientIp::trusted_proxies([net("10.0.0.0/8")]).unwrap()
}

fn forwarded(line: &'static str, path: &str) -> Request<Full<Bytes>> {
    let mut request = from("10.0.0.1", path);
    let line = http::HeaderValue::from_static(line);
    request.headers_mut().insert("x-forwarded-for", line);
    request
}

#[tokio::test]
async fn the_client_is_found_behind_proxies_unless_somebody_has_found_it() {
    let site = Site::new(|builder| builder.client_ip(behind_proxies()));
    site.ban(ALICE, MINUTE);
    assert_eq!(
        site.ask(forwarded("203.0.113.1, 192.0.2.7", "/")).await,
        banned(60)
    );
    assert_eq!(
        site.ask(forwarded("192.0.2.7, 203.0.113.1", "/")).await,
        passes()
    );
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    // The layer outside has the last word.
    let mut request = forwarded("192.0.2.7", "/");
    let other = ClientIp::resolved_by_caller(BOB.parse().unwrap());
    request.extensions_mut().insert(other);
    assert_eq!(site.ask(request).await, passes());

    let direct = Site::new(|builder| builder);
    direct.ban(ALICE, MINUTE);
    assert_eq!(direct.ask(forwarded("192.0.2.7", "/")).await, passes());
}

#[tokio::test]
async fn a_degraded_address_is_neither_the_proxy_nor_safe() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .client_ip(behind_proxies())
            .safelist(set(["10.9.0.0/16"]))
    });
    for _ in 0..3 {
        assert_eq!(site.ask(forwarded("garbage", "/probe")).await, passes());
    }
    assert_eq!(site.ask(forwarded("garbage", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    assert_eq!(site.rest("10.0.0.1"), None);

    let site = Site::new(|builder| {
        three_probes(builder)
            .client_ip(behind_proxies())
            .safelist(set(["10.0.0.0/8"]))
    });
    for _ in 0..4 {
        assert_eq!(site.ask(from("10.0.0.1", "/probe")).await, passes());
    }
    for _ in 0..3 {
        assert_eq!(site.ask(forwarded("garbage", "/probe")).await, passes());
    }
    assert_eq!(site.ask(forwarded("garbage", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    let codes: Vec<_> = site.events.take().iter().map(|told| told.code).collect();
    assert_eq!(codes, ["client_ip_degraded", "ban_started", "banned"]);
}

/// Trusts `10.0.0.0/8` and its own Unix socket to name clients in `Forwarded`, to which they append.
fn behind_appending_proxies() -> TrustedProxies {
    TrustedProxies::builder()
        .nets([net("10.0.0.0/8")])
        .trust_unix_socket()
        .header(ForwardHeader::Forwarded)
        .build()
        .unwrap()
}

fn appended(line: &'static str) -> Request<Full<Bytes>> {
    let mut request = from("10.0.0.1", "/");
    let line = http::HeaderValue::from_static(line);
    request.headers_mut().insert("forwarded", line);
    request
}

/// What a listed client has sent as a line of his own, before the proxy added him.
const OPEN_QUOTE: &str = "for=\"x, for=192.0.2.7";

#[tokio::test]
async fn an_open_quote_in_forwarded_hides_nobody_from_a_blocklist_where_that_is_refused() {
    let strict = |builder: BanBuilder| {
        three_probes(builder)
            .client_ip(behind_appending_proxies())
            .blocklist(set([ALICE]))
            .on_degraded(OnDegraded::Refuse)
    };
    let site = Site::new(strict);
    assert_eq!(site.ask(appended("for=192.0.2.7")).await, blocked());
    assert_eq!(site.ask(appended("for=192.0.2.8")).await, passes());
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    site.events.take();

    let answer = site.answer(appended(OPEN_QUOTE)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.headers().get("retry-after"), None);
    let refusal = answer.extensions().get();
    assert_eq!(refusal, Some(&BanRefusal::AddressDegraded));
    let mark = answer.extensions().get::<Refused>().unwrap();
    assert_eq!((mark.code(), mark.abuse()), ("client_ip_degraded", None));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["code"], "client_ip_degraded");
    let told: Vec<_> = site
        .events
        .take()
        .into_iter()
        .map(|told| (told.name, told.layer, told.outcome, told.rule))
        .collect();
    assert_eq!(
        told,
        [
            (
                EventName::InputValidationFail,
                "client_ip",
                Outcome::Success,
                "forwarded".to_owned()
            ),
            (
                EventName::InputValidationFail,
                "bans",
                Outcome::Refused,
                "address_degraded".to_owned()
            ),
        ]
    );

    let mut call = appended(OPEN_QUOTE);
    *call.method_mut() = Method::POST;
    let grpc = "application/grpc".parse().unwrap();
    call.headers_mut().insert("content-type", grpc);
    let answer = site.answer(call).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["grpc-status"], "7");

    // By default it is as if nobody were listed.
    let lax = Site::new(|builder| strict(builder).on_degraded(OnDegraded::Own));
    assert_eq!(lax.ask(appended(OPEN_QUOTE)).await, passes());
    assert_eq!(lax.ask(appended("for=192.0.2.7")).await, blocked());
    let reports = Site::new(|builder| strict(builder).mode(Mode::ReportOnly));
    assert_eq!(reports.ask(appended(OPEN_QUOTE)).await, passes());
    let codes = reports.events.codes();
    let would = (
        "client_ip_degraded",
        Outcome::WouldRefuse,
        "address_degraded".to_owned(),
    );
    assert_eq!(codes.last(), Some(&would));
}

#[tokio::test]
async fn a_degraded_client_is_refused_whoever_has_found_it_and_never_counted_or_safe() {
    // The layer outside knows of proxies; this one has nothing to do but this.
    let site = Site::new(|builder| builder.on_degraded(OnDegraded::Refuse));
    let finder = ClientIpLayer::new(behind_appending_proxies());
    let outside = finder.layer(site.layer.layer(site.handler.clone()));
    for (line, status) in [(OPEN_QUOTE, 403), ("for=192.0.2.7", 200)] {
        let answer = go(outside.clone(), appended(line)).await;
        assert_eq!(answer.status(), status, "{line}");
    }

    let site = Site::new(|builder| {
        builder
            .client_ip(behind_appending_proxies())
            .safelist(set(["10.0.0.0/8"]))
            .on_degraded(OnDegraded::Refuse)
            .fail2ban(|_| true, 1, MINUTE, HOUR)
    });
    for _ in 0..2 {
        assert_eq!(site.ask(appended(OPEN_QUOTE)).await, blocked());
    }
    assert_eq!(site.layer.table().stats().started, 0);
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
}

#[tokio::test]
async fn behind_a_unix_socket_who_cannot_be_read_is_missing() {
    let socket = || {
        let mut request = appended(OPEN_QUOTE);
        request.extensions_mut().insert(PeerAddr::Unix);
        request
    };
    for (on_missing, verdict) in [
        (OnMissing::SharedBucket, passes()),
        (OnMissing::Refuse, blocked()),
    ] {
        let site = Site::new(|builder| {
            builder
                .client_ip(behind_appending_proxies())
                .on_degraded(OnDegraded::Refuse)
                .on_missing(on_missing)
        });
        assert_eq!(site.ask(socket()).await, verdict);
    }
}
