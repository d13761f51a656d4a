//! The table of counters when it is full.

use super::super::table::{Hit, Table};
use super::super::window::Bounds;
use super::*;

fn bounds(limit: u32) -> [Bounds; 1] {
    [Bounds {
        limit,
        window: nanos(MINUTE),
        cooldown: nanos(MINUTE),
    }]
}

fn hit(table: &Table, key: u64, bounds: &[Bounds]) -> Option<u32> {
    // Keys are hashes: spread them as one does.
    let key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let hit = Hit {
        rule: 0,
        key,
        value: None,
        now: nanos(MINUTE),
    };
    table.hit(hit, bounds)
}

#[test]
fn a_counter_near_its_limit_survives_a_million_fresh_keys() {
    let (table, bounds) = (Table::new(1_000, 0), bounds(5));
    for hot in 0..50 {
        (0..4).for_each(|_| assert_eq!(hit(&table, hot, &bounds), None));
    }
    for fresh in 1_000_000..2_000_000 {
        assert_eq!(hit(&table, fresh, &bounds), None);
    }
    let survivors = (0..50).filter(|hot| hit(&table, *hot, &bounds) == Some(5));
    assert_eq!(survivors.count(), 50);
}

#[test]
fn what_is_over_makes_way_before_what_is_not() {
    let bounds = bounds(1_000);
    let table = Table::new(1_000, 0);
    let hit = |key: u64, times: u32, now: Duration| {
        // All in one set.
        let key = key << 48 | 1;
        let hit = Hit {
            rule: 0,
            key,
            value: None,
            now: nanos(now),
        };
        for _ in 0..times {
            table.hit(hit, &bounds);
        }
    };
    // Seven with many, which are over when the eighth, with few, is not.
    (0..7).for_each(|key| hit(key, 900, MINUTE));
    hit(7, 999, 4 * MINUTE);
    hit(8, 1, 4 * MINUTE);
    let last = Hit {
        rule: 0,
        key: 7 << 48 | 1,
        value: None,
        now: nanos(4 * MINUTE),
    };
    assert_eq!(table.hit(last, &bounds), Some(1_000));
}
