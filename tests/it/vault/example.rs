//! The rotation of the example: it prints what its header says, and it survives being killed.

use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;

use super::{key, quiet, ssn};

#[path = "../../../examples/vault.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` reads the arguments of the process"
)]
mod vault_example;

const EXAMPLE: &str = include_str!("../../../examples/vault.rs");

/// A database file that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tower-security-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("it can be made");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("users.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_example_prints_what_its_header_says() {
    let said = EXAMPLE
        .split_once("//! ```text\n")
        .and_then(|(_, rest)| rest.split_once("//! ```"))
        .map(|(block, _)| block.lines().map(|line| line.trim_start_matches("//! ")))
        .expect("the header shows it");
    let folder = Folder::new("vault-example");
    let mut printed = Vec::new();
    vault_example::run(&folder.file(), 20_000, |line| printed.push(line))
        .await
        .unwrap();
    assert_eq!(printed, said.collect::<Vec<_>>());
}

/// Lets a future go on for so many wake-ups and drops it then. Whether it had ended.
async fn killed_after<F: Future>(future: F, mut wakeups: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if wakeups == 0 => Poll::Ready(None),
        Poll::Pending => {
            wakeups -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_rotation_is_killed_anywhere_and_ends() {
    rotates(10_000, 20).await;
}

#[tokio::test]
#[ignore = "takes some minutes"]
async fn a_rotation_of_100_000_rows_is_killed_anywhere_and_ends() {
    rotates(100_000, 5_000).await;
}

/// Fills a table, and rotates its key by a job that is killed after at most so many wake-ups, each time a few more: how many a page takes
/// is the machine's matter, and one that never gets to the end of a page would go on for ever.
async fn rotates(rows: i64, most_wakeups: u32) {
    let folder = Folder::new("vault-rotation");
    let mut db = vault_example::open(&folder.file()).await.unwrap();
    let before = ssn(quiet(1));
    vault_example::fill(&mut db, &before, rows).await.unwrap();
    let after = ssn(quiet(2).retired(1, key(1)));
    assert_eq!(vault_example::left(&mut db, &after).await.unwrap(), rows);

    let (mut random, mut kills, mut least) = (0x2545_f491_4f6c_dd1d_u64, 0, rows);
    loop {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let wakeups = u32::try_from(random >> 33).unwrap() % (most_wakeups * (kills + 1));
        let ended = killed_after(vault_example::rotate(&mut db, &after, None), wakeups).await;
        if let Some(written) = ended {
            written.unwrap();
            break;
        }
        kills += 1;
        // As a process that has died: what was not committed is gone.
        drop(db);
        db = vault_example::open(&folder.file()).await.unwrap();
        let left = vault_example::left(&mut db, &after).await.unwrap();
        assert!(left <= least, "{left} after {least}");
        least = left;
    }
    assert!(kills >= 3, "{kills}");
    assert_eq!(vault_example::left(&mut db, &after).await.unwrap(), 0);
    let again = vault_example::rotate(&mut db, &after, None).await.unwrap();
    assert_eq!(again, 0);
    let alone = ssn(quiet(2).revoked(1));
    assert_eq!(vault_example::check(&mut db, &alone).await.unwrap(), rows);
    assert!(vault_example::check(&mut db, &before).await.is_err());
}
