use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::Request;
use http::header::USER_AGENT as AGENT;

use super::*;
use crate::core::{ManualClock, Shared};

/// The names of the vocabulary that this crate uses, in its own spelling.
const VOCABULARY: &str = "authn_login_success authn_login_successafterfail authn_login_fail authn_login_fail_max \
    authn_login_lock authn_password_change authn_password_change_fail authn_impossible_travel authn_token_created \
    authn_token_revoked authn_token_reuse authn_token_delete authz_fail authz_change authz_admin crypt_decrypt_fail \
    crypt_encrypt_fail excess_rate_limit_exceeded excess_sessions_exceeded upload_complete upload_stored \
    upload_validation upload_delete input_validation_fail input_validation_discrete_fail malicious_excess_404 \
    malicious_extraneous malicious_attack_tool malicious_sqli malicious_cors malicious_csrf malicious_csp_violation \
    malicious_direct_reference privilege_permissions_changed sensitive_create sensitive_read sensitive_update \
    sensitive_delete sequence_fail session_created session_renewed session_expired session_logout \
    session_use_after_expire sys_startup sys_shutdown sys_restart sys_crash sys_monitor_disabled sys_monitor_enabled \
    user_created user_updated user_archived user_deleted";

#[test]
fn the_names_are_those_of_the_vocabulary() {
    let named: BTreeSet<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();
    let listed: BTreeSet<_> = VOCABULARY.split_whitespace().collect();
    assert_eq!(named, listed);
    assert_eq!(named.len(), EventName::ALL.len());
    for name in EventName::ALL {
        let category = format!("{:?}", name.category()).to_lowercase();
        assert_eq!(name.as_str().split('_').next(), Some(category.as_str()));
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

fn sink(seen: &Seen) -> impl EventSink + use<> {
    let seen = Arc::clone(seen);
    move |event: &SecurityEvent<'_>| seen.lock().unwrap().push(format!("{event:?}"))
}

fn event() -> SecurityEvent<'static> {
    SecurityEvent::new(EventName::MaliciousCsrf, "csrf", "csrf_refused")
}

fn emit(events: &Events, shared: Option<&Shared>) {
    events.emit(shared, EventName::MaliciousCsrf, Level::Info, event);
}

#[test]
fn a_layers_own_sink_wins_over_the_stacks() {
    let (own, stack) = (Seen::default(), Seen::default());
    let shared = Shared::new(Some(Arc::new(sink(&stack))), None, None);
    emit(&Events::new(sink(&own)), Some(&shared));
    assert_eq!(
        (own.lock().unwrap().len(), stack.lock().unwrap().len()),
        (1, 0)
    );
    emit(&Events::default(), Some(&shared));
    assert_eq!(
        (own.lock().unwrap().len(), stack.lock().unwrap().len()),
        (1, 1)
    );
}

#[test]
fn level_and_time_are_those_of_the_emission() {
    let clock = ManualClock::new();
    clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
    let seen = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&seen);
    let sink =
        move |event: &SecurityEvent<'_>| *kept.lock().unwrap() = Some((event.level, event.time));
    let shared = Shared::new(Some(Arc::new(sink)), None, Some(Arc::new(clock)));
    emit(&Events::default(), Some(&shared));
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    assert_eq!(*seen.lock().unwrap(), Some((Level::Info, day)));
}

#[test]
fn an_event_that_is_not_wanted_is_never_made() {
    Events::new(NoopSink::new()).emit(None, EventName::AuthzFail, Level::Warn, || {
        panic!("made for a sink that wants nothing")
    });
}

struct Picky(Seen);

impl EventSink for Picky {
    fn record(&self, event: &SecurityEvent<'_>) {
        self.0.lock().unwrap().push(event.name.to_string());
    }

    fn wants(&self, _: EventName, level: Level) -> bool {
        level >= Level::Warn
    }
}

#[test]
fn a_list_of_sinks_asks_each_of_them() {
    let (all, picky) = (Seen::default(), Seen::default());
    let sinks: Vec<Arc<dyn EventSink>> =
        vec![Arc::new(sink(&all)), Arc::new(Picky(Arc::clone(&picky)))];
    let events = Events::new(sinks);
    emit(&events, None);
    events.emit(None, EventName::MaliciousCsrf, Level::Warn, event);
    assert_eq!(
        (all.lock().unwrap().len(), picky.lock().unwrap().len()),
        (2, 1)
    );
}

#[test]
fn a_sink_that_panics_takes_no_request_down() {
    let before = sink_panics();
    emit(
        &Events::new(|_: &SecurityEvent<'_>| panic!("a bug in the sink")),
        None,
    );
    // Other tests of this process count too.
    assert!(sink_panics() > before);
}

#[test]
fn a_sink_that_panics_keeps_the_event_from_no_other() {
    let seen = Seen::default();
    let broken = |_: &SecurityEvent<'_>| panic!("a bug in the sink");
    let sinks: Vec<Arc<dyn EventSink>> = vec![Arc::new(broken), Arc::new(sink(&seen))];
    emit(&Events::new(sinks), None);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_layers_own_clock_wins_over_the_stacks() {
    let at = |hour: u64| {
        let clock = ManualClock::new();
        clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3_600));
        clock
    };
    let shared = Shared::new(None, None, Some(Arc::new(at(2))));
    let hour = |events: &Events, shared: Option<&Shared>| {
        let now = events.now(shared);
        now.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            / 3_600
    };
    let own = Events::default().with_clock(at(1));
    assert_eq!(hour(&own, Some(&shared)), 1);
    assert_eq!(hour(&Events::default(), Some(&shared)), 2);
    assert!(hour(&Events::default(), None) > 2);
}

#[test]
fn a_request_tells_what_is_safe_to_tell() {
    let head = Request::post("/orders/7?token=secret")
        .header(AGENT, b"curl\xc2\x9b31m\xff".as_slice())
        .header("cookie", "session=secret")
        .header("authorization", "Bearer secret")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let event = event().request(&head);
    assert_eq!(event.method.as_deref(), Some("POST"));
    assert_eq!(event.path.as_deref(), Some("/orders/7"));
    assert_eq!(event.user_agent.as_deref(), Some("curl\\u{9b}31m\\xff"));
    assert_eq!(
        (&event.principal, &event.client_ip, &event.request_id),
        (&None, &None, &None)
    );
    assert!(!format!("{event:?}").contains("secret"));
}

#[test]
fn every_text_is_capped() {
    let long = "x".repeat(5_000);
    let event = event()
        .principal(&long)
        .target(&long)
        .rule(&long)
        .detail(&long);
    let lengths = [&event.principal, &event.target, &event.rule, &event.detail]
        .map(|text| text.as_ref().unwrap().len());
    assert_eq!(lengths, [128, 128, 128, 1_024]);
}

#[cfg(feature = "tracing")]
mod tracing {
    use std::io;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(filter: &str, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .without_time()
            .with_env_filter(filter)
            .finish();
        ::tracing::subscriber::with_default(subscriber, work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_fields() {
        let head = Request::get("/a")
            .header(AGENT, b"x\"\xc2\x9b0m\xe2\x80\xae level=error".as_slice())
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let log = logged("info", || {
            Events::default().emit(None, EventName::AuthzFail, Level::Critical, || {
                SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied")
                    .request(&head)
                    .target("7\r\nforged")
            });
        });
        assert_eq!(log.lines().count(), 1, "{log}");
        for part in [
            "ERROR security::authz: security event",
            "event=\"authz_fail\"",
            "level=\"critical\"",
            "layer=\"ownership\"",
            "code=\"object_denied\"",
            "method=\"GET\"",
            "path=\"/a\"",
        ] {
            assert!(log.contains(part), "{part} is not in {log}");
        }
        assert!(!log.trim_end().chars().any(char::is_control), "{log:?}");
        assert!(!log.contains("principal"), "{log}");
    }

    #[test]
    fn the_subscribers_filter_decides_what_is_wanted() {
        let sink = TracingSink::new();
        let wants = |name, level| sink.wants(name, level);
        let log = logged("off,security::malicious=warn", || {
            assert!(wants(EventName::MaliciousCsrf, Level::Warn));
            assert!(!wants(EventName::MaliciousCsrf, Level::Info));
            assert!(!wants(EventName::AuthzFail, Level::Critical));
        });
        assert_eq!(log, "");
    }
}
