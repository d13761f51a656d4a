//! Keys over TLS.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::service_fn;
use tower_security::token::FetchErrorKind;

use super::*;
use crate::support::tls::TlsServer;

async fn provider() -> TlsServer {
    TlsServer::start(service_fn(|_: Request<Incoming>| async {
        let mut response = Response::new(Full::<Bytes>::from(set_of(&["a"])));
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok::<_, Infallible>(response)
    }))
    .await
}

fn cache(url: &str, fetch: HttpsJwksFetch) -> JwksCache {
    JwksCache::builder(url).fetch(fetch).build().unwrap()
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_and_names_the_host_vouches_for_keys() {
    let (server, other) = (provider().await, provider().await);
    let own = || HttpsJwksFetch::with_roots(server.certificate.as_bytes()).unwrap();
    let foreign = || HttpsJwksFetch::with_roots(other.certificate.as_bytes()).unwrap();
    let both = [server.certificate.as_str(), &other.certificate].concat();
    let both = || HttpsJwksFetch::with_roots(both.as_bytes()).unwrap();
    let port = server.addr.port();
    let by_name = format!("https://localhost:{port}/jwks");
    let by_address = format!("https://127.0.0.1:{port}/jwks");
    let unnamed = format!("https://127.0.0.2:{port}/jwks");

    for (name, url, fetch) in [
        ("its own", &by_name, own()),
        ("its own, by address", &by_address, own()),
        ("one of two", &by_name, both()),
    ] {
        let cache = cache(url, fetch);
        cache
            .ready()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(kids(&cache), Some(vec!["a".to_owned()]), "{name}");
    }
    for (name, url, fetch) in [
        ("another authority", &by_name, foreign()),
        ("another name", &unnamed, own()),
        (
            "the public authorities",
            &by_name,
            HttpsJwksFetch::new().unwrap(),
        ),
    ] {
        let error = cache(url, fetch).ready().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Transport, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_gives_no_keys_over_https() {
    let plain = Provider::start(Answer::keys(&["a"])).await;
    let url = plain.url().replace("http://", "https://");
    let error = cache(&url, HttpsJwksFetch::new().unwrap())
        .ready()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Transport, "{error}");
    assert_eq!(plain.hits(), 0);
}

#[tokio::test]
async fn a_fetcher_asks_nobody_over_plain_http_but_this_machine() {
    let fetch = HttpsJwksFetch::new().unwrap();
    for url in ["http://192.0.2.1/jwks", "ftp://127.0.0.1/jwks"] {
        let url: Uri = url.parse().unwrap();
        let error = fetch.fetch(&url, None).await.unwrap_err();
        assert!(
            error.to_string().ends_with("the URL is not https"),
            "{error}"
        );
    }
    let plain = Provider::start(Answer::keys(&["a"])).await;
    let url: Uri = plain.url().parse().unwrap();
    assert!(fetch.fetch(&url, None).await.is_ok());
}

#[test]
fn roots_are_certificates() {
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n"] {
        assert!(HttpsJwksFetch::with_roots(pem.as_bytes()).is_err(), "{pem}");
    }
}
