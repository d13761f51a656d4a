//! gRPC and gRPC-Web, with tonic on both ends of a socket.

use tonic::codegen::tokio_stream::Stream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower_security::SecurityStack;
use tower_security::core::Mode;
use tower_security::stack::Innermost;

use super::*;
use crate::support::wire::Server;

const SECRET: &str = "no such table: users";
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// A service that does what the name of the asked service says: a number is the status that it fails with.
#[derive(Debug)]
struct Failing;

fn failure(code: &str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-cause", MetadataValue::from_static(SECRET));
    metadata.insert("retry-after", MetadataValue::from_static("7"));
    metadata.insert("grpc-retry-pushback-ms", MetadataValue::from_static("250"));
    let details = Bytes::from_static(SECRET.as_bytes());
    let code = Code::from_bytes(code.as_bytes());
    Status::with_details_and_metadata(code, SECRET, details, metadata)
}

/// One message, and then what the name says.
struct Messages(Option<Result<HealthCheckResponse, Status>>, String);

impl Stream for Messages {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.0.take() {
            return Poll::Ready(Some(first));
        }
        assert!(self.1 != "panic", "{SECRET}");
        let end = std::mem::take(&mut self.1);
        Poll::Ready((!end.is_empty()).then(|| Err(failure(&end))))
    }
}

#[tonic::async_trait]
impl Health for Failing {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "panic" => panic!("{SECRET}"),
            "" => Ok(tonic::Response::new(HealthCheckResponse::default())),
            code => Err(failure(code)),
        }
    }

    type WatchStream = Messages;

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Messages>, Status> {
        let first = Some(Ok(HealthCheckResponse::default()));
        Ok(tonic::Response::new(Messages(
            first,
            request.into_inner().service,
        )))
    }
}

async fn server(layer: ErrorMaskLayer) -> (Server, HealthClient<Channel>) {
    let stack = SecurityStack::new().error_mask(layer);
    let server = Server::tonic(stack, Routes::new(HealthServer::new(Failing))).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let client = HealthClient::new(endpoint.connect().await.unwrap());
    (server, client)
}

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

/// Asserts what a client reads of a masked status.
#[track_caller]
fn assert_masked(status: &Status, code: Code, message: &str) {
    assert_eq!((status.code(), status.message()), (code, message));
    assert_eq!(status.details(), b"");
    assert!(status.metadata().get("x-cause").is_none());
    assert!(!format!("{status:?}").contains("users"), "{status:?}");
}

const MASKED: [(&str, Code, &str); 4] = [
    ("2", Code::Unknown, "internal error"),
    ("13", Code::Internal, "internal error"),
    ("14", Code::Unavailable, "unavailable"),
    ("15", Code::DataLoss, "internal error"),
];

#[tokio::test]
async fn a_status_in_the_head_tells_nothing_internal() {
    let log = Log::default();
    let (_server, mut client) = server(mask(&log).build().unwrap()).await;
    for (number, code, message) in MASKED {
        let status = client.check(ask(number)).await.unwrap_err();
        assert_masked(&status, code, message);
        assert_eq!(status.metadata().get("retry-after").unwrap(), "7");
        assert_eq!(
            status.metadata().get("grpc-retry-pushback-ms").unwrap(),
            "250"
        );
        let line = log.lines().pop().unwrap();
        assert_eq!(
            (line.code, line.path.as_deref()),
            ("internal_error", Some(CHECK))
        );
        assert_eq!(
            line.detail,
            format!("grpc-status={number} grpc-message={SECRET}")
        );
    }
    assert_eq!(log.lines().len(), 4);
    let status = client.check(ask("panic")).await.unwrap_err();
    assert_masked(&status, Code::Internal, "internal error");
    assert_eq!(log.lines().pop().unwrap().code, "panic");
    // The connection goes on, and so do a handler's own words.
    client.check(ask("")).await.unwrap();
    for number in ["3", "5", "7", "8", "9", "16"] {
        let status = client.check(ask(number)).await.unwrap_err();
        assert_eq!(status.message(), SECRET, "{number}");
        assert_eq!(status.details(), SECRET.as_bytes());
    }
    assert_eq!(log.lines().len(), 5);
}

#[tokio::test]
async fn a_status_in_trailers_tells_nothing_internal() {
    let log = Log::default();
    let (_server, mut client) = server(mask(&log).build().unwrap()).await;
    for (number, code, message) in MASKED {
        let mut stream = client.watch(ask(number)).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        assert_masked(&stream.message().await.unwrap_err(), code, message);
    }
    assert_eq!(log.codes(), ["internal_error"; 4]);
    for number in ["5", "7"] {
        let mut stream = client.watch(ask(number)).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        assert_eq!(stream.message().await.unwrap_err().message(), SECRET);
    }
    let mut whole = client.watch(ask("")).await.unwrap().into_inner();
    assert!(whole.message().await.unwrap().is_some());
    assert!(whole.message().await.unwrap().is_none());
    assert_eq!(log.lines().len(), 4);
    // A stream that panics is reset, and its client reads no end. The reset may overtake what was sent before.
    let status = match client.watch(ask("panic")).await {
        Err(status) => status,
        Ok(stream) => {
            let mut stream = stream.into_inner();
            loop {
                match stream.message().await {
                    Ok(message) => assert!(message.is_some(), "it looks like the whole"),
                    Err(status) => break status,
                }
            }
        }
    };
    assert!(!format!("{status:?}").contains("users"), "{status:?}");
    assert_eq!(log.codes().last(), Some(&"body_panic"));
    client.check(ask("")).await.unwrap();
}

#[tokio::test]
async fn without_the_mask_a_client_reads_all_of_it() {
    let log = Log::default();
    let (_server, mut client) = server(mask(&log).mode(Mode::ReportOnly).build().unwrap()).await;
    let status = client.check(ask("13")).await.unwrap_err();
    assert_eq!(
        (status.message(), status.details()),
        (SECRET, SECRET.as_bytes())
    );
    let mut stream = client.watch(ask("13")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(stream.message().await.unwrap_err().message(), SECRET);
    assert_eq!(log.codes(), ["internal_error"; 2]);
}

/// tonic's server looks for a status in the errors of its services, and sends its message.
#[tokio::test]
async fn a_status_in_an_error_of_the_service_is_not_sent() {
    #[derive(Clone, Debug)]
    struct Refusing;

    impl<S> Layer<S> for Refusing {
        type Service = Self;

        fn layer(&self, _: S) -> Self {
            Self
        }
    }

    impl Service<Request<tonic::body::Body>> for Refusing {
        type Response = Response<tonic::body::Body>;
        type Error = Box<dyn std::error::Error + Send + Sync>;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<tonic::body::Body>) -> Self::Future {
            std::future::ready(Err(Status::permission_denied(SECRET).into()))
        }
    }

    for (mode, code, message) in [
        (Mode::Enforce, Code::Internal, "internal error"),
        (Mode::ReportOnly, Code::PermissionDenied, SECRET),
    ] {
        let log = Log::default();
        let layer = mask(&log).mode(mode).build().unwrap();
        let stack = SecurityStack::new()
            .error_mask(layer)
            .extra(Innermost, Refusing);
        let server = Server::tonic(stack, Routes::new(HealthServer::new(Failing))).await;
        let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
        let mut client = HealthClient::new(endpoint.connect().await.unwrap());
        let status = client.check(ask("")).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
        let line = log.line();
        assert_eq!(line.code, "service_error");
        assert!(line.detail.contains(SECRET), "{}", line.detail);
    }
}

fn web_call(content_type: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    Request::post("/grpc.health.v1.Health/Watch")
        .header("host", "api.example.com")
        .header("content-type", content_type)
        .header("accept", content_type)
        .header("x-grpc-web", "1")
        .body(Full::new(Bytes::from_static(body)))
        .unwrap()
}

/// A frame with the message `service: "13"`.
const THIRTEEN: &[u8] = b"\0\0\0\0\x04\x0a\x0213";
const THIRTEEN_TEXT: &[u8] = b"AAAAAAQKAjEz";
/// A frame with an empty message, then the trailers in another.
const WEB: &[u8] = b"\0\0\0\0\0\x80\0\0\0\x58grpc-status:13\r\ngrpc-message:internal error\r\nretry-after:7\r\ngrpc-retry-pushback-ms:250\r\n";

/// The lines of the trailers in their order by name: a map has none of its own.
fn sorted(web: &[u8]) -> (Vec<u8>, Vec<String>) {
    let (head, lines) = web.split_at(10);
    let mut lines: Vec<_> = std::str::from_utf8(lines)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    (head.to_vec(), lines)
}

#[tokio::test]
async fn trailers_of_grpc_web_tell_nothing_wherever_tonics_layer_stands() {
    let log = Log::default();
    let routes = || Routes::new(HealthServer::new(Failing));
    let stack = || SecurityStack::new().error_mask(mask(&log).build().unwrap());
    let inside = Server::tonic(stack().extra(Innermost, GrpcWebLayer::new()), routes()).await;
    let outside = ServiceBuilder::new()
        .layer(GrpcWebLayer::new())
        .layer(BodyOfTonic)
        .layer(stack());
    let outside = Server::tonic(outside.into_inner(), routes()).await;
    for (place, server) in [("inside", inside), ("outside", outside)] {
        let answer = server
            .http1(web_call("application/grpc-web+proto", THIRTEEN))
            .await;
        assert_eq!(sorted(answer.body()), sorted(WEB), "{place}");
        let answer = server
            .http1(web_call("application/grpc-web-text+proto", THIRTEEN_TEXT))
            .await;
        let text = std::str::from_utf8(answer.body()).unwrap();
        assert!(text.starts_with("AAAAAAA="), "{text}");
        assert_eq!(sorted(&unpadded(text)), sorted(WEB), "{place}");
    }
    assert_eq!(log.codes(), ["internal_error"; 4]);
}

/// Boxes a body as tonic's: its layer for gRPC-Web takes no other.
#[derive(Clone, Debug)]
struct BodyOfTonic;

impl<S> Layer<S> for BodyOfTonic {
    type Service = tower::util::MapResponse<
        S,
        fn(Response<MaskedBody<tonic::body::Body>>) -> Response<tonic::body::Body>,
    >;

    fn layer(&self, inner: S) -> Self::Service {
        tower::util::MapResponse::new(inner, |answer| answer.map(tonic::body::Body::new))
    }
}

/// Undoes base64 of which any group may be padded.
fn unpadded(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let groups = text.as_bytes().chunks(4).flat_map(|group| {
        let values: Vec<_> = group
            .iter()
            .filter_map(|letter| value(*letter))
            .map(u32::from)
            .collect();
        let bits =
            values.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - values.len()));
        bits.to_be_bytes()[1..values.len()].to_vec()
    });
    groups.collect()
}
