use super::super::issuer::{
    ES256_X, OTHER_X, OTHER_Y, RSA_N, Signer, claims, ec_jwk, encode, header, with_header,
};
use super::{On, accepted, assert_refused, row};

fn with_text(header: &str) -> String {
    Signer::Es256.token(header, claims(&[]))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rows_12_to_18() {
    let mut rows = Vec::new();
    for text in ["[]", "[{}]", "\"ES256\"", "null", "1", "true", ""] {
        let reason = if text.is_empty() {
            "structure"
        } else {
            "json_syntax"
        };
        rows.push(row(12, text, with_text(text), reason));
    }
    let good = header(&[]);
    let inside = &good[1..];
    for text in [
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!("{good},"),
        format!("{good}\0"),
        format!("{good}//"),
        good.replace(':', "="),
        good.replace('"', "'"),
    ] {
        rows.push(row(13, text.clone(), with_text(&text), "json_syntax"));
    }
    let bad_utf8 = [good.as_bytes(), b"\xff"].concat();
    rows.push(row(
        13,
        "UTF-8",
        Signer::Es256.token(bad_utf8, claims(&[])),
        "json_syntax",
    ));
    for twice in [
        r#""alg":"ES256""#,
        r#""alg":"none""#,
        r#""\u0061lg":"ES256""#,
        r#""\u0061\u006c\u0067":"HS256""#,
    ] {
        let text = format!("{{{twice},{inside}");
        rows.push(row(14, twice, with_text(&text), "json_duplicate"));
    }
    for twice in [
        r#""kid":"es""#,
        r#""own":1,"own":1"#,
        r#""own":1,"o\u0077n":2"#,
    ] {
        let text = format!("{{{twice},{inside}");
        rows.push(row(15, twice, with_text(&text), "json_duplicate"));
    }
    let many: String = (0..30).map(|n| format!(r#""m{n}":1,"#)).collect();
    rows.push(row(
        15,
        "33 members",
        with_text(&format!("{{{many}{inside}")),
        "json_members",
    ));
    let fewer: String = (0..29).map(|n| format!(r#""m{n}":1,"#)).collect();
    accepted(
        On::EsRs,
        "32 members",
        &with_text(&format!("{{{fewer}{inside}")),
    );
    let deep = |depth: usize| {
        format!(
            r#"{{"own":{}1{},{inside}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    rows.push(row(15, "too deep", with_text(&deep(32)), "json_depth"));
    accepted(On::EsRs, "deep", &with_text(&deep(31)));

    for (value, reason) in [
        ("", "alg"),
        ("null", "alg"),
        ("256", "alg"),
        (r#"["ES256"]"#, "alg"),
        (r#"{"ES256":1}"#, "alg"),
        (r#""""#, "algorithm"),
    ] {
        rows.push(row(16, value, with_header(&[("alg", value)]), reason));
    }
    for name in ["none", "None", "NONE", "nOnE"] {
        let text = header(&[("alg", &format!("\"{name}\""))]);
        let signed = with_text(&text);
        let unsigned = format!("{}.{}.", encode(&text), encode(claims(&[])));
        rows.push(row(17, name, signed, "algorithm"));
        rows.push(row(17, name, format!("{unsigned}AA"), "algorithm"));
        rows.push(row(17, name, unsigned, "structure"));
    }
    for name in [
        "es256",
        "ES256 ",
        " ES256",
        "Es256",
        "ES-256",
        "ES256\\u0000",
    ] {
        let token = with_header(&[("alg", &format!("\"{name}\""))]);
        rows.push(row(18, name, token, "algorithm"));
    }
    assert_refused(rows, 12..=18);
}

#[test]
fn rows_19_to_26() {
    let mut rows = Vec::new();
    let hs = |kid: &str| header(&[("alg", r#""HS256""#), ("kid", kid)]);
    let public_pem = "-----BEGIN PUBLIC KEY-----\n";
    let jwk = ec_jwk(ES256_X, super::super::issuer::ES256_Y, "");
    let secrets: [(u8, &str, Vec<u8>); 6] = [
        (19, "PEM", public_pem.into()),
        (20, "DER", super::super::issuer::decode(RSA_N)),
        (20, "JWK", jwk.into()),
        (20, "n", RSA_N.into()),
        (20, "EC point", super::super::issuer::decode(ES256_X)),
        (21, "nothing", Vec::new()),
    ];
    for (number, name, secret) in secrets {
        for kid in [r#""rs""#, r#""es""#, ""] {
            let token = Signer::Hmac(&secret).token(hs(kid), claims(&[]));
            rows.push(row(number, name, token.clone(), "algorithm"));
            rows.push(row(number, name, token, "signature").on(On::Hs));
        }
    }
    let token = Signer::Hmac(super::super::issuer::SECRET).token(hs(""), claims(&[]));
    accepted(On::Hs, "the right secret", &token);

    let rs = |changes: &[(&str, &str)]| {
        let mut all = vec![("alg", r#""RS256""#), ("kid", r#""rs""#)];
        all.extend(changes);
        Signer::Rs256.token(header(&all), claims(&[]))
    };
    accepted(On::EsRs, "RS256", &rs(&[]));
    rows.push(row(
        22,
        "RS256 by es",
        rs(&[("kid", r#""es""#)]),
        "key_mismatch",
    ));
    rows.push(row(
        22,
        "ES256 by rs",
        with_header(&[("kid", r#""rs""#)]),
        "key_mismatch",
    ));
    for name in [r#""PS256""#, r#""RS384""#, r#""RS512""#] {
        rows.push(row(23, name, rs(&[("alg", name)]), "algorithm"));
    }
    rows.push(row(
        24,
        "ES384",
        with_header(&[("alg", r#""ES384""#)]),
        "algorithm",
    ));
    for name in [
        "ES256K",
        "ES512",
        "HS1",
        "RS1",
        "ML-DSA-44",
        "EdDSA",
        "Ed25519",
        "Ed448",
    ] {
        let token = with_header(&[("alg", &format!("\"{name}\""))]);
        rows.push(row(25, name, token, "algorithm"));
    }
    for name in [
        "RSA-OAEP",
        "RSA-OAEP-256",
        "dir",
        "A256KW",
        "PBES2-HS256+A128KW",
    ] {
        let token = with_header(&[("alg", &format!("\"{name}\""))]);
        rows.push(row(26, name, token, "algorithm"));
    }
    assert_refused(rows, 19..=26);
}

#[test]
fn rows_27_to_36() {
    let mut rows = Vec::new();
    for typ in ["dpop+jwt", "application/dpop+jwt"] {
        let token = with_header(&[("typ", &format!("\"{typ}\""))]);
        rows.push(row(27, typ, token.clone(), "typ"));
        rows.push(row(27, typ, token, "typ").on(On::Plain));
    }
    for typ in ["", r#""JWT""#, r#""jwt""#, r#""id_token""#] {
        rows.push(row(28, typ, with_header(&[("typ", typ)]), "typ"));
    }
    for typ in [r#""logout+jwt""#, r#""""#, r#""at+jwt ""#] {
        let token = with_header(&[("typ", typ)]);
        rows.push(row(28, typ, token.clone(), "typ"));
        rows.push(row(28, typ, token, "typ").on(On::Plain));
    }
    for typ in ["", r#""JWT""#, r#""at+jwt""#, r#""application/jwt""#] {
        accepted(On::Plain, typ, &with_header(&[("typ", typ)]));
    }
    for typ in ["1", r#"["at+jwt"]"#, "null", "true"] {
        rows.push(row(29, typ, with_header(&[("typ", typ)]), "typ"));
    }
    for (number, member, value) in [
        (30, "cty", r#""JWT""#),
        (30, "cty", r#""json""#),
        (31, "crit", "[]"),
        (31, "crit", r#"["exp"]"#),
        (31, "crit", r#"["x"]"#),
        (31, "crit", r#""x""#),
        (31, "crit", "null"),
        (32, "b64", "true"),
        (32, "b64", "false"),
        (32, "b64", r#""false""#),
        (33, "zip", r#""DEF""#),
        (33, "zip", "null"),
        (33, "enc", r#""A256GCM""#),
    ] {
        rows.push(row(number, value, with_header(&[(member, value)]), member));
    }
    let both = [("crit", r#"["b64"]"#), ("b64", "false")];
    rows.push(row(32, "crit and b64", with_header(&both), "crit"));

    let own_key = ec_jwk(OTHER_X, OTHER_Y, "");
    for (number, member, value) in [
        (34, "jku", r#""https://evil.example/keys""#),
        (35, "x5u", r#""https://evil.example/cert""#),
        (35, "x5c", r#"["MIIB"]"#),
        (36, "jwk", own_key.as_str()),
    ] {
        let signed = |kid| {
            let text = header(&[(member, value), ("kid", kid)]);
            Signer::Other256.token(text, claims(&[]))
        };
        rows.push(row(number, member, signed(r#""es""#), "signature"));
        rows.push(row(number, member, signed(""), "signature"));
        rows.push(row(number, member, signed(r#""evil""#), "kid_unknown"));
    }
    assert_refused(rows, 27..=36);
}
