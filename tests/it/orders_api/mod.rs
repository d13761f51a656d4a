//! The shop under attack: with the stack each attack is blocked, without it each gets through, and an ordinary user notices nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, SqlitePool};
use tower_security::core::SecurityEvent;
use tower_security::stack::Posture;

use crate::support::wire::Server;

mod chromium;
mod judges;

#[path = "../../../examples/orders_api/main.rs"]
#[expect(
    dead_code,
    reason = "an example: its `main` reads the arguments of the process"
)]
mod example;

use example::attack::{Kind, Plan, run};
use example::service::{self, Parts};
use example::stack::{Deployment, LAYERS};
use example::{db, others, secrets::Secrets, try_it};

async fn attack(kind: Kind) {
    let plan = Plan::of(kind);
    let rows = run(&plan, |_| {}).await.expect("the service starts");
    let mut wrong = String::new();
    for row in rows.iter().filter(|row| !row.is_as_promised(kind)) {
        let came = match &row.verdict {
            Ok(verdict) => format!("{} gave {}", verdict.sent, verdict.came),
            Err(fault) => fault.to_string(),
        };
        wrong += &format!("\n{}: {came}", row.name);
    }
    assert!(wrong.is_empty(), "{kind:?}:{wrong}");
    let attacks = rows.iter().filter(|row| !row.is_legitimate).count();
    assert_eq!((attacks, rows.len() - attacks), (43, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_blocked() {
    attack(Kind::Protected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_gets_through_without_the_stack() {
    attack(Kind::Unprotected).await;
}

/// A service with a database of its own.
struct Shop {
    server: Server,
    db: SqlitePool,
    posture: Posture,
    _folder: others::Folder,
}

async fn shop(deployment: Deployment) -> Shop {
    let db = db::open(None).await.expect("it opens");
    let folder = others::folder().expect("it can be made");
    let parts = Parts {
        db: db.clone(),
        secrets: Secrets::generate().expect("there is randomness"),
        downloads: folder.path(),
        grace: Duration::ZERO,
        deployment,
    };
    let built = service::build(parts, |_: &SecurityEvent<'_>| {}).await;
    let (router, posture) = built.expect("it builds");
    Shop {
        server: Server::axum(router).await,
        db,
        posture,
        _folder: folder,
    }
}

impl Shop {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", self.server.addr.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::from(body.to_owned()))
            .expect("a request");
        self.server.http1(request).await
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Response<Bytes> {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json")];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        self.ask(Method::POST, path, &headers, &body.to_string())
            .await
    }

    /// Logs in and returns the token, or the status.
    async fn log_in(&self, account: &str, password: &str, code: &str) -> Result<String, u16> {
        let form = json!({ "account": account, "password": password, "code": code });
        let answer = self.post("/login", "", &form).await;
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        let token = body["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| answer.status().as_u16())
    }
}

/// All of it: nothing changes here without being seen.
#[tokio::test]
async fn the_posture_of_the_service() {
    let proxied = Deployment::behind_proxy().expect("it builds");
    let proxied = shop(proxied).await.posture;
    assert_eq!(proxied.to_string(), include_str!("posture.txt"));
    let proxied = proxied.to_string();

    let local = shop(Deployment::local()).await.posture.to_string();
    let other = |(mine, other): &(&str, &str)| mine != other;
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = local.lines().zip(proxied.lines()).filter(other);
    let lines: Vec<_> = lines.map(|(mine, _)| words(mine)).collect();
    assert_eq!(
        lines,
        [
            "context on client_ip=peer scheme=known",
            "https on plain=redirect hosts=2 hsts=max-age=63072000; includeSubDomains exempt=loopback",
        ]
    );
    assert_eq!(local.lines().count(), proxied.lines().count());
}

/// What is left out for a demonstration is shown to be.
#[tokio::test]
async fn the_posture_tells_what_is_left_out() {
    for layer in LAYERS {
        let deployment = Deployment::local().without(layer).expect("it is known");
        let posture = shop(deployment).await.posture.to_string();
        let row = |line: &&str| line.split_whitespace().next() == Some(layer);
        let row = posture.lines().find(row).expect("it has a row");
        assert_eq!(row.split_whitespace().nth(1), Some("off"), "{row}");
    }
}

/// What the app on the phone shows at a time.
fn code(uri: &str, at: SystemTime) -> String {
    let secret = uri.split_once("secret=").map_or("", |(_, rest)| rest);
    let secret = secret.split('&').next().unwrap_or_default();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = 0_u64;
    let (mut count, mut bytes) = (0, Vec::new());
    for letter in secret.bytes() {
        let digit = alphabet
            .iter()
            .position(|each| *each == letter)
            .expect("base 32");
        bits = bits << 5 | digit as u64;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    let app = totp_rs::Builder::new()
        .with_secret(bytes)
        .build()
        .expect("an app");
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    app.generate(since.as_secs()).to_string()
}

#[tokio::test]
async fn somebody_registers_and_enrols_a_second_factor() {
    let shop = shop(Deployment::local()).await;
    let form = json!({ "account": "Zoe", "password": "eleven silver trombones" });
    assert_eq!(shop.post("/register", "", &form).await.status(), 202);
    // Somebody else wants the name too, and does not learn that it is taken.
    let other = json!({ "account": "zoe", "password": "twelve golden bassoons" });
    let again = shop.post("/register", "", &other).await;
    assert_eq!(again.status(), 202);
    assert_eq!(
        shop.log_in("zoe", "twelve golden bassoons", "").await,
        Err(401)
    );
    let weak = json!({ "account": "max", "password": "password123" });
    assert_eq!(shop.post("/register", "", &weak).await.status(), 422);

    let token = shop
        .log_in("ZOE ", "eleven silver trombones", "")
        .await
        .expect("a token");
    let enrolment = shop.post("/me/totp", &token, &json!({})).await;
    let enrolment: Value = serde_json::from_slice(enrolment.body()).expect("JSON");
    let uri = enrolment["uri"].as_str().expect("a link");
    let now = SystemTime::now();
    let first = json!({ "code": code(uri, now) });
    assert_eq!(
        shop.post("/me/totp/confirm", &token, &first).await.status(),
        204
    );

    assert_eq!(
        shop.log_in("zoe", "eleven silver trombones", "").await,
        Err(401)
    );
    assert_eq!(
        shop.log_in("zoe", "eleven silver trombones", "000000")
            .await,
        Err(401)
    );
    // The next one counts too, and still does if it has become the current one meanwhile.
    let second = code(uri, now + Duration::from_secs(30));
    assert!(
        shop.log_in("zoe", "eleven silver trombones", &second)
            .await
            .is_ok()
    );
    // It was looked at.
    assert_eq!(
        shop.log_in("zoe", "eleven silver trombones", &second).await,
        Err(401)
    );
}

#[tokio::test]
async fn a_hash_of_bcrypt_is_replaced_at_the_login() {
    let shop = shop(Deployment::local()).await;
    let stored = async || {
        let query = sqlx::query_scalar("SELECT password FROM users WHERE name = 'bob'");
        let hash: String = query.fetch_one(&shop.db).await.expect("a row");
        hash
    };
    assert_eq!(shop.log_in("bob", "nine purple otter", "").await, Err(401));
    assert_eq!(stored().await, db::BCRYPT_OF_BOB);
    for _ in 0..2 {
        assert!(shop.log_in("bob", db::BOB.password, "").await.is_ok());
        assert!(stored().await.starts_with("$argon2id$"));
    }
}

/// A change of the role ends the tokens that say another one.
#[tokio::test]
async fn an_administrator_gives_and_takes_rights() {
    let shop = shop(Deployment::local()).await;
    let root = shop
        .log_in("root", db::ROOT.password, "")
        .await
        .expect("a token");
    let bob = shop
        .log_in("bob", db::BOB.password, "")
        .await
        .expect("a token");
    let users = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = shop.ask(Method::GET, "/admin/users", &headers, "").await;
        answer.status().as_u16()
    };
    assert_eq!((users(&root).await, users(&bob).await), (200, 403));
    let bearer = format!("Bearer {root}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let path = "/admin/users/2/role";
    for (role, status) in [("\"king\"", 422), ("\"admin\"", 204)] {
        let body = format!("{{\"role\":{role}}}");
        assert_eq!(
            shop.ask(Method::PATCH, path, &headers, &body)
                .await
                .status(),
            status
        );
    }
    assert_eq!(users(&bob).await, 401);
    let bob = shop
        .log_in("bob", db::BOB.password, "")
        .await
        .expect("a token");
    assert_eq!(users(&bob).await, 200);
}

/// A database that is gone with the test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("tower-security-orders-{name}-{}.db", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    async fn open(&self) -> SqlitePool {
        db::open(Some(&self.0)).await.expect("it opens")
    }

    /// Without a migration.
    async fn raw(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(&self.0);
        let pool = SqlitePool::connect_with(options.create_if_missing(true));
        pool.await.expect("it opens")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-shm", "-wal"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

async fn version(pool: &SqlitePool) -> i64 {
    let version = sqlx::query_scalar("PRAGMA user_version");
    version.fetch_one(pool).await.expect("a number")
}

#[tokio::test]
async fn a_database_in_a_file_is_migrated_once() {
    let file = File::new("twice");
    let pool = file.open().await;
    assert!(db::is_new(&pool).await.unwrap());
    db::seed(&pool, ["a", "b", "c"]).await.unwrap();
    pool.close().await;
    let pool = file.open().await;
    assert!(!db::is_new(&pool).await.unwrap());
    assert_eq!(version(&pool).await, 2);
    pool.close().await;
}

#[tokio::test]
async fn an_old_database_is_brought_up_to_date_with_what_is_in_it() {
    let file = File::new("old");
    let pool = file.raw().await;
    sqlx::raw_sql(db::MIGRATIONS[0])
        .execute(&pool)
        .await
        .unwrap();
    let user = "INSERT INTO users (name, password) VALUES ('zoe', 'x'); PRAGMA user_version = 1";
    sqlx::raw_sql(user).execute(&pool).await.unwrap();
    pool.close().await;
    let pool = file.open().await;
    assert_eq!(version(&pool).await, 2);
    let row: (String, Option<Vec<u8>>) = sqlx::query_as("SELECT name, address FROM users")
        .fetch_one(&pool)
        .await
        .expect("it has the column");
    assert_eq!(row, ("zoe".to_owned(), None));
    pool.close().await;
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let file = File::new("new");
    let pool = file.open().await;
    for other in [3, -1] {
        let version = AssertSqlSafe(format!("PRAGMA user_version = {other}"));
        sqlx::raw_sql(version).execute(&pool).await.unwrap();
        let error = db::open(Some(&file.0)).await.expect_err("it is newer");
        let text = format!("has version {other}, and this program knows those up to 2");
        assert!(error.to_string().contains(&text), "{error}");
        assert_eq!(self::version(&pool).await, other);
    }
    pool.close().await;
}

/// The words of a command, as a shell would split it, with a variable in place of its name.
fn words(line: &str, token: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.chars() {
        match (character, quote) {
            ('\'' | '"', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words
        .into_iter()
        .map(|word| word.replace("$TOKEN", token))
        .collect()
}

#[tokio::test]
async fn what_it_prints_to_try_gives_what_it_says() {
    let shop = shop(Deployment::local()).await;
    let (mut token, mut jar) = (String::new(), BTreeMap::new());
    for (gives, line) in try_it::LINES {
        let (command, keeps) = match line.strip_prefix("TOKEN=$(") {
            Some(rest) => (rest.split(" | ").next().expect("a command"), true),
            None => (*line, false),
        };
        let words = words(command, &token);
        let (mut method, mut path, mut body) = (Method::GET, String::new(), String::new());
        let (mut headers, mut sends, mut writes) = (Vec::new(), false, false);
        let mut rest = words.iter().skip(1);
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-i" | "-s" => {}
                "-b" => sends = rest.next().is_some(),
                "-c" => writes = rest.next().is_some(),
                "-X" => method = rest.next().expect("a method").parse().expect("a method"),
                "-H" => headers.extend(rest.next().and_then(|line| line.split_once(": "))),
                "-d" => body.clone_from(rest.next().expect("a body")),
                url => url
                    .strip_prefix("$SHOP")
                    .expect("a URL")
                    .clone_into(&mut path),
            }
        }
        let cookies: Vec<_> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        if sends {
            headers.push(("cookie", &cookies));
        }
        let answer = shop.ask(method, &path, &headers, &body).await;
        let text = std::str::from_utf8(answer.body()).expect("text");
        if let Some((_, promised)) = gives.split_once(": ") {
            let (status, word) = promised.split_once(' ').unwrap_or((promised, ""));
            assert_eq!(answer.status().as_str(), status, "{gives}: {text}");
            assert!(text.contains(word), "{gives}: {text}");
        }
        if writes {
            for line in answer.headers().get_all(header::SET_COOKIE) {
                let line = line.to_str().expect("ASCII");
                let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
                let (name, value) = pair.expect("a cookie");
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        if keeps {
            // `cut -d'"' -f4`
            text.split('"')
                .nth(3)
                .expect("a token")
                .clone_into(&mut token);
            assert_eq!(token.split('.').count(), 3, "{token}");
        }
    }
    assert_eq!(try_it::LINES.len(), 12);
}
