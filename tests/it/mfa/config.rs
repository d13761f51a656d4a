//! What does not build.

use std::time::Duration;

use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::mfa::{
    MemoryMfaStore, MfaConfigError, RecoveryCodes, RecoveryCodesBuilder, RecoveryProblem,
    TotpProblem, TotpService, TotpServiceBuilder,
};

use super::peppers;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn problems(errors: &ConfigErrors) -> Vec<(String, &'static str, MfaConfigError)> {
    let of = |error: &tower_security::core::ConfigError| {
        assert_eq!(error.class(), ErrorClass::Refused);
        let kind: &MfaConfigError = error.downcast().unwrap();
        (error.path().to_owned(), error.code(), kind.clone())
    };
    errors.iter().map(of).collect()
}

#[test]
fn each_refused_setting_of_one_time_codes_has_an_allowed_twin() {
    let builder = || TotpService::builder(MemoryMfaStore::new(), "Shop");
    let refused = |path: &str, problem: TotpProblem| {
        vec![(
            path.to_owned(),
            "totp_refused",
            MfaConfigError::TotpRefused { problem },
        )]
    };
    let issuer = |issuer: &str| TotpService::builder(MemoryMfaStore::new(), issuer);
    let no_issuer = |issuer: &str| {
        let issuer = issuer.chars().take(64).collect();
        refused("mfa.totp.issuer", TotpProblem::Issuer { issuer })
    };
    let no_attempts =
        |most, window| refused("mfa.totp.attempts", TotpProblem::Attempts { most, window });
    let rows: Vec<(TotpServiceBuilder, Vec<_>)> = vec![
        (builder(), vec![]),
        (issuer(&"x".repeat(64)), vec![]),
        (issuer(&"x".repeat(65)), no_issuer(&"x".repeat(64))),
        (issuer(""), no_issuer("")),
        (issuer("Shop: Berlin"), no_issuer("Shop: Berlin")),
        (issuer("Shop\t"), no_issuer("Shop\t")),
        (builder().digits(8), vec![]),
        (
            builder().digits(7),
            refused("mfa.totp.digits", TotpProblem::Digits { digits: 7 }),
        ),
        (
            builder().digits(5),
            refused("mfa.totp.digits", TotpProblem::Digits { digits: 5 }),
        ),
        (builder().attempts(1, SECOND), vec![]),
        (builder().attempts(20, DAY), vec![]),
        (builder().attempts(0, SECOND), no_attempts(0, SECOND)),
        (builder().attempts(21, DAY), no_attempts(21, DAY)),
        (
            builder().attempts(5, Duration::ZERO),
            no_attempts(5, Duration::ZERO),
        ),
        (
            builder().attempts(5, DAY + SECOND),
            no_attempts(5, DAY + SECOND),
        ),
    ];
    for (builder, expected) in rows {
        let shown = format!("{builder:?}");
        let found = builder
            .build()
            .map_or_else(|errors| problems(&errors), |_| Vec::new());
        assert_eq!(found, expected, "{shown}");
    }
    let errors = issuer("")
        .digits(9)
        .attempts(0, SECOND)
        .build()
        .unwrap_err();
    assert_eq!(errors.len(), 3, "all at once");
    assert_eq!(
        errors.to_string().lines().next(),
        Some(
            "mfa.totp.issuer: refused one-time codes: issuer \"\", write 1 to 64 bytes without `:` and control characters, such \
             as \"Shop\""
        )
    );
}

#[test]
fn each_refused_setting_of_recovery_codes_has_an_allowed_twin() {
    let builder = || RecoveryCodes::builder(MemoryMfaStore::new(), peppers());
    let refused = |path: &str, problem: RecoveryProblem| {
        vec![(
            path.to_owned(),
            "recovery_refused",
            MfaConfigError::RecoveryRefused { problem },
        )]
    };
    let no_count = |count| refused("mfa.recovery.count", RecoveryProblem::Count { count });
    let no_bits = |bits| refused("mfa.recovery.bits", RecoveryProblem::Bits { bits });
    let no_attempts = |most, window| {
        refused(
            "mfa.recovery.attempts",
            RecoveryProblem::Attempts { most, window },
        )
    };
    let rows: Vec<(RecoveryCodesBuilder, Vec<_>)> = vec![
        (builder(), vec![]),
        (builder().count(5), vec![]),
        (builder().count(4), no_count(4)),
        (builder().count(20), vec![]),
        (builder().count(21), no_count(21)),
        (builder().bits(80), vec![]),
        (builder().bits(60), no_bits(60)),
        (builder().bits(79), no_bits(79)),
        (builder().bits(90), no_bits(90)),
        (builder().bits(160), vec![]),
        (builder().bits(180), no_bits(180)),
        (builder().attempts(0, SECOND), no_attempts(0, SECOND)),
        (builder().attempts(20, DAY), vec![]),
    ];
    for (builder, expected) in rows {
        let shown = format!("{builder:?}");
        let found = builder
            .build()
            .map_or_else(|errors| problems(&errors), |_| Vec::new());
        assert_eq!(found, expected, "{shown}");
    }
    assert!(
        !format!("{:?}", builder()).contains("this year"),
        "no pepper is shown"
    );
}
