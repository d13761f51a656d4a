use super::super::issuer::{Signer, claims, header, with_claims, with_header};
use super::{On, accepted, assert_refused, row};

fn with_payload(payload: impl AsRef<[u8]>) -> String {
    Signer::Es256.token(header(&[]), payload)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rows_65_to_68() {
    let mut rows = Vec::new();
    let good = claims(&[]);
    let inside = &good[1..];
    for payload in ["[]", "\"alice\"", "null", "1", " "] {
        rows.push(row(65, payload, with_payload(payload), "json_syntax"));
    }
    rows.push(row(65, "nothing", with_payload(""), "json_syntax"));
    rows.push(row(65, "no claims", with_payload("{}"), "claim_iss"));
    let bad_utf8 = [&good.as_bytes()[..20], b"\xc3\x28", &good.as_bytes()[20..]].concat();
    rows.push(row(65, "UTF-8", with_payload(bad_utf8), "json_syntax"));
    for payload in [
        format!("{good}{{}}"),
        format!("{good}\0"),
        format!("{good} x"),
        format!("{{\"own\":NaN,{inside}"),
        format!("{{\"own\":Infinity,{inside}"),
        format!("{{\"own\":01,{inside}"),
        format!("{{\"own\":.5,{inside}"),
        format!("{{\"own\":1.,{inside}"),
        format!("{{\"own\":+1,{inside}"),
        format!("{{\"own\":0x1,{inside}"),
        format!("{{/* no */{inside}"),
        format!("{{,{inside}"),
        format!("{},}}", &good[..good.len() - 1]),
        format!("\u{feff}{good}"),
        format!("{{\"own\":\"\t\",{inside}"),
        format!("{{\"own\":\"\\x41\",{inside}"),
        format!("{{own:1,{inside}"),
        format!("{{\"own\":tRUE,{inside}"),
    ] {
        rows.push(row(
            66,
            payload.clone(),
            with_payload(&payload),
            "json_syntax",
        ));
    }
    for twice in [
        r#""exp":1735689900"#,
        r#""exp":9999999999"#,
        r#""\u0065xp":9999999999"#,
        r#""aud":"https://api.example.com""#,
        r#""sub":"admin""#,
        r#""s\u0075b":"admin""#,
        r#""scope":"admin""#,
        r#""own":1,"own":1"#,
        r#""own":1,"ow\u006e":1"#,
        r#""jti":null"#,
    ] {
        for payload in [
            format!("{{{twice},{inside}"),
            format!("{},{twice}}}", &good[..good.len() - 1]),
        ] {
            // A value that is wrong is found before the second of its name.
            let reason = if twice.contains("null") && payload.starts_with("{\"jti\"") {
                "claim_jti"
            } else {
                "json_duplicate"
            };
            rows.push(row(67, payload.clone(), with_payload(&payload), reason));
        }
    }
    // The usual claims are eight.
    let members = |count: usize| {
        let more: String = (8..count).map(|n| format!(r#""m{n}":1,"#)).collect();
        with_payload(format!("{{{more}{inside}"))
    };
    rows.push(row(68, "65 members", members(65), "json_members"));
    accepted(On::EsRs, "64 members", &members(64));
    let nested = |depth: usize| {
        with_claims(&[(
            "own",
            &format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        )])
    };
    rows.push(row(68, "depth 33", nested(32), "json_depth"));
    accepted(On::EsRs, "depth 32", &nested(31));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(32), "}".repeat(32));
    rows.push(row(
        68,
        "objects of depth 33",
        with_claims(&[("own", &objects)]),
        "json_depth",
    ));
    for surrogate in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud800a""#,
    ] {
        for name in ["own", "sub"] {
            let token = with_claims(&[(name, surrogate)]);
            rows.push(row(68, surrogate, token, "json_syntax"));
        }
        let token = with_claims(&[("own", &format!(r#"[{{"a":{surrogate}}}]"#))]);
        rows.push(row(68, surrogate, token, "json_syntax"));
    }
    accepted(
        On::EsRs,
        "a pair",
        &with_claims(&[("sub", r#""\ud83d\ude00""#)]),
    );
    assert_refused(rows, 65..=68);
}

#[test]
fn rows_69_to_75() {
    let mut rows = Vec::new();
    for value in [
        "",
        "null",
        "true",
        "{}",
        "[1735689900]",
        r#""1735689900""#,
        r#""never""#,
    ] {
        rows.push(row(69, value, with_claims(&[("exp", value)]), "claim_exp"));
    }
    for value in [
        "-1",
        "-0.5",
        "1e300",
        "1e999",
        "253402300800",
        "2.6e11",
        "18446744073709551616",
    ] {
        rows.push(row(70, value, with_claims(&[("exp", value)]), "claim_exp"));
    }
    for value in ["1735689570", "1735689570.9", "1735600000", "0", "1"] {
        rows.push(row(71, value, with_claims(&[("exp", value)]), "expired").expired());
    }
    let expired = Signer::Other256.token(header(&[]), claims(&[("exp", "1735689570")]));
    rows.push(row(72, "signed by another", expired, "expired").expired());
    for value in ["1735689631", "253402300799"] {
        rows.push(row(
            73,
            value,
            with_claims(&[("nbf", value)]),
            "not_yet_valid",
        ));
        rows.push(row(
            74,
            value,
            with_claims(&[("iat", value)]),
            "issued_in_future",
        ));
    }
    for value in [r#""1735689600""#, "null", "-1", "1e300", "[]"] {
        rows.push(row(73, value, with_claims(&[("nbf", value)]), "claim_nbf"));
        rows.push(row(74, value, with_claims(&[("iat", value)]), "claim_iat"));
    }
    for (iat, reason) in [
        ("1735685970", "too_old"),
        ("0", "too_old"),
        ("", "claim_iat"),
    ] {
        let token = with_claims(&[("iat", iat)]);
        rows.push(row(75, iat, token, reason).on(On::MaxAge));
    }
    accepted(
        On::MaxAge,
        "an hour old",
        &with_claims(&[("iat", "1735685971")]),
    );
    accepted(
        On::EsRs,
        "older, where that is allowed",
        &with_claims(&[("iat", "0")]),
    );
    assert_refused(rows, 69..=75);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rows_76_to_86() {
    let mut rows = Vec::new();
    for value in ["", "null", "1", r#"["https://id.example.com/"]"#, r#""""#] {
        rows.push(row(76, value, with_claims(&[("iss", value)]), "claim_iss"));
    }
    for issuer in [
        "https://id.example.com",
        "https://id.example.com//",
        "https://ID.example.com/",
        "https://id.example.com/ ",
        "https://id.example.com.evil.test/",
        "http://id.example.com/",
        "https://id.example.com/\\u0000",
    ] {
        let token = with_claims(&[("iss", &format!("\"{issuer}\""))]);
        rows.push(row(77, issuer, token, "issuer"));
    }
    for (value, reason) in [
        ("", "claim_aud"),
        ("null", "claim_aud"),
        (r#""""#, "claim_aud"),
        ("[]", "audience"),
    ] {
        rows.push(row(78, value, with_claims(&[("aud", value)]), reason));
    }
    for value in ["1", "true", r#"{"https://api.example.com":1}"#] {
        rows.push(row(79, value, with_claims(&[("aud", value)]), "claim_aud"));
    }
    for value in [
        r#"["https://api.example.com",1]"#,
        r#"[null,"https://api.example.com"]"#,
        r#"["https://api.example.com",["https://api.example.com"]]"#,
    ] {
        rows.push(row(80, value, with_claims(&[("aud", value)]), "claim_aud"));
    }
    for value in [
        r#""https://other.example.com""#,
        r#""https://api.example.com.evil.test""#,
        r#""https://API.example.com""#,
        r#""https://api.example.com/""#,
        r#""*""#,
        r#"["a","b"]"#,
        r#""https://api.example.com https://b.example""#,
    ] {
        rows.push(row(81, value, with_claims(&[("aud", value)]), "audience"));
    }
    for value in ["", r#""""#, "1", "null", r#"["alice"]"#] {
        rows.push(row(82, value, with_claims(&[("sub", value)]), "claim_sub"));
    }
    for (claim, reason) in [
        ("jti", "claim_jti"),
        ("client_id", "claim_client_id"),
        ("iat", "claim_iat"),
    ] {
        rows.push(row(83, claim, with_claims(&[(claim, "")]), reason));
    }
    for (claim, reason) in [("jti", "claim_jti"), ("client_id", "claim_client_id")] {
        for value in [r#""""#, "1", "null", "[]"] {
            rows.push(row(83, claim, with_claims(&[(claim, value)]), reason));
        }
    }
    for claim in ["acr", "sid"] {
        let reason = if claim == "acr" {
            "claim_acr"
        } else {
            "claim_sid"
        };
        rows.push(row(83, claim, with_claims(&[(claim, "1")]), reason));
        accepted(On::EsRs, claim, &with_claims(&[(claim, r#""a""#)]));
    }
    rows.push(row(
        83,
        "auth_time",
        with_claims(&[("auth_time", r#""1""#)]),
        "claim_auth_time",
    ));
    let without = [("jti", ""), ("client_id", ""), ("iat", "")];
    accepted(On::Plain, "without three claims", &with_claims(&without));
    rows.push(row(83, "sub", with_claims(&[("sub", "")]), "claim_sub").on(On::Plain));
    for value in [
        "1",
        "[1]",
        "null",
        "{}",
        r#"["a",1]"#,
        r#"[["a"]]"#,
        r#"[""]"#,
    ] {
        rows.push(row(
            84,
            value,
            with_claims(&[("scope", value)]),
            "claim_scope",
        ));
    }
    for value in [r#""admin""#, "1", r#"{"a":1}"#, r#"["a",null]"#, "null"] {
        rows.push(row(
            84,
            value,
            with_claims(&[("roles", value)]),
            "claim_roles",
        ));
    }
    for value in [r#""pwd""#, "[1]"] {
        rows.push(row(84, value, with_claims(&[("amr", value)]), "claim_amr"));
    }
    accepted(On::EsRs, "roles", &with_claims(&[("roles", r#"["a"]"#)]));
    for mark in ["at_hash", "c_hash", "s_hash"] {
        let token = with_claims(&[(mark, r#""MTIzNDU2Nzg5MDEyMzQ1Ng""#)]);
        rows.push(row(85, mark, token.clone(), "id_token").on(On::Plain));
        accepted(On::EsRs, "its type says that it is none", &token);
    }
    for typ in [
        r#""rt+jwt""#,
        r#""refresh+jwt""#,
        r#""api+jwt""#,
        r#""JWT""#,
    ] {
        rows.push(row(86, typ, with_header(&[("typ", typ)]), "typ"));
    }
    rows.push(row(
        86,
        "API key",
        "sk_0123456789ab_0123456789",
        "structure",
    ));
    assert_refused(rows, 76..=86);
}
