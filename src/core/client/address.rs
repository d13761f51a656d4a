//! One address as headers write it, and the one spelling in which addresses are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest zone id that is dropped rather than refused; interface names are at most 15 bytes on Linux.
const MAX_ZONE: usize = 32;

/// An element of `X-Forwarded-For`: `ip`, `ipv4:port`, `[ipv6]` or `[ipv6]:port`. Mapped addresses come out as IPv4.
pub(super) fn listed(bytes: &[u8]) -> Option<IpAddr> {
    if let Some(v4) = quad(bytes) {
        return Some(IpAddr::V4(v4));
    }
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

/// The bare IPv4 address that most elements are, in a third of the time that the parser of std takes. It accepts what that one does;
/// `None` leaves the decision to it.
fn quad(bytes: &[u8]) -> Option<Ipv4Addr> {
    let mut address = 0_u32;
    let mut octet: Option<u32> = None;
    let mut dots = 0;
    for byte in bytes {
        match (byte, octet) {
            (b'0'..=b'9', None) => octet = Some(u32::from(byte - b'0')),
            // No zero in front, which other programs take for octal.
            (b'0'..=b'9', Some(value @ 1..=25)) => {
                octet = Some(value * 10 + u32::from(byte - b'0')).filter(|value| *value <= 255);
                octet?;
            }
            (b'.', Some(value)) if dots < 3 => {
                address = address << 8 | value;
                octet = None;
                dots += 1;
            }
            _ => return None,
        }
    }
    (dots == 3).then_some(Ipv4Addr::from_bits(address << 8 | octet?))
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
    fn a_bare_ipv4_address_is_what_std_says() {
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
        for text in texts {
            assert_eq!(quad(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for octet in 0..1_000 {
            for text in [format!("{octet}.1.1.1"), format!("1.1.1.{octet}")] {
                assert_eq!(quad(text.as_bytes()), text.parse().ok(), "{text}");
            }
        }
    }
}
