//! The stack from a file, and a change of the file that takes effect while the server runs.
//!
//! ```sh
//! cargo run --example config_file --features axum,limits,sanitize,serde
//! ```
//!
//! It reads `examples/security.toml`, or the file that is named behind `--`, and prints what is protected. In another terminal:
//!
//! ```sh
//! # A page of the origin that the file trusts: 200 taken: two books
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://app.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books'
//!
//! # A page of another one: 403, code csrf_refused
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://shop.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books'
//!
//! # More than the file allows: 413, code body_too_large
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://app.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books and a lamp'
//! ```
//!
//! Edit the file, and within a second the server says `reloaded`:
//!
//! ```sh
//! sed -i 's/app.example.com/shop.example.com/; s/body_limit = 16/body_limit = 32/' examples/security.toml
//!
//! # What was refused is taken now: 200 taken: two books and a lamp
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://shop.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books and a lamp'
//!
//! # And what was taken is refused: 403, code csrf_refused
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://app.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books'
//! ```
//!
//! Mistakes are told all at once, and the server goes on as before:
//!
//! ```sh
//! sed -i 's/shop.example.com/shop.example.com\//; s/limit = 100/limit = 0/' examples/security.toml
//!
//! # As above: 200 taken: two books
//! curl -i -X POST http://127.0.0.1:3012/orders -H 'Origin: https://shop.example.com' -H 'Sec-Fetch-Site: cross-site' -d 'two books'
//! ```

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::post;
use tower_security::stack::config::{SecurityConfig, Stack, StackHandle, StackParts};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/security.toml");

fn read(file: &Path) -> Result<SecurityConfig, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        // All of the error shows the line, and a line may hold a secret that does not belong there.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message()).into()
    })
}

async fn order(goods: String) -> String {
    format!("taken: {goods}\n")
}

/// The service, and its stack. What a file cannot say would be given to the parts: who owns what, where events go.
pub fn app(file: &Path) -> Result<(Router, Stack), Box<dyn Error>> {
    let stack = read(file)?.build(StackParts::new())?;
    let router = Router::new()
        .route("/orders", post(order))
        .layer(stack.clone());
    Ok((router, stack))
}

/// A file that is looked at from time to time.
pub struct Watch {
    file: PathBuf,
    handle: StackHandle,
    changed: Option<SystemTime>,
}

impl Watch {
    pub fn new(file: PathBuf, stack: &Stack) -> Self {
        Self {
            changed: changed(&file),
            handle: stack.handle(),
            file,
        }
    }

    /// Reloads the file if it was written since the last look. While it is gone, as when an editor replaces it, nothing happens.
    pub fn look(&mut self) -> Option<Result<(), Box<dyn Error>>> {
        let changed = changed(&self.file)?;
        if self.changed.replace(changed) == Some(changed) {
            return None;
        }
        let reload = |config| Ok(self.handle.reload(config)?);
        Some(read(&self.file).and_then(reload))
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

async fn watch(mut watch: Watch) {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        every_second.tick().await;
        match watch.look() {
            None => {}
            Some(Ok(())) => println!("reloaded\n{}", watch.handle.posture()),
            Some(Err(errors)) => eprintln!("not reloaded:\n{errors}"),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let file = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| FILE.to_owned()));
    let (router, stack) = app(&file)?;
    println!("{}", stack.posture());
    tokio::spawn(watch(Watch::new(file, &stack)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3012)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
