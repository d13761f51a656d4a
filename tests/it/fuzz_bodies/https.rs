//! Bodies of the fuzz targets for HTTPS.

use std::net::SocketAddr;
use std::sync::LazyLock;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Uri, header};
use tower_security::core::{ClientIp, PeerAddr, ProtoHeader, SchemeSource};
use tower_security::https::{HttpsDecision, HttpsLayer, HttpsPolicy, OnInsecure, RedirectHost};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const PROXY: ([u8; 4], u16) = ([10, 0, 0, 1], 9);
const STRANGER: ([u8; 4], u16) = ([203, 0, 113, 9], 9);

static POLICY: LazyLock<HttpsPolicy> = LazyLock::new(|| {
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let source = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto).unwrap();
    let hosts = RedirectHost::allow(["app.example", "*.shop.example"]);
    HttpsLayer::builder(source)
        .on_insecure(OnInsecure::Redirect(hosts))
        .build_policy()
        .unwrap()
});

/// Reads `data` as lines of `X-Forwarded-Proto`: only those of a proxy count, and only if all of them say `https`.
pub fn forwarded_proto(data: &[u8]) {
    let lines = lines(data);
    let mut head = plain(PROXY);
    for line in &lines {
        head.headers.append(X_FORWARDED_PROTO, line.clone());
    }
    let elements = || {
        lines
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
    };
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let all_https = elements().all(|element| {
        let start = element.iter().take_while(|byte| blank(byte)).count();
        let end = element.iter().rev().take_while(|byte| blank(byte)).count();
        let word = element.get(start..element.len() - end).unwrap_or_default();
        word.eq_ignore_ascii_case(b"https")
    });
    let length: usize = lines.iter().map(HeaderValue::len).sum();
    let expected = !lines.is_empty() && all_https && length <= 4096;
    assert_eq!(is_secure(&head), expected);

    // One plain hop, and the request could be read there.
    let mut downgraded = head.clone();
    let http = HeaderValue::from_static("http");
    downgraded.headers.append(X_FORWARDED_PROTO, http);
    assert!(!is_secure(&downgraded));

    head.extensions
        .insert(PeerAddr::from(SocketAddr::from(STRANGER)));
    assert!(!is_secure(&head));
}

/// Reads `data` as a request target and lines of `Host`: a redirect leads to an allowed host and to the same path.
pub fn https_host(data: &[u8]) {
    let mut values = data.splitn(2, |byte| *byte == b'\n');
    let target = values.next().unwrap_or_default();
    let Ok(uri) = Uri::try_from(target) else {
        return;
    };
    let mut head = plain(STRANGER);
    head.uri = uri;
    if let Some(hosts) = values.next() {
        head.headers.remove(header::HOST);
        for line in lines(hosts) {
            head.headers.append(header::HOST, line);
        }
    }
    match POLICY.check(&head) {
        HttpsDecision::Refuse(refusal) => assert!(!refusal.code().is_empty()),
        HttpsDecision::Redirect { location, .. } => {
            let location = location.as_bytes();
            let rest = location.strip_prefix(b"https://").unwrap();
            let end = rest.iter().position(|byte| *byte == b'/').unwrap();
            let (host, path) = rest.split_at(end);
            let host = std::str::from_utf8(host).unwrap();
            let label = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
            };
            assert!(host.bytes().all(label), "{host}");
            assert!(
                host == "app.example"
                    || host.strip_suffix(".shop.example").is_some_and(|below| {
                        !below.is_empty() && !below.starts_with('.') && !below.contains("..")
                    }),
                "{host}"
            );
            let sent = head.uri.path_and_query().unwrap().as_str().as_bytes();
            assert!(path == sent || path.strip_prefix(b"/") == Some(sent));
            assert_eq!(head.headers.get_all(header::HOST).iter().nth(1), None);
        }
        other => panic!("the request is plain and nothing is exempt: {other:?}"),
    }
}

fn is_secure(head: &Parts) -> bool {
    matches!(POLICY.check(head), HttpsDecision::Secure(Some(_)))
}

fn plain(peer: ([u8; 4], u16)) -> Parts {
    Request::get("/")
        .header(header::HOST, "app.example")
        .extension(PeerAddr::from(SocketAddr::from(peer)))
        .body(())
        .unwrap()
        .into_parts()
        .0
}

/// `data` split at line feeds; bytes that no header may hold are left out.
fn lines(data: &[u8]) -> Vec<HeaderValue> {
    let legal = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    data.split(|byte| *byte == b'\n')
        .take(64)
        .map(|line| {
            let line: Vec<u8> = line.iter().copied().filter(legal).collect();
            HeaderValue::from_bytes(&line).unwrap()
        })
        .collect()
}
