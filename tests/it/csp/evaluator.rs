//! What Google's CSP Evaluator has to say about the policies that are sent.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use tower::Layer;
use tower_security::csp::{Csp, CspHashes, CspLayer, CspPolicy, ReportEndpoint, TrustedTypes};

use crate::support::service::{Spy, go};
use crate::support::tree;

/// Installs the evaluator, in the version and with the hash of its lock file.
fn installed() -> PathBuf {
    let source = tree::root().join("tests/it/csp/evaluator");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("csp_evaluator");
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    for name in ["package.json", "package-lock.json", "evaluate.js"] {
        fs::copy(source.join(name), folder.join(name)).expect("it can be copied");
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status()
        .expect("npm is there: apt-get install nodejs npm");
    assert!(status.success(), "npm ci: {status}");
    folder
}

/// Asks the evaluator about each policy, and returns what it finds.
fn findings(policies: &[(&str, String)]) -> Vec<Vec<String>> {
    let mut node = Command::new("node")
        .arg("evaluate.js")
        .current_dir(installed())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there: apt-get install nodejs npm");
    let mut stdin = node.stdin.take().expect("it is piped");
    for (checks, policy) in policies {
        let line = json!({ "checks": checks, "policy": policy });
        writeln!(stdin, "{line}").expect("node reads");
    }
    drop(stdin);
    let stdout = BufReader::new(node.stdout.take().expect("it is piped"));
    let found = stdout
        .lines()
        .map(|line| serde_json::from_str(&line.expect("node writes")).expect("it is a list"))
        .collect();
    assert!(node.wait().expect("node ends").success());
    found
}

/// The policy as it goes over the wire with an answer of this type.
async fn sent(layer: CspLayer, content_type: &'static str) -> String {
    let service = layer.layer(Spy::new().header(CONTENT_TYPE, content_type));
    let answer: Response<Full<Bytes>> = go(service, Request::new(Full::<Bytes>::default())).await;
    let policy = &answer.headers()[CONTENT_SECURITY_POLICY];
    policy.to_str().expect("it is ASCII").to_owned()
}

fn enforcing(policy: CspPolicy) -> CspLayer {
    CspLayer::builder()
        .enforce(policy)
        .build()
        .expect("it is well configured")
}

#[tokio::test]
#[ignore = "needs node and npm: apt-get install nodejs npm"]
async fn nothing_is_found_in_any_preset_but_the_one_of_owasp() {
    const HTML: &str = "text/html";
    let hashes = CspHashes::script("start()");
    let spa = Csp::spa(hashes.scripts())
        .build()
        .expect("it is well configured");
    let demanding = Csp::strict()
        .legacy_fallback()
        .trusted_types(TrustedTypes::policies(["app"]))
        .report_to(ReportEndpoint::path("csp", "/csp-report").expect("a path"))
        .build()
        .expect("it is well configured");
    let policies = [
        ("all", sent(CspLayer::strict(), HTML).await),
        ("all", sent(CspLayer::strict(), "application/json").await),
        ("all", sent(CspLayer::compatible(), HTML).await),
        ("all", sent(CspLayer::api(), HTML).await),
        ("all", sent(enforcing(spa), HTML).await),
        ("all", sent(enforcing(demanding.clone()), HTML).await),
        ("strict", sent(enforcing(demanding), HTML).await),
        // A worker has to import from its own origin, and no script of a page is allowed by it.
        ("all", sent(CspLayer::strict(), "text/javascript").await),
        // The evaluator does find something where there is something to find.
        ("all", sent(CspLayer::owasp_2026(), HTML).await),
        ("all", "script-src *".to_owned()),
    ];
    let found = findings(&policies);
    let [worker, owasp, open] = &found[7..] else {
        panic!("one answer for each: {found:?}");
    };
    for ((checks, policy), found) in policies.iter().zip(&found).take(7) {
        assert_eq!(found, &[""; 0], "{checks}: {policy}");
    }
    assert_eq!(worker.len(), 1, "{worker:?}");
    assert!(
        worker[0].starts_with("MEDIUM_MAYBE script-src 'self'"),
        "{worker:?}"
    );
    assert_eq!(owasp.len(), 1, "{owasp:?}");
    assert!(
        owasp[0].starts_with("MEDIUM_MAYBE default-src 'self'"),
        "{owasp:?}"
    );
    assert_eq!(open.len(), 2, "{open:?}");
}
