//! A column of an `SQLite` database that is encrypted, and a rotation of its key that is killed half-way.
//!
//! ```sh
//! cargo run --release --example vault --features vault
//! ```
//!
//! prints, for 20000 rows (another number may be given, such as `-- 1000000`):
//!
//! ```text
//! 20000 rows are written with key 1
//! the file shows no number
//! in the row of another user it is refused
//! one of them is found by its index
//! key 2 is active, 20000 rows need rotation
//! killed half-way, 10000 rows need rotation
//! a row that was changed meanwhile is left as it is
//! begun anew, 0 rows need rotation
//! once more, 0 rows are written
//! 20000 rows open, and key 1 is revoked
//! ```

use std::error::Error;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use tower_security::core::SecurityEvent;
use tower_security::vault::{IndexBits, KeyRing, Protector};

/// Rows that a job reads at once, and writes in one transaction.
const PAGE: i64 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows = match std::env::args().nth(1) {
        Some(rows) => rows.parse()?,
        None => 20_000,
    };
    let folder = std::env::temp_dir().join(format!("vault-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = run(&folder.join("users.db"), rows, |line| println!("{line}")).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Does all of it and says what it did.
pub async fn run(
    file: &Path,
    rows: i64,
    mut say: impl FnMut(String),
) -> Result<(), Box<dyn Error>> {
    // In a service they come out of a secret store, in base64.
    let (key_1, key_2) = (KeyRing::generate_key()?, KeyRing::generate_key()?);
    let ring = KeyRing::builder()
        .active(1, key_1.clone())
        .next(2, key_2.clone())
        // Nothing here acts for a request, and so no stack has a sink for it. A handler calls `ssn.for_request(&extensions)`.
        .events(|event: &SecurityEvent<'_>| {
            eprintln!("{} {} {:?}", event.name, event.code, event.rule.as_deref());
        })
        .build()?;
    let ssn = ring.purpose(&["users", "ssn"])?;

    let mut db = open(file).await?;
    fill(&mut db, &ssn, rows).await?;
    say(format!("{rows} rows are written with key 1"));

    let content = std::fs::read(file)?;
    let shown = number(rows / 2);
    let shows = content
        .windows(shown.len())
        .any(|part| part == shown.as_bytes());
    say(format!(
        "the file shows {} number",
        if shows { "a" } else { "no" }
    ));

    let moved = value(&mut db, 1).await?;
    let is_refused = ssn.unprotect(&moved, &[id(2)]).is_err();
    say(format!(
        "in the row of another user it is {}",
        if is_refused { "refused" } else { "read" }
    ));

    let wanted = ssn.blind_index(number(7).as_bytes(), IndexBits::default());
    let found = sqlx::query("SELECT id FROM users WHERE ssn_index = $1")
        .bind(wanted.as_bytes())
        .fetch_all(&mut db)
        .await?;
    let is_it = found.iter().any(|row| row.get::<i64, _>(0) == 7);
    say(format!(
        "{} of them is found by its index",
        if is_it { "one" } else { "none" }
    ));

    let ring = ring.rotate(2)?;
    let ssn = ring.purpose(&["users", "ssn"])?;
    let left = left(&mut db, &ssn).await?;
    say(format!("key 2 is active, {left} rows need rotation"));

    // In the middle of a transaction, which is as if it had not begun.
    rotate(&mut db, &ssn, Some(rows / 2 + PAGE / 2)).await?;
    let left = self::left(&mut db, &ssn).await?;
    say(format!("killed half-way, {left} rows need rotation"));

    let was = value(&mut db, rows).await?;
    let newer = ssn.protect(b"changed", &[id(rows)])?;
    write(&mut db, rows, &was, &newer).await?;
    let late = ssn.reprotect(&was, &[id(rows)])?.ok_or("it was of key 1")?;
    let is_written = write(&mut db, rows, &was, &late).await?;
    say(format!(
        "a row that was changed meanwhile is {}",
        if is_written { "lost" } else { "left as it is" }
    ));

    rotate(&mut db, &ssn, None).await?;
    let left = self::left(&mut db, &ssn).await?;
    say(format!("begun anew, {left} rows need rotation"));

    let written = rotate(&mut db, &ssn, None).await?;
    say(format!("once more, {written} rows are written"));

    let ring = KeyRing::builder().active(2, key_2).revoked(1).build()?;
    let ssn = ring.purpose(&["users", "ssn"])?;
    let opened = check(&mut db, &ssn).await?;
    say(format!("{opened} rows open, and key 1 is revoked"));
    Ok(db.close().await?)
}

pub async fn open(file: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file);
    let mut db = options.create_if_missing(true).connect().await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, ssn BLOB NOT NULL, ssn_index BLOB NOT NULL);
         CREATE INDEX IF NOT EXISTS by_ssn ON users (ssn_index);",
    )
    .execute(&mut db)
    .await?;
    Ok(db)
}

/// What the value of a row is bound to.
fn id(row: i64) -> [u8; 8] {
    row.to_be_bytes()
}

fn number(row: i64) -> String {
    format!(
        "{:03}-{:02}-{:04}",
        row / 1_000_000,
        row / 10_000 % 100,
        row % 10_000
    )
}

pub async fn fill(
    db: &mut SqliteConnection,
    ssn: &Protector,
    rows: i64,
) -> Result<(), Box<dyn Error>> {
    let mut transaction = db.begin().await?;
    for row in 1..=rows {
        let number = number(row);
        let index = ssn.blind_index(number.as_bytes(), IndexBits::default());
        sqlx::query("INSERT INTO users (id, ssn, ssn_index) VALUES ($1, $2, $3)")
            .bind(row)
            .bind(ssn.protect(number.as_bytes(), &[id(row)])?)
            .bind(index.as_bytes())
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

async fn value(db: &mut SqliteConnection, row: i64) -> sqlx::Result<Vec<u8>> {
    let query = sqlx::query_scalar("SELECT ssn FROM users WHERE id = $1");
    query.bind(row).fetch_one(db).await
}

/// Writes a value unless somebody has changed it meanwhile.
async fn write(db: &mut SqliteConnection, row: i64, old: &[u8], new: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE users SET ssn = $1 WHERE id = $2 AND ssn = $3")
        .bind(new)
        .bind(row)
        .bind(old)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// How many rows are not of the active key, as the database counts them.
pub async fn left(db: &mut SqliteConnection, ssn: &Protector) -> sqlx::Result<i64> {
    let query = sqlx::query_scalar("SELECT count(*) FROM users WHERE substr(ssn, 1, 5) <> $1");
    query.bind(&ssn.current_head()[..]).fetch_one(db).await
}

/// The job: by the primary key, page by page. Returns how many rows it wrote. It can be killed anywhere and begun anew.
pub async fn rotate(
    db: &mut SqliteConnection,
    ssn: &Protector,
    killed_after: Option<i64>,
) -> Result<i64, Box<dyn Error>> {
    let (mut last, mut written) = (0_i64, 0);
    loop {
        let mut transaction = db.begin().await?;
        // The first bytes name the key: what was done before a kill is not read again.
        let page = "SELECT id, ssn FROM users WHERE id > $1 AND substr(ssn, 1, 5) <> $2 ORDER BY id LIMIT $3";
        let page = sqlx::query(page)
            .bind(last)
            .bind(&ssn.current_head()[..])
            .bind(PAGE)
            .fetch_all(&mut *transaction)
            .await?;
        if page.is_empty() {
            return Ok(written);
        }
        for row in page {
            last = row.get(0);
            let old: Vec<u8> = row.get(1);
            if let Some(new) = ssn.reprotect(&old, &[id(last)])?
                && write(&mut transaction, last, &old, &new).await?
            {
                written += 1;
            }
            if Some(written) == killed_after {
                // What the transaction did is rolled back.
                return Ok(written);
            }
        }
        transaction.commit().await?;
    }
}

/// Decrypts every row and returns how many there are.
pub async fn check(db: &mut SqliteConnection, ssn: &Protector) -> Result<i64, Box<dyn Error>> {
    let (mut last, mut opened) = (0_i64, 0);
    loop {
        let page = sqlx::query("SELECT id, ssn FROM users WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(last)
            .bind(PAGE)
            .fetch_all(&mut *db)
            .await?;
        if page.is_empty() {
            return Ok(opened);
        }
        for row in page {
            last = row.get(0);
            let plain = ssn.unprotect(&row.get::<Vec<u8>, _>(1), &[id(last)])?;
            if *plain != number(last).as_bytes() && *plain != b"changed" {
                return Err("a row holds what it never held".into());
            }
            opened += 1;
        }
    }
}
