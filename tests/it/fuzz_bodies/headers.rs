//! Permissions policies of any features and origins, read back by a reader of the test's own.

use tower_security::headers::{Allow, Feature, PermissionsPolicy, SecurityHeadersLayer};

/// Each line is a feature and who may use it, in words: `*`, `self`, or an origin.
pub fn permissions_policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let wanted = text.split('\n').take(64).map(|line| {
        let mut words = line.split(' ');
        let feature = words.next().unwrap_or_default();
        (feature, words.take(16).collect::<Vec<_>>())
    });
    let wanted = wanted.collect::<Vec<_>>();
    let allow = |word: &&str| match *word {
        "*" => Allow::Any,
        "self" => Allow::SelfOrigin,
        origin => Allow::origin(origin),
    };
    let policy = wanted
        .iter()
        .fold(PermissionsPolicy::new(), |policy, (feature, words)| {
            policy.allow(Feature::custom(*feature), words.iter().map(allow))
        });
    let layer = match SecurityHeadersLayer::builder()
        .permissions_policy(policy)
        .build()
    {
        Ok(layer) => layer,
        Err(errors) => {
            for error in errors.iter() {
                assert_eq!(error.code(), "invalid_feature");
                assert!(error.path().starts_with("headers.permissions_policy["));
            }
            return;
        }
    };
    let mut headers = layer.headers();
    let (_, value) = headers
        .find(|(name, _)| *name == "permissions-policy")
        .expect("it was set");
    let value = value.to_str().expect("visible ASCII");
    assert_eq!(read(value).expect("a dictionary"), wanted, "{value}");
}

/// Reads the part of RFC 9651 that a policy uses: keys, tokens, quoted text without escapes, lists.
fn read(mut text: &str) -> Option<Vec<(&str, Vec<&str>)>> {
    let mut members = Vec::new();
    loop {
        let (key, rest) = text.split_once('=')?;
        let mut key_bytes = key.bytes();
        let starts = key_bytes.next()?.is_ascii_lowercase();
        let goes_on = key_bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !starts || !goes_on || members.iter().any(|(known, _)| *known == key) {
            return None;
        }
        let (words, rest) = if let Some(rest) = rest.strip_prefix('*') {
            (vec!["*"], rest)
        } else {
            let (list, rest) = rest.strip_prefix('(')?.split_once(')')?;
            let words = list.split(' ').filter(|_| !list.is_empty());
            (words.map(word).collect::<Option<Vec<_>>>()?, rest)
        };
        members.push((key, words));
        if rest.is_empty() {
            return Some(members);
        }
        text = rest.strip_prefix(", ")?;
    }
}

fn word(text: &str) -> Option<&str> {
    if text == "self" {
        return Some(text);
    }
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let plain = inside
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"\"\\()".contains(&b));
    plain.then_some(inside)
}
