#![no_main]

#[path = "../../tests/it/fuzz_bodies/jws.rs"]
#[expect(dead_code, reason = "other targets run the other bodies")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::jwk_set(data));
