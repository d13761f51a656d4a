//! A small shop API with everything that this crate has, and the attacks that it is there for.
//!
//! ```sh
//! cargo run --release --example orders_api --features full                            # serves it, and prints what to try
//! cargo run --release --example orders_api --features full -- --attack                # attacks it: all is blocked
//! cargo run --release --example orders_api --features full -- --attack --unprotected  # attacks its twin without any: all gets through
//! cargo run --release --example orders_api --features full -- --posture               # prints what protects it
//! ```
//!
//! | option | |
//! |---|---|
//! | `--attack` | starts the service on a free port, attacks it over sockets and prints a table; fails if anything got through |
//! | `--unprotected` | with `--attack`: the service without the stack and with handlers that make the classic mistakes; fails if an attack did not succeed |
//! | `--without LAYER` | with `--attack`: the service without one layer, such as `csrf`, to see which attacks it is there for |
//! | `--log` | with `--attack`: prints the security log too |
//! | `--posture` | prints what the stack protects, and warnings |
//! | `--db FILE` | keeps the database in a file; the keys then come from the environment |
//! | `--port PORT` | listens there instead of 3011 |
//!
//! What to copy from:
//!
//! | file | |
//! |---|---|
//! | `stack.rs` | the layers, all in one place: begin here |
//! | `shop.rs`, `secrets.rs` | what handlers share, and the keys of it |
//! | `login.rs`, `cookies.rs` | throttle, password, second factor, tokens; the two cookies |
//! | `accounts.rs` | registration, hashes that are upgraded, the sealed address |
//! | `orders.rs` | whose an order is: `Owned`, `Scope`, a loader for the layer |
//! | `pages.rs` | pages with a nonce, text and cleaned HTML in them |
//! | `log.rs` | the security log |
//!
//! `attack/` and `unprotected/` are for the demonstration alone.
//!
//! Each attack is judged by what it wanted: data of somebody else in the answer, a row that has changed, a server that waits. The judge is
//! the same with and without the stack, so that a row that says *blocked* has a twin in which it got through. It says so only if the attack
//! met the refusal that is there for it, and an honest request of the same shape was served; else it says *not proven*, and the run fails.

#![expect(unreachable_pub, reason = "a program: nothing of it is seen outside")]

mod accounts;
pub mod attack;
mod cookies;
pub mod db;
mod log;
mod login;
mod orders;
pub mod others;
mod pages;
pub mod secrets;
pub mod service;
mod shop;
pub mod stack;
pub mod try_it;
mod unprotected;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tower_security::core::SecurityEvent;

use self::attack::{Kind, Plan};
use self::secrets::Secrets;
use self::shop::Fault;
use self::stack::Deployment;

/// What was asked for.
#[derive(Default)]
struct Options {
    attack: bool,
    unprotected: bool,
    without: Option<String>,
    log: bool,
    posture: bool,
    db: Option<PathBuf>,
    port: Option<u16>,
}

fn options() -> Result<Options, Fault> {
    let mut options = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--attack" => options.attack = true,
            "--unprotected" => options.unprotected = true,
            "--without" => {
                options.without = Some(words.next().ok_or("--without needs a layer")?);
            }
            "--log" => options.log = true,
            "--posture" => options.posture = true,
            "--db" => options.db = Some(words.next().ok_or("--db needs a file")?.into()),
            "--port" => options.port = Some(words.next().ok_or("--port needs a number")?.parse()?),
            other => return Err(format!("unknown option {other}, see the head of main.rs").into()),
        }
    }
    if (options.unprotected || options.without.is_some()) && !options.attack {
        let text = "--unprotected and --without are for --attack alone: nobody should serve that";
        return Err(text.into());
    }
    if options.unprotected && options.without.is_some() {
        return Err("--unprotected has no layers: leave --without out".into());
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Fault> {
    let options = options()?;
    if options.attack {
        // Two of the attacks make handlers panic.
        std::panic::set_hook(Box::new(|_| {}));
        let kind = match options.unprotected {
            true => Kind::Unprotected,
            false => Kind::Protected,
        };
        let mut plan = Plan::of(kind);
        (plan.without, plan.shows_log) = (options.without, options.log);
        let is_as_promised = attack::table::print(&plan).await?;
        return Ok(if is_as_promised {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }

    let downloads = others::folder()?;
    let parts = |db, secrets, deployment| service::Parts {
        db,
        secrets,
        downloads: downloads.path(),
        grace: Duration::from_secs(10),
        deployment,
    };
    if options.posture {
        let (db, secrets) = (db::open(None).await?, Secrets::generate()?);
        let parts = parts(db, secrets, Deployment::behind_proxy()?);
        let (_, posture) = service::build(parts, |_: &SecurityEvent<'_>| {}).await?;
        print!("{posture}");
        return Ok(ExitCode::SUCCESS);
    }

    // Faults of the service itself go to standard error, the security log to standard output.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let (log, guard) = log::to(std::io::stdout())?;
    let secrets = match options.db {
        Some(_) => Secrets::from_env()?,
        None => Secrets::generate()?,
    };
    let db = db::open(options.db.as_deref()).await?;
    let (router, _) = service::build(parts(db, secrets, Deployment::local()), log).await?;
    let port = options.port.unwrap_or(3011);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", try_it::text(listener.local_addr()?));
    axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    // What waits is written before the program ends.
    drop(guard);
    Ok(ExitCode::SUCCESS)
}
