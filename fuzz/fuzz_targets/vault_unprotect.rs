#![no_main]

#[path = "../../tests/it/fuzz_bodies/vault.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::vault_unprotect(data));
