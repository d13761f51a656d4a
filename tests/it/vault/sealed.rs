//! Protected values as fields of what is serialized.

use serde::{Deserialize, Serialize};
use tower_security::vault::{Sealed, VaultError};

use super::{Heard, key, quiet, ssn};

#[derive(Debug, Deserialize, Serialize)]
struct User {
    id: String,
    ssn: Sealed<String>,
}

#[test]
fn a_field_is_text_and_opens_in_its_own_row() {
    let ssn = ssn(quiet(1));
    let user = User {
        id: "user-7".to_owned(),
        ssn: Sealed::new(&ssn, "123-45-6789", &["user-7"]).unwrap(),
    };
    let json = serde_json::to_value(&user).unwrap();
    assert_eq!(json["ssn"], user.ssn.as_str());
    assert_eq!(user.ssn.as_str().len(), 75);
    let read: User = serde_json::from_value(json).unwrap();
    let opened = read.ssn.open(&ssn, &[&read.id]).unwrap();
    assert_eq!(opened.expose(), "123-45-6789");
    let moved = read.ssn.open(&ssn, &["user-8"]);
    assert_eq!(moved.unwrap_err(), VaultError::Rejected);
    assert_eq!(format!("{:?}", read.ssn), "Sealed { key_id: Some(1), .. }");
}

#[test]
fn a_field_is_of_its_type() {
    let ssn = ssn(quiet(1));
    let text = |value: &[u8]| ssn.protect_str(value, &["7"]).unwrap();
    fn read<T>(text: String) -> Sealed<T> {
        serde_json::from_value(text.into()).unwrap()
    }
    let utf8 = read::<String>(text(b"\xc3\xa9"))
        .open(&ssn, &["7"])
        .unwrap();
    assert_eq!(utf8.expose(), "\u{e9}");
    let wrong = read::<String>(text(b"\xc3")).open(&ssn, &["7"]);
    assert_eq!(wrong.unwrap_err(), VaultError::Rejected);
    let bytes = read::<Vec<u8>>(text(b"\xc3")).open(&ssn, &["7"]).unwrap();
    assert_eq!(bytes.expose(), b"\xc3");
    let array = read::<[u8; 2]>(text(b"ab")).open(&ssn, &["7"]).unwrap();
    assert_eq!(array.expose(), b"ab");
    let wrong = read::<[u8; 2]>(text(b"abc")).open(&ssn, &["7"]);
    assert_eq!(wrong.unwrap_err(), VaultError::Rejected);
}

#[test]
fn any_text_is_read_and_told_of_when_it_does_not_open() {
    let heard = Heard::default();
    let ssn = ssn(quiet(1).events(heard.sink()));
    let read: Sealed<String> = serde_json::from_str("\"no value\"").unwrap();
    assert_eq!(format!("{read:?}"), "Sealed { key_id: None, .. }");
    assert_eq!(heard.take(), []);
    assert_eq!(read.open(&ssn, &["7"]).unwrap_err(), VaultError::Rejected);
    assert_eq!(
        heard.codes(),
        [("rejected", "users/ssn".to_owned(), String::new())]
    );
    assert!(serde_json::from_str::<Sealed<String>>("7").is_err());
}

#[test]
fn a_field_is_rotated() {
    let old = ssn(quiet(1));
    let new = ssn(quiet(2).retired(1, key(1)));
    let field: Sealed<String> = Sealed::new(&old, "x", &["7"]).unwrap();
    let anew = field.reprotect(&new, &["7"]).unwrap().unwrap();
    assert_eq!(anew.open(&new, &["7"]).unwrap().expose(), "x");
    assert!(anew.reprotect(&new, &["7"]).unwrap().is_none());
    assert!(anew.open(&old, &["7"]).is_err());
}
