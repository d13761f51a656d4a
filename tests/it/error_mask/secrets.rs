//! Thirty secrets through every channel: none reaches the client, and the log has each under the id that the client got.

use std::future::ready;

use tower_security::SecurityStack;
use tower_security::core::CleanText;

use super::*;

/// What has been seen in answers of real services.
const SECRETS: [&str; 30] = [
    "SELECT id, password_hash FROM users WHERE email = $1",
    "relation \"billing.invoices\" does not exist",
    "no such column: orders.total_cents",
    "duplicate key value violates unique constraint \"users_email_key\"",
    "Database(SqliteError { code: 1, message: \"no such table: users\" })",
    "PoolTimedOut { pool: \"orders-rw\" }",
    "/srv/app/src/db/orders.rs:42:17",
    "C:\\inetpub\\app\\web.config",
    "/etc/secrets/stripe.key: Permission denied (os error 13)",
    "Os { code: 2, kind: NotFound, message: \"No such file or directory\" }",
    "called `Option::unwrap()` on a `None` value",
    "index out of bounds: the len is 3 but the index is 7",
    "stack backtrace: 0: rust_begin_unwind 1: core::panicking::panic_fmt",
    "12: app::handlers::orders::show at ./src/handlers/orders.rs:88",
    "DATABASE_URL=postgres://app:hunter2@db-3.internal:5432/orders",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "RUST_LOG=debug,app=trace",
    "authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
    "cookie: __Host-session=31d4d96e407aad42",
    "x-internal-tenant: acme-7",
    "db-3.internal:5432: Connection refused (os error 111)",
    "10.0.4.17:6379 NOAUTH Authentication required",
    "vault.prod.svc.cluster.local",
    "hyper::Error(Connect, \"tls handshake eof\")",
    "nginx/1.18.0 (Ubuntu)",
    "axum/0.8.9 rustc/1.95.0",
    "missing field `is_admin` at line 1 column 27",
    "Failed to deserialize the JSON body into app::model::NewUser",
    "thread 'tokio-runtime-worker' panicked at src/main.rs:12:5",
    "select * from \"Users\" where name='' or 1=1 --",
];

/// Where a secret is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    ServerErrorBody,
    ServerErrorHeader,
    ServerErrorReason,
    ClientErrorBody,
    Panic,
    ServiceError,
    GrpcHeadMessage,
    GrpcHeadStatus,
    GrpcHeadDetails,
    GrpcHeadMetadata,
    GrpcTrailersMessage,
    GrpcTrailersDetails,
    GrpcTrailersMetadata,
    GrpcBodyBesideStatus,
    WebTrailers,
    WebTextTrailers,
    BodyPanic,
    BodyError,
}

use Channel::*;

const CHANNELS: [Channel; 18] = [
    ServerErrorBody,
    ServerErrorHeader,
    ServerErrorReason,
    ClientErrorBody,
    Panic,
    ServiceError,
    GrpcHeadMessage,
    GrpcHeadStatus,
    GrpcHeadDetails,
    GrpcHeadMetadata,
    GrpcTrailersMessage,
    GrpcTrailersDetails,
    GrpcTrailersMetadata,
    GrpcBodyBesideStatus,
    WebTrailers,
    WebTextTrailers,
    BodyPanic,
    BodyError,
];

/// A body of one frame of data, then trailers or an end.
#[derive(Debug)]
struct Planted {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
    panic: Option<&'static str>,
    error: Option<&'static str>,
}

impl Body for Planted {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(text) = self.panic.take() {
            panic!("{text}");
        }
        if let Some(text) = self.error.take() {
            return Poll::Ready(Some(Err(std::io::Error::other(text))));
        }
        Poll::Ready(
            self.trailers
                .take()
                .map(|trailers| Ok(Frame::trailers(trailers))),
        )
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("one line")
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(raw: &[u8]) -> String {
    let groups = raw.chunks(3).flat_map(|chunk| {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        (0..4).map(move |at| match at <= chunk.len() {
            true => char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]),
            false => '=',
        })
    });
    groups.collect()
}

/// What groups of four letters stand for, wherever padding is.
fn unbase64(text: &[u8]) -> Vec<u8> {
    let value = |letter: &u8| LETTERS.iter().position(|known| known == letter);
    let groups = text.chunks(4).flat_map(|group| {
        let values: Vec<_> = group.iter().map_while(value).collect();
        let bits =
            values.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - values.len()));
        let bytes = [bits >> 16, bits >> 8, bits].map(|byte| (byte & 255) as u8);
        bytes[..values.len().saturating_sub(1)].to_vec()
    });
    groups.collect()
}

/// As gRPC writes it (gRPC over HTTP/2, "Responses").
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'%' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b' ' => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

/// What the service answers.
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn planted(channel: Channel, secret: &'static str) -> Response<Planted> {
    let mut answer = Response::new(Planted {
        data: None,
        trailers: None,
        panic: None,
        error: None,
    });
    let mut head = HeaderMap::new();
    let details = base64(secret.as_bytes());
    let status = |headers: &mut HeaderMap, number: &'static str| {
        headers.insert("grpc-status", HeaderValue::from_static(number));
    };
    let mut trailers = HeaderMap::new();
    status(&mut trailers, "13");
    match channel {
        ServerErrorBody => answer.body_mut().data = Some(Bytes::from_static(secret.as_bytes())),
        ServerErrorHeader => drop(head.insert("x-cause", value(secret))),
        ServerErrorReason => {
            let reason = hyper::ext::ReasonPhrase::from_static(b"No such table users");
            answer.extensions_mut().insert(reason);
        }
        ClientErrorBody => {
            head.insert(
                "content-type",
                HeaderValue::from_static("text/plain; charset=utf-8"),
            );
            answer.body_mut().data = Some(Bytes::from_static(secret.as_bytes()));
        }
        GrpcHeadMessage | GrpcHeadStatus | GrpcHeadDetails | GrpcHeadMetadata
        | GrpcBodyBesideStatus => {
            status(&mut head, "2");
            match channel {
                GrpcHeadStatus => drop(head.insert("grpc-status", value(secret))),
                GrpcHeadDetails => drop(head.insert("grpc-status-details-bin", value(&details))),
                GrpcHeadMetadata => drop(head.insert("x-cause", value(secret))),
                GrpcBodyBesideStatus => {
                    answer.body_mut().data = Some(Bytes::from_static(secret.as_bytes()))
                }
                _ => drop(head.insert("grpc-message", value(&percent(secret)))),
            }
        }
        GrpcTrailersMessage | GrpcTrailersDetails | GrpcTrailersMetadata => {
            answer.body_mut().data = Some(Bytes::from_static(b"\0\0\0\0\0"));
            match channel {
                GrpcTrailersDetails => {
                    drop(trailers.insert("grpc-status-details-bin", value(&details)))
                }
                GrpcTrailersMetadata => drop(trailers.insert("x-cause", value(secret))),
                _ => drop(trailers.insert("grpc-message", value(&percent(secret)))),
            }
            answer.body_mut().trailers = Some(trailers);
        }
        WebTrailers | WebTextTrailers => {
            let lines = format!(
                "grpc-status:13\r\ngrpc-message:{}\r\ngrpc-status-details-bin:{details}\r\nx-cause:{secret}\r\n",
                percent(secret)
            );
            let mut frame = b"\0\0\0\0\0\x80".to_vec();
            frame.extend(u32::try_from(lines.len()).unwrap().to_be_bytes());
            frame.extend(lines.as_bytes());
            let frame = if channel == WebTextTrailers {
                base64(&frame).into_bytes()
            } else {
                frame
            };
            answer.body_mut().data = Some(Bytes::from(frame));
        }
        BodyPanic => answer.body_mut().panic = Some(secret),
        BodyError => answer.body_mut().error = Some(secret),
        Panic | ServiceError => unreachable!("they have no answer"),
    }
    let (http_status, content_type) = match channel {
        ServerErrorBody | ServerErrorHeader | ServerErrorReason => (500, None),
        ClientErrorBody => (400, None),
        BodyPanic | BodyError => (200, None),
        WebTrailers => (200, Some("application/grpc-web+proto")),
        WebTextTrailers => (200, Some("application/grpc-web-text+proto")),
        _ => (200, Some("application/grpc")),
    };
    if let Some(content_type) = content_type {
        head.insert("content-type", HeaderValue::from_static(content_type));
    }
    *answer.status_mut() = StatusCode::from_u16(http_status).unwrap();
    *answer.headers_mut() = head;
    answer
}

/// All that leaves the server, as text: base64 is undone too.
async fn sent<B>(answer: Response<B>) -> String
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let (head, body) = answer.into_parts();
    let mut sent = format!("{}\n", head.status);
    if let Some(reason) = head.extensions.get::<hyper::ext::ReasonPhrase>() {
        sent += &format!("{reason:?}\n");
    }
    let mut add = |text: &[u8]| {
        sent += &text.escape_ascii().to_string();
        sent.push('\n');
        sent += &String::from_utf8_lossy(text);
        sent.push('\n');
        for part in text.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte)) {
            sent += &String::from_utf8_lossy(&unbase64(part));
            sent.push('\n');
        }
    };
    let head_lines = |headers: &HeaderMap| -> Vec<u8> {
        let lines = headers.iter().map(|(name, value)| {
            [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat()
        });
        lines.flatten().collect()
    };
    add(&head_lines(&head.headers));
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => match frame.into_data() {
                Ok(data) => add(&data),
                Err(frame) => add(&head_lines(&frame.into_trailers().expect("trailers"))),
            },
            Err(error) => add(error.to_string().as_bytes()),
        }
    }
    sent
}

/// Plants a secret; `protected` says whether the mask is there. Returns what was sent, the id that the client got, and the log.
async fn run(channel: Channel, secret: &'static str, protected: bool) -> (String, String, Log) {
    let log = Log::default();
    let builder = mask(&log).mask_client_errors(true);
    let mode = if protected {
        tower_security::core::Mode::Enforce
    } else {
        tower_security::core::Mode::ReportOnly
    };
    let stack = SecurityStack::new()
        .events(log.clone())
        .error_mask(builder.mode(mode).build().unwrap());
    let request = if channel.is_grpc() {
        grpc_call()
    } else {
        get("/orders/7")
    };
    let service = stack.layer(Calls(move || {
        assert!(channel != Panic, "{secret}");
        ready(match channel {
            ServiceError => Err(secret),
            _ => Ok(planted(channel, secret)),
        })
    }));
    let mut service = service;
    let answer = match service.call(request).await {
        Ok(answer) => answer,
        Err(error) => return (error.to_owned(), String::new(), log),
    };
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    (sent(answer).await, id, log)
}

impl Channel {
    fn is_grpc(self) -> bool {
        format!("{self:?}").starts_with("Grpc") || matches!(self, WebTrailers | WebTextTrailers)
    }

    /// Whether the words themselves are in the event: header values and encoded details never are.
    fn is_logged(self) -> bool {
        !matches!(
            self,
            ServerErrorHeader
                | ServerErrorReason
                | GrpcHeadDetails
                | GrpcHeadMetadata
                | GrpcTrailersDetails
                | GrpcTrailersMetadata
                | GrpcBodyBesideStatus
        )
    }
}

fn leaks(sent: &str, secret: &str, channel: Channel) -> bool {
    let words = match channel {
        ServerErrorReason => "No such table users",
        _ => secret,
    };
    [
        words.to_owned(),
        percent(words),
        words.escape_default().to_string(),
        words.escape_debug().to_string(),
    ]
    .iter()
    .any(|form| sent.contains(form.as_str()))
}

#[tokio::test]
async fn no_secret_reaches_the_client_and_each_is_in_the_log_under_its_id() {
    for channel in CHANNELS {
        for secret in SECRETS {
            let (sent, id, log) = run(channel, secret, true).await;
            assert!(
                !leaks(&sent, secret, channel),
                "{channel:?}: {secret:?} in {sent}"
            );
            let line = log.line();
            assert_eq!(line.id.as_deref(), Some(id.as_str()), "{channel:?}");
            if matches!(channel, ServerErrorBody | ServiceError | Panic) {
                assert!(sent.contains(&format!("\"request_id\":\"{id}\"")), "{sent}");
            }
            let words = match channel {
                ServiceError => format!("{secret:?}"),
                BodyError => format!("{:?}", std::io::Error::other(secret)),
                _ => secret.to_owned(),
            };
            let clean = CleanText::new(&words, 1_024);
            assert_eq!(
                line.detail.contains(&*clean),
                channel.is_logged(),
                "{channel:?}: {}",
                line.detail
            );
        }
    }
}

/// The same without the mask: what the test above looks for is there to be found.
#[tokio::test]
async fn every_channel_leaks_without_the_mask() {
    // These are caught in every mode, and their words are never sent.
    let caught = [Panic, BodyPanic, BodyError];
    for channel in CHANNELS
        .into_iter()
        .filter(|channel| !caught.contains(channel))
    {
        for secret in SECRETS {
            let (sent, _, log) = run(channel, secret, false).await;
            assert!(
                leaks(&sent, secret, channel),
                "{channel:?}: {secret:?} not in {sent}"
            );
            assert_eq!(log.lines().len(), 1, "{channel:?}");
        }
    }
}
