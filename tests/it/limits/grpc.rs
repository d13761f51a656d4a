//! Streams of messages, where the service speaks gRPC.

use http::{Method, Version};
use tokio::time::Instant;
use tower::Layer;

use super::*;

/// A message with its prefix.
fn message(bytes: u32) -> Vec<u8> {
    let mut message = vec![0];
    message.extend(bytes.to_be_bytes());
    message.resize(5 + bytes as usize, b'm');
    message
}

fn bytes(of: &[u8]) -> Step {
    Step::Data(Bytes::copy_from_slice(of))
}

fn call(steps: Vec<Step>) -> Request<Script> {
    let mut request = post(Script::of(steps));
    *request.version_mut() = Version::HTTP_2;
    let grpc = http::HeaderValue::from_static("application/grpc");
    request.headers_mut().insert("content-type", grpc);
    request
}

fn speaking() -> (LimitsLayer, Told) {
    let builder = LimitsLayer::builder().grpc(true).body_limit(10);
    let builder = builder.body_idle(seconds(2)).body_time(seconds(3));
    build(builder.stream_idle(seconds(60)))
}

/// Served with so many bytes, or the status of gRPC.
async fn status(layer: &LimitsLayer, request: Request<Script>) -> Result<usize, String> {
    let answer = crate::support::service::go(layer.layer(Reader::default()), request).await;
    match answer.headers().get("grpc-status") {
        Some(status) => Err(status.to_str().unwrap().to_owned()),
        None => Ok(came(answer).await.body.parse().unwrap()),
    }
}

#[tokio::test(start_paused = true)]
async fn the_size_is_that_of_a_message() {
    let stream = |sizes: &[u32]| {
        sizes
            .iter()
            .flat_map(|size| message(*size))
            .collect::<Vec<_>>()
    };
    let too_large = || Err("8".to_owned());
    let rows = [
        ("nothing", stream(&[]), Ok(0)),
        ("an empty message", stream(&[0]), Ok(5)),
        ("the largest", stream(&[10]), Ok(15)),
        ("many", stream(&[10; 100]), Ok(1_500)),
        ("one too large", stream(&[11]), too_large()),
        ("the last too large", stream(&[10, 0, 10, 11]), too_large()),
        (
            "a prefix alone",
            vec![0, 0xff, 0xff, 0xff, 0xff],
            too_large(),
        ),
        ("a prefix cut off", vec![0, 0xff, 0xff, 0xff], Ok(4)),
    ];
    for (name, whole, expected) in rows {
        // Wherever it is cut.
        for size in [1, 2, 3, 4, 5, 6, 7, 16, 2_000] {
            let (layer, told) = speaking();
            let steps = whole.chunks(size).map(bytes).collect();
            assert_eq!(status(&layer, call(steps)).await, expected, "{name} {size}");
            assert_eq!(told.codes().is_empty(), expected.is_ok(), "{name} {size}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_stands_still_between_messages_and_not_within() {
    let whole = message(4);
    let (start, end) = whole.split_at(3);
    let (prefix, text) = whole.split_at(5);
    let rows = [
        (
            "between two",
            vec![bytes(&whole), wait(seconds(59)), bytes(&whole)],
            Ok(18),
            59,
        ),
        (
            "before the first",
            vec![wait(seconds(59)), bytes(&whole)],
            Ok(9),
            59,
        ),
        (
            "for too long",
            vec![bytes(&whole), wait(seconds(61)), bytes(&whole)],
            Err("4"),
            60,
        ),
        (
            "in a prefix",
            vec![bytes(start), wait(seconds(3)), bytes(end)],
            Err("4"),
            2,
        ),
        (
            "in a message",
            vec![bytes(prefix), wait(seconds(3)), bytes(text)],
            Err("4"),
            2,
        ),
        (
            "a slow message",
            vec![
                bytes(start),
                wait(millis(1_900)),
                bytes(&end[..1]),
                wait(millis(1_900)),
                bytes(&end[1..]),
            ],
            Err("4"),
            3,
        ),
        (
            "many messages that take a while",
            std::iter::repeat_n([bytes(start), wait(seconds(1)), bytes(end)], 100)
                .flatten()
                .collect(),
            Ok(900),
            100,
        ),
    ];
    for (name, steps, expected, after) in rows {
        let (layer, _) = speaking();
        let began = Instant::now();
        let expected = expected.map_err(str::to_owned);
        assert_eq!(status(&layer, call(steps)).await, expected, "{name}");
        assert_eq!(began.elapsed().as_secs(), after, "{name}");
    }
}

/// Anybody can send the type; what is no stream of gRPC has the limits of a body.
#[tokio::test(start_paused = true)]
async fn only_what_can_be_grpc_is_a_stream() {
    let two = || vec![bytes(&message(5)), bytes(&message(5))];
    let plain = |change: fn(&mut Request<Script>)| {
        let mut request = call(two());
        change(&mut request);
        request
    };
    let rows = [
        ("a call", plain(|_| {}), true),
        (
            "with its codec",
            plain(|it| set(it, "application/grpc+proto")),
            true,
        ),
        (
            "with a parameter",
            plain(|it| set(it, "application/grpc;a=b")),
            true,
        ),
        (
            "for the web",
            plain(|it| set(it, "application/grpc-web")),
            false,
        ),
        (
            "another type",
            plain(|it| set(it, "application/json")),
            false,
        ),
        (
            "a list",
            plain(|it| set(it, "application/grpc, text/html")),
            false,
        ),
        (
            "over HTTP/1",
            plain(|it| *it.version_mut() = Version::HTTP_11),
            false,
        ),
        ("a PUT", plain(|it| *it.method_mut() = Method::PUT), false),
    ];
    for (name, request, is_stream) in rows {
        let (layer, told) = speaking();
        crate::support::service::go(layer.layer(Reader::default()), request).await;
        assert_eq!(told.codes().is_empty(), is_stream, "{name}");
    }
    // And where nobody said that the service speaks it.
    let (layer, _) = build(LimitsLayer::builder().body_limit(10));
    assert_eq!(status(&layer, call(two())).await, Err("8".to_owned()));
}

fn set(request: &mut Request<Script>, content_type: &'static str) {
    let value = http::HeaderValue::from_static(content_type);
    request.headers_mut().insert("content-type", value);
}
