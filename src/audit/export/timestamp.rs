//! Dates of events.

use std::time::{Duration, SystemTime};

/// Milliseconds since 1970; before it, 0: no event is older than the clock of a computer that was just switched on.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 with milliseconds, in UTC: `2025-01-01T00:00:00.000Z`. Years beyond 9999 are told as the end of 9999.
pub(super) fn write_rfc3339(out: &mut Vec<u8>, time: SystemTime) {
    const LAST: u64 = 253_402_300_799_999;
    const DAY: u64 = 86_400_000;
    let millis = millis(time).min(LAST);
    let (day, in_day) = (millis / DAY, millis % DAY);
    let [year, month, day] = date(day);
    let seconds = in_day / 1_000;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (place, number) in [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, seconds / 3_600),
        (14..16, seconds / 60 % 60),
        (17..19, seconds % 60),
        (20..23, in_day % 1_000),
    ] {
        write_digits(text.get_mut(place).unwrap_or_default(), number);
    }
    out.extend_from_slice(&text);
}

/// Year, month and day of a day since 1970, by Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is the
/// last of one, and 400 of them have 146,097 days.
const fn date(days: u64) -> [u64; 3] {
    const ERA: u64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const TO_1970: u64 = 719_468;
    let days = days.saturating_add(TO_1970);
    let (era, day) = (days / ERA, days % ERA);
    let leap = day / 1_460 + day / 146_096 - day / 36_524;
    let year_of_era = (day - leap) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    [year, month, day_of_month]
}

fn write_digits(place: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in place.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(9));
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds, and the date that `date -u -d @seconds` of GNU coreutils prints for them.
    const DATES: [(u64, &str); 10] = [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ];

    fn written(time: SystemTime) -> String {
        let mut out = Vec::new();
        write_rfc3339(&mut out, time);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (millis, date) in DATES {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(written(time), date, "{millis}");
        }
    }

    #[test]
    fn a_date_out_of_bounds_is_told_as_the_bound() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(written(epoch - Duration::from_secs(1)), DATES[0].1);
        let late = epoch + Duration::from_millis(253_402_300_800_000);
        assert_eq!(written(late), DATES[9].1);
    }
}
