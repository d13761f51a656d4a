//! A log that is dead holds no request up.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::audit::{AuditConfig, Exporter, MemoryExporter, OwnedEvent, QueueSink};
use tower_security::core::EventSink;
use tower_security::csrf::CsrfLayer;

use crate::support::service::{Spy, go};

/// Never comes back before it is told to.
struct Dead {
    entered: Sender<()>,
    end: Receiver<()>,
}

impl Exporter for Dead {
    fn write(&mut self, _: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        let _ = self.entered.send(());
        let _ = self.end.recv();
        Ok(())
    }
}

fn forged() -> Request<Full<Bytes>> {
    let request = Request::post("/transfer").header("sec-fetch-site", "cross-site");
    request.body(Full::default()).unwrap()
}

async fn refuse(sink: impl EventSink + Clone, times: u32) -> Vec<Duration> {
    let layer = CsrfLayer::builder().events(sink).build().unwrap();
    let service = layer.layer(Spy::new());
    let mut took = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        let answer = go(service.clone(), forged()).await;
        took.push(start.elapsed());
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    took
}

/// The same count of requests with a log that is dead and one that is not. How near the two are in time is for the bench to say; that
/// nobody waits for the dead one, a hundredth of a second is enough to tell.
#[tokio::test]
async fn a_dead_log_holds_no_request_up_and_every_drop_is_counted() {
    const REQUESTS: u32 = 20_000;
    const CAPACITY: u64 = 1_000;
    let (entered, has_entered) = channel();
    let (end, ended) = channel();
    let dead = Dead {
        entered,
        end: ended,
    };
    let builder = QueueSink::builder(dead).capacity(1_000);
    let (sink, guard) = builder.build().unwrap();
    // One batch is in its hands for ever.
    let first = refuse(sink.clone(), 1).await;
    assert_eq!(first.len(), 1);
    has_entered.recv_timeout(Duration::from_secs(60)).unwrap();
    let mut took = refuse(sink.clone(), REQUESTS).await;
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(10), "{p99:?}");
    let stats = sink.stats();
    assert_eq!(stats.offered, u64::from(REQUESTS) + 1);
    assert_eq!((stats.written, stats.waiting), (0, CAPACITY + 1));
    assert_eq!(stats.dropped, u64::from(REQUESTS) - CAPACITY);
    drop(end);
    drop(guard);

    let (alive, guard) = QueueSink::builder(MemoryExporter::new()).build().unwrap();
    refuse(alive.clone(), 100).await;
    assert!(guard.flush(Duration::from_secs(60)));
    assert_eq!((alive.stats().written, alive.stats().dropped), (100, 0));
}
