//! gRPC: ids in messages, which handlers ask about, and objects that a layer has loaded.

use tonic::codegen::tokio_stream::{Once, once};
use tonic::{Code, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;
use tower_security::core::AuthzLedger;
use tower_security::ownership::{Authz, Granted, LoadGuard, MetadataId};

use super::loads::Order;
use super::*;
use crate::support::wire::Server;

const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Orders, by the only service whose client is generated here: the name of the service is the id.
struct Desk {
    orders: Orders,
    served: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Health for Desk {
    async fn check(
        &self,
        call: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        let authz = Authz::of(call.extensions());
        let id = call.get_ref().service.as_str();
        authz.check(&self.orders, Action::Read, id).await?;
        authz.ensure()?;
        self.served.fetch_add(1, Ordering::SeqCst);
        Ok(tonic::Response::new(HealthCheckResponse { status: 1 }))
    }

    type WatchStream = Once<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        call: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        let order = Granted::<Order>::from_extensions(call.extensions());
        let order = order.ok_or_else(|| Status::internal("no guard"))?;
        assert_eq!(order.id, call.get_ref().service);
        let ledger = AuthzLedger::from_extensions(call.extensions()).expect("the guard's");
        assert!(ledger.is_decided() && !ledger.is_denied());
        self.served.fetch_add(1, Ordering::SeqCst);
        let status = HealthCheckResponse { status: 1 };
        Ok(tonic::Response::new(once(Ok(status))))
    }
}

#[tokio::test]
async fn handlers_ask_about_ids_in_messages_and_get_what_was_loaded() {
    let (orders, served) = (Orders::new(), Arc::<AtomicUsize>::default());
    let desk = Desk {
        orders: orders.clone(),
        served: Arc::clone(&served),
    };
    let guard = LoadGuard::builder()
        .rpc(
            WATCH,
            Action::Read,
            MetadataId::new("x-order-id"),
            orders.clone(),
        )
        .shape(IdShape::U64);
    let layer = ServiceBuilder::new()
        .layer(Login)
        .layer(guard.build().unwrap())
        .into_inner();
    let routes = tonic::service::Routes::new(HealthServer::new(desk));
    let server = Server::tonic(layer, routes).await;
    let endpoint: tonic::transport::Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());

    let not_found = Some((Code::NotFound, "Not found"));
    let login = Some((Code::Unauthenticated, "Authentication is required"));
    for (who, id, expected) in [
        ("alice", "1", None),
        ("root", "1", None),
        ("bob", "2", None),
        // G10.
        ("alice", "2", not_found),
        ("alice", "9", not_found),
        ("carol", "1", not_found),
        ("expired", "1", login),
        ("-", "1", login),
    ] {
        let mut call = tonic::Request::new(HealthCheckRequest {
            service: id.to_owned(),
        });
        if who != "-" {
            call.metadata_mut().insert("x-test", who.parse().unwrap());
        }
        call.metadata_mut()
            .insert("x-order-id", id.parse().unwrap());
        let mut again = tonic::Request::new(call.get_ref().clone());
        *again.metadata_mut() = call.metadata().clone();

        let before = (orders.asked(), served.load(Ordering::SeqCst));
        let checked = client.check(call).await.map(|_| ());
        let watched = client.watch(again).await.map(|_| ());
        for answer in [checked, watched] {
            let status = answer.as_ref().err();
            let status = status.map(|status| (status.code(), status.message()));
            assert_eq!(status, expected, "{who} {id}");
        }
        let asked = if expected == login { 0 } else { 2 };
        let reached = if expected.is_none() { 2 } else { 0 };
        let after = (orders.asked(), served.load(Ordering::SeqCst));
        assert_eq!(after, (before.0 + asked, before.1 + reached), "{who} {id}");
    }
}
