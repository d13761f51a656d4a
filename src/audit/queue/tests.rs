//! A queue whose log is slow, broken, dead or gone.
#![expect(
    clippy::disallowed_types,
    reason = "what an exporter on another thread has seen"
)]

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::buffer::{Buffer, Item};
use super::*;
use crate::audit::{AuditConfig, AuditConfigError, CapacityProblem, Exporter, OwnedEvent};
use crate::core::{EventName, EventSink, Level, ManualClock, SecurityEvent};

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(60);

fn event(target: &str) -> SecurityEvent<'_> {
    SecurityEvent::new(EventName::AuthzFail, "test", "denied").target(target)
}

/// Says when it is called, and waits until it may go on.
struct Gated {
    entered: Sender<()>,
    permits: Receiver<()>,
    log: Log,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<OwnedEvent>>>);

impl Log {
    /// The targets of what was recorded, codes and details of what the queue itself says.
    fn lines(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let line = |event: &OwnedEvent| match event.target() {
            Some(target) => target.to_owned(),
            None => format!("{} {}", event.code(), event.detail().unwrap()),
        };
        events.iter().map(line).collect()
    }
}

impl Exporter for Gated {
    fn write(&mut self, batch: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        self.entered.send(()).unwrap();
        // Nobody holds it back any more.
        let _ = self.permits.recv();
        self.log.0.lock().unwrap().extend_from_slice(batch);
        Ok(())
    }
}

struct Gate {
    entered: Receiver<()>,
    permits: Sender<()>,
}

fn gated() -> (Gated, Gate, Log) {
    let (entered, has_entered) = channel();
    let (permits, permitted) = channel();
    let log = Log::default();
    let gated = Gated {
        entered,
        permits: permitted,
        log: log.clone(),
    };
    let gate = Gate {
        entered: has_entered,
        permits,
    };
    (gated, gate, log)
}

/// One event is in the hands of the exporter, four wait, five have no room.
fn overflow(overflow: Overflow) -> Vec<String> {
    let (exporter, gate, log) = gated();
    let clock = ManualClock::new();
    let builder = QueueSink::builder(exporter)
        .capacity(4)
        .clock(clock.clone());
    let (sink, guard) = builder.overflow(overflow).build().unwrap();
    sink.record(&event("0"));
    gate.entered.recv_timeout(LONG).unwrap();
    for number in 1..10 {
        sink.record(&event(&number.to_string()));
    }
    let blocked = sink.stats();
    assert_eq!(
        (
            blocked.offered,
            blocked.written,
            blocked.dropped,
            blocked.waiting
        ),
        (10, 0, 5, 5)
    );
    assert_eq!(blocked.accepted(), 5);
    drop(gate.permits);
    assert!(guard.flush(LONG));
    let after = sink.stats();
    assert_eq!(
        (after.offered, after.written, after.dropped, after.waiting),
        (10, 5, 5, 0)
    );
    let told = log
        .0
        .lock()
        .unwrap()
        .iter()
        .find(|event| event.target().is_none())
        .cloned();
    let told = told.unwrap();
    assert_eq!(told.name(), EventName::SysMonitorDisabled);
    assert_eq!((told.layer(), told.level()), ("audit", Level::Error));
    assert_eq!(told.time(), crate::core::Clock::now(&clock));
    log.lines()
}

#[test]
fn the_newest_are_dropped_and_the_log_says_where() {
    let lines = overflow(Overflow::DropNewest);
    let gap = ["audit_dropped dropped=5", "audit_recovered dropped=5"];
    assert_eq!(lines, [&["0", "1", "2", "3", "4"][..], &gap].concat());
}

#[test]
fn the_oldest_are_dropped_and_the_log_says_where() {
    let lines = overflow(Overflow::DropOldest);
    let expected = [
        "0",
        "audit_dropped dropped=5",
        "6",
        "7",
        "8",
        "9",
        "audit_recovered dropped=5",
    ];
    assert_eq!(lines, expected);
}

/// Fails so many times, then writes.
struct Failing {
    failures: u32,
    panics_over: &'static str,
    log: Log,
}

impl Exporter for Failing {
    fn write(&mut self, batch: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        if batch
            .iter()
            .any(|event| event.target() == Some(self.panics_over))
        {
            panic!("a bug in the exporter");
        }
        self.log.0.lock().unwrap().extend_from_slice(batch);
        Ok(())
    }
}

#[test]
fn an_exporter_that_fails_loses_nothing() {
    let log = Log::default();
    let exporter = Failing {
        failures: 2,
        panics_over: "none",
        log: log.clone(),
    };
    let (sink, guard) = QueueSink::builder(exporter).build().unwrap();
    ["a", "b", "c"]
        .iter()
        .for_each(|target| sink.record(&event(target)));
    assert!(guard.flush(LONG));
    assert_eq!(log.lines(), ["a", "b", "c"]);
    let stats = sink.stats();
    assert_eq!((stats.written, stats.dropped, stats.failed), (3, 0, 2));
}

#[test]
fn a_batch_that_an_exporter_panics_over_is_lost_alone() {
    let log = Log::default();
    let exporter = Failing {
        failures: 0,
        panics_over: "poison",
        log: log.clone(),
    };
    let (sink, guard) = QueueSink::builder(exporter).batch(1).build().unwrap();
    for target in ["a", "poison", "b"] {
        sink.record(&event(target));
    }
    assert!(guard.flush(LONG));
    // When it is told that all is well again depends on when the thread looked.
    let lines = log.lines();
    let lines = lines
        .iter()
        .filter(|line| !line.starts_with("audit_recovered"));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["a", "audit_dropped dropped=1", "b"]
    );
    let stats = sink.stats();
    assert_eq!((stats.offered, stats.written, stats.dropped), (3, 2, 1));
    assert_eq!(stats.failed, 1);
}

#[test]
fn a_guard_that_is_dropped_writes_what_waits_and_nothing_after() {
    let log = Log::default();
    let exporter = Failing {
        failures: 1,
        panics_over: "none",
        log: log.clone(),
    };
    let (sink, guard) = QueueSink::builder(exporter).build().unwrap();
    (0..1_000).for_each(|number| sink.record(&event(&number.to_string())));
    drop(guard);
    assert_eq!(log.lines().len(), 1_000);
    sink.record(&event("late"));
    let stats = sink.stats();
    assert_eq!(
        (stats.offered, stats.written, stats.dropped),
        (1_001, 1_000, 1)
    );
    assert_eq!(log.lines().len(), 1_000);
}

#[test]
fn a_dead_exporter_holds_the_end_up_for_two_seconds_and_no_more() {
    let (exporter, gate, log) = gated();
    let (sink, guard) = QueueSink::builder(exporter).build().unwrap();
    sink.record(&event("in hand"));
    gate.entered.recv_timeout(LONG).unwrap();
    sink.record(&event("waits"));
    assert!(!guard.flush(Duration::from_millis(1)));
    drop(guard);
    let stats = sink.stats();
    assert_eq!((stats.offered, stats.written, stats.dropped), (2, 0, 2));
    // It comes back to life: what was counted stays counted.
    drop(gate.permits);
    while Arc::strong_count(&log.0) > 1 {
        thread::yield_now();
    }
    assert_eq!(sink.stats(), stats);
    assert_eq!(log.lines(), ["in hand"]);
}

#[test]
fn nothing_to_flush_is_flushed() {
    let (exporter, _gate, _) = gated();
    let (_, guard) = QueueSink::builder(exporter).build().unwrap();
    assert!(guard.flush(Duration::ZERO));
}

/// Checks that each producer's events come in its order, and counts what is missing.
#[derive(Clone, Default)]
struct Ordered(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    last: BTreeMap<usize, usize>,
    events: u64,
    missing: u64,
    recovered: u64,
}

impl Exporter for Ordered {
    fn write(&mut self, batch: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        let mut seen = self.0.lock().unwrap();
        for event in batch {
            if let Some(target) = event.target() {
                let (producer, number) = target.split_once('-').unwrap();
                let number: usize = number.parse().unwrap();
                let last = seen.last.insert(producer.parse().unwrap(), number);
                assert!(
                    last.is_none_or(|last| last < number),
                    "{target} after {last:?}"
                );
                seen.events += 1;
            } else {
                let detail = event.detail().unwrap().strip_prefix("dropped=").unwrap();
                let dropped: u64 = detail.parse().unwrap();
                match event.code() {
                    "audit_dropped" => seen.missing += dropped,
                    _ => seen.recovered += dropped,
                }
            }
        }
        Ok(())
    }
}

#[test]
fn eight_threads_lose_no_count_and_keep_their_order() {
    const EACH: usize = 100_000;
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let exporter = Ordered::default();
        let builder = QueueSink::builder(exporter.clone()).capacity(1_024);
        let (sink, guard) = builder.overflow(overflow).build().unwrap();
        thread::scope(|scope| {
            for producer in 0..8 {
                let sink = sink.clone();
                scope.spawn(move || {
                    for number in 0..EACH {
                        sink.record(&event(&format!("{producer}-{number}")));
                    }
                });
            }
        });
        assert!(guard.flush(LONG));
        drop(guard);
        let (stats, seen) = (sink.stats(), exporter.0.lock().unwrap());
        assert_eq!(stats.offered, 800_000);
        assert_eq!(stats.written + stats.dropped, 800_000);
        assert_eq!((stats.failed, stats.waiting), (0, 0));
        assert_eq!((seen.events, seen.missing), (stats.written, stats.dropped));
        assert_eq!(seen.recovered, stats.dropped);
    }
}

#[test]
fn an_event_below_the_level_is_not_wanted_and_levels_can_be_set() {
    let config = AuditConfig::builder("shop")
        .level(EventName::AuthnLoginSuccess, Level::Warn)
        .level(EventName::AuthzFail, Level::Info);
    let (exporter, _gate, _) = gated();
    let builder = QueueSink::builder(exporter).config(config.build().unwrap());
    let (sink, _guard) = builder.at_least(Level::Warn).build().unwrap();
    for (name, level, is_wanted) in [
        (EventName::SessionCreated, Level::Info, false),
        (EventName::SessionCreated, Level::Warn, true),
        (EventName::AuthnLoginSuccess, Level::Info, true),
        (EventName::AuthzFail, Level::Critical, false),
    ] {
        assert_eq!(sink.wants(name, level), is_wanted, "{name} {level:?}");
    }
}

#[test]
fn a_queue_has_bounds() {
    let built = |capacity: usize, batch: Option<usize>| {
        let mut builder = QueueSink::builder(crate::audit::MemoryExporter::new());
        builder = builder.capacity(capacity);
        if let Some(batch) = batch {
            builder = builder.batch(batch);
        }
        let errors = builder.build().err();
        errors.map(|errors| {
            let problems = errors.iter().map(|error| {
                assert_eq!(error.code(), "capacity");
                match error.downcast() {
                    Some(AuditConfigError::Capacity { problem }) => *problem,
                    other => panic!("{other:?}"),
                }
            });
            problems.collect::<Vec<_>>()
        })
    };
    let events = |capacity| CapacityProblem::Events { capacity };
    let batch = |batch, most| CapacityProblem::Batch { batch, most };
    assert_eq!(built(1, None), None);
    assert_eq!(built(1, Some(1)), None);
    assert_eq!(built(8, Some(8)), None);
    assert_eq!(built(0, None), Some(vec![events(0)]));
    assert_eq!(built(1_000_001, None), Some(vec![events(1_000_001)]));
    assert_eq!(built(8, Some(0)), Some(vec![batch(0, 8)]));
    assert_eq!(built(8, Some(9)), Some(vec![batch(9, 8)]));
    assert_eq!(built(0, Some(2)), Some(vec![events(0), batch(2, 1)]));
}

#[derive(Clone, Debug)]
enum Step {
    Push,
    Take(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => Just(Step::Push), 1 => (1_usize..6).prop_map(Step::Take)];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn every_event_is_written_or_said_to_be_missing_in_its_place(
        steps in steps(),
        capacity in 1_usize..6,
        is_oldest in any::<bool>(),
    ) {
        let overflow = if is_oldest { Overflow::DropOldest } else { Overflow::DropNewest };
        let mut buffer = Buffer::new(capacity, overflow);
        let (mut pushed, mut next) = (0_u64, 0_u64);
        let mut items = Vec::new();
        for step in steps.into_iter().chain([Step::Take(5), Step::Take(5)]) {
            match step {
                Step::Push => {
                    buffer.push(OwnedEvent::from(&event(&pushed.to_string())));
                    pushed += 1;
                }
                Step::Take(most) => {
                    buffer.take(most, &mut items);
                    buffer.written();
                }
            }
            let counts = buffer.counts;
            prop_assert_eq!(counts.offered, pushed);
            prop_assert_eq!(counts.offered, counts.written + counts.dropped + buffer.waiting());
            prop_assert!(buffer.len() <= capacity);
            for item in items.drain(..) {
                match item {
                    Item::Event(event) => {
                        prop_assert_eq!(event.target().unwrap(), next.to_string());
                        next += 1;
                    }
                    Item::Lost(lost) => next += lost,
                    Item::Recovered(_) => prop_assert!(buffer.is_empty()),
                }
            }
        }
        prop_assert_eq!(next, pushed);
    }
}
