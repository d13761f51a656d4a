//! What a file says is what the stack is, and it can be written again.

use tower_security::core::Mode;
use tower_security::stack::config::{SecurityConfig, StackParts};
use tower_security::stack::{PostureState, SecurityStack};

use super::{built, parsed};

#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
#[test]
fn every_section_is_read_written_and_read_again() {
    let config = parsed(super::WHOLE);
    let toml = toml::to_string(&config).unwrap();
    assert_eq!(parsed(&toml), config);
    let json = serde_json::to_string_pretty(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<SecurityConfig>(&json).unwrap(),
        config
    );
    // The default of each field would be equal to itself as well.
    assert_ne!(config, SecurityConfig::default());
    for section in serde_json::to_value(&config).unwrap().as_object().unwrap() {
        assert!(super::WHOLE.contains(section.0.as_str()), "{}", section.0);
    }
}

#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
#[test]
fn the_whole_file_is_one_stack_and_its_posture_has_every_slot() {
    let posture = built(super::WHOLE).posture();
    let rows: Vec<_> = posture
        .entries()
        .iter()
        .map(|entry| (entry.protection(), entry.state()))
        .collect();
    let on = PostureState::On;
    assert_eq!(
        rows,
        [
            ("context", on),
            ("headers", on),
            ("csp", on),
            ("cookies", on),
            ("cors", on),
            ("error_mask", on),
            ("bans", on),
            ("https", on),
            ("rate_limit", on),
            ("limits", on),
            ("csp_reports", on),
            ("csrf", on),
            ("auth", on),
            ("rate_limit_by_principal", on),
            ("require_authorization", on),
            ("access", on),
            ("sanitize", on),
        ]
    );
    let warnings: Vec<_> = posture
        .warnings()
        .iter()
        .map(|warning| &**warning)
        .collect();
    assert_eq!(
        warnings,
        [
            "rate_limit: network: report-only",
            "rate_limit: network: enforced for 50 % of the keys",
            "access: what no rule is for is public",
        ]
    );
}

#[test]
fn an_empty_file_is_a_stack_without_anything() {
    let posture = built("").posture();
    assert!(posture.entries().is_empty(), "{posture}");
    assert_eq!(posture.absent(), SecurityStack::new().posture().absent());
    assert_eq!(parsed(""), SecurityConfig::default());
    assert_eq!(
        toml::to_string(&parsed("")).unwrap(),
        "trust_cors_origins = false\n"
    );
}

#[test]
fn the_posture_lists_what_the_file_has_and_warns_of_what_it_weakens() {
    let stack = built(
        "[csrf]\nmode = \"report_only\"\ndangerous_allow_same_site = true\n[cors]\norigins = \"*\"\n",
    );
    let names: Vec<_> = stack
        .posture()
        .entries()
        .iter()
        .map(|entry| entry.protection())
        .collect();
    assert_eq!(names, ["cors", "csrf"]);
    assert_eq!(
        stack.posture().warnings(),
        [
            "cors: any origin may read answers",
            "csrf: report-only",
            "csrf: dangerous_allow_same_site",
            "https: absent",
            "limits: absent",
            "sanitize: absent",
        ]
    );
}

/// What a file opens without a word that says so.
#[test]
fn the_posture_warns_of_what_is_open_without_a_dangerous_name() {
    let told = |text: &str| -> Vec<_> {
        let posture = built(text).posture();
        let warnings = posture.warnings().iter().map(ToString::to_string);
        warnings
            .filter(|told| !told.ends_with(": absent"))
            .collect()
    };
    let none: &[&str] = &[];
    for (text, expected) in [
        (
            "[cors]\norigins = [\"https://*.co.uk\"]",
            &["cors: any origin below co.uk may read answers"][..],
        ),
        (
            "[cors]\norigins = [\"https://*.com\", \"https://*.shop.example.com\", \"https://*.github.io\"]",
            &[
                "cors: any origin below com may read answers",
                "cors: any origin below github.io may read answers",
            ],
        ),
        ("[cors]\norigins = [\"https://*.example.com\"]", none),
        ("[cors]\norigins = [\"https://shop.co.uk\"]", none),
        (
            "[cookies.same_site_for]\nsession = \"none\"",
            &["cookies: other sites' requests carry session (SameSite=None)"],
        ),
        (
            "[cookies.same_site_for]\nsession = \"strict\"\nsso = \"lax\"",
            none,
        ),
        (
            "[headers]\npreset = \"api\"\nwithout = [\"x-frame-options\", \"referrer-policy\"]",
            &[
                "headers: without x-frame-options",
                "headers: without referrer-policy",
            ],
        ),
        (
            "scheme = \"assume_https\"\n[https]\non_insecure = \"reject\"",
            &["https: every request passes for https (assume_https)"],
        ),
        ("scheme = \"tls\"\n[https]\non_insecure = \"reject\"", none),
        ("scheme = \"assume_https\"", none),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
    let plain = |scheme: &str| {
        let text = format!("scheme = {scheme:?}\n[https]\non_insecure = \"reject\"");
        let posture = built(&text).posture().to_string();
        posture.contains(" plain=reject ")
    };
    assert!(plain("tls"));
    assert!(!plain("assume_https"));
}

#[cfg(feature = "sanitize")]
#[test]
fn the_posture_says_that_grpc_passes_unread() {
    let says = |text: &str| {
        let posture = built(text).posture().to_string();
        posture.contains(" grpc=on")
    };
    assert!(says("[sanitize]\ngrpc = true"));
    assert!(!says("[sanitize]\ngrpc = false"));
    assert!(!says("[sanitize]"));
}

#[test]
fn a_configuration_can_be_made_in_code_too() {
    let mut config = SecurityConfig::default();
    let mut csrf = tower_security::csrf::CsrfConfig::default();
    csrf.mode = Mode::ReportOnly;
    config.csrf = Some(csrf);
    let stack = config.build(StackParts::new()).unwrap();
    assert_eq!(
        stack.posture().warnings(),
        [
            "csrf: report-only",
            "https: absent",
            "limits: absent",
            "sanitize: absent"
        ]
    );
    let debug = format!("{stack:?} {:?}", stack.handle());
    assert!(debug.contains("ReportOnly"), "{debug}");
}
