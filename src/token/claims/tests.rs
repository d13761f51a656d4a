use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::core::{Claims, List, Principal};
use crate::token::claim_path::ClaimPath;

fn rules() -> ClaimRules {
    ClaimRules {
        audiences: ["api".into()].into(),
        scope: ScopeClaim::Usual,
        roles: ClaimPath::parse("/realm/roles"),
        tenant: ClaimPath::parse("tid"),
        required: Required::new(&[Known::Exp, Known::Sub], []),
        refuses_id_tokens: false,
    }
}

fn read_text(text: &str) -> Result<TokenClaims, Fault> {
    read(text.to_owned(), &rules())
}

/// Every character of a string as an escape, so that nothing of it can be borrowed.
fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

fn of(claims: Claims) -> Principal {
    Principal::of(claims)
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        subject in ".+",
        issuer in ".+",
        roles in prop::collection::vec(".+", 0..5),
        scopes in prop::collection::vec("[!-~]+", 0..5),
        is_escaped in any::<bool>(),
    ) {
        let text = |text: &str| match is_escaped {
            true => escaped(text),
            false => json!(text).to_string(),
        };
        let roles_text: Vec<_> = roles.iter().map(|role| text(role)).collect();
        let document = format!(
            r#"{{"exp":1,"sub":{},"iss":{},"scope":{},"realm":{{"roles":[{}]}}}}"#,
            text(&subject),
            text(&issuer),
            text(&scopes.join(" ")),
            roles_text.join(","),
        );
        // An empty scope is no text of scopes, and no list of them.
        let token = read_text(&document).map_err(|fault| fault.0);
        let who = of(token.expect("it is well-formed").claims);
        prop_assert_eq!(who.subject(), &*subject);
        prop_assert_eq!(who.issuer(), Some(&*issuer));
        prop_assert_eq!(who.roles().collect::<Vec<_>>(), roles);
        prop_assert_eq!(who.scopes().collect::<Vec<_>>(), scopes);
        prop_assert_eq!(who.document(), Some(&*document));
    }

    #[test]
    fn what_another_parser_refuses_is_refused(text in r#"[{}\[\]",:a-c0-9 \\u.eE+-]{0,40}"#) {
        let with = format!(r#"{{"exp":1,"sub":"a","own":{text}}}"#);
        if read_text(&with).is_ok() {
            let value = serde_json::from_str::<Value>(&with);
            prop_assert!(value.is_ok_and(|value| value.is_object()), "{}", with);
        }
    }

    #[test]
    fn dates_are_whole_seconds(seconds in 0_u64..=253_402_300_799, fraction in 0_u8..100) {
        let document = format!(r#"{{"exp":{seconds}.{fraction:02},"sub":"a"}}"#);
        let token = read_text(&document);
        // Above 2^38 a float has no hundredths, and the last of them round up.
        let read = token.expect("it is a date").times.exp;
        prop_assert!(read == seconds || (fraction == 99 && read == seconds + 1), "{}", read);
    }
}

#[test]
fn an_issuer_is_found_without_the_rules() {
    let rows: [(&str, Result<&str, &str>); 7] = [
        (r#"{"iss":"a","sub":1}"#, Ok("a")),
        (r#"{"x":1,"\u0069ss":"\u0061"}"#, Ok("a")),
        (r#"{"sub":"a"}"#, Err("claim_iss")),
        (r#"{"iss":1}"#, Err("claim_iss")),
        (r#"{"iss":""}"#, Err("claim_iss")),
        (r#"{"iss":"a","iss":"b"}"#, Err("json_duplicate")),
        (r#"["iss","a"]"#, Err("json_syntax")),
    ];
    for (document, expected) in rows {
        let found = issuer_of(document.as_bytes());
        let found = found.as_deref().map_err(|fault| fault.0);
        assert_eq!(found, expected, "{document}");
    }
}

#[test]
fn lists_do_not_run_into_each_other() {
    let document = r#"{"exp":1,"sub":"a","amr":["pwd"],"scp":["x"],"realm":{"roles":["r"]},"scope":"s t","tid":"acme"}"#;
    let token = read_text(document).map_err(|fault| fault.0);
    let token = token.expect("it is well-formed");
    let lists: Vec<_> = token.claims.members.iter().map(|(list, _)| *list).collect();
    assert_eq!(lists, [List::Amr, List::Roles, List::Scopes, List::Scopes]);
    let who = of(token.claims);
    assert_eq!(who.scopes().collect::<Vec<_>>(), ["s", "t"]);
    assert_eq!(who.amr().collect::<Vec<_>>(), ["pwd"]);
    assert_eq!(who.roles().collect::<Vec<_>>(), ["r"]);
    assert_eq!(who.tenant(), Some("acme"));
}

#[test]
fn what_roles_stand_in_has_256_members_at_most() {
    let of = |count: usize| {
        let others: String = (1..count).map(|at| format!("\"m{at}\":{at},")).collect();
        let document = format!(r#"{{"exp":1,"sub":"a","realm":{{{others}"roles":["editor"]}}}}"#);
        let token = read_text(&document).map_err(|fault| fault.0)?;
        Ok(of(token.claims)
            .roles()
            .map(str::to_owned)
            .collect::<Vec<_>>())
    };
    assert_eq!(of(256), Ok(vec!["editor".to_owned()]));
    assert_eq!(of(257), Err("json_members"));
}
