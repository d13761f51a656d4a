//! The routes, and the service that is made of all parts.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, patch, post, put};
use sqlx::SqlitePool;
use tower_security::core::{EventSink, Secret};
use tower_security::stack::Posture;

use super::secrets::Secrets;
use super::shop::{Fault, Shop};
use super::stack::{Deployment, protect};
use super::{accounts, db, login, orders, others, pages};

fn routes() -> Router<Shop> {
    Router::new()
        .route("/", get(pages::home))
        .route("/health", get(others::health))
        .route("/internal/status", get(others::status))
        .route("/.well-known/jwks.json", get(login::keys))
        .route("/downloads/{name}", get(others::download))
        .route("/register", post(accounts::register))
        .route("/login", post(login::log_in))
        .route("/token", post(login::refresh))
        .route("/logout", post(login::log_out))
        .route("/me", get(accounts::me))
        .route("/me/address", put(accounts::set_address))
        .route("/me/totp", post(login::enrol))
        .route("/me/totp/confirm", post(login::confirm))
        .route("/orders", get(orders::list).post(orders::create))
        .route(
            "/orders/{id}",
            get(orders::show)
                .patch(orders::change)
                .delete(orders::cancel),
        )
        .route("/orders/{id}/pay", post(orders::pay))
        .route("/orders/{id}/page", get(pages::order))
        .route("/orders/{id}/live", get(others::live))
        .route("/search", get(pages::search))
        .route("/admin/users", get(accounts::list))
        .route("/admin/users/{id}/role", patch(accounts::set_role))
        .route("/admin/orders/{id}/ship", post(orders::ship))
        .route("/reports/monthly", get(others::monthly))
        .route("/reports/top/{place}", get(others::top))
}

/// What a service is made of.
pub struct Parts {
    pub db: SqlitePool,
    pub secrets: Secrets,
    pub downloads: PathBuf,
    /// For how long the answer to a refresh token that was replaced is repeated.
    pub grace: Duration,
    pub deployment: Deployment,
}

/// Makes the service. In a new database there are three people to try it with.
pub async fn build(parts: Parts, log: impl EventSink) -> Result<(Router, Posture), Fault> {
    let shop = Shop::new(parts.db, &parts.secrets, parts.downloads, parts.grace)?;
    if db::is_new(&shop.db).await? {
        let alice = shop.hasher.hash(&Secret::from(db::ALICE.password)).await?;
        let root = shop.hasher.hash(&Secret::from(db::ROOT.password)).await?;
        db::seed(&shop.db, [&alice, db::BCRYPT_OF_BOB, &root]).await?;
    }
    let (router, posture) = protect(routes(), &shop, parts.deployment, log)?;
    Ok((router.with_state(shop), posture))
}
