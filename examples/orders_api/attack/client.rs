//! A client that writes what it wants to a socket: no library corrects it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::stack::HOST;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody at an address, with a browser's cookies.
#[derive(Clone)]
pub struct Client {
    server: SocketAddr,
    /// What the proxy sees and appends to `X-Forwarded-For`.
    pub address: String,
    pub cookies: BTreeMap<String, String>,
    pub token: Option<String>,
}

/// A request.
pub struct Ask {
    method: &'static str,
    target: String,
    headers: String,
    body: Vec<u8>,
    forwarded: Option<String>,
    with_cookies: bool,
    with_token: bool,
    with_metadata: bool,
    is_plain: bool,
    is_chunked: bool,
}

impl Ask {
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: String::new(),
            body: Vec::new(),
            forwarded: None,
            with_cookies: false,
            with_token: true,
            with_metadata: true,
            is_plain: false,
            is_chunked: false,
        }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw_json(body.to_string())
    }

    pub fn raw_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", "application/json")
    }

    /// What the client itself writes into `X-Forwarded-For`, which the proxy appends to.
    pub fn forwarded(mut self, forged: impl Into<String>) -> Self {
        self.forwarded = Some(forged.into());
        self
    }

    /// Asks for a WebSocket.
    pub fn handshake(self) -> Self {
        self.header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// Over plain HTTP, to the proxy.
    pub const fn plain(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Does not say how long the body is.
    pub const fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// As a page sends it: with the cookies of the browser, and no token of a script.
    pub fn by_page(mut self) -> Self {
        (self.with_cookies, self.with_token) = (true, false);
        self
    }

    /// As a browser sends it that knows no `Sec-Fetch-Site`.
    pub fn by_page_without_metadata(mut self) -> Self {
        self.with_metadata = false;
        self.by_page()
    }

    /// As a page of another site has the browser send it.
    pub fn by_other_site(self, origin: &str) -> Self {
        self.by_page_without_metadata()
            .header("Origin", origin)
            .header("Sec-Fetch-Site", "cross-site")
    }
}

/// What came back.
pub struct Answer {
    /// 0 where the connection ended without an answer.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|(each, _)| each == name);
        all.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether its policy lets only scripts with a nonce run.
    pub fn has_nonce(&self) -> bool {
        let policy = self.header("content-security-policy");
        policy.is_some_and(|policy| policy.contains("script-src 'nonce-"))
    }

    /// The word of a refusal.
    pub fn code(&self) -> Option<String> {
        let body = self.json();
        // An endpoint for tokens has its own word for it (RFC 6749 section 5.2).
        let code = body["code"].as_str().or_else(|| body["error"].as_str());
        code.map(str::to_owned)
    }

    /// The status, and the code of a refusal.
    pub fn short(&self) -> String {
        match (self.status, self.code()) {
            (0, _) => "connection closed".to_owned(),
            (status, Some(code)) => format!("{status} {code}"),
            (status, None) => status.to_string(),
        }
    }
}

impl Client {
    pub fn new(server: SocketAddr, address: impl Into<String>) -> Self {
        Self {
            server,
            address: address.into(),
            cookies: BTreeMap::new(),
            token: None,
        }
    }

    /// The head of a request as it goes over the wire. `length` is what it says of the body.
    pub fn head(&self, ask: &Ask, length: usize) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {HOST}\r\n", ask.method, ask.target);
        // The proxy on this machine: it has ended TLS, and appends whom it has seen.
        let seen = &self.address;
        let forwarded = match &ask.forwarded {
            Some(forged) => format!("{forged}, {seen}"),
            None => seen.clone(),
        };
        let scheme = if ask.is_plain { "http" } else { "https" };
        let _ = write!(
            head,
            "X-Forwarded-Proto: {scheme}\r\nX-Forwarded-For: {forwarded}\r\n"
        );
        if let Some(token) = self.token.as_ref().filter(|_| ask.with_token) {
            let _ = write!(head, "Authorization: Bearer {token}\r\n");
        }
        if ask.with_cookies {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let _ = write!(head, "Cookie: {}\r\n", pairs.collect::<Vec<_>>().join("; "));
        }
        if ask.with_cookies && ask.with_metadata {
            head += "Sec-Fetch-Site: same-origin\r\n";
        }
        if ask.is_chunked {
            head += "Transfer-Encoding: chunked\r\n";
        } else if length > 0 || ask.method != "GET" {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head += &ask.headers;
        if !ask.headers.contains("Upgrade") {
            head += "Connection: close\r\n";
        }
        head + "\r\n"
    }

    pub async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.server).await
    }

    /// Sends it and reads the whole answer; the cookies of the answer are kept. A server that hangs up has refused nothing.
    pub async fn send(&mut self, ask: Ask) -> io::Result<Answer> {
        let answer = self.send_whatever_comes(ask).await?;
        if answer.status == 0 {
            return Err(io::Error::other("the server gives no answer"));
        }
        Ok(answer)
    }

    /// As [`send`](Self::send), of so much that a connection may be cut before the answer to it is read.
    pub async fn send_whatever_comes(&mut self, ask: Ask) -> io::Result<Answer> {
        let mut bytes = self.head(&ask, ask.body.len()).into_bytes();
        if ask.is_chunked {
            bytes.extend_from_slice(format!("{:x}\r\n", ask.body.len()).as_bytes());
        }
        bytes.extend_from_slice(&ask.body);
        if ask.is_chunked {
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        let (mut reader, mut writer) = self.connect().await?.into_split();
        // A server that refuses does not read to the end: both at once, and what cannot be written does not matter.
        let writing = tokio::spawn(async move {
            let _ = writer.write_all(&bytes).await;
            writer
        });
        let mut came = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut came)).await;
        writing.abort();
        let answer = parse(&came);
        for (_, line) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// Logs in and keeps the token.
    pub async fn log_in(&mut self, account: &str, password: &str) -> io::Result<Answer> {
        let form = serde_json::json!({ "account": account, "password": password });
        let answer = self.send(Ask::new("POST", "/login").json(&form)).await?;
        self.token = answer.json()["access_token"].as_str().map(str::to_owned);
        Ok(answer)
    }

    /// Whether a token was given.
    pub const fn is_in(&self) -> bool {
        self.token.is_some()
    }
}

pub fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    Answer {
        status: status.and_then(|status| status.parse().ok()).unwrap_or(0),
        headers,
        body: if is_chunked {
            dechunked(body)
        } else {
            body.to_owned()
        },
    }
}

fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            break;
        };
        body += tail.get(..size).unwrap_or(tail);
        rest = tail.get(size + 2..).unwrap_or_default();
    }
    body
}
