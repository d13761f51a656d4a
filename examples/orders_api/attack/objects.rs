//! What belongs to somebody else, and what is for others to do.

use serde_json::json;

use super::super::shop::Fault;
use super::{Ask, Target, Verdict, short};

/// Bob's order, and what stands in it.
const OF_BOB: i64 = 43;
const SECRET: &str = "third stone";

async fn note_of(target: &Target, id: i64) -> sqlx::Result<Option<String>> {
    let note = sqlx::query_scalar("SELECT note FROM orders WHERE id = ?").bind(id);
    note.fetch_optional(&target.db).await
}

pub async fn read(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut answers = Vec::new();
    for path in [
        "/orders/43",
        "/orders/043",
        "/orders/43/page",
        "/orders/+43",
    ] {
        answers.push(alice.send(Ask::get(path)).await?);
    }
    let is_read = answers.iter().any(|answer| answer.body.contains(SECRET));
    let came = match is_read {
        true => "200 the note of bob".to_owned(),
        false => short(&answers),
    };
    Ok(Verdict::new(is_read, "GET /orders/43 by alice", came))
}

pub async fn update(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let before = note_of(target, OF_BOB).await?;
    let change = Ask::new("PATCH", "/orders/43").json(&json!({ "note": "send it to alice" }));
    let answers = [
        alice.send(change).await?,
        alice.send(Ask::new("POST", "/orders/43/pay")).await?,
    ];
    let is_changed = note_of(target, OF_BOB).await? != before;
    let came = match is_changed {
        true => format!("{}, and it is changed", answers[0].short()),
        false => short(&answers),
    };
    Ok(Verdict::new(is_changed, "PATCH /orders/43 by alice", came))
}

pub async fn delete(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let answer = alice.send(Ask::new("DELETE", "/orders/43")).await?;
    let is_gone = note_of(target, OF_BOB).await?.is_none();
    let came = match is_gone {
        true => format!("{}, and it is gone", answer.short()),
        false => answer.short(),
    };
    Ok(Verdict::new(is_gone, "DELETE /orders/43 by alice", came))
}

/// A chair for a cent, paid by nobody, in the name of bob.
pub async fn mass_assignment_of_an_order(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let order =
        json!({ "goods": "chair", "quantity": 1, "cents": 1, "owner": 2, "status": "paid" });
    let answer = alice.send(Ask::new("POST", "/orders").json(&order)).await?;
    let rows: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM orders WHERE cents = 1 OR (goods = 'chair' AND status = 'paid')",
    )
    .fetch_one(&target.db)
    .await?;
    let came = match rows {
        0 => answer.short(),
        _ => format!("{} a chair for a cent", answer.short()),
    };
    Ok(Verdict::new(
        rows > 0,
        "\"cents\":1,\"owner\":2,\"status\":\"paid\"",
        came,
    ))
}

/// Registers as an administrator.
pub async fn mass_assignment_of_an_account(target: &Target) -> Result<Verdict, Fault> {
    let account =
        json!({ "account": "mallory", "password": "eleven silver trombones", "role": "admin" });
    let answer = target
        .stranger()
        .send(Ask::new("POST", "/register").json(&account))
        .await?;
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM users WHERE name = 'mallory'")
        .fetch_optional(&target.db)
        .await?;
    let is_admin = role.as_deref() == Some("admin");
    let came = match is_admin {
        true => format!("{} an administrator more", answer.short()),
        false => answer.short(),
    };
    Ok(Verdict::new(
        is_admin,
        "\"role\":\"admin\" in /register",
        came,
    ))
}

/// Makes himself an administrator by what administrators do.
pub async fn admin_function(target: &Target) -> Result<Verdict, Fault> {
    let mut bob = target.bob().await?;
    let role = Ask::new("PATCH", "/admin/users/2/role").json(&json!({ "role": "admin" }));
    let answer = bob.send(role).await?;
    let role: String = sqlx::query_scalar("SELECT role FROM users WHERE id = 2")
        .fetch_one(&target.db)
        .await?;
    let is_admin = role == "admin";
    let came = match is_admin {
        true => format!("{}, bob is admin", answer.short()),
        false => answer.short(),
    };
    // The next attacks are those of a customer.
    sqlx::query("UPDATE users SET role = 'customer' WHERE id = 2")
        .execute(&target.db)
        .await?;
    Ok(Verdict::new(
        is_admin,
        "PATCH /admin/users/2/role by bob",
        came,
    ))
}

/// The list of users, by other spellings of its path.
pub async fn path_tricks(target: &Target) -> Result<Verdict, Fault> {
    let mut alice = target.alice().await?;
    let mut answers = Vec::new();
    let mut worked = Vec::new();
    for path in [
        "/admin/users",
        "//admin/users",
        "/%61dmin/users",
        "/orders/../admin/users",
        "/./admin/users",
        "/admin//users",
        "/admin/users/",
        "/admin%2fusers",
        "/orders/..;/admin/users",
        "/admin/users?x=/health",
    ] {
        let answer = alice.send(Ask::get(path)).await?;
        if answer.is_success() && answer.body.contains("\"bob\"") {
            worked.push(path);
        }
        answers.push(answer);
    }
    let came = match worked.first() {
        Some(path) => format!("200 all users, by {path}"),
        None => short(&answers),
    };
    Ok(Verdict::new(
        !worked.is_empty(),
        "//admin/users, /%61dmin/users, ..",
        came,
    ))
}

/// A file beside the folder.
pub async fn traversal(target: &Target) -> Result<Verdict, Fault> {
    let mut stranger = target.stranger();
    let prices = stranger.send(Ask::get("/downloads/prices.txt")).await?;
    if !prices.body.contains("lamp 39.00") {
        return Err(format!("nobody can download anything: {}", prices.short()).into());
    }
    let mut answers = Vec::new();
    for name in [
        "..%2fbackup.txt",
        "%2e%2e%2fbackup.txt",
        "..%5cbackup.txt",
        "prices.txt%00",
        "../backup.txt",
    ] {
        answers.push(
            stranger
                .send(Ask::get(format!("/downloads/{name}")))
                .await?,
        );
    }
    let is_read = answers
        .iter()
        .any(|answer| answer.body.contains("no customer may read"));
    let came = match is_read {
        true => "200 the backup".to_owned(),
        false => short(&answers),
    };
    Ok(Verdict::new(is_read, "/downloads/..%2fbackup.txt", came))
}
