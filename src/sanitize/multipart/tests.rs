use super::*;
use crate::sanitize::rule::Action;

/// Bodies with the boundary `b` that are legal or end in each of the states.
const BODIES: &[&str] = &[
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n",
    "\r\n--b\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--b--",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n-\r-\r\n-\r\n--\r\n--\n--c\r\n--b\r\n\
     Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n-x--b--\r\n\r\n--b--\r\n\r\n",
    "--b--",
    "--b--\r\nx",
    "--b",
    "--b\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx--b--\r\n--b--",
    "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\n\r\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\nx\r\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\nxyz\r\n--b--\r\n",
    "--b\r\n\r\n1\r\n--b--\r\n",
    "--bb\r\n",
    "x--b\r\n",
    "\r",
    "",
];

/// What comes of a body in frames that end at these places.
fn in_frames(
    rules: &MultipartRules,
    body: &[u8],
    ends: &[usize],
) -> (Result<RuleSet, Rule>, Vec<u8>) {
    let mut scanner = Scanner::new(rules, Some(b"b")).expect("a boundary");
    let mut content = Vec::new();
    let mut look = |piece: Piece<'_>| {
        match piece {
            Piece::Part(name) => content.extend_from_slice(format!("<{name}>").as_bytes()),
            Piece::Content(bytes) => content.extend_from_slice(bytes),
        }
        Ok(())
    };
    let mut start = 0;
    for end in ends.iter().copied().chain([body.len()]) {
        if let Err(refused) = scanner.look_through(&body[start..end], &mut look) {
            return (Err(refused.rule()), content);
        }
        start = end;
    }
    (scanner.finish().map_err(|refused| refused.rule()), content)
}

#[test]
fn frames_make_no_difference() {
    let mut reporting = MultipartRules::buffered();
    reporting.actions.report_only();
    for rules in [MultipartRules::buffered(), reporting] {
        for body in BODIES.iter().map(|body| body.as_bytes()) {
            let (whole, content) = in_frames(&rules, body, &[]);
            let bytes = (0..body.len()).collect::<Vec<_>>();
            let (single, of_single) = in_frames(&rules, body, &bytes);
            assert_eq!(single, whole, "{}", body.escape_ascii());
            if whole.is_ok() {
                assert_eq!(of_single, content, "{}", body.escape_ascii());
            }
            for first in 0..=body.len() {
                for second in [first, (first + 1).min(body.len()), body.len()] {
                    let (split, of_split) = in_frames(&rules, body, &[first, second]);
                    assert_eq!(split, whole, "{} {first}", body.escape_ascii());
                    if whole.is_ok() {
                        assert_eq!(of_split, content, "{} {first}", body.escape_ascii());
                    }
                }
            }
        }
    }
}

/// A whole frame is read without a copy; what is kept of it is a piece of a delimiter or of a head.
#[test]
fn little_is_kept_of_what_streams_past() {
    let long = "b".repeat(70);
    let head = "Content-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\n";
    let body = format!("--{long}\r\n{head}{}", "\r\n--bbbbbbbbbb".repeat(100_000));
    let mut scanner = Scanner::new(&MultipartRules::streaming(), Some(long.as_bytes()));
    let scanner = scanner.as_mut().expect("a boundary");
    let mut most = 0;
    for frame in body.as_bytes().chunks(1_000) {
        scanner.read(frame).expect("it is legal so far");
        most = most.max(scanner.kept_len());
    }
    assert!(most < 72, "{most}");

    let mut scanner = Scanner::new(&MultipartRules::streaming(), Some(b"b"));
    let scanner = scanner.as_mut().expect("a boundary");
    scanner.read(b"--b\r\n").expect("it is legal so far");
    let mut most = 0;
    let refused = loop {
        if let Err(refused) = scanner.read(b"X: y\r\n") {
            break refused;
        }
        most = most.max(scanner.kept_len());
    };
    assert_eq!(refused.rule(), Rule::MultipartPartHeaders);
    assert!((8_000..9_000).contains(&most), "{most}");
}

/// A look sees each part with what is in it.
#[test]
fn parts_are_shown_with_their_content() {
    let (answer, content) = in_frames(&MultipartRules::buffered(), BODIES[2].as_bytes(), &[]);
    assert_eq!(answer, Ok(RuleSet::EMPTY));
    let shown = b"<a>-\r-\r\n-\r\n--\r\n--\n--c\r\n<f>-x--b--\r\n\r\n";
    assert_eq!(
        content.escape_ascii().to_string(),
        shown.escape_ascii().to_string()
    );
}

#[test]
fn what_a_look_refuses_is_refused_in_its_part() {
    let body = BODIES[0].as_bytes();
    let look = |piece: Piece<'_>| match piece {
        Piece::Content(content) if content.contains(&b'1') => Err(Rule::HtmlInMultipart),
        Piece::Content(_) | Piece::Part(_) => Ok(()),
    };
    let refused = visit(&MultipartRules::nothing(), Some(b"b"), body, look);
    let refused = refused.expect_err("it is there");
    assert_eq!(
        (refused.rule(), refused.field()),
        (Rule::HtmlInMultipart, Some("a"))
    );
}

/// What is reported and cannot be read on passes to its end.
#[test]
fn a_reported_body_passes() {
    let mut rules = MultipartRules::buffered();
    rules.actions.report_only();
    for (body, expected) in [
        (&b"x"[..], Rule::MultipartBoundary),
        (b"--b", Rule::MultipartTruncated),
        (b"--b\r\n\r\n\r\n--b--", Rule::MultipartDisposition),
    ] {
        let reported = rules.inspect(Some(b"b"), body).expect("it is reported");
        assert_eq!(reported.iter().collect::<Vec<_>>(), [expected]);
    }
    let reported = rules.inspect(None, b"").expect("it is reported");
    assert!(reported.contains(Rule::MultipartBoundary));
    let mut off = MultipartRules::buffered();
    off.actions.force(Rule::MultipartTruncated, Action::Off);
    assert_eq!(off.inspect(Some(b"b"), b"--b"), Ok(RuleSet::EMPTY));
}
