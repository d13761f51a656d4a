//! The guard of multipart bodies: each of its rules, on both sides.

use tower_security::sanitize::{MultipartRules, Part, Rule};

use crate::fuzz_bodies::sanitize_multipart::read_by_multer;

const DISPOSITION: &str = "Content-Disposition: form-data; name=\"a\"";

/// A body of parts with the boundary `X`, each with its header lines and its content.
fn body(parts: &[(&str, &str)]) -> String {
    let parts = parts
        .iter()
        .map(|(lines, content)| format!("--X\r\n{lines}\r\n\r\n{content}\r\n"));
    format!("{}--X--\r\n", parts.collect::<String>())
}

fn one(lines: &str) -> String {
    body(&[(lines, "1")])
}

fn disposition(value: &str) -> String {
    one(&format!("Content-Disposition: {value}"))
}

fn file(name: &str) -> String {
    disposition(&format!("form-data; name=\"f\"; filename=\"{name}\""))
}

fn lines(count: usize) -> String {
    let more = (1..count).map(|line| format!("\r\nX-{line}: y"));
    format!("{DISPOSITION}{}", more.collect::<String>())
}

/// A head of so many bytes.
fn head(length: usize) -> String {
    let start = format!("{DISPOSITION}\r\nX: ");
    format!("{start}{}", "y".repeat(length - start.len()))
}

fn parts(count: usize, lines: &str) -> String {
    body(&vec![(lines, "1"); count])
}

const FILE: &str = "Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"";

/// What the strict and the compatible rules say.
fn refused(boundary: &str, body: &str) -> [Option<Rule>; 2] {
    [MultipartRules::buffered(), MultipartRules::streaming()].map(|rules| {
        let answer = rules.check(boundary, body.as_bytes());
        answer.err().map(|refused| refused.rule())
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn both_presets_refuse_what_breaks_a_rule() {
    use Rule as R;
    let rows: Vec<(Rule, String)> = vec![
        // Text before the first delimiter and behind the last one, and what only some take for a delimiter.
        (
            R::MultipartBoundary,
            format!("preamble\r\n{}", one(DISPOSITION)),
        ),
        (R::MultipartBoundary, format!("\n{}", one(DISPOSITION))),
        (
            R::MultipartBoundary,
            format!("{}epilogue", one(DISPOSITION)),
        ),
        (R::MultipartBoundary, format!("{0}{0}", one(DISPOSITION))),
        (
            R::MultipartBoundary,
            one(DISPOSITION).replace("--X--", "--X --"),
        ),
        (
            R::MultipartBoundary,
            one(DISPOSITION).replacen("--X\r", "--X \r", 1),
        ),
        (
            R::MultipartBoundary,
            one(DISPOSITION).replacen("--X\r\n", "--X\n", 1),
        ),
        (R::MultipartBoundary, body(&[(DISPOSITION, "1\n--X--")])),
        (R::MultipartBoundary, body(&[(DISPOSITION, "1\r--X--")])),
        (R::MultipartBoundary, body(&[(DISPOSITION, "1\r\n--XY")])),
        (R::MultipartBoundary, body(&[(DISPOSITION, "--X--")])),
        (
            R::MultipartBoundary,
            one(&format!("{DISPOSITION}\r\n--X: y")),
        ),
        (
            R::MultipartBoundary,
            one(&format!("--Xy: z\r\n{DISPOSITION}")),
        ),
        (R::MultipartBoundary, "-X--\r\n".into()),
        (R::MultipartTruncated, String::new()),
        (R::MultipartTruncated, "--X".into()),
        (R::MultipartTruncated, "--X-".into()),
        (R::MultipartTruncated, format!("--X\r\n{DISPOSITION}\r\n")),
        (
            R::MultipartTruncated,
            format!("--X\r\n{DISPOSITION}\r\n\r\n1\r\n--X\r\n"),
        ),
        (
            R::MultipartTruncated,
            format!("--X\r\n{DISPOSITION}\r\n\r\n1--X--\r\n"),
        ),
        (R::MultipartTooManyParts, parts(1_001, DISPOSITION)),
        (
            R::MultipartTooManyParts,
            parts(1_001, FILE).replace("filename", "x"),
        ),
        (R::MultipartTooManyFiles, parts(101, FILE)),
        (
            R::MultipartTooManyFiles,
            parts(101, &FILE.replace("a.txt", "")).replace("\r\n1\r\n", "\r\n\r\n"),
        ),
        (R::MultipartPartHeaders, one(&lines(33))),
        (R::MultipartPartHeaders, one(&head(8_193))),
        (
            R::MultipartPartHeaders,
            format!("--X\r\n{}", "y".repeat(9_000)),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX: a\nY: b")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX: a\rb")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX: a\r\n b")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION};\r\n\tfilename=a")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX: \0")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX: \u{7f}")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\nX : a")),
        ),
        (R::MultipartPartHeaders, one(&format!("{DISPOSITION}\r\nX"))),
        (
            R::MultipartPartHeaders,
            one(&format!("{DISPOSITION}\r\n: a")),
        ),
        (
            R::MultipartPartHeaders,
            one(&format!(
                "{DISPOSITION}\r\nContent-Type: a/b\r\ncontent-type: a/c"
            )),
        ),
        (
            R::MultipartDisposition,
            body(&[("Content-Type: text/plain", "1")]),
        ),
        (R::MultipartDisposition, "--X\r\n\r\n1\r\n--X--".into()),
        (
            R::MultipartDisposition,
            one(&format!("{DISPOSITION}\r\n{DISPOSITION}")),
        ),
        (
            R::MultipartDisposition,
            disposition("attachment; name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-datax; name=\"a\""),
        ),
        (R::MultipartDisposition, disposition("form-data")),
        (R::MultipartDisposition, disposition("")),
        (
            R::MultipartDisposition,
            disposition("form-data; filename=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; Name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\"; Filename=\"b\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\"; name=\"b\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\"; x=1; X=2"),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\"; filename*=UTF-8''b"),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name*0=\"a\"; name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name =\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name= \"a\""),
        ),
        (R::MultipartDisposition, disposition("form-data; name=\"a")),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\"b\""),
        ),
        (R::MultipartDisposition, disposition("form-data; name=a b")),
        (R::MultipartDisposition, disposition("form-data; name=")),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a\\\"b\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data;\tname=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data, name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; ; name=\"a\""),
        ),
        // Readers that look for the first `name=` find another one.
        (
            R::MultipartDisposition,
            disposition("form-data; x=\"; name=b\"; name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; filename=\"b name=c\"; name=\"a\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a; filename=b\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"a filename = b\""),
        ),
        (
            R::MultipartDisposition,
            disposition("form-data; name=\"my filename\"; filename=\"b\""),
        ),
        (
            R::MultipartDisposition,
            disposition(&format!(
                "form-data; name=a{}",
                (0..16).map(|x| format!("; x{x}=1")).collect::<String>()
            )),
        ),
        (
            R::MultipartTransferEncoding,
            one(&format!(
                "{DISPOSITION}\r\nContent-Transfer-Encoding: base64"
            )),
        ),
        (
            R::MultipartTransferEncoding,
            one(&format!(
                "{DISPOSITION}\r\nContent-Transfer-Encoding: quoted-printable"
            )),
        ),
        (
            R::MultipartTransferEncoding,
            one(&format!("{DISPOSITION}\r\ncontent-transfer-encoding:")),
        ),
        (
            R::MultipartTransferEncoding,
            one(&format!(
                "{DISPOSITION}\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 7bit"
            )),
        ),
        (R::MultipartFileName, file("../a.txt")),
        (R::MultipartFileName, file("C:\\a.txt")),
        (R::MultipartDisposition, file("a\\\"b.txt")),
        (R::MultipartFileName, file(".htaccess")),
        (R::MultipartFileName, file("con.txt")),
        (R::MultipartFileName, file("a.txt ")),
        (R::MultipartFileName, file("a%00.txt")),
        (R::MultipartFileName, file("a%0a.txt")),
        (R::MultipartFileName, file("a%0D.txt")),
        (R::MultipartFileName, file("\u{202e}gpj.exe")),
        (R::MultipartFileName, file(&"a".repeat(256))),
        // Without a name there is no file, and nothing in it.
        (R::MultipartFileName, file("")),
        (
            R::MultipartFileName,
            file("").replace("1\r\n--X--", "123\r\n--X--"),
        ),
    ];
    for (expected, body) in rows {
        let shown = &body[..body.len().min(200)];
        assert_eq!(
            refused("X", &body),
            [Some(expected); 2],
            "{}",
            shown.escape_debug()
        );
    }
    let latin = b"--X\r\nContent-Disposition: form-data; name=\"\xe9\"\r\n\r\n1\r\n--X--";
    let answer = MultipartRules::buffered().check("X", latin);
    assert_eq!(
        answer.expect_err("no UTF-8").rule(),
        R::MultipartDisposition
    );
    let latin =
        b"--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\xe9\"\r\n\r\n1\r\n--X--";
    let answer = MultipartRules::buffered().check("X", latin);
    assert_eq!(answer.expect_err("no UTF-8").rule(), R::MultipartFileName);
    let latin = b"--X\r\nContent-Disposition: form-data; name=\"f\"; x=\"\xe9\"\r\n\r\n1\r\n--X--";
    let answer = MultipartRules::buffered().check("X", latin);
    assert_eq!(
        answer.expect_err("no UTF-8").rule(),
        R::MultipartDisposition
    );
}

#[test]
fn the_strict_preset_refuses_more() {
    let rows: Vec<(Rule, String)> = vec![
        (Rule::MultipartTooManyParts, parts(101, DISPOSITION)),
        (Rule::MultipartTooManyParts, parts(1_000, DISPOSITION)),
        (Rule::MultipartTooManyFiles, parts(21, FILE)),
        (Rule::MultipartTooManyFiles, parts(100, FILE)),
        (Rule::MultipartPartHeaders, one(&lines(9))),
        (Rule::MultipartPartHeaders, one(&lines(32))),
        (Rule::MultipartPartHeaders, one(&head(2_049))),
        (Rule::MultipartPartHeaders, one(&head(8_192))),
        (
            Rule::MultipartCharsetField,
            disposition("form-data; name=\"_charset_\""),
        ),
        (
            Rule::MultipartCharsetField,
            disposition("form-data; name=_Charset_"),
        ),
        (
            Rule::MultipartCharsetField,
            disposition("form-data; name=\"_CHARSET_\""),
        ),
    ];
    for (expected, body) in rows {
        let shown = &body[..body.len().min(200)];
        assert_eq!(
            refused("X", &body),
            [Some(expected), None],
            "{}",
            shown.escape_debug()
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_is_near_to_a_rule_passes_and_is_read_in_the_same_way() {
    let rows: Vec<(Rule, String)> = vec![
        (Rule::MultipartBoundary, format!("\r\n{}", one(DISPOSITION))),
        (
            Rule::MultipartBoundary,
            one(DISPOSITION).trim_end().to_owned(),
        ),
        (
            Rule::MultipartBoundary,
            format!("{}\r\n \t\r\n", one(DISPOSITION)),
        ),
        (Rule::MultipartBoundary, "--X--\r\n".into()),
        (
            Rule::MultipartBoundary,
            body(&[(DISPOSITION, "-\r\n--Y\r\n--x--\r\n--\r\n")]),
        ),
        (
            Rule::MultipartBoundary,
            body(&[(DISPOSITION, "a --X-- b--X")]),
        ),
        (
            Rule::MultipartBoundary,
            body(&[(DISPOSITION, "\r\n\r\n"), (DISPOSITION, "")]),
        ),
        (Rule::MultipartTooManyParts, parts(100, DISPOSITION)),
        (Rule::MultipartTooManyFiles, parts(20, FILE)),
        (Rule::MultipartPartHeaders, one(&lines(8))),
        (Rule::MultipartPartHeaders, one(&head(2_048))),
        (
            Rule::MultipartPartHeaders,
            one(&format!("X-Y:\r\n{DISPOSITION}\r\nX: \u{e9}\ta")),
        ),
        (
            Rule::MultipartPartHeaders,
            body(&[(DISPOSITION, "a\nb\rc\0\r\n d")]),
        ),
        (Rule::MultipartDisposition, disposition("Form-Data; name=a")),
        (
            Rule::MultipartDisposition,
            disposition("form-data;name=\"a\";filename=b.txt"),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data  ;  name=\"a\" ; x=y ;"),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; filename=\"b.txt\"; name=\"a\""),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; name=\"\""),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; name=\"a b; c=d's <e> \u{e9}\u{1f600}\""),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; name=\"username=1\"; filename=\"my name.txt\""),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; name=\"a[b][]\""),
        ),
        (
            Rule::MultipartDisposition,
            disposition("form-data; name=\"a%22b%0D%0A\""),
        ),
        (
            Rule::MultipartDisposition,
            one("content-DISPOSITION:form-data; name=\"a\""),
        ),
        (
            Rule::MultipartTransferEncoding,
            one(&format!("{DISPOSITION}\r\nContent-Transfer-Encoding: 7bit")),
        ),
        (
            Rule::MultipartTransferEncoding,
            one(&format!(
                "{DISPOSITION}\r\nContent-Transfer-Encoding:  8BIT "
            )),
        ),
        (
            Rule::MultipartTransferEncoding,
            one(&format!(
                "{DISPOSITION}\r\nContent-Transfer-Encoding: binary"
            )),
        ),
        (
            Rule::MultipartFileName,
            file("report (final), v1.2_\u{e9}\u{4f60}.tar.gz"),
        ),
        (
            Rule::MultipartFileName,
            file("a%20%00x.txt".replace("%00", "%01").as_str()),
        ),
        (Rule::MultipartFileName, file("100%.txt")),
        (Rule::MultipartFileName, file(&"a".repeat(255))),
        (
            Rule::MultipartFileName,
            file("").replace("\r\n1\r\n", "\r\n\r\n"),
        ),
        (
            Rule::MultipartCharsetField,
            disposition("form-data; name=\"charset\""),
        ),
        (
            Rule::MultipartCharsetField,
            disposition("form-data; name=\"_charset\""),
        ),
        (
            Rule::MultipartCharsetField,
            body(&[(DISPOSITION, "_charset_")]),
        ),
    ];
    for (of, body) in rows {
        let shown = &body[..body.len().min(200)];
        assert_eq!(
            refused("X", &body),
            [None; 2],
            "{of}: {}",
            shown.escape_debug()
        );
        let read = read_by_multer("X", body.as_bytes());
        assert!(read.is_some(), "{of}: {}", shown.escape_debug());
    }
}

#[test]
fn a_boundary_has_one_to_seventy_characters_of_its_own() {
    let legal = [
        "X",
        "----WebKitFormBoundary7MA4YWxkTrZu0gW",
        "0'()+_,-./:=? 1",
        &"b".repeat(70),
    ];
    for boundary in legal {
        let body = one(DISPOSITION).replace("--X", &format!("--{boundary}"));
        assert_eq!(refused(boundary, &body), [None; 2], "{boundary}");
    }
    for boundary in [
        "",
        "a ",
        "a\"",
        "a;",
        "a\r\n",
        "\u{e9}",
        "a*",
        &"b".repeat(71),
    ] {
        let body = one(DISPOSITION).replace("--X", &format!("--{boundary}"));
        let expected = [Some(Rule::MultipartBoundary); 2];
        assert_eq!(refused(boundary, &body), expected, "{boundary:?}");
    }
}

#[test]
fn a_violation_says_where() {
    let text = body(&[
        (DISPOSITION, "1"),
        (
            "Content-Disposition: form-data; name=\"f\u{e9}\"; filename=\"/a\"",
            "2",
        ),
    ]);
    let refused = MultipartRules::buffered().check("X", text.as_bytes());
    let refused = refused.expect_err("a path");
    assert_eq!(refused.part(), Part::Body);
    assert_eq!(refused.field(), Some("f\u{e9}"));
    let piece = &text[refused.at()..][..refused.len()];
    assert!(
        piece.starts_with("Content-Disposition: form-data; name=\"f"),
        "{piece}"
    );
    assert!(piece.ends_with("filename=\"/a\""), "{piece}");

    let refused = MultipartRules::buffered().check("X", b"--X\r\n");
    let refused = refused.expect_err("it is cut off");
    assert_eq!((refused.at(), refused.len(), refused.field()), (5, 0, None));
}

#[test]
fn limits_can_be_set() {
    let rules = || MultipartRules::buffered().max_parts(3).max_files(2);
    let check = |body: String| {
        let answer = rules().check("X", body.as_bytes());
        answer.err().map(|refused| refused.rule())
    };
    assert_eq!(check(parts(3, DISPOSITION)), None);
    assert_eq!(
        check(parts(4, DISPOSITION)),
        Some(Rule::MultipartTooManyParts)
    );
    assert_eq!(check(parts(2, FILE)), None);
    assert_eq!(check(parts(3, FILE)), Some(Rule::MultipartTooManyFiles));
}
