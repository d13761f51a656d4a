//! One line in, one line out.

use http::HeaderValue;
use tower_security::cookies::{
    CookieBuilder, CookieLayer, CookiePolicy, CookieViolation, Hardened, SameSite, Violation,
};

use super::table::{Becomes, DELETIONS, STRICT};

fn value(bytes: impl AsRef<[u8]>) -> HeaderValue {
    let bytes = bytes.as_ref();
    HeaderValue::from_bytes(bytes).unwrap_or_else(|_| panic!("{}", bytes.escape_ascii()))
}

fn policy(builder: CookieBuilder) -> CookiePolicy {
    builder.build_policy().unwrap()
}

/// The line as it leaves, which is left as it is when it comes again.
#[track_caller]
fn hardened(policy: &CookiePolicy, line: impl AsRef<[u8]>) -> Result<Vec<u8>, CookieViolation> {
    let line = value(line);
    let left = match policy.harden(&line) {
        Hardened::Kept => line,
        Hardened::Changed(changed) => {
            assert_ne!(changed, line, "a change that changes nothing");
            changed
        }
        Hardened::Dropped(violation) => return Err(violation),
        other => panic!("{other:?}"),
    };
    assert_eq!(policy.harden(&left), Hardened::Kept, "{left:?}");
    Ok(left.as_bytes().to_vec())
}

#[track_caller]
fn assert_rows(policy: &CookiePolicy, rows: &[(&str, &str)]) {
    for (line, expected) in rows {
        let left = hardened(policy, line).map(|left| String::from_utf8(left).unwrap());
        assert_eq!(left.as_deref(), Ok(*expected), "{line:?}");
    }
}

#[test]
fn every_line_gets_what_it_lacks() {
    let policy = CookiePolicy::default();
    assert!(STRICT.len() > 90, "{} rows", STRICT.len());
    for row in STRICT.iter().chain(DELETIONS) {
        let expected = match row.becomes {
            Becomes::Dropped(violation) => Err(violation),
            Becomes::Kept => Ok(row.line.to_vec()),
            Becomes::This(line) => Ok(line.to_vec()),
        };
        let line = row.line.escape_ascii();
        assert_eq!(hardened(&policy, row.line), expected, "{line}");
        let kept = policy.harden(&value(row.line)) == Hardened::Kept;
        assert_eq!(kept, matches!(row.becomes, Becomes::Kept), "{line}");
    }
}

/// Such a line cannot be: the rules need not look for it.
#[test]
fn a_header_value_holds_no_control_byte_but_tab() {
    for byte in (0..0x20).chain([0x7f]) {
        let line = [b'a', b'=', byte, b'1'];
        let is_value = HeaderValue::from_bytes(&line).is_ok();
        assert_eq!(is_value, byte == b'\t', "{byte}");
    }
    let kept = hardened(&CookiePolicy::default(), "a=1\t2");
    assert_eq!(
        kept.as_deref(),
        Ok(&b"a=1\t2; Secure; HttpOnly; SameSite=Lax"[..])
    );
}

#[test]
fn name_and_value_have_4096_bytes_together() {
    let strict = CookiePolicy::default();
    let renaming = policy(CookieLayer::builder().host_prefix(["session"]));
    let line = |name: &str, length: usize| {
        let value = "v".repeat(length - name.len());
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
    };
    let too_long = Err(CookieViolation::TooLong);
    for name in ["a", "__Host-a"] {
        assert_eq!(
            hardened(&strict, line(name, 4096)),
            Ok(line(name, 4096).into_bytes())
        );
        assert_eq!(hardened(&strict, line(name, 4097)), too_long);
    }
    assert_eq!(hardened(&strict, "v".repeat(4097)), too_long);
    // White space around a name and a value is no part of them.
    let padded = format!(
        " a =  {}  ; Secure; HttpOnly; SameSite=Lax",
        "v".repeat(4095)
    );
    assert_eq!(hardened(&strict, &padded), Ok(padded.into_bytes()));
    // The prefix that renaming adds counts.
    let longest = format!("__Host-{}", line("session", 4089));
    assert_eq!(
        hardened(&renaming, line("session", 4089)),
        Ok(longest.into_bytes())
    );
    assert_eq!(hardened(&renaming, line("session", 4090)), too_long);
    assert_eq!(
        hardened(&renaming, line("other", 4096)),
        Ok(line("other", 4096).into_bytes())
    );
}

/// Browsers ignore an attribute whose value has more than 1,024 bytes.
#[test]
fn an_attribute_has_1024_bytes() {
    let policy = CookiePolicy::default();
    let rows = [
        ("Secure", "; HttpOnly; SameSite=Lax"),
        ("HttpOnly", "; Secure; SameSite=Lax"),
    ];
    for (attribute, rest) in rows {
        let known = format!("a=1; {attribute}={}", "x".repeat(1024));
        let added = format!("{known}{rest}");
        assert_eq!(hardened(&policy, &known), Ok(added.into_bytes()));
        let ignored = format!("a=1; {attribute}={}", "x".repeat(1025));
        let added = format!("{ignored}; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(hardened(&policy, &ignored), Ok(added.into_bytes()));
    }
    let domain = |length| format!("__Host-a=1; Domain={}", "x".repeat(length));
    assert_eq!(
        hardened(&policy, domain(1024)),
        Err(CookieViolation::PrefixDomain)
    );
    let added = format!("{}; Path=/; Secure; HttpOnly; SameSite=Lax", domain(1025));
    assert_eq!(hardened(&policy, domain(1025)), Ok(added.into_bytes()));
    // The one that browsers ignore does not stand in the way of the one that they see.
    let line = format!("a=1; SameSite=None; SameSite={}", "x".repeat(1025));
    let added = format!("{line}; Secure; HttpOnly");
    assert_eq!(hardened(&policy, &line), Ok(added.into_bytes()));
}

#[test]
fn same_site_is_set_for_all_or_for_one() {
    let strict = policy(CookieLayer::builder().same_site(SameSite::Strict));
    assert_rows(
        &strict,
        &[
            ("a=1", "a=1; Secure; HttpOnly; SameSite=Strict"),
            ("a=1; SameSite=x", "a=1; Secure; HttpOnly; SameSite=Strict"),
            ("a=1; SameSite=Lax", "a=1; SameSite=Lax; Secure; HttpOnly"),
        ],
    );
    let builder = CookieLayer::builder()
        .same_site_for("sso", SameSite::Strict)
        .same_site_for("sso", SameSite::None)
        .same_site_for("id", SameSite::Strict);
    assert_rows(
        &policy(builder),
        &[
            ("sso=1", "sso=1; Secure; HttpOnly; SameSite=None"),
            ("id=1", "id=1; Secure; HttpOnly; SameSite=Strict"),
            (
                "sso=1; SameSite=Lax",
                "sso=1; SameSite=Lax; Secure; HttpOnly",
            ),
            ("SSO=1", "SSO=1; Secure; HttpOnly; SameSite=Lax"),
            ("xsso=1", "xsso=1; Secure; HttpOnly; SameSite=Lax"),
            ("a=1", "a=1; Secure; HttpOnly; SameSite=Lax"),
        ],
    );
}

#[test]
fn scripts_read_what_they_may() {
    let builder = CookieLayer::builder()
        .script_readable(["XSRF-TOKEN", "theme", "__Secure-t"])
        .dangerous_script_readable(["session"])
        .host_prefix(["session"]);
    assert_rows(
        &policy(builder),
        &[
            ("XSRF-TOKEN=1", "XSRF-TOKEN=1; Secure; SameSite=Lax"),
            (
                "theme=1; HttpOnly",
                "theme=1; HttpOnly; Secure; SameSite=Lax",
            ),
            ("__Secure-t=1", "__Secure-t=1; Secure; SameSite=Lax"),
            (
                "session=1",
                "__Host-session=1; Path=/; Secure; SameSite=Lax",
            ),
            (
                "xsrf-token=1",
                "xsrf-token=1; Secure; HttpOnly; SameSite=Lax",
            ),
            ("a=1", "a=1; Secure; HttpOnly; SameSite=Lax"),
        ],
    );
}

#[test]
fn skipped_lines_are_left_alone() {
    let builder = CookieLayer::builder()
        .skip(["legacy", "__Host-x"])
        .dangerous_skip(["SESSID"]);
    assert_rows(
        &policy(builder),
        &[
            ("legacy=1", "legacy=1"),
            (" legacy =1; SameSite=bogus", " legacy =1; SameSite=bogus"),
            (
                "__Host-x=1; Domain=a.example",
                "__Host-x=1; Domain=a.example",
            ),
            ("SESSID=1", "SESSID=1"),
            ("Legacy=1", "Legacy=1; Secure; HttpOnly; SameSite=Lax"),
        ],
    );
}

#[test]
fn renamed_cookies_are_bound_to_the_host() {
    let builder = CookieLayer::builder()
        .host_prefix(["session", "id"])
        .same_site_for("id", SameSite::Strict);
    let rest = "Path=/; Secure; HttpOnly; SameSite=Lax";
    let session = |value: &str| format!("__Host-session={value}; {rest}");
    assert_rows(
        &policy(builder),
        &[
            ("session=1", &session("1")),
            ("  session=1", &session("1")),
            ("session=1; Domain=site.test", &session("1")),
            ("session=1; Path=/app; domain=.site.test", &session("1")),
            (
                "session=1; Domain=a.example; Domain=; Path=/x; Path=y",
                &session("1"),
            ),
            (
                "session=1; Domain=",
                &format!("__Host-session=1; Domain=; {rest}"),
            ),
            ("session=\"a b\"", &session("\"a b\"")),
            ("session==", &session("=")),
            ("session=", &session("")),
            (
                "session=; Max-Age=0; Domain=site.test; Path=/app",
                &format!("__Host-session=; Max-Age=0; {rest}"),
            ),
            (
                "session=1; Path=/; Secure; HttpOnly; SameSite=Strict",
                "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Strict",
            ),
            ("session = 1", &format!("__Host-session = 1; {rest}")),
            (
                "id=1",
                "__Host-id=1; Path=/; Secure; HttpOnly; SameSite=Strict",
            ),
            // The handler has done it itself.
            ("__Host-session=1", &session("1")),
            (
                "__Host-id=1",
                "__Host-id=1; Path=/; Secure; HttpOnly; SameSite=Strict",
            ),
            (
                "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Lax",
                &session("1"),
            ),
            // Others.
            ("Session=1", "Session=1; Secure; HttpOnly; SameSite=Lax"),
            ("sessions=1", "sessions=1; Secure; HttpOnly; SameSite=Lax"),
            ("session", "session; Secure; HttpOnly; SameSite=Lax"),
            ("a=session", "a=session; Secure; HttpOnly; SameSite=Lax"),
        ],
    );
}

#[test]
fn what_browsers_refuse_is_sent_when_it_is_only_reported() {
    let report = policy(CookieLayer::builder().on_violation(Violation::Report));
    let too_long = "v".repeat(4097);
    assert_rows(
        &report,
        &[
            (
                "__Host-a=1; Domain=site.test",
                "__Host-a=1; Domain=site.test; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
            ("=__Host-a=1", "=__Host-a=1; Secure; HttpOnly; SameSite=Lax"),
            (
                &too_long,
                &format!("{too_long}; Secure; HttpOnly; SameSite=Lax"),
            ),
            // There is nothing to harden.
            ("=; Path=/", "=; Path=/"),
            ("", ""),
        ],
    );
}

/// Else intermediaries would keep it in their tables.
#[test]
fn a_line_that_is_never_indexed_stays_so() {
    let policy = CookiePolicy::default();
    for is_sensitive in [true, false] {
        let mut line = HeaderValue::from_static("a=1");
        line.set_sensitive(is_sensitive);
        let Hardened::Changed(changed) = policy.harden(&line) else {
            panic!("it lacks three attributes");
        };
        assert_eq!(changed.is_sensitive(), is_sensitive);
    }
}

#[test]
fn the_reasons_have_names() {
    let rows = [
        (CookieViolation::Empty, "empty"),
        (CookieViolation::NamelessPair, "nameless_pair"),
        (CookieViolation::NamelessPrefix, "nameless_prefix"),
        (CookieViolation::PrefixDomain, "prefix_domain"),
        (CookieViolation::TooLong, "too_long"),
    ];
    for (violation, name) in rows {
        assert_eq!(violation.as_str(), name);
        assert!(violation.to_string().starts_with("the "), "{violation}");
    }
}
