//! With a backend, and without one.

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod loaded {
    use super::super::*;

    const PUBLIC: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const SECRET: &str = r#"{"kty":"oct","k":"YW4gZXhhbXBsZTogdGFrZSAzMiByYW5kb20gYnl0ZXM"}"#;

    #[test]
    fn a_secret_that_somebody_else_has_published_is_left_out() {
        let json = format!(r#"{{"keys":[{PUBLIC},{SECRET}]}}"#);
        let own = JwkSet::from_json(json.as_bytes()).unwrap();
        assert_eq!((own.keys().len(), own.is_mixed()), (2, true));
        let remote = JwkSet::from_remote(json.as_bytes()).unwrap();
        assert_eq!((remote.keys().len(), remote.is_mixed()), (1, false));
        let expected = RejectedKey::new(1, None, JwkError::SecretPublished);
        assert_eq!(remote.rejected(), [expected]);
    }

    #[test]
    fn a_key_that_stands_in_a_header_is_public() {
        let embedded = |key: &str| {
            let header = format!(r#"{{"alg":"EdDSA","jwk":{key}}}"#);
            let header = crate::token::jws::header::JoseHeader::parse(header.as_bytes()).unwrap();
            Jwk::embedded(header.jwk.unwrap())
        };
        let key = embedded(PUBLIC).unwrap();
        assert_eq!(key.algorithms(), [Algorithm::EdDsa]);
        assert_eq!(
            key.thumbprint(),
            Jwk::from_json(PUBLIC.as_bytes()).unwrap().thumbprint()
        );
        let private = PUBLIC.replacen('{', r#"{"d":"AA","#, 1);
        assert_eq!(embedded(SECRET).unwrap_err(), JwkError::SecretPublished);
        assert_eq!(embedded(&private).unwrap_err(), JwkError::PrivateKey);
    }

    #[test]
    fn a_key_verifies_with_its_own_algorithm_alone() {
        let key = Jwk::from_json(PUBLIC.as_bytes()).unwrap();
        for algorithm in [Algorithm::Es256, Algorithm::Hs512] {
            let answer = key.verify(algorithm, b"", &[0; 64]);
            assert_eq!(answer, Err(JwsError::KeyMismatch));
        }
        let answer = key.verify(Algorithm::EdDsa, b"", &[0; 64]);
        assert_eq!(answer, Err(JwsError::Signature));
    }

    #[cfg(feature = "jwt-rust-crypto")]
    #[test]
    fn the_other_backend_answers_alike() {
        let set = JwkSet::from_keys([Jwk::from_json(SECRET.as_bytes()).unwrap()]);
        let other = set.on_rust_crypto();
        let token = b"eyJhbGciOiJIUzI1NiJ9.aGVsbG8.4xIfFx2UchRI4VmpfdWfi4439Dtdp2WqSkktjIqEYpI";
        for keys in [set, other] {
            let jws = crate::token::jws::verify_compact(token, &keys, &[Algorithm::Hs256]).unwrap();
            assert_eq!(jws.payload(), b"hello");
        }
    }
}

#[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
mod refused {
    use super::super::*;
    use crate::core::Secret;

    #[test]
    fn without_a_backend_every_key_is_refused() {
        let key =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let missing = Err(JwkError::BackendMissing);
        assert_eq!(Jwk::from_json(key.as_bytes()).map(|_| ()), missing);
        let secret = Secret::from(b"an example: take 32 random bytes");
        assert_eq!(Jwk::hmac(secret, Algorithm::Hs256).map(|_| ()), missing);
        assert_eq!(Jwk::from_pem(b"", Algorithm::Es256).map(|_| ()), missing);
        let set = JwkSet::from_json(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).unwrap();
        assert!(set.keys().is_empty());
        assert_eq!(set.rejected()[0].error().code(), "backend_missing");
    }
}
