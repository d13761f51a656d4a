//! What does not build, and the configuration as data.

use tower_security::cookies::{
    CookieBuilder, CookieConfig, CookieConfigError, CookieLayer, NameProblem, SameSite, Violation,
};
use tower_security::core::{ErrorClass, Mode};

/// Path, code and class of each mistake.
#[track_caller]
fn mistakes(builder: CookieBuilder) -> Vec<(String, &'static str, ErrorClass)> {
    let errors = builder.build().expect_err("it must not build");
    for error in errors.iter() {
        let message = error.message();
        assert!(message.starts_with(error.class().as_str()), "{message}");
        assert!(!message.ends_with('.'), "{message}");
    }
    errors
        .iter()
        .map(|error| (error.path().to_owned(), error.code(), error.class()))
        .collect()
}

#[track_caller]
fn assert_mistake(builder: CookieBuilder, path: &str, code: &str, class: ErrorClass) {
    assert_eq!(mistakes(builder), [(path.to_owned(), code, class)]);
}

#[test]
fn every_cookie_at_large_is_refused() {
    let builder = CookieLayer::builder().same_site(SameSite::None);
    assert_mistake(
        builder,
        "cookies.same_site",
        "weak_value",
        ErrorClass::Refused,
    );
    for same_site in [SameSite::Lax, SameSite::Strict] {
        assert!(CookieLayer::builder().same_site(same_site).build().is_ok());
    }
    let one = CookieLayer::builder().same_site_for("sso", SameSite::None);
    assert!(one.build().is_ok());
}

#[test]
fn names_are_tokens() {
    let wrong = [
        "", " ", "a b", "a=b", "a;b", "a,b", "\"a\"", "a\t", "a/b", "a:b", "\u{e9}", "a\0",
    ];
    let right = ["a", "A1", "__Host-a", "a.b_c-d", "!#$&'*+^`|~", "%41"];
    let lists: [(&str, fn(CookieBuilder, &str) -> CookieBuilder); 6] = [
        ("script_readable[0]", |builder, name| {
            builder.script_readable([name])
        }),
        ("dangerous_script_readable[0]", |builder, name| {
            builder.dangerous_script_readable([name])
        }),
        ("skip[0]", |builder, name| builder.skip([name])),
        ("dangerous_skip[0]", |builder, name| {
            builder.dangerous_skip([name])
        }),
        ("same_site_for.", |builder, name| {
            builder.same_site_for(name, SameSite::Strict)
        }),
        ("host_prefix[0]", |builder, name| {
            builder.host_prefix([name])
        }),
    ];
    for (list, add) in lists {
        for name in wrong {
            let mut path = format!("cookies.{list}");
            if list.ends_with('.') {
                path.push_str(name);
            }
            let builder = add(CookieLayer::builder(), name);
            assert_mistake(builder, &path, "invalid_cookie_name", ErrorClass::Invalid);
        }
        if list == "host_prefix[0]" {
            continue;
        }
        for name in right {
            assert!(
                add(CookieLayer::builder(), name).build().is_ok(),
                "{list} {name}"
            );
        }
    }
}

#[test]
fn names_to_rename_are_bare_and_apart() {
    let rows = [
        ("__Host-session", NameProblem::Prefixed),
        ("__host-session", NameProblem::Prefixed),
        ("__Secure-session", NameProblem::Prefixed),
        ("__Http-session", NameProblem::Prefixed),
        ("__Host-Http-session", NameProblem::Prefixed),
        ("Http-session", NameProblem::Prefixed),
        ("http-session", NameProblem::Prefixed),
        ("sess%69on", NameProblem::Percent),
        ("a", NameProblem::Collision),
        ("A", NameProblem::Collision),
        ("a b", NameProblem::Token),
    ];
    for (name, problem) in rows {
        let errors = CookieLayer::builder()
            .host_prefix(["a", name])
            .build()
            .unwrap_err();
        assert_eq!(errors.len(), 1, "{errors}");
        let error = errors.iter().next().unwrap();
        assert_eq!(error.path(), "cookies.host_prefix[1]");
        let expected = CookieConfigError::InvalidCookieName {
            name: name.to_owned(),
            problem,
        };
        assert_eq!(error.downcast(), Some(&expected));
    }
    for name in ["session", "__Hostsession", "HttpSession", "b", "$a"] {
        let builder = CookieLayer::builder().host_prefix(["a", name]);
        assert!(builder.build().is_ok(), "{name}");
    }
}

#[test]
fn sixteen_names_can_be_renamed() {
    let names = |count: usize| (0..count).map(|number| format!("name{number}"));
    assert!(
        CookieLayer::builder()
            .host_prefix(names(16))
            .build()
            .is_ok()
    );
    let builder = CookieLayer::builder().host_prefix(names(17));
    assert_mistake(
        builder,
        "cookies.host_prefix",
        "too_many_names",
        ErrorClass::Refused,
    );
    let endless = CookieLayer::builder().host_prefix(std::iter::repeat("a"));
    assert_mistake(
        endless,
        "cookies.host_prefix",
        "too_many_names",
        ErrorClass::Refused,
    );
}

#[test]
fn sessions_are_not_for_scripts() {
    let sessions = [
        "session",
        "SESSION",
        "JSESSIONID",
        "PHPSESSID",
        "laravel_session",
        "connect.sid",
        "sid",
        "SSID",
        "my-sid",
        "token",
        "access_token",
        "refreshToken",
        "__Host-session",
    ];
    for name in sessions {
        let readable = CookieLayer::builder().script_readable([name]);
        let path = "cookies.script_readable[0]";
        assert_mistake(
            readable,
            path,
            "script_readable_session",
            ErrorClass::Refused,
        );
        let skipped = CookieLayer::builder().skip([name]);
        assert_mistake(
            skipped,
            "cookies.skip[0]",
            "skip_session",
            ErrorClass::Refused,
        );
        let readable = CookieLayer::builder().dangerous_script_readable([name]);
        assert!(readable.build().is_ok(), "{name}");
        let skipped = CookieLayer::builder().dangerous_skip([name]);
        assert!(skipped.build().is_ok(), "{name}");
    }
    let others = [
        "XSRF-TOKEN",
        "csrf_token",
        "csrftoken",
        "xsrf-session",
        "sidebar",
        "sidebar:state",
        "inside",
        "theme",
        "lang",
        "president",
    ];
    for name in others.iter().filter(|name| !name.contains(':')) {
        let builder = CookieLayer::builder().script_readable([name]);
        assert!(builder.build().is_ok(), "{name}");
        assert!(
            CookieLayer::builder().skip([name]).build().is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_prefix_that_demands_http_only_gets_it() {
    for name in ["__Http-a", "__http-theme", "__Host-Http-a"] {
        let readable = CookieLayer::builder().script_readable([name]);
        let path = "cookies.script_readable[0]";
        assert_mistake(
            readable,
            path,
            "script_readable_session",
            ErrorClass::Refused,
        );
        let readable = CookieLayer::builder().dangerous_script_readable([name]);
        let path = "cookies.dangerous_script_readable[0]";
        assert_mistake(
            readable,
            path,
            "script_readable_session",
            ErrorClass::Refused,
        );
    }
    for name in ["__Host-a", "__Secure-a", "__HostHttp-a"] {
        let builder = CookieLayer::builder().script_readable([name]);
        assert!(builder.build().is_ok(), "{name}");
    }
}

#[test]
fn a_skipped_cookie_has_no_other_rule() {
    let rows: [CookieBuilder; 4] = [
        CookieLayer::builder().skip(["a"]).script_readable(["a"]),
        CookieLayer::builder()
            .skip(["a"])
            .same_site_for("a", SameSite::None),
        CookieLayer::builder().skip(["a"]).host_prefix(["a"]),
        CookieLayer::builder().skip(["__Host-a"]).host_prefix(["a"]),
    ];
    for builder in rows {
        let code = "conflicting_rules";
        assert_mistake(builder, "cookies.skip[0]", code, ErrorClass::Invalid);
    }
    let apart = CookieLayer::builder()
        .skip(["a", "__Host-b"])
        .dangerous_skip(["a"])
        .script_readable(["c"])
        .host_prefix(["c", "d"])
        .same_site_for("c", SameSite::Strict);
    assert!(apart.build().is_ok());
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let builder = CookieLayer::builder()
        .same_site(SameSite::None)
        .host_prefix(["session", "__Host-id", "Session"])
        .same_site_for("a b", SameSite::Lax)
        .script_readable(["theme", "session", "c=d"])
        .dangerous_script_readable(["__Http-x"])
        .skip(["sid", "theme"]);
    let found: Vec<_> = mistakes(builder)
        .into_iter()
        .map(|(path, code, _)| format!("{path} {code}"))
        .collect();
    assert_eq!(
        found,
        [
            "cookies.same_site weak_value",
            "cookies.host_prefix[1] invalid_cookie_name",
            "cookies.host_prefix[2] invalid_cookie_name",
            "cookies.same_site_for.a b invalid_cookie_name",
            "cookies.script_readable[1] script_readable_session",
            "cookies.script_readable[2] invalid_cookie_name",
            "cookies.dangerous_script_readable[0] script_readable_session",
            "cookies.skip[0] skip_session",
            "cookies.skip[1] conflicting_rules",
        ]
    );
}

#[test]
fn the_builder_and_the_data_are_the_same() {
    let builder = CookieLayer::builder()
        .same_site(SameSite::Strict)
        .same_site_for("sso", SameSite::None)
        .script_readable(["old"])
        .script_readable(["theme"])
        .host_prefix(["session"])
        .skip(["legacy"])
        .on_violation(Violation::Report)
        .mode(Mode::ReportOnly)
        .dangerous_script_readable(["token"])
        .dangerous_skip(["sid"]);
    let built = builder.build().unwrap();
    let mut config = CookieConfig::default();
    config.same_site = SameSite::Strict;
    config
        .same_site_for
        .insert("sso".to_owned(), SameSite::None);
    config.script_readable = vec!["theme".to_owned()];
    config.host_prefix = vec!["session".to_owned()];
    config.skip = vec!["legacy".to_owned()];
    config.on_violation = Violation::Report;
    config.mode = Mode::ReportOnly;
    config.dangerous_script_readable = vec!["token".to_owned()];
    config.dangerous_skip = vec!["sid".to_owned()];
    assert_eq!(built.policy().config(), &config);
    assert_eq!(config.clone().build().unwrap().policy().config(), &config);
    assert_eq!(
        CookieLayer::strict().policy().config(),
        &CookieConfig::default()
    );
}

#[cfg(feature = "serde")]
#[test]
fn a_file_holds_the_same() {
    let config: CookieConfig = toml::from_str(
        "\
        same_site = \"strict\"\n\
        script_readable = [\"theme\"]\n\
        host_prefix = [\"session\"]\n\
        on_violation = \"report\"\n\
        mode = \"report_only\"\n\
        same_site_for = { sso = \"none\" }\n",
    )
    .unwrap();
    let built = CookieLayer::builder()
        .same_site(SameSite::Strict)
        .same_site_for("sso", SameSite::None)
        .script_readable(["theme"])
        .host_prefix(["session"])
        .on_violation(Violation::Report)
        .mode(Mode::ReportOnly)
        .build()
        .unwrap();
    assert_eq!(&config, built.policy().config());
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<CookieConfig>(&text).unwrap(), config);
    for wrong in ["samesite = \"lax\"", "same_site = \"Lax\"", "mode = 1"] {
        assert!(toml::from_str::<CookieConfig>(wrong).is_err(), "{wrong}");
    }
}
