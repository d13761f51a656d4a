//! The cookies of a request: the names that the handler knows, and nothing that could be taken for them.

use http::header::{ACCEPT, COOKIE, HeaderName};
use http::{HeaderMap, HeaderValue};
use tower_security::cookies::{CookieLayer, CookiePolicy};

fn policy() -> CookiePolicy {
    CookieLayer::builder()
        .host_prefix(["session", "id"])
        .build_policy()
        .unwrap()
}

fn headers<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line.as_ref()).unwrap());
    }
    headers.insert("x-last", HeaderValue::from_static("1"));
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(COOKIE).iter();
    lines.map(|line| text(line.as_bytes())).collect()
}

/// Each byte as one character.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What the handler gets of some lines, how many were renamed and how many removed.
#[track_caller]
fn restore<L: AsRef<[u8]>>(lines: &[L]) -> (Vec<String>, usize, usize) {
    let mut headers = headers(lines);
    let restored = policy().restore(&mut headers);
    assert_eq!(headers[ACCEPT], "*/*");
    assert_eq!(headers["x-last"], "1");
    (cookies(&headers), restored.renamed, restored.removed)
}

#[test]
fn the_handler_sees_the_names_that_it_knows() {
    let rows: &[(&[&str], &[&str], usize, usize)] = &[
        (&["__Host-session=v"], &["session=v"], 1, 0),
        (&["__Host-session="], &["session="], 1, 0),
        (&["__Host-session=a=b=="], &["session=a=b=="], 1, 0),
        (&["__Host-session=\"a b\""], &["session=\"a b\""], 1, 0),
        (
            &["a=1; __Host-session=v; b=2"],
            &["a=1; session=v; b=2"],
            1,
            0,
        ),
        (
            &["__Host-id=1; a=1; __Host-session=2"],
            &["id=1; a=1; session=2"],
            2,
            0,
        ),
        // Crumbs: one list, one line.
        (
            &["a=1", "__Host-session=v", "b=2; c=3"],
            &["a=1; session=v; b=2; c=3"],
            1,
            0,
        ),
        (
            &["a=1;__Host-session=v;;b=2;"],
            &["a=1; session=v; b=2"],
            1,
            0,
        ),
        // Nothing is changed that need not be.
        (&["a=1;b=2 ", "c=3"], &["a=1;b=2 ", "c=3"], 0, 0),
        (&["__Host-other=1"], &["__Host-other=1"], 0, 0),
        (&["__Secure-session=1"], &["__Secure-session=1"], 0, 0),
        (&[""], &[""], 0, 0),
        (&[";;"], &[";;"], 0, 0),
        (&[], &[], 0, 0),
    ];
    for (lines, expected, renamed, removed) in rows {
        let expected = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(restore(lines), (expected, *renamed, *removed), "{lines:?}");
    }
}

/// Of each, some reader of cookies makes `session` or `__Host-session`.
#[test]
fn nothing_that_could_be_the_session_gets_through() {
    let planted: &[&[u8]] = &[
        // What a sibling host may set.
        b"session=evil",
        b"session=",
        b"session",
        b" session = evil",
        b"session\t=evil",
        b"sess%69on=evil",
        b"%73%65%73%73%69%6f%6E=evil",
        b"session%20=evil",
        b"%20session=evil",
        b"session%00=evil",
        b"\"session\"=evil",
        b"session\xc2\xa0=evil",
        b"\xc2\xa0session=evil",
        b"\xe3\x80\x80session=evil",
        b"%C2%85session=evil",
        b"session:=evil",
        b"[session]=evil",
        // Nameless, as a browser of before 2023 sends it.
        b"=session=evil",
        b"= session=evil",
        b"==session=evil",
        b"=session",
        b"=__Host-session=evil",
        b"__Host-session",
        b"=%5F%5FHost-session=evil",
        // The prefix is protected in one case alone by a browser of before 2022.
        b"__host-session=evil",
        b"__HOST-session=evil",
        b"__Host-session =evil",
        b" __Host-sess%69on=evil",
        b"%5f%5fHost%2dsession=evil",
        b"__Host-%73ession=evil",
    ];
    for crumb in planted {
        let name = crumb.escape_ascii();
        assert_eq!(restore(&[crumb]), (vec![], 0, 1), "{name}");
        // Before and behind the real one, in its line and in another.
        let real: &[u8] = b"__Host-session=real";
        let expected = (vec!["session=real; a=1".to_owned()], 1, 1);
        let other: &[u8] = b"a=1";
        let before = [crumb, real, other].join(&b"; "[..]);
        let behind = [real, other, crumb].join(&b"; "[..]);
        assert_eq!(restore(&[before]), expected, "{name}");
        assert_eq!(restore(&[behind]), expected, "{name}");
        assert_eq!(restore(&[crumb, real, other]), expected, "{name}");
        assert_eq!(restore(&[real, other, crumb]), expected, "{name}");
    }
}

/// Twins of the planted ones.
#[test]
fn other_cookies_get_through() {
    let others: &[&[u8]] = &[
        b"sessions=1",
        b"xsession=1",
        b"my-session=1",
        b"session-id=1",
        b"session.sig=1",
        b"session%2Dx=1",
        b"session%3Dx=1",
        b"x=session=1",
        b"a=__Host-session",
        b"Session=1",
        b"SESSION=1",
        b"sess%6gion=1",
        b"sess%=1",
        b"%",
        b"=",
        b"=v",
        b"v",
        b"__Host-",
        b"__Host-=1",
        b"__Host-session2=1",
        b"__Host-Session=1",
        b"__Hostsession=1",
        b"__Secure-session=1",
        b"$Version=1",
        b"\xff=\xfe",
        b"a=\"session\"",
    ];
    for crumb in others {
        let kept = text(crumb);
        assert_eq!(restore(&[crumb]), (vec![kept.clone()], 0, 0), "{kept}");
        let line = [crumb, &b"; __Host-session=real"[..]].concat();
        let expected = format!("{kept}; session=real");
        assert_eq!(restore(&[line]), (vec![expected], 1, 0), "{kept}");
    }
}

#[test]
fn of_two_none_is_the_right_one() {
    let rows: &[(&[&str], &[&str], usize)] = &[
        (&["__Host-session=1; __Host-session=2"], &[], 2),
        (
            &["__Host-session=1", "a=1", "__Host-session=1"],
            &["a=1"],
            2,
        ),
        (&["__Host-session=1; session=2; __Host-session=3"], &[], 3),
        (
            &["__Host-session=1; __Host-id=7; __Host-session=2"],
            &["id=7"],
            2,
        ),
    ];
    for (lines, expected, removed) in rows {
        let (left, _, gone) = restore(lines);
        assert_eq!(
            (left.as_slice(), gone),
            (
                &*expected
                    .iter()
                    .map(|line| (*line).to_owned())
                    .collect::<Vec<_>>(),
                *removed
            ),
            "{lines:?}"
        );
    }
}

/// A `;` separates, also between quotes: what stands there is not hidden.
#[test]
fn quotes_and_old_syntax_hide_nothing() {
    let rows = [
        ("a=\"x; session=evil; y\"", "a=\"x; y\""),
        (
            "a=\"; __Host-session=real; b=\"",
            "a=\"; session=real; b=\"",
        ),
        (
            "$Version=1; session=evil; $Path=/; __Host-session=real",
            "$Version=1; $Path=/; session=real",
        ),
    ];
    for (line, expected) in rows {
        let (left, _, _) = restore(&[line]);
        assert_eq!(left, [expected], "{line}");
    }
}

#[test]
fn the_secret_stays_out_of_compression_tables() {
    for is_sensitive in [true, false] {
        let mut headers = headers(["a=1", "__Host-session=v"]);
        let lines = headers.iter_mut().filter(|(name, _)| *name == COOKIE);
        for (_, line) in lines {
            line.set_sensitive(is_sensitive);
        }
        policy().restore(&mut headers);
        assert_eq!(headers[COOKIE], "a=1; session=v");
        assert_eq!(headers[COOKIE].is_sensitive(), is_sensitive);
    }
}

/// A map of 32,768 lines, as many as there can be: planted cookies go all the same.
#[test]
fn a_full_map_does_not_keep_a_planted_cookie() {
    let mut headers = HeaderMap::new();
    headers.append(COOKIE, HeaderValue::from_static("session=evil"));
    headers.append(COOKIE, HeaderValue::from_static("__Host-session=real"));
    let mut number = 0;
    loop {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        if headers
            .try_append(name, HeaderValue::from_static("1"))
            .is_err()
        {
            break;
        }
        number += 1;
    }
    assert!(number > 20_000, "{number}");
    policy().restore(&mut headers);
    assert_eq!(cookies(&headers), ["session=real"]);
}

#[test]
fn long_lists_are_read_to_their_end() {
    let crumbs = "a=1; ".repeat(16 * 1024);
    let line = format!("{crumbs}session=evil; __Host-session=real");
    let (left, renamed, removed) = restore(&[line]);
    assert_eq!(left, [format!("{crumbs}session=real")]);
    assert_eq!((renamed, removed), (1, 1));

    let lines = vec!["session=evil"; 5_000];
    assert_eq!(restore(&lines), (vec![], 0, 5_000));
    let lines = vec!["__Host-session=real"; 5_000];
    assert_eq!(restore(&lines), (vec![], 0, 5_000));
    let spaces = format!(
        "{}session{}=evil",
        " ".repeat(32 * 1024),
        "%20".repeat(10 * 1024)
    );
    assert_eq!(restore(&[spaces]), (vec![], 0, 1));
}

#[test]
fn without_renaming_nothing_is_done() {
    let mut headers = headers(["session=1; __Host-session=2; sess%69on=3"]);
    let restored = CookiePolicy::default().restore(&mut headers);
    assert_eq!((restored.renamed, restored.removed), (0, 0));
    assert_eq!(headers[COOKIE], "session=1; __Host-session=2; sess%69on=3");
}
