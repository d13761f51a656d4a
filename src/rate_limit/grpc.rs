//! What a refusal tells a gRPC client: `RetryInfo` and `QuotaFailure`.
//!
//! Written by hand, in the wire format of protocol buffers: four messages of a few fields need no code generator.

use bytes::Bytes;

use crate::core::GrpcCode;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const QUOTA_FAILURE: &str = "type.googleapis.com/google.rpc.QuotaFailure";

const NANOS: u64 = 1_000_000_000;

/// An encoded `google.rpc.Status`, for `grpc-status-details-bin`.
///
/// `wait` is in nanoseconds; without it there is no `RetryInfo`, and a client of OpenTelemetry does not try again. `violated` are the
/// names of the policies that denied.
pub(super) fn details<'a>(
    code: GrpcCode,
    message: &str,
    wait: Option<u64>,
    violated: impl Iterator<Item = &'a str> + Clone,
) -> Bytes {
    // google.rpc.QuotaFailure.Violation { subject = 1 }, in QuotaFailure { violations = 1 }
    let failure = violated
        .clone()
        .map(|subject| tagged(tagged(subject.len())))
        .sum();
    // google.protobuf.Duration { seconds = 1, nanos = 2 }, in RetryInfo { retry_delay = 1 }
    let delay = |wait: u64| number_len(wait / NANOS).saturating_add(number_len(wait % NANOS));

    let mut out = Vec::with_capacity(256);
    number(&mut out, 1, u64::from(code.number()));
    text(&mut out, 2, message);
    if let Some(wait) = wait {
        let length = delay(wait);
        any(&mut out, RETRY_INFO, tagged(length));
        header(&mut out, 1, length);
        number(&mut out, 1, wait / NANOS);
        number(&mut out, 2, wait % NANOS);
    }
    if failure > 0 {
        any(&mut out, QUOTA_FAILURE, failure);
        for subject in violated {
            header(&mut out, 1, tagged(subject.len()));
            text(&mut out, 1, subject);
        }
    }
    Bytes::from(out)
}

/// Begins a detail of the status: `google.protobuf.Any { type_url = 1, value = 2 }` in field 3. The value follows.
fn any(out: &mut Vec<u8>, type_url: &str, length: usize) {
    header(
        out,
        3,
        tagged(type_url.len()).saturating_add(tagged(length)),
    );
    text(out, 1, type_url);
    header(out, 2, length);
}

/// Begins a field of wire type 2, whose `length` bytes follow.
fn header(out: &mut Vec<u8>, field: u8, length: usize) {
    out.push(field << 3 | 2);
    varint(out, length as u64);
}

fn text(out: &mut Vec<u8>, field: u8, text: &str) {
    header(out, field, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// A field of wire type 0. Zero is what an absent field means.
fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value > 0 {
        out.push(field << 3);
        varint(out, value);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest seven bits")]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes of a field of wire type 2 that holds `length` bytes. Its number is below 16.
const fn tagged(length: usize) -> usize {
    length
        .saturating_add(varint_len(length as u64))
        .saturating_add(1)
}

const fn number_len(value: u64) -> usize {
    if value == 0 {
        return 0;
    }
    varint_len(value).saturating_add(1)
}

const fn varint_len(value: u64) -> usize {
    match value.checked_ilog2() {
        None => 1,
        Some(highest) => (highest / 7).saturating_add(1) as usize,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    fn decoded(details: Bytes, code: Code, message: &str) -> tonic::Status {
        tonic::Status::with_details(code, message, details)
    }

    #[test]
    fn tonic_reads_what_was_written() {
        let rows: &[(Option<u64>, &[&str])] = &[
            (Some(1), &["ip"]),
            (Some(999_999_999), &["ip"]),
            (Some(1_000_000_000), &["ip", "global"]),
            (Some(127_000_000_127), &["a"]),
            (Some(u64::MAX - 1), &["a"]),
            (None, &["ip"]),
            (Some(1_500_000_000), &[]),
        ];
        for (wait, violated) in rows {
            let bytes = details(
                GrpcCode::ResourceExhausted,
                "Too many requests",
                *wait,
                violated.iter().copied(),
            );
            let status = decoded(bytes, Code::ResourceExhausted, "Too many requests");
            let found = status.check_error_details().unwrap();
            let delay = found.retry_info().and_then(|info| info.retry_delay);
            assert_eq!(delay, wait.map(Duration::from_nanos), "{wait:?}");
            let names: Vec<_> = found
                .quota_failure()
                .iter()
                .flat_map(|failure| &failure.violations)
                .map(|violation| violation.subject.as_str())
                .collect();
            assert_eq!(names, *violated);
        }
    }

    #[test]
    fn long_names_have_long_lengths() {
        let name = "n".repeat(64);
        let names = [name.as_str(); 8];
        let bytes = details(GrpcCode::ResourceExhausted, "m", Some(1), names.into_iter());
        let status = decoded(bytes, Code::ResourceExhausted, "m");
        let found = status.check_error_details().unwrap();
        let violations = &found.quota_failure().unwrap().violations;
        assert_eq!(violations.len(), 8);
        assert!(violations.iter().all(|violation| violation.subject == name));
    }

    #[test]
    fn the_status_itself_is_in_it() {
        let bytes = details(
            GrpcCode::Unavailable,
            "away",
            Some(2_000_000_000),
            [].into_iter(),
        );
        // Status { 1: 14, 2: "away", 3: Any { 1: type, 2: RetryInfo { 1: Duration { 1: 2 } } } }
        let mut expected = vec![0x08, 14, 0x12, 4];
        expected.extend(b"away");
        expected.extend([0x1a, 48, 0x0a, 40]);
        expected.extend(b"type.googleapis.com/google.rpc.RetryInfo");
        expected.extend([0x12, 4, 0x0a, 2, 0x08, 2]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn one_policy_takes_about_150_bytes() {
        let bytes = details(
            GrpcCode::ResourceExhausted,
            "Too many requests",
            Some(1_500_000_000),
            ["per-address"].into_iter(),
        );
        assert!((100..=180).contains(&bytes.len()), "{}", bytes.len());
    }
}
