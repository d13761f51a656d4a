use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Response;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::core::{EventName, Level, ManualClock, Outcome, SecurityEvent};

const XFF: &str = "x-forwarded-for";

type Told = (EventName, Level, Outcome, String);

/// A sink and what it heard: name, level, outcome, and the rest in words.
fn listening() -> (
    impl Fn(&SecurityEvent<'_>) + Send + Sync,
    Arc<Mutex<Vec<Told>>>,
) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let sink = move |event: &SecurityEvent<'_>| {
        let words = format!(
            "{} {} {:?} {:?} {:?}",
            event.layer,
            event.code,
            event.client_ip,
            event.rule.as_deref(),
            event.detail.as_deref()
        );
        log.lock()
            .unwrap()
            .push((event.name, event.level, event.outcome, words));
    };
    (sink, heard)
}

/// The `ClientIp` that the inner service sees.
async fn seen(layer: &ClientIpLayer, head: Parts) -> Option<ClientIp> {
    let inner = service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(Response::new(ClientIp::from_extensions(
            request.extensions(),
        )))
    });
    let request = Request::from_parts(head, ());
    let Ok(response) = ServiceExt::<Request<()>>::oneshot(layer.layer(inner), request).await;
    response.into_body()
}

#[tokio::test]
async fn the_layer_attaches_what_the_proxies_say() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let layer = ClientIpLayer::new(proxies.clone());
    for head in [
        call("10.0.0.1", &[(XFF, b"192.0.2.7")]),
        call("203.0.113.9", &[(XFF, b"192.0.2.7")]),
        call("10.0.0.1", &[(XFF, b"garbage")]),
        call("none", &[]),
    ] {
        let expected = proxies.resolve(&head);
        assert_eq!(seen(&layer, head).await, expected);
    }
}

#[tokio::test]
async fn an_address_that_is_there_stays() {
    let layer = ClientIpLayer::new(TrustedProxies::direct());
    let mut head = call("203.0.113.9", &[]);
    let client = ClientIp::resolved_by_caller("192.0.2.7".parse().unwrap());
    head.extensions.insert(client);
    assert_eq!(seen(&layer, head).await, Some(client));
    assert_eq!((client.source(), client.peer()), (IpSource::Caller, None));
}

#[tokio::test]
async fn a_degraded_address_is_told_once_a_minute() {
    let (sink, heard) = listening();
    let clock = ManualClock::new();
    let proxies = behind(ForwardHeader::XForwardedFor)
        .trust_unix_socket()
        .build()
        .unwrap();
    let layer = ClientIpLayer::new(proxies)
        .events(sink)
        .clock(clock.clone());
    let garbage = |peer| seen(&layer, call(peer, &[(XFF, b"garbage")]));

    seen(&layer, call("10.0.0.1", &[(XFF, b"192.0.2.7")])).await;
    seen(&layer, call("10.0.0.1", &[])).await;
    assert_eq!(*heard.lock().unwrap(), []);

    for _ in 0..3 {
        garbage("10.0.0.1").await;
    }
    clock.advance(Duration::from_millis(59_999));
    garbage("10.0.0.1").await;
    clock.advance(Duration::from_millis(1));
    garbage("unix").await;
    let told = |client: &str, suppressed: u32| {
        let words = format!(
            "client_ip client_ip_degraded {client} Some(\"x-forwarded-for\") Some(\"suppressed={suppressed}\")"
        );
        (
            EventName::InputValidationFail,
            Level::Warn,
            Outcome::Success,
            words,
        )
    };
    assert_eq!(
        *heard.lock().unwrap(),
        [told("Some(10.0.0.1)", 0), told("None", 3)]
    );
}

#[tokio::test]
async fn all_services_of_a_layer_share_the_minute() {
    let (sink, heard) = listening();
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let layer = ClientIpLayer::new(proxies)
        .clock(ManualClock::new())
        .events(sink);
    for layer in [layer.clone(), layer] {
        seen(&layer, call("10.0.0.1", &[(XFF, b"garbage")])).await;
    }
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_services_forward_readiness() {
    let (mock, mut handle) = tower_test::mock::pair::<Request<()>, Response<()>>();
    let layer = ClientIpLayer::new(TrustedProxies::direct());
    let peer = PeerAddr::from(SocketAddr::from(([192, 0, 2, 7], 1)));
    let mut service = tower_test::mock::Spawn::new(WithPeerAddr::new(layer.layer(mock), peer));
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let answer = service.call(Request::new(()));
    let (request, reply) = handle.next_request().await.unwrap();
    let client = ClientIp::from_extensions(request.extensions()).unwrap();
    assert_eq!(client.ip().to_string(), "192.0.2.7");
    reply.send_response(Response::new(()));
    answer.await.unwrap();
}
