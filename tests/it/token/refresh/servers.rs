//! Login, refresh and logout over the wire: axum with HTTP/1 and HTTP/2, tonic and its client.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower_security::SecurityStack;
use tower_security::auth::AuthLayer;
use tower_security::axum::Auth;
use tower_security::core::{NoopSink, Principal, RefusalContext, Rejection, SystemClock};
use tower_security::token::{
    JwtVerifier, MemoryRefreshStore, MemoryRevocationStore, RefreshContext, RefreshService,
    TokenPair,
};

use super::super::issuer::{AUDIENCE, ISSUER};
use super::{KEY, alice, issuer};
use crate::support::wire::Server;

/// The service of a token endpoint, and the layer of an API that takes its tokens.
fn house() -> (RefreshService, AuthLayer) {
    let revoked = MemoryRevocationStore::new();
    let issuer = issuer(SystemClock);
    let verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(issuer.verifying_keys())
        .revocation(revoked.clone())
        .build()
        .unwrap();
    let service = RefreshService::builder(MemoryRefreshStore::new(), issuer)
        .rotation_key("one", KEY)
        .revocation(revoked)
        .events(NoopSink::new())
        .build()
        .unwrap();
    let layer = AuthLayer::builder().bearer(verifier).optional().build();
    (service, layer.unwrap())
}

fn answer(pair: &TokenPair) -> axum::response::Response {
    let body = json!({
        "access_token": pair.access_token.token().expose(),
        "token_type": "Bearer",
        "expires_in": pair.access_token.lifetime().as_secs(),
        "refresh_token": pair.refresh_token.expose(),
    });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The endpoint of RFC 6749, sections 4.3 and 6.
async fn token(
    State(service): State<RefreshService>,
    context: RefusalContext,
    head: Parts,
    Form(form): Form<Value>,
) -> Result<axum::response::Response, axum::response::Response> {
    let service = service.for_request(&head.extensions);
    let field = |name: &str| form[name].as_str().unwrap_or_default().to_owned();
    let (client, scope) = (field("client_id"), field("scope"));
    let request = RefreshContext::new().client_id(&client).scope(&scope);
    let pair = match field("grant_type").as_str() {
        "password" => service.login(&alice(), &request).await,
        _ => service.refresh(&field("refresh_token"), &request).await,
    };
    pair.map(|pair| answer(&pair))
        .map_err(|error| context.refuse(error))
}

async fn revoke(
    State(service): State<RefreshService>,
    Form(form): Form<Value>,
) -> Result<(), Rejection> {
    let token = form["token"].as_str().unwrap_or_default();
    service.revoke_token(token, &RefreshContext::new()).await?;
    Ok(())
}

fn form(path: &'static str, body: String) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "id.example")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(body))
        .unwrap()
}

fn me(access: &str) -> Request<Full<Bytes>> {
    Request::get("/me")
        .header("host", "id.example")
        .header(AUTHORIZATION, format!("Bearer {access}"))
        .body(Full::default())
        .unwrap()
}

fn tokens(answer: &Response<Bytes>) -> (String, String) {
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["expires_in"], 900);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn axum_logs_in_refreshes_and_logs_out() {
    let (service, layer) = house();
    let router = Router::new()
        .route("/me", get(async |Auth(who): Auth| who.subject().to_owned()))
        .route_layer(layer)
        .route("/token", post(token))
        .route("/revoke", post(revoke))
        .with_state(service)
        .layer(SecurityStack::new());
    let server = Server::axum(router).await;
    for is_second in [false, true] {
        let ask = async |request| match is_second {
            false => server.http1(request).await,
            true => server.http2(request).await.unwrap(),
        };
        let to = async |parameters: &str| {
            let parameters = format!("client_id=web&{parameters}");
            ask(form("/token", parameters)).await
        };
        let (access, first) = tokens(&to("grant_type=password").await);
        assert_eq!(ask(me(&access)).await.body(), "alice");
        let refresh = async |token: &str| {
            to(&format!("grant_type=refresh_token&refresh_token={token}")).await
        };
        let (access, second) = tokens(&refresh(&first).await);
        assert_eq!(ask(me(&access)).await.body(), "alice");
        assert_eq!(
            tokens(&refresh(&first).await).1,
            second,
            "the answer was lost"
        );

        let widened = format!("refresh_token={second}&scope=orders:delete");
        let answer = to(&widened).await;
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.body(), r#"{"error":"invalid_scope"}"#);

        let answer = ask(form("/revoke", format!("token={second}"))).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(ask(me(&access)).await.status(), 401);
        for token in [&first, &second, "", "rt_"] {
            let answer = refresh(token).await;
            assert_eq!(answer.status(), 400);
            assert_eq!(answer.body(), r#"{"error":"invalid_grant"}"#);
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        }
        // As RFC 7009 has it, whatever was sent.
        let answer = ask(form("/revoke", "token=rt_".to_owned())).await;
        assert_eq!(answer.status(), 200);
    }
}

/// A service of gRPC that has a protocol already: what is to be done stands where the name of a service would, and tokens in the
/// metadata.
struct Accounts(RefreshService);

#[tonic::async_trait]
impl Health for Accounts {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        let service = self.0.for_request(request.extensions());
        let context = RefreshContext::new().client_id("web");
        let mut response = tonic::Response::new(HealthCheckResponse { status: 1 });
        let words: Vec<_> = request.get_ref().service.split(' ').collect();
        let pair = match words[..] {
            ["me"] => {
                let who = Principal::from_extensions(request.extensions());
                who.ok_or_else(|| Status::unauthenticated("nobody"))?;
                return Ok(response);
            }
            ["login"] => service.login(&alice(), &context).await,
            ["refresh", token] => service.refresh(token, &context).await,
            ["logout", token] => {
                let ended = service.revoke_token(token, &context).await;
                ended.map_err(Rejection::from)?;
                return Ok(response);
            }
            _ => return Err(Status::invalid_argument("what?")),
        };
        let pair = pair.map_err(Rejection::from)?;
        let metadata = response.metadata_mut();
        let access = pair.access_token.token().expose().parse().unwrap();
        metadata.insert("access-token", access);
        let refresh = pair.refresh_token.expose().parse().unwrap();
        metadata.insert("refresh-token", refresh);
        Ok(response)
    }

    type WatchStream = tonic::codegen::BoxStream<HealthCheckResponse>;

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("check"))
    }
}

#[tokio::test]
async fn tonic_logs_in_refreshes_and_logs_out() {
    let (service, layer) = house();
    let routes = tonic::service::Routes::new(HealthServer::new(Accounts(service)));
    let server = Server::tonic(layer, routes).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let client = HealthClient::new(endpoint.connect().await.unwrap());
    let ask = async |what: &str, access: Option<&str>| {
        let service = what.to_owned();
        let mut request = tonic::Request::new(HealthCheckRequest { service });
        if let Some(access) = access {
            let value = HeaderValue::try_from(format!("Bearer {access}")).unwrap();
            let value = tonic::metadata::MetadataValue::try_from(value.as_bytes()).unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let response = client.clone().check(request).await?;
        let text = |name: &str| {
            let value = response.metadata().get(name);
            value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        Ok::<_, Status>((text("access-token"), text("refresh-token")))
    };
    let (_, first) = ask("login", None).await.unwrap();
    let refresh = async |token: &str| ask(&format!("refresh {token}"), None).await;
    let (access, second) = refresh(&first).await.unwrap();
    ask("me", Some(&access)).await.unwrap();
    assert_eq!(
        refresh(&first).await.unwrap().1,
        second,
        "the answer was lost"
    );
    ask(&format!("logout {second}"), None).await.unwrap();
    let status = ask("me", Some(&access)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    for token in [&first, &second, "rt_"] {
        let status = refresh(token).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "The refresh token is invalid");
        let no_store = status.metadata().get("cache-control").unwrap();
        assert_eq!(no_store, "no-store");
    }
}
