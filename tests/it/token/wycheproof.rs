//! The vectors of Wycheproof for JSON Web Signatures, with each backend.

use std::fs;

use serde_json::Value;
use tower_security::token::jws::{JwkSet, verify_compact};

use super::rfc_vectors::{ALL, backends};
use crate::support::vectors;

/// Called valid, and refused here:
/// - 346 and 350 are signed with PS384 and name a key that says PS256. A key is for its own algorithm (RFC 8725 section 3.1).
/// - 347 and 351 are signed with ES512, which no backend has, and their key says `ES521`, which no registry has.
/// - 372 and 373 are right only for a reader who skips characters that are not base64url (RFC 7515 section 2 does not).
const REFUSED: &[u64] = &[346, 347, 350, 351, 372, 373];

/// Called invalid, and byte for byte the same as 357, which is called valid: the padding that they were to have is not in the file.
const SAME_AS_357: &[u64] = &[367, 370];

#[test]
fn every_vector_is_decided_as_it_says() {
    let Some(folder) = vectors::folder("wycheproof") else {
        return;
    };
    let text = fs::read(folder.join("json_web_signature_test.json")).expect("it can be read");
    let file: Value = serde_json::from_slice(&text).expect("it is JSON");
    let mut decided = 0;
    let mut wrong = Vec::new();
    let mut valid = "";
    for group in file["testGroups"].as_array().expect("groups") {
        let key = group.get("public").unwrap_or_else(|| &group["private"]);
        let set = format!(r#"{{"keys":[{key}]}}"#);
        // Some are signed with a secret of 32 zeros.
        let set = JwkSet::dangerous_guessable_secrets(set.as_bytes()).expect("it is a set");
        for test in group["tests"].as_array().expect("tests") {
            let id = test["tcId"].as_u64().expect("an id");
            let token = test["jws"].as_str().expect("a token");
            let mut is_valid = test["result"] == "valid" && !REFUSED.contains(&id);
            if id == 357 {
                valid = token;
            }
            if SAME_AS_357.contains(&id) {
                assert_eq!(token, valid, "{id}");
                is_valid = true;
            }
            for keys in backends(&set) {
                if verify_compact(token.as_bytes(), &keys, ALL).is_ok() != is_valid {
                    wrong.push((id, test["comment"].clone()));
                }
                decided += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(decided % 401, 0);
    assert_ne!(decided, 0);
}
