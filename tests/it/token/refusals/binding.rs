use super::super::issuer::with_claims;
use super::{assert_refused, row};

#[test]
fn rows_87_and_88() {
    const DIGEST: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let mut rows = Vec::new();
    let jkt = format!(r#"{{"jkt":"{DIGEST}"}}"#);
    rows.push(row(
        87,
        "jkt",
        with_claims(&[("cnf", &jkt)]),
        "proof_required",
    ));
    let certificate = format!(r#"{{"x5t#S256":"{DIGEST}"}}"#);
    let token = with_claims(&[("cnf", &certificate)]);
    rows.push(row(87, "certificate", token, "certificate_missing"));
    for cnf in [
        "{}".to_owned(),
        "null".to_owned(),
        format!("\"{DIGEST}\""),
        format!("[{jkt}]"),
        format!(r#"{{"jkt":"{DIGEST}","jkt":"{DIGEST}"}}"#),
        format!(r#"{{"jkt":"{DIGEST}","kid":"a"}}"#),
        format!(r#"{{"JKT":"{DIGEST}"}}"#),
        r#"{"jwk":{"kty":"EC"}}"#.to_owned(),
        r#"{"kid":"a"}"#.to_owned(),
        r#"{"jkt":""}"#.to_owned(),
        r#"{"jkt":1}"#.to_owned(),
        format!(r#"{{"jkt":"{DIGEST}A"}}"#),
        format!(r#"{{"jkt":"{DIGEST}="}}"#),
        format!(r#"{{"jkt":"{}"}}"#, &DIGEST[..42]),
        // Bits left over behind the last byte.
        format!(r#"{{"jkt":"{}J"}}"#, &DIGEST[..42]),
    ] {
        let reason = if cnf.contains(r#","jkt""#) {
            "json_duplicate"
        } else {
            "claim_cnf"
        };
        rows.push(row(88, cnf.clone(), with_claims(&[("cnf", &cnf)]), reason));
    }
    assert_refused(rows, 87..=88);
}
