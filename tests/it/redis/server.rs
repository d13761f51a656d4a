//! A Redis server of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{Client, RedisResult, cmd};

/// A server on a unix socket in a folder of its own. Both are gone when it is dropped.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    /// Starts one, and waits until it answers.
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-security-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let server = Self {
            child: spawn(&folder),
            folder,
        };
        server.wait_until_up().await;
        server
    }

    /// `redis+unix:///..`, for a client in another process.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("s").display())
    }

    fn client(&self) -> Client {
        Client::open(self.url()).unwrap()
    }

    /// A connection that connects again by itself, as a service would use it.
    pub(crate) async fn manager(&self) -> ConnectionManager {
        manager(&self.url()).await
    }

    /// A plain connection, to look at what is in the server.
    pub(crate) async fn look(&self) -> MultiplexedConnection {
        self.client()
            .get_multiplexed_async_connection()
            .await
            .unwrap()
    }

    /// How often the server has run the command since it started, by `INFO commandstats`.
    pub(crate) async fn calls(&self, command: &str) -> u64 {
        let info: String = cmd("INFO")
            .arg("commandstats")
            .query_async(&mut self.look().await)
            .await
            .unwrap();
        let prefix = format!("cmdstat_{command}:calls=");
        info.lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
    }

    /// The names of all keys, sorted.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = cmd("KEYS")
            .arg("*")
            .query_async(&mut self.look().await)
            .await
            .unwrap();
        keys.sort();
        keys
    }

    /// Stops the process where it is: it neither answers nor closes its connections.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        // The child has not been waited for, so the number is still its own.
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(status.success());
    }

    /// Ends the process without notice.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.folder);
        self.wait_until_up().await;
    }

    async fn wait_until_up(&self) {
        let start = Instant::now();
        while !self.answers().await {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "redis-server does not answer"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn answers(&self) -> bool {
        let Ok(mut connection) = self.client().get_multiplexed_async_connection().await else {
            return false;
        };
        let pong: RedisResult<String> = cmd("PING").query_async(&mut connection).await;
        pong.is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Also ends one that is stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path) -> Child {
    let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    let socket = folder.join("s");
    // A server that was killed leaves it behind.
    let _ = std::fs::remove_file(&socket);
    Command::new(program)
        .args(["--port", "0", "--save", "", "--appendonly", "no"])
        .arg("--unixsocket")
        .arg(&socket)
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server starts: apt-get install redis-server, or set REDIS_SERVER")
}

/// A connection that connects again by itself. It waits as long as a store may: how long one does is the store's to say.
pub(crate) async fn manager(url: &str) -> ConnectionManager {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_millis(250)))
        .set_response_timeout(Some(Duration::from_millis(250)))
        .set_max_delay(Duration::from_millis(250));
    Client::open(url)
        .unwrap()
        .get_connection_manager_with_config(config)
        .await
        .unwrap()
}
