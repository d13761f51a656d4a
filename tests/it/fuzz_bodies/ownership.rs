//! Body of the fuzz target for the ids of objects.

use http::Request;
use tower_security::ownership::{PathPattern, QueryParam, ResourceExtractor};

/// Reads `data` as a request target. Where an id is found in it, every way in which a program could read that target finds the same.
pub fn ownership_id(data: &[u8]) {
    let Ok(request) = Request::get(data).body(()) else {
        return;
    };
    let (mut head, ()) = request.into_parts();
    let path = head.uri.path().to_owned();
    if let Ok(id) = PathPattern::new("/orders/{id}", "id").extract(&mut head) {
        let readings = path_readings(path.as_bytes());
        assert!(
            readings.iter().all(|read| *read == id.as_bytes()),
            "{path}: {id:?} {readings:?}"
        );
    }
    let query = head.uri.query().unwrap_or_default().to_owned();
    if let Ok(id) = QueryParam::new("id").extract(&mut head) {
        let readings = query_readings(query.as_bytes());
        assert!(
            readings.iter().all(|read| *read == id.as_bytes()),
            "{query}: {id:?} {readings:?}"
        );
    }
}

/// The last segment by those who decode before they split, after it, or twice; who drop parameters; who resolve dots. An escaped `?` or
/// `#` belongs to a segment (RFC 3986 section 3.3), and names may have one.
fn path_readings(path: &[u8]) -> Vec<Vec<u8>> {
    let last = |path: &[u8]| {
        let last = path.rsplit(|byte| *byte == b'/').next();
        last.unwrap_or_default().to_owned()
    };
    let before = last(&decode(path, false));
    let after = decode(&last(path), false);
    let twice = decode(&after, false);
    let bare = after.split(|byte| matches!(byte, b';' | 0));
    let bare = bare.take(1).flatten().copied().collect();
    let windows = after
        .iter()
        .map(|byte| if *byte == b'\\' { b'/' } else { *byte });
    let windows = last(&windows.collect::<Vec<_>>());
    vec![before, after, twice, bare, windows]
}

/// All values of `id`, by those who split at `&` and those who split at `;` too; of each the first and the last count.
fn query_readings(query: &[u8]) -> Vec<Vec<u8>> {
    let separators: [fn(&u8) -> bool; 2] =
        [|byte| *byte == b'&', |byte| matches!(byte, b'&' | b';')];
    separators
        .iter()
        .flat_map(|separator| query.split(separator))
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
            let value = value.get(1..).unwrap_or_default();
            (decode(name, true) == b"id").then(|| decode(value, true))
        })
        .collect()
}

fn decode(text: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        let digits = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(match (*byte, escaped) {
            (b'%', Some(value)) => {
                rest = behind.get(2..).unwrap_or_default();
                value
            }
            (b'+', _) if plus_is_blank => b' ',
            (byte, _) => byte,
        });
    }
    decoded
}
