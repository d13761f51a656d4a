#![allow(dead_code, unused, reason = "scratch")]
#[path = "it/support/mod.rs"]
mod support;
#[path = "it/sanitize/mod.rs"]
mod sanitize;
#[path = "it/architecture/mod.rs"]
mod architecture;
mod fuzz_bodies {
    #[path = "../it/fuzz_bodies/sanitize_json.rs"]
    pub mod sanitize_json;
    #[path = "../it/fuzz_bodies/sanitize_head.rs"]
    pub mod sanitize_head;
    #[path = "../it/fuzz_bodies/sanitize_multipart.rs"]
    pub mod sanitize_multipart;
    #[path = "../it/fuzz_bodies/sanitize_rewrite.rs"]
    pub mod sanitize_rewrite;
}
proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200_000))]
    #[test]
    fn pathfuzz(p in proptest::collection::vec(proptest::sample::select(vec![".","..","/","\\","%","2","5","e","f","c","%2e","%2f","%5c","%25","%32","%65","%3b",";","%00","a","%2E","%252e","%c0%ae","x","%20"," ","%C3%A9","\u{e9}","\u{2028}","%80","%85","%C2%85","%61","?","#"]), 0..10)) {
        fuzz_bodies::sanitize_head::path(format!("/{}", p.concat()).as_bytes());
        fuzz_bodies::sanitize_head::path(p.concat().as_bytes());
    }
    #[test]
    fn paramfuzz(p in proptest::collection::vec(proptest::sample::select(vec!["a","b","=","&","%","2","5","[","]",".","$","%2e","__proto__","constructor","prototype","+","%20","%00","\n","%0a","%ff","[]","_method","%61"]), 0..16)) {
        fuzz_bodies::sanitize_head::params(p.concat().as_bytes());
    }
}
