//! JSON in a header, against collections of it from outside.

use std::fs;

use tower_security::token::jws::verify_compact;

use super::jws::{hmac_keys, with_header};
use super::rfc_vectors::ALL;
use crate::support::vectors;

#[test]
fn each_text_of_the_json_test_suite_is_taken_or_refused_as_it_says() {
    let Some(folder) = vectors::folder("jsontestsuite") else {
        return;
    };
    let keys = hmac_keys();
    let mut decided = [0, 0, 0];
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let Some(kind) = ["y_", "n_", "i_"]
            .iter()
            .position(|kind| name.starts_with(kind))
        else {
            continue;
        };
        let text = fs::read(&path).expect("it can be read");
        let header = [b"{\"alg\":\"HS256\",\"x\":", &text[..], b"}"].concat();
        let is_taken = verify_compact(with_header(header).as_bytes(), &keys, ALL).is_ok();
        // `i_` is left to each reader.
        assert!(kind == 2 || is_taken == (kind == 0), "{name}");
        decided[kind] += 1;
    }
    assert!(decided[0] > 90 && decided[1] > 180, "{decided:?}");
}
