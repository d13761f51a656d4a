//! Cookies: what leaves has what it needs and is left alone when it comes again, and nothing that reads as a session gets in.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use tower_security::cookies::{CookieLayer, CookiePolicy, Hardened, SameSite, Violation};

const RENAMED: [&str; 2] = ["session", "id"];

fn policy(choice: u8) -> CookiePolicy {
    let mut builder = CookieLayer::builder();
    if choice & 1 != 0 {
        builder = builder.host_prefix(RENAMED);
    }
    if choice & 2 != 0 {
        builder = builder
            .script_readable(["theme", "__Secure-theme"])
            .same_site_for("sso", SameSite::None);
    }
    if choice & 4 != 0 {
        builder = builder.on_violation(Violation::Report);
    }
    if choice & 8 != 0 {
        builder = builder.same_site(SameSite::Strict).skip(["legacy"]);
    }
    builder.build_policy().expect("it is sound")
}

/// The first byte chooses the rules, the rest is a line.
pub fn set_cookie(data: &[u8]) {
    let Some((choice, line)) = data.split_first() else {
        return;
    };
    let Ok(line) = HeaderValue::from_bytes(line) else {
        return;
    };
    let policy = policy(*choice);
    let left = match policy.harden(&line) {
        Hardened::Kept => line.clone(),
        Hardened::Changed(changed) => {
            assert_ne!(changed, line, "a change that changes nothing");
            changed
        }
        Hardened::Dropped(_) => {
            assert_eq!(choice & 4, 0, "violations are only reported");
            return;
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(policy.harden(&left), Hardened::Kept, "{left:?}");

    let (before, after) = (Slow::read(line.as_bytes()), Slow::read(left.as_bytes()));
    let is_empty = before.name.is_empty() && before.value.is_empty();
    if (choice & 8 != 0 && before.name == b"legacy") || (choice & 4 != 0 && is_empty) {
        assert_eq!(left, line);
        return;
    }
    let is_renamed = choice & 1 != 0 && RENAMED.iter().any(|name| name.as_bytes() == before.name);
    let name = if is_renamed {
        [b"__Host-", &*before.name].concat()
    } else {
        before.name.clone()
    };
    assert_eq!((&after.name, &after.value), (&name, &before.value));

    assert!(after.has("secure"), "{left:?}");
    let is_readable = choice & 2 != 0 && [&b"theme"[..], b"__Secure-theme"].contains(&&*name);
    assert!(after.has("httponly") || is_readable, "{left:?}");
    let same_site = after.last("samesite").expect("there is one");
    assert!(
        ["lax", "none", "strict"]
            .iter()
            .any(|known| same_site.eq_ignore_ascii_case(known.as_bytes())),
        "{left:?}"
    );
    let lower = name.to_ascii_lowercase();
    if lower.starts_with(b"__host-") {
        assert_eq!(after.last("path"), Some(&b"/"[..]), "{left:?}");
        let is_host_only = after.last("domain").is_none_or(<[u8]>::is_empty);
        assert!(is_host_only || choice & 4 != 0, "{left:?}");
    }
    // What is not ours is there in its order.
    let others = |line: &Slow| -> Vec<Vec<u8>> {
        let ours = ["secure", "httponly", "samesite", "path", "domain"];
        line.attributes
            .iter()
            .filter(|(name, _)| !ours.iter().any(|known| known.as_bytes() == name))
            .map(|(name, value)| [&**name, b"=", value].concat())
            .collect()
    };
    assert_eq!(others(&after), others(&before), "{left:?}");
}

/// A slow reader of `Set-Cookie`.
struct Slow {
    name: Vec<u8>,
    value: Vec<u8>,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Slow {
    fn read(line: &[u8]) -> Self {
        let mut pieces = line.split(|byte| *byte == b';');
        let pair = pieces.next().unwrap_or_default();
        let (name, value) = match halves(pair) {
            (name, Some(value)) => (name, value),
            (value, None) => (&[][..], value),
        };
        Self {
            name: name.to_vec(),
            value: value.to_vec(),
            attributes: pieces
                .map(|piece| {
                    let (name, value) = halves(piece);
                    (
                        name.to_ascii_lowercase(),
                        value.unwrap_or_default().to_vec(),
                    )
                })
                .filter(|(_, value)| value.len() <= 1024)
                .collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    fn last(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.attributes.iter().rev();
        found
            .find(|(known, _)| known == name.as_bytes())
            .map(|(_, value)| &**value)
    }
}

fn halves(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b'=') {
        Some(at) => (text[..at].trim_ascii(), Some(text[at + 1..].trim_ascii())),
        None => (text.trim_ascii(), None),
    }
}

/// Each line is a line of `Cookie`.
pub fn cookie_header(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(1_000) {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, line);
        }
    }
    let before = crumbs(&headers);
    let policy = policy(1);
    let restored = policy.restore(&mut headers);
    let after = crumbs(&headers);

    let real = |name: &str| -> Vec<&Vec<u8>> {
        let start = format!("__Host-{name}=");
        before
            .iter()
            .filter(|crumb| crumb.starts_with(start.as_bytes()))
            .collect()
    };
    let mut expected = Vec::new();
    for crumb in &before {
        let read = lenient(crumb);
        let is = |name: &str| {
            let with_prefix = read
                .get(..7)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"__Host-"))
                && &read[7..] == name.as_bytes();
            read == name.as_bytes() || with_prefix
        };
        match RENAMED.into_iter().find(|name| is(name)) {
            None => expected.push(crumb.clone()),
            Some(name) if real(name) == [crumb] => expected.push(crumb[7..].to_vec()),
            Some(_) => {}
        }
    }
    assert_eq!(after, expected);
    assert_eq!(before.len() - after.len(), restored.removed);
    if restored.renamed + restored.removed > 0 {
        assert!(headers.get_all(COOKIE).iter().count() <= 1);
    }
    for name in RENAMED {
        let read_as_it = after
            .iter()
            .filter(|crumb| lenient(crumb) == name.as_bytes());
        let count = usize::from(real(name).len() == 1);
        assert_eq!(read_as_it.count(), count, "{name}");
    }
}

fn crumbs(headers: &HeaderMap) -> Vec<Vec<u8>> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(|crumb| crumb.trim_ascii().to_vec())
        .filter(|crumb| !crumb.is_empty())
        .collect()
}

/// The name that the most lenient reader of cookies makes of a crumb: it decodes, and drops around a name what no name has.
fn lenient(crumb: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < crumb.len() {
        let escape = crumb
            .get(at + 1..at + 3)
            .filter(|digits| crumb[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push((escape.unwrap_or(crumb[at]), escape.is_none()));
        at += if escape.is_some() { 3 } else { 1 };
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut name: Vec<u8> = decoded
        .into_iter()
        .skip_while(|(byte, _)| !is_name(*byte))
        .take_while(|item| *item != (b'=', true))
        .map(|(byte, _)| byte)
        .collect();
    while name.last().is_some_and(|byte| !is_name(*byte)) {
        name.pop();
    }
    name
}
