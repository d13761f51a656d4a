//! One address as headers write it, and the one spelling in which addresses are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest zone id that is dropped rather than refused; interface names are at most 15 bytes on Linux.
const MAX_ZONE: usize = 32;

/// An element of `X-Forwarded-For`: `ip`, `ipv4:port`, `[ipv6]` or `[ipv6]:port`. Mapped addresses come out as IPv4.
pub(super) fn listed(bytes: &[u8]) -> Option<IpAddr> {
    let text = ascii(bytes)?;
    match text.strip_prefix('[') {
        Some(bracketed) => bracketed_v6(bracketed, is_port),
        // Two colons can only be a bare IPv6 address, which has no port: `2001:db8::1:80` is one address.
        None => match text.split_once(':') {
            Some((v4, port)) if !port.contains(':') => {
                is_port(port).then(|| v4.parse().ok().map(IpAddr::V4))?
            }
            Some(_) | None => bare(text),
        },
    }
}

/// The last element of a list, if it is the bare IPv4 address that most are, and what stands before it. One look at each byte, where to
/// find the comma, to trim and to parse would be four.
///
/// It accepts what [`listed`] does; `None` leaves the decision to it.
pub(super) fn last_quad(list: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut address = 0;
    let mut rest = before_ows(list);
    for shift in [0, 8, 16, 24] {
        if shift > 0 {
            rest = rest.strip_suffix(b".")?;
        }
        let (octet, before) = last_octet(rest)?;
        address |= octet << shift;
        rest = before;
    }
    let rest = before_ows(rest);
    matches!(rest, [] | [.., b',']).then_some((Ipv4Addr::from_bits(address), rest))
}

/// Without the one space that most lists have behind a comma. A flood of them is for those who count bytes.
const fn before_ows(bytes: &[u8]) -> &[u8] {
    match bytes {
        [before @ .., b' ' | b'\t'] => before,
        _ => bytes,
    }
}

/// The number from 0 to 255 at the end, and what stands before it.
fn last_octet(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let value = |digit: u8| u32::from(digit - b'0');
    let [bytes @ .., ones @ b'0'..=b'9'] = bytes else {
        return None;
    };
    let [before @ .., tens @ b'0'..=b'9'] = bytes else {
        return Some((value(*ones), bytes));
    };
    let two = value(*tens) * 10 + value(*ones);
    // No zero in front, which other programs take for octal.
    let [before @ .., hundreds @ b'0'..=b'9'] = before else {
        return (*tens != b'0').then_some((two, before));
    };
    let three = value(*hundreds) * 100 + two;
    (*hundreds != b'0' && three <= 255).then_some((three, before))
}

/// A node of RFC 7239 section 6: IPv6 stands in brackets, and the port may be an obfuscated one.
pub(super) fn node(bytes: &[u8]) -> Option<IpAddr> {
    let is_node_port = |port: &str| is_port(port) || is_obfuscated(port);
    let text = ascii(bytes)?;
    match text.strip_prefix('[') {
        Some(bracketed) => bracketed_v6(bracketed, is_node_port),
        None => {
            let v4 = match text.split_once(':') {
                Some((v4, port)) => is_node_port(port).then_some(v4)?,
                None => text,
            };
            v4.parse().ok().map(IpAddr::V4)
        }
    }
}

/// The whole value of a header that carries one bare address.
pub(super) fn single(bytes: &[u8]) -> Option<IpAddr> {
    bare(ascii(bytes)?)
}

/// The value of `CloudFront-Viewer-Address`: IPv6 has no brackets there, so the port follows the last colon.
pub(super) fn viewer(bytes: &[u8]) -> Option<IpAddr> {
    let (ip, port) = ascii(bytes)?.rsplit_once(':')?;
    is_port(port).then(|| bare(ip))?
}

/// The IPv4 address that a NAT64, 6to4 or Teredo address carries, or `ip` itself.
///
/// An embedded address that no public network may carry (RFC 3056 section 2, RFC 6052 section 3.1) stays inside: otherwise
/// `2002:a00:1::` would pass for `10.0.0.1` in a safelist.
pub(super) fn unwrap_transition(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let v4 = match v6.segments() {
        // The well-known NAT64 prefix 64:ff9b::/96 (RFC 6052 section 2.1), and 6to4, 2002:V4ADDR::/48 (RFC 3056 section 2).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => join(high, low),
        // RFC 4380 section 4: Teredo, 2001::/32, the client's address with all bits inverted.
        [0x2001, 0, .., high, low] => join(!high, !low),
        // Every other address is native.
        _ => return ip,
    };
    if is_public(v4) { IpAddr::V4(v4) } else { ip }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn is_public(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    let shared = first == 100 && (64..128).contains(&second);
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || shared
        || first == 0
        || first >= 224)
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())
}

fn bare(text: &str) -> Option<IpAddr> {
    // The parser of std takes no `0x`, no octal and no short IPv4.
    text.parse::<Ipv4Addr>()
        .map(IpAddr::V4)
        .ok()
        .or_else(|| bare_v6(text))
}

fn bare_v6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) => is_zone(zone).then_some(address)?,
        None => text,
    };
    let v6: Ipv6Addr = address.parse().ok()?;
    Some(IpAddr::V6(v6).to_canonical())
}

/// What follows the opening bracket.
fn bracketed_v6(text: &str, is_port: impl Fn(&str) -> bool) -> Option<IpAddr> {
    let (v6, after) = text.split_once(']')?;
    let ends_well = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
    ends_well.then(|| bare_v6(v6))?
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok()
}

/// `obfport` of RFC 7239 section 6.3.
fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    })
}

/// The characters that RFC 6874 lets a zone id have unescaped, and `%` for its `%25` spelling.
fn is_zone(text: &str) -> bool {
    (1..=MAX_ZONE).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~' | b'%')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_ipv4_address_is_what_std_takes_for_one() {
        let texts = [
            "0.0.0.0",
            "255.255.255.255",
            "192.0.2.7",
            "256.0.0.1",
            "1.2.3.260",
            "01.2.3.4",
            "1.2.3.00",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "",
            "....",
            "1.2.3.4 ",
            "1.2.3.4:80",
            "1000.2.3.4",
            "1.2.3.0",
            "1.2.3.a",
            "0x1.2.3.4",
            "99.100.199.25",
            "2.25.250.26",
        ];
        let last = |text: &str| last_quad(text.as_bytes()).map(|(v4, _)| v4);
        for text in texts {
            // But one space behind it, as before a comma.
            let of_std = text.strip_suffix(' ').unwrap_or(text).parse().ok();
            assert_eq!(last(text), of_std, "{text}");
        }
        for octet in 0..1_000 {
            for text in [format!("{octet}.1.1.1"), format!("1.1.1.{octet}")] {
                assert_eq!(last(&text), text.parse().ok(), "{text}");
            }
        }
    }

    #[test]
    fn the_last_element_of_a_list_ends_at_its_comma() {
        for (list, before) in [
            ("192.0.2.7", Some("")),
            (" 192.0.2.7 ", Some("")),
            ("a,192.0.2.7", Some("a,")),
            ("a ,\t192.0.2.7\t", Some("a ,")),
            (",,192.0.2.7", Some(",,")),
            ("a,  192.0.2.7", None),
            ("a,192.0.2.7  ", None),
            ("a, 1192.0.2.7", None),
            ("a;192.0.2.7", None),
            ("1.192.0.2.7", None),
            ("192.0.2.7,", None),
        ] {
            let found = last_quad(list.as_bytes());
            let expected = before.map(|before| (Ipv4Addr::new(192, 0, 2, 7), before.as_bytes()));
            assert_eq!(found, expected, "{list:?}");
        }
    }
}
