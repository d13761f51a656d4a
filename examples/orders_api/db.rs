//! The database: its schema, and who is in it when it is new.

use std::path::Path;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::shop::Fault;

/// Each runs once, in this order; `user_version` counts them. What was released is not changed any more.
pub const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        password TEXT NOT NULL,
        role TEXT NOT NULL DEFAULT 'customer',
        has_totp INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        owner INTEGER NOT NULL REFERENCES users (id),
        goods TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        cents INTEGER NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        options TEXT NOT NULL DEFAULT '{}',
        status TEXT NOT NULL DEFAULT 'open'
    );
    CREATE INDEX orders_of ON orders (owner);",
    // Sealed: of no use without the key, and in no other row.
    "ALTER TABLE users ADD COLUMN address BLOB;",
];

/// Opens the database and brings its schema up to date. One that a newer program has written is left alone.
pub async fn open(file: Option<&Path>) -> Result<SqlitePool, Fault> {
    let pool = match file {
        Some(file) => {
            let options = SqliteConnectOptions::new().filename(file);
            let options = options.create_if_missing(true).foreign_keys(true);
            SqlitePoolOptions::new().connect_with(options).await?
        }
        // In memory each connection has a database of its own, which ends with it.
        None => {
            let pool = SqlitePoolOptions::new().max_connections(1);
            let pool = pool.idle_timeout(None).max_lifetime(None);
            pool.connect("sqlite::memory:").await?
        }
    };
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &SqlitePool) -> Result<(), Fault> {
    // Of two programs that start at once, one waits.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let version = sqlx::query_scalar("PRAGMA user_version");
    let found: i64 = version.fetch_one(&mut *transaction).await?;
    let known = MIGRATIONS.len();
    let waiting = usize::try_from(found)
        .ok()
        .and_then(|done| MIGRATIONS.get(done..));
    let Some(waiting) = waiting else {
        return Err(format!(
            "the schema of the database has version {found}, and this program knows those up to {known}: \
             start the program that has written it"
        )
        .into());
    };
    for migration in waiting {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    if !waiting.is_empty() {
        // It takes no parameter. The number is ours.
        let version = AssertSqlSafe(format!("PRAGMA user_version = {known}"));
        sqlx::raw_sql(version).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whether nobody is in it yet.
pub async fn is_new(pool: &SqlitePool) -> sqlx::Result<bool> {
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(pool)
        .await?;
    Ok(users == 0)
}

/// Somebody to try the service with.
pub struct Person {
    pub id: i64,
    pub name: &'static str,
    pub password: &'static str,
    pub role: &'static str,
}

const fn person(id: i64, name: &'static str, password: &'static str, role: &'static str) -> Person {
    Person {
        id,
        name,
        password,
        role,
    }
}

pub const ALICE: Person = person(1, "alice", "correct horse battery", "customer");
pub const BOB: Person = person(2, "bob", "nine purple otters", "customer");
pub const ROOT: Person = person(3, "root", "a kettle of warm tea", "admin");

/// Of `BOB`, as another system has kept it: it is replaced when he logs in.
pub const BCRYPT_OF_BOB: &str = "$2b$08$Kq1m8ZrT4vXyB2nD6sWc0ONDnd.u3wetmhHfZxZGlXtIuOux4CVuG";

/// Writes the people and their first orders. `hash` makes what is stored of a password.
pub async fn seed(pool: &SqlitePool, hashes: [&str; 3]) -> sqlx::Result<()> {
    for (person, hash) in [ALICE, BOB, ROOT].iter().zip(hashes) {
        sqlx::query("INSERT INTO users (id, name, password, role) VALUES (?, ?, ?, ?)")
            .bind(person.id)
            .bind(person.name)
            .bind(hash)
            .bind(person.role)
            .execute(pool)
            .await?;
    }
    sqlx::raw_sql(
        "INSERT INTO orders (id, owner, goods, quantity, cents, note, status) VALUES
            (42, 1, 'lamp', 1, 3900, 'wrapped, please', 'open'),
            (43, 2, 'chair', 2, 24000, 'the key is under the third stone', 'open'),
            (44, 1, 'book', 3, 4500, '', 'shipped');",
    )
    .execute(pool)
    .await?;
    Ok(())
}
