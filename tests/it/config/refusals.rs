//! What is refused: the same as of code, all at once, each with its path.

use tower_security::core::ConfigErrorKind;
use tower_security::stack::config::{SecurityConfig, StackConfigError, StackParts};

use super::{build, mistakes, parsed};

#[test]
fn unknown_fields_are_errors_in_every_section() {
    let sections = [
        "",
        "[client_ip]",
        "[headers]",
        "[csp]",
        "[cookies]",
        "[cors]",
        "[error_mask]",
        "[bans]",
        "[https]",
        "[rate_limit]",
        "[csrf]",
        "[auth]",
        "[rate_limit_by_principal]",
        "[require_authorization]",
        "[access]",
    ];
    for section in sections {
        let text = format!("{section}\nsurprise = 1\n");
        let error = toml::from_str::<SecurityConfig>(&text).unwrap_err();
        assert!(
            error.message().contains("unknown field `surprise`"),
            "{text}: {error}"
        );
    }
    let nested = [
        "[https]\nhsts = { custom = { max_age_secs = 1, surprise = 1 } }",
        "[headers]\nclear_site_data_on = [{ surprise = 1 }]",
        "[headers]\nintegrity_policy = { surprise = 1 }",
        "[bans]\non = [{ signal = \"spray\", times = 1, find_secs = 1, ban_secs = 1, surprise = 1 }]",
        "[bans]\nescalation = { multiplier = 1, max_secs = 1, surprise = 1 }",
        "[[rate_limit.policies]]\nname = \"a\"\nquota = { limit = 1, period_secs = 1 }\nkey = \"ip\"\nsurprise = 1",
        "[[rate_limit.policies]]\nname = \"a\"\nquota = { limit = 1, period_secs = 1, surprise = 1 }\nkey = \"ip\"",
        "[[access.rules]]\npath = \"/a\"\nrequire = \"public\"\nsurprise = 1",
        #[cfg(feature = "limits")]
        "[limits]\nsurprise = 1",
        #[cfg(feature = "limits")]
        "[limits]\nroutes = [{ pattern = \"/a\", surprise = 1 }]",
        #[cfg(feature = "csp-report")]
        "[csp_reports]\npath = \"/a\"\nsurprise = 1",
        #[cfg(feature = "sanitize")]
        "[sanitize]\nsurprise = 1",
        #[cfg(feature = "jwt")]
        "[[auth.bearer]]\nissuer = \"https://a.example\"\naudience = [\"a\"]\nkeys = {}\nsurprise = 1",
        #[cfg(feature = "jwt")]
        "[[auth.bearer]]\nissuer = \"https://a.example\"\naudience = [\"a\"]\nkeys = { surprise = 1 }",
    ];
    for text in nested {
        let error = toml::from_str::<SecurityConfig>(text).unwrap_err();
        assert!(error.message().contains("surprise"), "{text}: {error}");
    }
}

/// Tables whose fields are names of the user's.
#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
const OPEN: [&str; 4] = [
    "headers.custom",
    "headers.permissions_policy",
    "headers.reporting_endpoint",
    "access.role_implies",
];

/// Each table of a file that has every section, with the path of each.
#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
fn tables(
    value: &toml::Value,
    path: &str,
    found: &mut Vec<(String, Vec<String>)>,
    steps: &[String],
) {
    let mut below = |value: &toml::Value, path: String, step: String| {
        let steps: Vec<_> = steps.iter().cloned().chain([step]).collect();
        tables(value, &path, found, &steps);
    };
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                below(value, path, name.clone());
            }
            found.push((path.to_owned(), steps.to_vec()));
        }
        toml::Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                below(value, format!("{path}[{index}]"), index.to_string());
            }
        }
        _ => {}
    }
}

/// The sections are those that the error of the whole names: a new one without a line in the file is told here.
#[test]
#[cfg(all(
    feature = "csp-report",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
fn unknown_fields_are_errors_in_every_table_of_a_file_that_has_all_sections() {
    let whole: toml::Table = super::WHOLE.parse().unwrap();
    let error = toml::from_str::<SecurityConfig>("surprise = 1").unwrap_err();
    let (_, names) = error.message().split_once("expected one of ").unwrap();
    for name in names.split(", ").map(|name| name.trim_matches('`')) {
        assert!(whole.contains_key(name), "whole.toml has no {name}");
    }
    let whole = toml::Value::Table(whole);
    let mut found = Vec::new();
    tables(&whole, "", &mut found, &[]);
    assert!(found.len() > 30, "{found:?}");
    for (path, steps) in found {
        let mut changed = whole.clone();
        let place = steps.iter().fold(&mut changed, |value, step| match value {
            toml::Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
            other => other.get_mut(step.as_str()).unwrap(),
        });
        let surprise = toml::Value::Array(vec!["1".into()]);
        place
            .as_table_mut()
            .unwrap()
            .insert("surprise".into(), surprise);
        let parsed = changed.try_into::<SecurityConfig>();
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        match parsed {
            Err(_) => {}
            // A place of a secret is judged when it is built, so that no error shows what stands in it.
            Ok(config) => {
                let found = mistakes(config.build(StackParts::new()));
                assert_eq!(found, [(path.clone(), "secret_in_clear")], "{path}");
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn a_value_that_code_may_not_say_a_file_may_not_either() {
    let policy = |rest: &str| {
        format!(
            "[[rate_limit.policies]]\nname = \"a\"\nquota = {{ limit = 9, period_secs = 60 }}\nkey = \"ip\"\n{rest}"
        )
    };
    // Each with what mends it.
    let rows = [
        (
            "client_ip.nets[0]",
            "trusts_everyone",
            "[client_ip]\nheader = \"x_forwarded_for\"\nnets = [\"0.0.0.0/0\"]",
            "[client_ip]\nheader = \"x_forwarded_for\"\nnets = [\"10.0.0.0/8\"]",
        ),
        (
            "client_ip.header",
            "header_choice",
            "[client_ip]\nnets = [\"10.0.0.0/8\"]",
            "[client_ip]\nnets = [\"10.0.0.0/8\"]\nheader = \"forwarded\"",
        ),
        (
            "scheme.trusted",
            "proxies_too_wide",
            "scheme = { forwarded_proto = \"x-forwarded-proto\" }",
            "scheme = { forwarded_proto = \"x-forwarded-proto\" }\n[client_ip]\nunix_socket = true\nnets = [\"10.0.0.1\"]\nheader = \"x_forwarded_for\"",
        ),
        (
            "scheme.forwarded_proto",
            "invalid_name",
            "scheme = { forwarded_proto = \"x forwarded\" }",
            "scheme = \"tls\"",
        ),
        (
            "https.on_insecure",
            "host_missing",
            "scheme = \"tls\"\n[https]",
            "scheme = \"tls\"\n[https]\nallowed_hosts = [\"app.example.com\"]",
        ),
        (
            "https.hsts",
            "use_expiry",
            "scheme = \"tls\"\n[https]\non_insecure = \"reject\"\nhsts = { custom = { max_age_secs = 0 } }",
            "scheme = \"tls\"\n[https]\non_insecure = \"reject\"\nhsts = \"disable_by_expiry\"",
        ),
        (
            "https.exempt_path[1]",
            "invalid_path",
            "scheme = \"tls\"\n[https]\non_insecure = \"reject\"\nexempt_path = [\"/up\", \"up\"]",
            "scheme = \"tls\"\n[https]\non_insecure = \"reject\"\nexempt_path = [\"/up\"]",
        ),
        (
            "headers.custom[0]",
            "wrong_layer",
            "[headers]\ncustom = { set-cookie = \"a=b\" }",
            "[headers]\ncustom = { x-robots-tag = \"noindex\" }",
        ),
        (
            "headers.mode",
            "no_report_only",
            "[headers]\nmode = \"report_only\"",
            "[headers]\nmode = \"off\"",
        ),
        ("csp", "missing_policy", "[csp]", "[csp]\nenforce = \"api\""),
        (
            "csp.enforce.default-src[0]",
            "unquoted_keyword",
            "[csp]\nenforce = { policy = \"default-src self; base-uri 'none'\" }",
            "[csp]\nenforce = { policy = \"default-src 'self'; base-uri 'none'\" }",
        ),
        (
            "csp.report_only",
            "report_only_silent",
            "[csp]\nreport_only = { policy = \"default-src 'self'; base-uri 'none'\" }",
            "[csp]\nreport_to = \"/r\"\nreport_only = { policy = \"default-src 'self'; base-uri 'none'\" }",
        ),
        (
            "csp.report_to",
            "invalid_endpoint",
            "[csp]\nenforce = \"strict\"\nreport_to = \"//evil.example\"",
            "[csp]\nenforce = \"strict\"\nreport_to = \"https://reports.example/r\"",
        ),
        (
            "cookies.host_prefix[0]",
            "invalid_cookie_name",
            "[cookies]\nhost_prefix = [\"__Host-a\"]",
            "[cookies]\nhost_prefix = [\"a\"]",
        ),
        (
            "cors.origins[1]",
            "invalid_origin_path",
            "[cors]\norigins = [\"https://a.example\", \"https://b.example/\"]",
            "[cors]\norigins = [\"https://a.example\"]",
        ),
        (
            "cors.credentials",
            "refused_any_origin_with_credentials",
            "[cors]\norigins = \"*\"\ncredentials = true",
            "[cors]\norigins = \"*\"",
        ),
        (
            "error_mask.keep_headers[0]",
            "keep_header",
            "[error_mask]\nkeep_headers = [\"server\"]",
            "[error_mask]\nkeep_headers = [\"www-authenticate\"]",
        ),
        (
            "bans.safelist[0]",
            "bad_net",
            "[bans]\nsafelist = [\"10.0.0.1/8\"]",
            "[bans]\nsafelist = [\"10.0.0.0/8\"]",
        ),
        (
            "bans.on[0]",
            "ban_policy",
            "[bans]\non = [{ signal = \"spray\", times = 0, find_secs = 9, ban_secs = 9 }]",
            "[bans]\non = [{ signal = \"spray\", times = 1, find_secs = 9, ban_secs = 9 }]",
        ),
        (
            "bans.capacity",
            "capacity",
            "[bans]\ncapacity = 1023",
            "[bans]\ncapacity = 1024",
        ),
        (
            "rate_limit.policies",
            "no_policy",
            "[rate_limit]",
            &policy(""),
        ),
        (
            "rate_limit.policies[0].quota",
            "cost_exceeds_burst",
            &policy("cost = 10"),
            &policy("cost = 9"),
        ),
        (
            "rate_limit.policies[0].methods[0]",
            "invalid_name",
            &policy("methods = [\"G T\"]"),
            &policy("methods = [\"GET\"]"),
        ),
        (
            "rate_limit.policies[0].methods[0]",
            "invalid_name",
            &policy("methods = [\"post\"]"),
            &policy("methods = [\"POST\"]"),
        ),
        (
            "rate_limit.policies[0].enforce_percent",
            "percent",
            &policy("enforce_percent = 101"),
            &policy("enforce_percent = 100"),
        ),
        (
            "rate_limit.exempt[0]",
            "bad_net",
            &format!("[rate_limit]\nexempt = [\"here\"]\n{}", policy("")),
            &format!("[rate_limit]\nexempt = [\"::1\"]\n{}", policy("")),
        ),
        (
            "rate_limit.retry_jitter",
            "jitter",
            &format!("[rate_limit]\nretry_jitter = 50\n{}", policy("")),
            &format!("[rate_limit]\nretry_jitter = 5\n{}", policy("")),
        ),
        (
            "rate_limit.policies[0].key",
            "invalid_name",
            &policy("").replace("\"ip\"", "{ custom = \"tenant\" }"),
            &policy(""),
        ),
        (
            "rate_limit.policies[0].key.all[1]",
            "invalid_name",
            &policy("").replace("\"ip\"", "{ all = [\"ip\", { custom = \"tenant\" }] }"),
            &policy("").replace("\"ip\"", "{ all = [\"ip\", \"route\"] }"),
        ),
        (
            "rate_limit.policies[0].key",
            "invalid_choice",
            &policy("").replace("\"ip\"", "{ all = [] }"),
            &policy("").replace("\"ip\"", "{ client_prefix = [24, 56] }"),
        ),
        (
            "csrf.trusted_origins[0]",
            "refused_public_suffix",
            "[csrf]\ntrusted_origins = [\"https://*.com\"]",
            "[csrf]\ntrusted_origins = [\"https://*.example.com\"]",
        ),
    ];
    let mut failed = Vec::new();
    for (path, code, wrong, right) in rows {
        let found = mistakes(build(wrong));
        let first = found.first().map(|(path, code)| (path.as_str(), *code));
        if first != Some((path, code)) {
            failed.push(format!("{wrong}\n{path} {code}, and not {found:?}"));
        }
        let found = mistakes(build(right));
        if !found.is_empty() {
            failed.push(format!("{right}\n{found:?}"));
        }
    }
    assert_eq!(failed, [""; 0], "{}", failed.join("\n"));
}

#[test]
fn sections_that_go_together_are_missed() {
    let cors = "[cors]\norigins = [\"https://a.example\"]\n";
    let rows: [(&str, &[(&str, &str)]); 8] = [
        (
            "[https]\non_insecure = \"reject\"",
            &[("https", "missing_section")],
        ),
        (
            "trust_cors_origins = true",
            &[
                ("trust_cors_origins", "missing_section"),
                ("trust_cors_origins", "missing_section"),
            ],
        ),
        (
            &format!("trust_cors_origins = true\n{cors}"),
            &[("trust_cors_origins", "missing_section")],
        ),
        (
            &format!("trust_cors_origins = true\n[csrf]\n{cors}"),
            &[("trust_cors_origins", "refused_trust_uncredentialed")],
        ),
        (
            &format!("trust_cors_origins = true\n[csrf]\n{cors}credentials = true"),
            &[],
        ),
        (
            "[require_authorization]",
            &[("require_authorization", "missing_auth")],
        ),
        (
            "[access]\nany_request = \"authenticated\"",
            &[("access", "missing_auth")],
        ),
        (
            "[[rate_limit_by_principal.policies]]\nname = \"a\"\nquota = { limit = 1, period_secs = 1 }\nkey = \"principal\"",
            &[("rate_limit_by_principal", "missing_auth")],
        ),
    ];
    for (text, expected) in rows {
        let found = mistakes(build(text));
        let found: Vec<_> = found
            .iter()
            .map(|(path, code)| (path.as_str(), *code))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn ownership_without_authentication_is_an_error_of_build() {
    use tower_security::ownership::{AccessRequest, Decision, OwnershipGuard};
    let guard = || {
        OwnershipGuard::builder()
            .resource("/orders/{id}", |_: &AccessRequest| Decision::Deny)
            .build()
            .unwrap()
    };
    let errors = parsed("")
        .build(StackParts::new().ownership(guard()))
        .unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        error.to_string(),
        "ownership: refused without authentication: write the section `auth`, or give a layer by `StackParts::auth`"
    );
    assert_eq!(error.downcast(), Some(&StackConfigError::MissingAuth));
}

#[test]
fn a_table_of_bans_that_the_program_gives_is_not_set_up_by_the_file() {
    use tower_security::rate_limit::BanTable;
    let parts = || StackParts::new().ban_table(BanTable::new());
    let rules = "[bans]\ncapacity = 2048\n";
    assert_eq!(
        mistakes(parsed(rules).build(parts())),
        [("bans.capacity".to_owned(), "table_given")]
    );
    assert_eq!(
        mistakes(parsed("[bans]\nhide_duration = true\n").build(parts())),
        []
    );
}

#[test]
fn all_mistakes_of_all_sections_come_at_once() {
    let text = r#"
        trust_cors_origins = true
        scheme = { forwarded_proto = "x-forwarded-proto" }
        [client_ip]
        nets = ["here"]
        header = "x_forwarded_for"
        [headers]
        mode = "report_only"
        [csp]
        enforce = { policy = "default-src self; base-uri none" }
        [cors]
        origins = ["https://a.example/", "null"]
        methods = ["TRACE"]
        [https]
        allowed_hosts = ["*"]
        [[rate_limit.policies]]
        name = "per address"
        quota = { limit = 0, period_secs = 60 }
        key = { custom = "tenant" }
        [[access.rules]]
        path = "orders"
        require = { all_of = [] }
    "#;
    let errors = build(text).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path()).collect();
    assert_eq!(
        paths,
        [
            "access",
            "trust_cors_origins",
            "client_ip.nets[0]",
            "scheme.trusted",
            "headers.mode",
            "csp.enforce.default-src[0]",
            "csp.enforce.base-uri[0]",
            "cors.origins[0]",
            "cors.origins[1]",
            "cors.methods[0]",
            "https.allowed_hosts[0]",
            "rate_limit.policies[0].key",
            "rate_limit.policies[0].name",
            "rate_limit.policies[0].quota",
            "access.rules[0].require",
            "access.rules[0]",
        ]
    );
    assert_eq!(errors.to_string().lines().count(), paths.len());
}

#[test]
fn codes_are_the_variants_in_snake_case() {
    let rows = [
        (StackConfigError::ConflictingAuth, "conflicting_auth"),
        (StackConfigError::NeedsRestart, "needs_restart"),
        (StackConfigError::SecretInClear, "secret_in_clear"),
    ];
    for (error, code) in rows {
        assert_eq!(error.code(), code);
        let class = error.class().as_str();
        assert!(error.to_string().starts_with(class), "{error}");
    }
}

#[cfg(feature = "limits")]
#[test]
fn limits_are_refused_as_in_code() {
    let found = mistakes(build("[limits]\nbody_limit = 0\nbody_idle = 0.0\n"));
    let paths: Vec<_> = found
        .iter()
        .map(|(path, code)| (path.as_str(), *code))
        .collect();
    assert_eq!(
        paths,
        [
            ("limits.body_limit", "invalid_zero"),
            ("limits.body_idle", "invalid_zero")
        ]
    );
    assert_eq!(
        mistakes(build("[limits]\nbody_limit = 1\nbody_idle = 0.001\n")),
        []
    );
}
