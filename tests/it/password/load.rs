//! What many logins at once, and one, cost. Each test runs in a process of its own, since others would be measured with it.

use std::fs;
use std::process::Command;
use std::thread;

use tower_security::password::PasswordHasher;

use super::{STAPLE, secret};

/// Says to the process that is started that it is the one to measure.
const CHILD: &str = "TOWER_SECURITY_MEASURED";

/// Whether this is the process to measure. Else starts that one, and is done when it has passed.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg(format!("password::load::{test}"))
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    assert!(text.contains("1 passed"));
    false
}

/// Milliseconds that this thread has had a processor.
fn processor() -> f64 {
    // The count is brought up to date when the thread gives way.
    thread::yield_now();
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos: f64 = line.split(' ').next().unwrap().parse().unwrap();
    nanos / 1e6
}

#[test]
#[ignore = "takes 10 s"]
fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    if !is_alone("an_unknown_user_takes_as_long_as_a_wrong_password") {
        return;
    }
    let hasher = PasswordHasher::builder().build().unwrap();
    let stored = hasher.hash_blocking(&secret(STAPLE)).unwrap();
    let password = secret("correct horse battery staplf");
    let users = [Some(stored.as_str()), None, Some("$1$broken")];
    let mut samples = [const { Vec::new() }; 3];
    for round in 0..200 {
        for at in 0..3 {
            let at = (at + round) % 3;
            let start = processor();
            let answer = hasher.verify_blocking(&password, users[at]);
            samples[at].push(processor() - start);
            assert!(answer.is_err());
        }
    }
    let [wrong, unknown, broken] = samples.map(|mut samples| {
        samples.sort_by(f64::total_cmp);
        samples[100]
    });
    println!(
        "processor time, median of 200: wrong {wrong:.3} ms, unknown {unknown:.3} ms, broken {broken:.3} ms"
    );
    for other in [unknown, broken] {
        let ratio = other / wrong;
        assert!((0.97..=1.03).contains(&ratio), "{ratio}");
    }
}

#[cfg(feature = "axum")]
mod server {
    use std::collections::BTreeMap;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use axum::Router;
    use axum::body::Body;
    use axum::extract::State;
    use axum::response::Response;
    use axum::routing::{get, post};
    use http::StatusCode;
    use http::request::Parts;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tower_security::core::RefusalContext;

    use super::*;

    const LOGINS: usize = 500;
    const WAVES: usize = 8;
    const MIB: usize = 1 << 20;

    async fn login(State(hasher): State<PasswordHasher>, head: Parts, body: String) -> Response {
        match hasher.verify(&body.into(), None).await {
            Ok(_) => Response::new(Body::from("welcome")),
            Err(error) => RefusalContext::new(&head).refuse(error),
        }
    }

    /// One request over a connection that stays; status, `Retry-After`, how long it took.
    async fn ask(stream: &mut TcpStream, line: &str, body: &str) -> (u16, Option<u64>, Duration) {
        let start = Instant::now();
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::with_capacity(1_024);
        let (head, length) = loop {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "closed");
            let text = std::str::from_utf8(&answer).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = number(head, "content-length: ").unwrap();
                break (head.to_owned(), length as usize - body.len());
            }
        };
        if length > 0 {
            let mut rest = vec![0; length];
            stream.read_exact(&mut rest).await.unwrap();
        }
        let status = head[9..12].parse().unwrap();
        (status, number(&head, "retry-after: "), start.elapsed())
    }

    fn number(head: &str, name: &str) -> Option<u64> {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.map(|number| number.parse().unwrap())
    }

    /// Bytes in memory, now and at most.
    fn resident() -> (usize, usize) {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.unwrap().trim().trim_end_matches(" kB");
            number.parse::<usize>().unwrap() * 1_024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// Asks another route over and over, on a thread of its own.
    struct Pings {
        done: Arc<AtomicBool>,
        times: thread::JoinHandle<Vec<Duration>>,
    }

    impl Pings {
        fn end(self) -> Vec<Duration> {
            self.done.store(true, Ordering::Relaxed);
            self.times.join().unwrap()
        }
    }

    fn pings(addr: SocketAddr) -> Pings {
        let done = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&done);
        let times = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(async {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                let mut times = Vec::new();
                while !ends.load(Ordering::Relaxed) {
                    let (status, _, time) = ask(&mut stream, "GET /ping", "").await;
                    assert_eq!(status, 200);
                    times.push(time);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                times
            })
        });
        Pings { done, times }
    }

    fn percentile(mut samples: Vec<Duration>, percent: usize) -> Duration {
        samples.sort_unstable();
        samples[(samples.len() * percent / 100).min(samples.len() - 1)]
    }

    #[test]
    #[ignore = "takes 10 s"]
    fn five_hundred_logins_at_once_take_the_memory_of_four() {
        if !is_alone("server::five_hundred_logins_at_once_take_the_memory_of_four") {
            return;
        }
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2).enable_all().build().unwrap()
        };
        let server = runtime();
        let hasher = PasswordHasher::builder().concurrency(4).build().unwrap();
        let router = Router::new()
            .route("/login", post(login))
            .route("/ping", get(async || StatusCode::OK))
            .with_state(hasher);
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        server.spawn(async move { axum::serve(listener, router).await });

        // Connections and their buffers are there before anything is measured.
        let client = runtime();
        let mut streams = client.block_on(async {
            let mut streams = Vec::new();
            for _ in 0..LOGINS {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                let long = "a".repeat(1_025);
                assert_eq!(ask(&mut stream, "POST /login", &long).await.0, 400);
                streams.push(stream);
            }
            streams
        });
        let (before, _) = resident();

        // What the machine does besides is nobody's fault here.
        let quiet = pings(addr);
        thread::sleep(Duration::from_secs(2));
        let alone = percentile(quiet.end(), 99);
        let pings = pings(addr);
        let mut statuses = BTreeMap::new();
        let (mut refused, mut retries) = (Vec::new(), Vec::new());
        for _ in 0..WAVES {
            let calls = std::mem::take(&mut streams).into_iter().map(|mut stream| {
                client.spawn(async move {
                    let answer = ask(&mut stream, "POST /login", STAPLE).await;
                    (stream, answer)
                })
            });
            for call in calls.collect::<Vec<_>>() {
                let (stream, (status, retry, time)) = client.block_on(call).unwrap();
                streams.push(stream);
                *statuses.entry(status).or_insert(0) += 1;
                if status == 503 {
                    refused.push(time);
                    retries.push(retry.expect("`Retry-After`"));
                }
            }
        }
        let pings = pings.end();
        let (_, most) = resident();
        let grown = most.saturating_sub(before);
        let count = pings.len();
        let (middle, p99) = (percentile(pings.clone(), 50), percentile(pings, 99));
        let sent_away = percentile(refused, 99);
        println!(
            "{WAVES} x {LOGINS} logins: {statuses:?}; grown by {:.1} MiB; {count} pings, median {middle:?}, p99 {p99:?} (without logins {alone:?}); 503 at p99 \
             after {sent_away:?}, Retry-After {:?} to {:?}",
            grown as f64 / MIB as f64,
            retries.iter().min(),
            retries.iter().max(),
        );
        assert!(statuses.keys().all(|status| [401, 503].contains(status)));
        assert!(statuses[&401] > 0 && statuses[&503] > 0);
        assert!(retries.iter().all(|seconds| (1..=30).contains(seconds)));
        assert!(grown <= 4 * 19 * MIB + 10 * MIB, "{grown}");
        // 10 ms is what it is to be where nothing else runs. Another program on the same two processors makes several of them; hashes on the
        // threads of the runtime would make seconds.
        assert!(p99 < alone + Duration::from_millis(50), "{p99:?}");
    }
}
