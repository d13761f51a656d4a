//! A real browser: headless Chromium behind `chromedriver`.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use fantoccini::{Client, ClientBuilder};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// How long anything may take that a browser does, a cold start on a busy machine included.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// One browser at a time: a dozen that start together miss the deadline.
static TURN: Mutex<()> = Mutex::const_new(());

/// A browser with a fresh profile that ends with the test.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
    // Fields are dropped in order: the next browser starts when this one is gone.
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts a browser. Panics when a program is missing: `apt-get install chromium chromium-driver`.
    pub(crate) async fn start() -> Self {
        let turn = TURN.lock().await;
        let driver = Driver::start();
        let profile = driver
            .profile
            .0
            .to_str()
            .expect("the path of the profile is UTF-8");
        let capabilities = json!({
            // The certificate of `support::tls` is signed by nobody.
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    // Names without the privileges of localhost: browsers send them no `Sec-Fetch-*` over plain HTTP.
                    "--host-resolver-rules=MAP *.test 127.0.0.1",
                    // The browser ends when the driver does, however that happened.
                    "--remote-debugging-pipe",
                    format!("--user-data-dir={profile}"),
                ],
                // Some builds keep third-party cookies back: then there is nothing that a page of another site could abuse.
                "prefs": { "profile.cookie_controls_mode": 0, "profile.block_third_party_cookies": false },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("it was written as an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .expect("chromedriver starts chromium: apt-get install chromium chromium-driver");
        Self {
            client,
            driver,
            _turn: turn,
        }
    }

    /// Loads a page as if its address had been typed.
    pub(crate) async fn open(&self, url: &str) {
        self.client
            .goto(url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) {
        self.client
            .refresh()
            .await
            .expect("the page can be loaded again");
    }

    /// Runs a script in the page, with the arguments in `arguments`. A script that leaves the page does not wait for the next one: wait for what the server sees.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) {
        self.client
            .execute(script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"));
    }

    /// Runs a script in the page, with the arguments in `given`, and returns what it hands to `done`.
    pub(crate) async fn ask(&self, script: &str, arguments: Vec<Value>) -> Value {
        let script = format!("const given = [...arguments]; const done = given.pop(); {script}");
        self.client
            .execute_async(&script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Returns the cookies of the page as lines of `Set-Cookie`, those too that no script sees.
    pub(crate) async fn cookies(&self) -> Vec<String> {
        let cookies = self.client.get_all_cookies().await;
        let cookies = cookies.expect("the browser tells");
        cookies.iter().map(ToString::to_string).collect()
    }

    /// Calls `fetch` in the page.
    pub(crate) async fn fetch(&self, url: &str, init: Value) -> Fetched {
        let script = "\
            const [url, init] = given;
            fetch(url, init).then(
                async answer => done({
                    status: answer.status,
                    headers: Object.fromEntries(answer.headers),
                    body: await answer.text(),
                }),
                error => done(String(error)),
            );";
        match self.ask(script, vec![json!(url), init]).await {
            Value::String(error) => {
                assert_eq!(error, "TypeError: Failed to fetch", "{url}");
                Fetched::Failed
            }
            answer => Fetched::Answer(answer),
        }
    }

    /// Returns what the console of the browser says since the last call.
    pub(crate) async fn console(&self) -> Vec<String> {
        let session = self
            .client
            .session_id()
            .await
            .expect("the session has an id");
        let session = session.expect("there is a session");
        // A command of chromedriver that is not part of WebDriver.
        let request = Request::post(format!("{}/session/{session}/se/log", self.driver.url()))
            .body(Full::new(Bytes::from_static(b"{\"type\":\"browser\"}")))
            .expect("the request is well-formed");
        let http = HttpClient::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let answer = http.request(request).await.expect("chromedriver answers");
        let answer = answer
            .into_body()
            .collect()
            .await
            .expect("chromedriver answers");
        let answer: Value = serde_json::from_slice(&answer.to_bytes()).expect("it is JSON");
        let lines = answer["value"]
            .as_array()
            .unwrap_or_else(|| panic!("no log: {answer}"));
        lines
            .iter()
            .map(|line| line["message"].as_str().expect("it is text").to_owned())
            .collect()
    }
}

/// What a page learns of a `fetch`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fetched {
    /// The promise was rejected: the page may not know why.
    Failed,
    /// The answer, or as much of it as the page may read: `status`, `headers`, `body`.
    Answer(Value),
}

impl Fetched {
    /// Returns the status. An opaque answer has 0.
    pub(crate) fn status(&self) -> Option<u64> {
        self.part("status")?.as_u64()
    }

    /// Returns the body.
    pub(crate) fn body(&self) -> Option<&str> {
        self.part("body")?.as_str()
    }

    /// Returns a header, if the page may read it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.part("headers")?.get(name)?.as_str()
    }

    fn part(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Failed => None,
            Self::Answer(answer) => answer.get(name),
        }
    }
}

/// A `chromedriver` and the profile of its browser.
struct Driver {
    process: Child,
    port: String,
    output: Receiver<String>,
    profile: Profile,
}

impl Driver {
    fn start() -> Self {
        let profile = Profile::new();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: apt-get install chromium chromium-driver");
        let stdout = process.stdout.take().expect("it is piped");
        let (sender, output) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens any more after the port is known, but the pipe has to be kept empty.
                let _ = sender.send(line);
            }
        });
        let mut driver = Self {
            process,
            port: String::new(),
            output,
            profile,
        };
        driver.port = driver.announced_port();
        driver
    }

    fn announced_port(&self) -> String {
        loop {
            let line = self
                .output
                .recv_timeout(DEADLINE)
                .expect("chromedriver says its port");
            let words = "was started successfully on port ";
            if let Some((_, port)) = line.split_once(words) {
                return port.trim_end_matches('.').to_owned();
            }
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // The browser inherited the pipe: it is closed when the last of its processes has ended.
        loop {
            match self.output.recv_timeout(DEADLINE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    eprintln!("a browser is still running: {}", self.profile.0.display());
                    break;
                }
            }
        }
    }
}

/// A folder that nobody else uses.
struct Profile(PathBuf);

impl Profile {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("tower-security-browser-{}-{number}", std::process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a process of the same number that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_browser_opens_a_page_runs_scripts_and_leaves_nothing_behind() {
    use super::wire::Server;
    use axum::Router;
    use axum::response::Html;

    let page = Router::new().fallback(async || Html("<!doctype html><title>a page</title>"));
    let server = Server::axum(page).await;
    let browser = Browser::start().await;
    let profile = browser.driver.profile.0.clone();
    let origin = format!("http://localhost:{}", server.addr.port());

    browser.open(&origin).await;
    let title = browser
        .ask("done([document.title, ...given]);", vec![json!("given")])
        .await;
    assert_eq!(title, json!(["a page", "given"]));
    let own = browser.fetch(&format!("{origin}/again"), json!({})).await;
    assert_eq!(own.status(), Some(200));
    assert_eq!(own.header("content-type"), Some("text/html; charset=utf-8"));
    let closed = browser.fetch("http://localhost:1/", json!({})).await;
    assert_eq!(closed, Fetched::Failed);
    let console = browser.console().await;
    assert!(
        console
            .iter()
            .any(|line| line.contains("http://localhost:1/")),
        "{console:?}"
    );

    assert!(
        profile.join("Default").exists(),
        "the browser lives in its own profile"
    );
    drop(browser);
    assert!(!profile.exists());
}
