//! An axum site whose every answer has the security headers.
//!
//! ```sh
//! cargo run --example security_headers --features axum
//! ```
//!
//! Then, in another terminal:
//!
//! ```sh
//! # A public page: 200, with x-content-type-options: nosniff, x-frame-options: DENY and more, no server, no cache-control
//! curl -i http://127.0.0.1:3003/
//!
//! # The same page with a session: 200, also with cache-control: no-store, max-age=0
//! curl -i http://127.0.0.1:3003/ -H 'Cookie: __Host-session=1'
//!
//! # A page that may be framed by its own origin: 200, with x-frame-options: SAMEORIGIN from the handler
//! curl -i http://127.0.0.1:3003/widget
//!
//! # Signing out: 204, also with clear-site-data: "cookies","storage"
//! curl -i -X POST http://127.0.0.1:3003/logout
//!
//! # A page that is not there: 404, with x-content-type-options: nosniff
//! curl -i http://127.0.0.1:3003/nowhere
//! ```

use std::error::Error;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_security::SecurityHeadersLayer;
use tower_security::core::SchemeSource;
use tower_security::headers::{CachePolicy, ClearSiteData, Preset};

pub fn app() -> Result<Router, Box<dyn Error>> {
    let headers = SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .cache(CachePolicy::sensitive(["__Host-session"]))
        .clear_site_data_on(["/logout"], ClearSiteData::logout().without_cache())
        // Browsers take localhost for secure. Behind a TLS proxy this line stays; with TLS here it is `SchemeSource::Tls`.
        .scheme(SchemeSource::AssumeHttps)
        .if_absent("x-frame-options")
        .build()?;
    Ok(Router::new()
        .route("/", get(async || ([("server", "orders/1.2")], "a page")))
        .route(
            "/widget",
            get(async || ([("x-frame-options", "SAMEORIGIN")], "a widget")),
        )
        .route("/logout", post(async || StatusCode::NO_CONTENT))
        .layer(headers))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3003").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
