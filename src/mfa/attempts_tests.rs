use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

#[test]
fn a_limit_has_bounds() {
    let day = Duration::from_secs(86_400);
    let second = Duration::from_secs(1);
    for (most, window, is_one) in [
        (1, second, true),
        (20, day, true),
        (0, second, false),
        (21, day, false),
        (5, Duration::from_millis(999), false),
        (5, day + second, false),
    ] {
        assert_eq!(
            AttemptLimit::new(most, window).is_some(),
            is_one,
            "{most} {window:?}"
        );
    }
    assert_eq!(AttemptLimit::DEFAULT.most(), 5);
    assert_eq!(AttemptLimit::DEFAULT.window(), Duration::from_secs(300));
}

#[test]
fn a_log_is_over_after_the_longest_window() {
    let limit = |seconds| AttemptLimit::new(20, Duration::from_secs(seconds)).unwrap();
    let mut log = AttemptLog::default();
    assert!(log.is_over(at(0)));
    log.begin(at(0), limit(60));
    log.begin(at(1), limit(10));
    assert!(!log.is_over(at(59)));
    assert!(log.is_over(at(60)));
    // However many there are, it does not grow.
    for second in 0..100 {
        log.begin(at(second * 100), limit(1));
        assert!(log.times.len() <= 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In no window are more attempts let through than the limit says, and none is refused for which there was room.
    #[test]
    fn no_window_has_more_than_the_limit(
        most in 1_u32..6,
        window in 1_u64..50,
        steps in proptest::collection::vec(0_u64..20, 1..80),
    ) {
        let limit = AttemptLimit::new(most, Duration::from_secs(window)).unwrap();
        let mut log = AttemptLog::default();
        let mut passed: Vec<u64> = Vec::new();
        let mut now = 0;
        for step in steps {
            now += step;
            let within = passed.iter().filter(|then| now - **then < window).count() as u32;
            match log.begin(at(now), limit) {
                Attempt::Allowed { earlier } => {
                    prop_assert_eq!(earlier, within);
                    prop_assert!(within < most);
                    passed.push(now);
                }
                Attempt::Refused { retry_after } => {
                    prop_assert_eq!(within, most);
                    // Then, and not a second before, there is room.
                    let then = now + retry_after.as_secs();
                    let left = |then: u64| passed.iter().filter(|at| then - **at < window).count() as u32;
                    prop_assert!(left(then) < most);
                    prop_assert_eq!(left(then - 1), most);
                }
            }
        }
    }
}
