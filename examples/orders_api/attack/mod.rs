//! The enemies of the service: what they send, over real sockets, and whether they got what they wanted.
//!
//! Each attack is judged by what it wanted: somebody else's data in the answer, a row that has changed, a server that waits. The judge is
//! the same whether the service is protected or not. That an attack was blocked needs more, see [`trial`].

mod bodies;
mod client;
mod cross_site;
mod floods;
mod guessing;
mod injection;
mod leaks;
mod objects;
pub mod table;
mod tokens;
pub mod trial;
mod walk;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_security::audit::QueueGuard;
use tower_security::core::{PepperRing, Secret};
use tower_security::password::PasswordHasher;

use self::client::{Answer, Ask, Client};
use self::trial::{Outcome, Verdict};
use super::secrets::Secrets;
use super::service::{self, Parts};
use super::shop::Fault;
use super::stack::Deployment;
use super::{db, log, others, unprotected};

/// For how long the answer to a refresh token is repeated here, so that nobody has to wait for the end of it.
const GRACE: Duration = Duration::from_secs(1);

/// For how long a body may take to come, for the same reason.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Protected,
    Unprotected,
}

/// What is attacked, and with what.
pub struct Plan {
    pub kind: Kind,
    /// The layer that is left out, to see which attacks it is there for.
    pub without: Option<String>,
    /// Whether the security log is shown.
    pub shows_log: bool,
    /// The names of the attacks; none for all.
    pub only: &'static [&'static str],
    /// What stands between the attackers and the service.
    pub between: fn(Router) -> Router,
}

impl Plan {
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            without: None,
            shows_log: false,
            only: &[],
            between: |router| router,
        }
    }
}

type Run =
    for<'a> fn(&'a Target) -> Pin<Box<dyn Future<Output = Result<Verdict, Fault>> + Send + 'a>>;

/// One way to misuse the service, or to use it.
struct Attack {
    name: &'static str,
    /// What an ordinary user does, who has to get through in both cases: a service that refuses everything is no proof.
    is_legitimate: bool,
    run: Run,
}

macro_rules! list {
    ($($name:literal: $function:path,)*) => {
        [$(Attack { name: $name, is_legitimate: false, run: |target| Box::pin($function(target)) },)*]
    };
}

/// All of them, in the order in which they are made.
fn all() -> Vec<Attack> {
    let attacks = list![
        "SQL injection in the login": injection::login,
        "SQL injection in the search": injection::search,
        "stored XSS in a note": injection::stored_xss,
        "reflected XSS in the search": injection::reflected_xss,
        "lines forged in the log": injection::log_lines,
        "cross-site POST": cross_site::post,
        "cross-site WebSocket": cross_site::socket,
        "CORS: a foreign origin reads": cross_site::foreign_origin,
        "CORS: the origin null reads": cross_site::null_origin,
        "brute force: one account": guessing::one_account,
        "brute force: many accounts": guessing::many_accounts,
        "brute force: many addresses": guessing::many_addresses,
        "token with alg: none": tokens::none,
        "token: key confusion": tokens::key_confusion,
        "token of a foreign issuer": tokens::foreign_issuer,
        "token that has expired": tokens::expired,
        "token for another service": tokens::foreign_audience,
        "token with changed claims": tokens::changed_claims,
        "stolen refresh token": tokens::stolen_refresh_token,
        "cookies without flags": cross_site::cookie_flags,
        "another's order: read": objects::read,
        "another's order: update": objects::update,
        "another's order: delete": objects::delete,
        "mass assignment: order": objects::mass_assignment_of_an_order,
        "mass assignment: account": objects::mass_assignment_of_an_account,
        "admin function by a user": objects::admin_function,
        "path tricks to /admin": objects::path_tricks,
        "path traversal to a file": objects::traversal,
        "JSON: nested too deeply": bodies::deep_json,
        "JSON: a key twice": bodies::duplicate_key,
        "JSON: __proto__": bodies::proto_key,
        "HTML bomb": bodies::html_bomb,
        "oversized body": bodies::oversized,
        "slow body": bodies::slow,
        "forced error 500": leaks::error,
        "forced panic": leaks::panic,
        "missing security headers": leaks::headers,
        "plain HTTP": leaks::plain_http,
        "stolen database": leaks::stolen_database,
        "flood from one address": floods::one_address,
        "flood from a /64": floods::one_network,
        "flood behind a forged address": floods::forged_address,
        "inside by a forged address": floods::forged_office,
    ];
    let walk = |name| Attack {
        name,
        is_legitimate: true,
        run: |target| Box::pin(walk::run(target)),
    };
    // Before and after: a service that was brought down refuses everybody.
    let (before, after) = (walk("an ordinary user"), walk("the ordinary user again"));
    [before].into_iter().chain(attacks).chain([after]).collect()
}

/// A row of the table.
pub struct Row {
    pub name: &'static str,
    pub is_legitimate: bool,
    /// The fault says that the attack could not be made.
    pub verdict: Result<Verdict, Fault>,
    pub took: Duration,
}

impl Row {
    /// Whether it is as it should be of this kind of service.
    pub fn is_as_promised(&self, kind: Kind) -> bool {
        let Ok(verdict) = &self.verdict else {
            return false;
        };
        let wanted = match (self.is_legitimate, kind) {
            (true, _) | (false, Kind::Unprotected) => Outcome::GotThrough,
            (false, Kind::Protected) => Outcome::Blocked,
        };
        verdict.outcome == wanted && verdict.is_controlled
    }
}

impl Attack {
    async fn make(&self, target: &Target) -> Row {
        let begun = Instant::now();
        let verdict = (self.run)(target).await;
        Row {
            name: self.name,
            is_legitimate: self.is_legitimate,
            verdict,
            took: begun.elapsed(),
        }
    }
}

/// What happens while the attacks are made.
pub enum Step<'a> {
    Started(SocketAddr),
    Begun {
        name: &'static str,
        number: usize,
        count: usize,
    },
    Made(&'a Row),
}

/// Starts a service, makes all attacks on it one after the other, tells of each, and returns what came of them.
pub async fn run(plan: &Plan, mut tell: impl FnMut(Step<'_>)) -> Result<Vec<Row>, Fault> {
    let target = Target::start(plan).await?;
    tell(Step::Started(target.addr));
    let (mut attacks, mut rows) = (all(), Vec::new());
    attacks.retain(|attack| plan.only.is_empty() || plan.only.contains(&attack.name));
    for (number, attack) in (1..).zip(&attacks) {
        let count = attacks.len();
        tell(Step::Begun {
            name: attack.name,
            number,
            count,
        });
        let row = attack.make(&target).await;
        tell(Step::Made(&row));
        rows.push(row);
    }
    Ok(rows)
}

/// A service on a free port, and what its judges look at.
struct Target {
    addr: SocketAddr,
    db: SqlitePool,
    secrets: Secrets,
    log: Log,
    guard: Option<QueueGuard>,
    next_address: AtomicU32,
    server: JoinHandle<()>,
    _folder: others::Folder,
}

impl Target {
    async fn start(plan: &Plan) -> Result<Self, Fault> {
        let (db, secrets, folder) = (
            db::open(None).await?,
            Secrets::generate()?,
            others::folder()?,
        );
        let log = Log::new(plan.shows_log);
        let (router, guard) = match plan.kind {
            Kind::Protected => {
                let (sink, guard) = log::to(log.clone())?;
                let mut deployment = Deployment::behind_proxy()?.body_time(PATIENCE);
                if let Some(layer) = &plan.without {
                    deployment = deployment.without(layer)?;
                }
                let parts = Parts {
                    db: db.clone(),
                    secrets: secrets.clone(),
                    downloads: folder.path(),
                    grace: GRACE,
                    deployment,
                };
                let (router, _) = service::build(parts, sink).await?;
                (router, Some(guard))
            }
            Kind::Unprotected => {
                let people =
                    [db::ALICE, db::BOB, db::ROOT].map(|person| unprotected::hash(person.password));
                db::seed(&db, people.each_ref().map(String::as_str)).await?;
                let router = unprotected::build(db.clone(), &secrets, folder.path(), log.clone())?;
                (router, None)
            }
        };
        seed_victims(&db, plan.kind, &secrets).await?;
        let (addr, server) = serve((plan.between)(router)).await?;
        Ok(Self {
            addr,
            db,
            secrets,
            log,
            guard,
            next_address: AtomicU32::new(0),
            server,
            _folder: folder,
        })
    }

    /// Somebody at an address that nobody else has, so that no attack is refused for another one.
    fn stranger(&self) -> Client {
        let next = self.next_address.fetch_add(1, Ordering::Relaxed);
        Client::new(
            self.addr,
            format!("203.0.{}.{}", 113 + next / 250, 1 + next % 250),
        )
    }

    async fn alice(&self) -> Result<Client, Fault> {
        self.somebody(&db::ALICE).await
    }

    async fn bob(&self) -> Result<Client, Fault> {
        self.somebody(&db::BOB).await
    }

    async fn somebody(&self, person: &db::Person) -> Result<Client, Fault> {
        let mut client = self.stranger();
        let answer = client.log_in(person.name, person.password).await?;
        match client.is_in() {
            true => Ok(client),
            false => Err(format!("{} cannot log in: {}", person.name, answer.short()).into()),
        }
    }

    /// The log, when all that was recorded is written.
    fn log(&self) -> Result<String, Fault> {
        if self
            .guard
            .as_ref()
            .is_some_and(|guard| !guard.flush(Duration::from_secs(5)))
        {
            return Err("the log is not written".into());
        }
        Ok(self.log.text())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(router: Router) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, service).await;
    });
    Ok((addr, server))
}

/// Accounts that are there to be guessed, from before there was a policy for passwords.
async fn seed_victims(db: &SqlitePool, kind: Kind, secrets: &Secrets) -> Result<(), Fault> {
    let peppers = PepperRing::builder("2027", secrets.pepper.clone()).build()?;
    let hasher = PasswordHasher::builder().pepper(peppers).build()?;
    let mut hashes = Vec::new();
    for password in [
        guessing::SECRET,
        guessing::SEASON,
        "what nobody guesses, ever",
    ] {
        hashes.push(match kind {
            Kind::Protected => hasher.hash(&Secret::from(password)).await?,
            Kind::Unprotected => unprotected::hash(password),
        });
    }
    let crowd = (0..guessing::CROWD).map(|number| {
        let is_weak = number == guessing::WEAK;
        (
            format!("customer{number}"),
            if is_weak { &hashes[1] } else { &hashes[2] },
        )
    });
    let others = [("carol", &hashes[0]), ("dave", &hashes[0])];
    let others = others.map(|(name, hash)| (name.to_owned(), hash));
    for (name, hash) in others.into_iter().chain(crowd) {
        let query = sqlx::query("INSERT INTO users (name, password) VALUES (?, ?)");
        query.bind(name).bind(hash).execute(db).await?;
    }
    Ok(())
}

/// A log that is looked at, and perhaps shown.
#[derive(Clone)]
pub struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    is_shown: bool,
}

impl Log {
    fn new(is_shown: bool) -> Self {
        Self {
            text: Arc::default(),
            is_shown,
        }
    }

    /// Writes a line as it is.
    pub fn line(&self, line: &str) {
        let _ = self.clone().write_all(format!("{line}\n").as_bytes());
    }

    fn text(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_shown {
            io::stderr().write_all(bytes)?;
        }
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
