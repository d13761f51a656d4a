use super::*;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000 * SECOND;

/// 20 accounts in 10 minutes, refused for 15.
fn table() -> SprayTable {
    SprayTable::new(SprayRule {
        accounts: 20,
        within: 600 * SECOND,
        refuse: 900 * SECOND,
    })
}

fn at(nanos: u64) -> Nanos {
    Nanos::new(nanos)
}

/// Records as many accounts that fall on different bits; returns what the last one said.
fn record(table: &SprayTable, prefix: u64, bits: std::ops::Range<u32>, now: u64) -> Option<u32> {
    let mut last = None;
    for bit in bits {
        last = table.record(prefix, 1 << bit, at(now));
    }
    last
}

#[test]
fn twenty_accounts_set_17_bits_on_average() {
    // 64 (1 - (63/64)^n)
    for (accounts, bits) in [
        (1, 1),
        (2, 2),
        (5, 5),
        (10, 9),
        (20, 17),
        (50, 35),
        (100, 51),
    ] {
        assert_eq!(expected_bits(accounts), bits, "{accounts}");
    }
    // ln(1 - bits/64) / ln(63/64), rounded up
    for (bits, accounts) in [(1, 1), (2, 3), (17, 20), (35, 51), (51, 102)] {
        assert_eq!(likely_accounts(bits), accounts, "{bits}");
    }
    assert!(likely_accounts(64) > 200);
}

#[test]
fn the_seventeenth_bit_refuses_the_prefix_for_its_time_and_begins_anew() {
    let table = table();
    assert_eq!(record(&table, 7, 0..16, START), None);
    assert_eq!(table.wait(7, at(START)), None);
    assert_eq!(
        table.record(7, 1 << 3, at(START)),
        None,
        "an account that failed before"
    );
    assert_eq!(table.record(7, 1 << 16, at(START)), Some(20));
    assert_eq!(table.wait(7, at(START)), Some(900 * SECOND));
    assert_eq!(table.wait(8, at(START)), None, "another prefix");
    let end = START + 900 * SECOND;
    assert_eq!(table.wait(7, at(end - 1)), Some(1));
    assert_eq!(table.wait(7, at(end)), None);
    // What was in flight when the refusal began does not make it longer.
    assert_eq!(record(&table, 7, 17..60, end - 1), None);
    assert_eq!(table.wait(7, at(end)), None);
    assert_eq!(record(&table, 7, 0..16, end), None);
    assert_eq!(table.record(7, 1 << 16, at(end)), Some(20));
}

#[test]
fn any_ten_minutes_count_and_what_is_older_than_fifteen_does_not() {
    let minute = 60 * SECOND;
    // Half windows begin at multiples of five minutes.
    let start = 100 * 300 * SECOND;
    for (gap, is_spray) in [
        (0, true),
        (5, true),
        (10, true),
        (14, true),
        (15, false),
        (60, false),
    ] {
        let table = table();
        assert_eq!(record(&table, 7, 0..16, start), None);
        let last = table.record(7, 1 << 16, at(start + gap * minute));
        assert_eq!(last.is_some(), is_spray, "{gap} min");
    }
    // Begun at the end of a half window: ten minutes still count.
    let table = table();
    assert_eq!(record(&table, 7, 0..16, start + 5 * minute - 1), None);
    assert!(
        table
            .record(7, 1 << 16, at(start + 15 * minute - 1))
            .is_some()
    );
}

#[test]
fn one_account_is_no_spray_however_often_it_fails() {
    let table = table();
    for second in 0..10_000 {
        assert_eq!(table.record(7, 1 << 5, at(START + second * SECOND)), None);
    }
    assert_eq!(table.wait(7, at(START + 10_000 * SECOND)), None);
}

#[test]
fn time_that_goes_back_forgets_nothing() {
    let table = table();
    assert_eq!(record(&table, 7, 0..16, START), None);
    assert_eq!(table.record(7, 1 << 16, at(SECOND)), Some(20));
    assert!(table.wait(7, at(SECOND)).is_some());
}

#[test]
fn a_flood_of_fresh_prefixes_frees_nobody_and_takes_no_room() {
    let table = table();
    // Eight to a set: 4,096 places, of which these are 30 %.
    let refused: Vec<u64> = (0..1_200).collect();
    for prefix in &refused {
        assert!(record(&table, *prefix, 0..17, START).is_some());
    }
    for prefix in 10_000..1_010_000 {
        assert_eq!(table.record(prefix, 1, at(START + 1)), None);
    }
    for prefix in &refused {
        assert!(table.wait(*prefix, at(START + 2)).is_some(), "{prefix}");
    }
    let entries = table.sets.iter().map(|set| set.lock().unwrap());
    assert_eq!(entries.map(|set| set.len()).sum::<usize>(), 4_096);
}

#[test]
fn the_prefix_with_the_fewest_accounts_makes_way() {
    let table = table();
    // One set: its prefixes are 512 apart.
    let prefix = |index: u64| 9 + index * 512;
    for index in 0..8 {
        let accounts = 2 + u32::try_from(index).unwrap();
        assert_eq!(record(&table, prefix(index), 0..accounts, START), None);
    }
    // The newcomer takes the place of the one with two accounts, and then makes way itself.
    assert_eq!(table.record(prefix(8), 1, at(START)), None);
    assert_eq!(table.record(prefix(9), 1, at(START)), None);
    let accounts = |index: u64| {
        let set = table.sets[9].lock().unwrap();
        let entry = set.iter().find(|entry| entry.prefix == prefix(index));
        entry.map(Entry::count)
    };
    assert_eq!(
        (accounts(0), accounts(8), accounts(9)),
        (None, None, Some(1))
    );
    for index in 1..8 {
        assert_eq!(
            accounts(index),
            Some(2 + u32::try_from(index).unwrap()),
            "{index}"
        );
    }
}

#[test]
fn a_set_of_refused_prefixes_takes_nobody_in_until_one_is_free() {
    let table = table();
    let prefix = |index: u64| 9 + index * 512;
    for index in 0..8 {
        assert!(record(&table, prefix(index), 0..17, START).is_some());
    }
    assert_eq!(record(&table, prefix(8), 0..64, START), None);
    assert_eq!(table.wait(prefix(8), at(START)), None);
    let end = START + 900 * SECOND;
    assert!(record(&table, prefix(8), 0..17, end).is_some());
    assert!(table.wait(prefix(8), at(end)).is_some());
}

#[test]
fn of_many_threads_one_hears_that_a_spray_has_begun() {
    let table = table();
    let begun: usize = std::thread::scope(|scope| {
        let threads = [0, 16, 32, 48].map(|first| {
            let table = &table;
            scope.spawn(move || {
                let bits = (0..64).map(|bit| 1 << ((bit + first) % 64));
                bits.filter(|bit| table.record(7, *bit, at(START)).is_some())
                    .count()
            })
        });
        let begun = threads.map(|thread| thread.join().unwrap());
        begun.iter().sum()
    });
    assert_eq!(begun, 1);
}
