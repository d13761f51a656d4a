use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const XFF: &str = "x-forwarded-for";
const FWD: &str = "forwarded";

/// The walk of `X-Forwarded-For` written down slowly: join, split, reverse.
fn slow_walk(lines: &[Vec<u8>], trusted: impl Fn(IpAddr) -> bool) -> (String, IpSource) {
    let joined = lines.join(&b',');
    let mut elements: Vec<Vec<u8>> = joined
        .split(|&byte| byte == b',')
        .map(<[u8]>::to_vec)
        .collect();
    elements.reverse();
    let mut last = "10.0.0.1".to_owned();
    let mut source = IpSource::Peer;
    let (mut looked_at, mut counted) = (0, 0);
    for raw in elements {
        looked_at += raw.len();
        let text = String::from_utf8(raw);
        let trimmed = text.as_deref().unwrap_or("?").trim_matches([' ', '\t']);
        counted += usize::from(!trimmed.is_empty());
        let is_spent = looked_at > 4096 || (looked_at == 4096 && trimmed.is_empty());
        if is_spent || counted > 32 {
            return (last, IpSource::Degraded);
        }
        looked_at += 1;
        if trimmed.is_empty() {
            continue;
        }
        match slow_address(trimmed) {
            None => return (last, IpSource::Degraded),
            Some(ip) if trusted(ip) => (last, source) = (ip.to_string(), IpSource::AllTrusted),
            Some(ip) => return (ip.to_string(), IpSource::Forwarded),
        }
    }
    (last, source)
}

fn slow_address(text: &str) -> Option<IpAddr> {
    let port = |text: &str| {
        text.len() <= 5
            && text.chars().all(|c| c.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|port| port < 65_536)
    };
    let v6 = |text: &str| {
        let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
        let zone_ok = (1..=32).contains(&zone.len())
            && zone
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-~%".contains(c));
        let ip = address.parse::<Ipv6Addr>().ok()?;
        zone_ok.then(|| ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4))
    };
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(v4));
    }
    if let Some(ip) = v6(text) {
        return Some(ip);
    }
    if let Some(inside) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        return v6(inside);
    }
    let (address, digits) = text.rsplit_once(':')?;
    if !port(digits) {
        return None;
    }
    match address
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        Some(inside) => v6(inside),
        None => address.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Bytes that a header value may hold.
fn header_bytes(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![8 => 0x20..=0x7e_u8, 1 => 0x80..=0xff_u8, 1 => Just(b'\t')],
        length,
    )
}

/// One element, from plain to hostile; trusted proxies are frequent so that walks are long.
fn element() -> impl Strategy<Value = Vec<u8>> {
    let picked = prop_oneof![
        6 => Just("10.0.0.2"),
        2 => Just("[2001:db8:ffff::2]:443"),
        2 => Just("::ffff:10.0.0.3"),
        2 => Just("10.0.0.4:80"),
        1 => prop::sample::select(vec![
            "192.0.2.7", "192.0.2.7:80", "192.0.2.7:", "192.0.2.7:65536", "192.0.2.7:+1", "2001:db8::7", "[2001:db8::7]",
            "[2001:db8::7]:", "[2001:db8::7]:1", "[2001:db8::7]:012345", "[2001:db8::7", "2001:db8::7]", "[192.0.2.7]",
            "fe80::1%eth0", "fe80::1%", "[fe80::1%25eth0]:9", "unknown", "_x", "\"192.0.2.7\"", "192.0.2.07", "1:2", "::",
            "[[::]]", "[::]]:1",
        ]),
    ];
    let noise = "[0-9a-f:.%\\[\\]]{0,9}".prop_map(String::into_bytes);
    let padding = prop_oneof![8 => 0..3_usize, 1 => 0..600_usize];
    let inside = prop_oneof![
        9 => picked.prop_map(|text| text.as_bytes().to_vec()),
        1 => Just(Vec::new()),
        1 => noise,
        1 => header_bytes(0..12),
    ];
    (padding.clone(), inside, padding).prop_map(|(left, inside, right)| {
        [
            " ".repeat(left).into_bytes(),
            inside,
            "\t".repeat(right).into_bytes(),
        ]
        .concat()
    })
}

fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let line = prop_oneof![9 => vec(element(), 0..5), 1 => vec(element(), 20..45)];
    vec(line.prop_map(|elements| elements.join(&b',')), 0..6)
}

fn with_lines(name: &'static str, lines: &[Vec<u8>]) -> Parts {
    let headers: Vec<_> = lines.iter().map(|line| (name, line.as_slice())).collect();
    call("10.0.0.1", &headers)
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
        any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from(bits).to_ipv6_mapped())),
    ]
}

/// A range and addresses at, in and next to it.
fn net() -> impl Strategy<Value = (IpNet, Vec<IpAddr>)> {
    let around_v4 = |first: u32, prefix_len: u8| {
        let last = first | u32::MAX.checked_shr(prefix_len.into()).unwrap_or(0);
        [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
            .map(|bits| IpAddr::V4(bits.into()))
            .to_vec()
    };
    let around_v6 = |first: u128, prefix_len: u8| {
        let last = first | u128::MAX.checked_shr(prefix_len.into()).unwrap_or(0);
        [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
            .map(|bits| IpAddr::V6(bits.into()))
            .to_vec()
    };
    prop_oneof![
        (any::<u32>(), 0..=32_u8).prop_map(move |(bits, len)| {
            let net = IpNet::containing(IpAddr::V4(bits.into()), len);
            let IpAddr::V4(first) = net.network() else {
                panic!("an address keeps its family")
            };
            (net, around_v4(first.to_bits(), len))
        }),
        (any::<u128>(), 0..=128_u8).prop_map(move |(bits, len)| {
            let net = IpNet::containing(IpAddr::V6(bits.into()), len);
            let IpAddr::V6(first) = net.network() else {
                panic!("an address keeps its family")
            };
            (net, around_v6(first.to_bits(), len))
        }),
    ]
}

/// Bit by bit.
fn slow_contains(net: IpNet, ip: IpAddr) -> bool {
    let bits = |ip: IpAddr| -> Vec<bool> {
        let octets = match ip.to_canonical() {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        octets
            .iter()
            .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1))
            .collect()
    };
    let (net_bits, ip_bits) = (bits(net.network()), bits(ip));
    net_bits.len() == ip_bits.len()
        && net_bits
            .iter()
            .zip(&ip_bits)
            .take(net.prefix_len().into())
            .all(|(a, b)| a == b)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn the_walk_agrees_with_the_slow_one(lines in lines()) {
        let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
        let trusted = |ip: IpAddr| ip.to_string().starts_with("10.") || ip.to_string().starts_with("2001:db8:ffff:");
        let client = proxies.resolve(&with_lines(XFF, &lines)).unwrap();
        prop_assert_eq!((client.ip().to_string(), client.source()), slow_walk(&lines, trusted));
    }

    #[test]
    fn what_a_client_prepends_changes_nothing_in_x_forwarded_for(
        spoof in header_bytes(0..200),
        own_line in any::<bool>(),
        chain in prop::sample::select(vec!["192.0.2.7", "192.0.2.7, 10.0.0.2", "2001:db8::7, [2001:db8:ffff::1]:1,10.0.0.2"]),
    ) {
        let honest = vec![chain.as_bytes().to_vec()];
        let spoofed = if own_line {
            vec![spoof, chain.as_bytes().to_vec()]
        } else {
            vec![[spoof, b", ".to_vec(), chain.as_bytes().to_vec()].concat()]
        };
        let hop = chain.split(',').count().try_into().unwrap();
        let counted = behind(ForwardHeader::XForwardedFor).hops(hops(hop)).build().unwrap();
        for proxies in [behind(ForwardHeader::XForwardedFor).build().unwrap(), counted] {
            let expected = proxies.resolve(&with_lines(XFF, &honest));
            prop_assert_eq!(expected.unwrap().source(), IpSource::Forwarded);
            prop_assert_eq!(proxies.resolve(&with_lines(XFF, &spoofed)), expected);
        }
    }

    #[test]
    fn what_a_client_prepends_changes_nothing_in_forwarded_or_degrades_it(
        spoof in prop_oneof![
            header_bytes(0..60),
            "(for=|For=|by=|host=|proto=|\"|\\\\|;|,|=| |6\\.6\\.6\\.6|\\[|\\]|x){0,12}".prop_map(String::into_bytes),
        ],
        own_line in any::<bool>(),
        chain in prop::sample::select(vec![
            "for=192.0.2.7",
            "for=\"[2001:db8::7]:1\";proto=https",
            "by=\"10.0.0.1\";host=\"app.example\";for=192.0.2.7;proto=\"https\"",
            "for=192.0.2.7, for=10.0.0.2;by=\"[::1]\"",
        ]),
    ) {
        let honest = vec![chain.as_bytes().to_vec()];
        let spoofed = if own_line {
            vec![spoof, chain.as_bytes().to_vec()]
        } else {
            vec![[spoof, b", ".to_vec(), chain.as_bytes().to_vec()].concat()]
        };
        let hop = chain.matches("for=").count().try_into().unwrap();
        let counted = behind(ForwardHeader::Forwarded).hops(hops(hop)).build().unwrap();
        for proxies in [behind(ForwardHeader::Forwarded).build().unwrap(), counted] {
            let expected = proxies.resolve(&with_lines(FWD, &honest)).unwrap();
            let client = proxies.resolve(&with_lines(FWD, &spoofed)).unwrap();
            prop_assert_eq!(expected.source(), IpSource::Forwarded);
            if own_line || !client.is_degraded() {
                prop_assert_eq!(client, expected);
            } else {
                prop_assert_eq!(client.ip().to_string(), "10.0.0.1");
            }
        }
    }

    #[test]
    fn forwarded_reads_what_was_printed(
        elements in vec((vec(("[a-eg-z]{1,5}", "[ -~]{0,8}"), 0..3), any_ip(), any::<bool>(), "( |\t){0,2}"), 1..9),
    ) {
        let mut line = String::new();
        for (index, (parameters, ip, escape, space)) in elements.iter().enumerate() {
            if index > 0 {
                line += &format!("{space},{space}");
            }
            for (name, value) in parameters {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                line += &format!("{name}=\"{value}\";");
            }
            let node = match ip {
                IpAddr::V4(v4) => v4.to_string(),
                IpAddr::V6(v6) => format!("[{v6}]"),
            };
            let node = if *escape { node.replace('.', "\\.").replace(':', "\\:") } else { node };
            line += &format!("for=\"{node}\"");
        }
        let (_, first, ..) = &elements[0];
        let count = u8::try_from(elements.len()).unwrap();
        let proxies = behind(ForwardHeader::Forwarded).hops(hops(count)).build().unwrap();
        let client = proxies.resolve(&with_lines(FWD, &[line.into_bytes()])).unwrap();
        prop_assert_eq!((client.ip(), client.source()), (first.to_canonical(), IpSource::Forwarded));
    }

    #[test]
    fn sets_hold_what_their_nets_hold(nets in vec(net(), 0..12), others in vec(any_ip(), 0..4)) {
        let set: IpSet = nets.iter().map(|(net, _)| *net).collect();
        let around = nets.iter().flat_map(|(_, around)| around.iter().copied());
        for ip in around.chain(others) {
            let held = nets.iter().any(|(net, _)| slow_contains(*net, ip));
            prop_assert_eq!(set.contains(ip), held, "{}", ip);
            prop_assert_eq!(nets.iter().any(|(net, _)| net.contains(ip)), held, "{}", ip);
        }
    }

    #[test]
    fn nets_parse_where_std_parses_the_parts(
        address in prop_oneof![any_ip().prop_map(|ip| ip.to_string()), "[0-9a-f:.]{0,9}"],
        prefix_len in prop_oneof![(0..140_u8).prop_map(|len| len.to_string()), "[0-9+-]{0,4}"],
    ) {
        let parsed = format!("{address}/{prefix_len}").parse::<IpNet>();
        let expected = address.parse::<IpAddr>().ok().zip(prefix_len.parse::<u8>().ok()).filter(|(ip, len)| {
            let (width, trailing, mapped) = match ip {
                IpAddr::V4(v4) => (32, v4.to_bits().trailing_zeros(), false),
                IpAddr::V6(v6) => (128, v6.to_bits().trailing_zeros(), v6.to_ipv4_mapped().is_some()),
            };
            prefix_len == len.to_string() && *len <= width && u32::from(width - len) <= trailing && !mapped
        });
        let parsed = parsed.ok().map(|net| (net.network(), net.prefix_len()));
        prop_assert_eq!(parsed, expected);
    }

    #[test]
    fn nets_print_what_they_parse((net, _) in net()) {
        let mapped = matches!(net.network(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        prop_assume!(!mapped);
        prop_assert_eq!(net.to_string().parse(), Ok(net));
    }
}

#[test]
fn a_subscriber_who_changes_his_address_keeps_his_prefix() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let prefixes: HashSet<IpNet> = (0..100_u32)
        .map(|host| format!("2001:db8:0:1:{host:x}::{host:x}"))
        .map(|ip| {
            proxies
                .resolve(&call("10.0.0.1", &[(XFF, ip.as_bytes())]))
                .unwrap()
                .prefix(32, 64)
        })
        .collect();
    assert_eq!(prefixes.len(), 1);
}
