//! What does not build.

use std::time::Duration;

use tower_security::core::origin::PublicSuffixes;
use tower_security::core::{
    ClientIp, ConfigErrors, ErrorClass, Mode, ProtoHeader, RequestScheme, SchemeSource,
    TrustedProxies,
};
use tower_security::https::{Hsts, HttpsConfigError};

use super::*;

const YEAR: Duration = Duration::from_secs(31_536_000);

fn codes(errors: &ConfigErrors) -> Vec<(&str, &str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}

fn refused(builder: HttpsBuilder) -> ConfigErrors {
    builder.build().expect_err("it does not build")
}

fn assert_builds(builder: HttpsBuilder) {
    if let Err(errors) = builder.build() {
        panic!("{errors}");
    }
}

fn of_hosts(hosts: &[&str]) -> HttpsBuilder {
    HttpsLayer::builder(SchemeSource::Tls)
        .on_insecure(OnInsecure::Redirect(RedirectHost::allow(hosts)))
}

#[test]
fn all_mistakes_are_told_at_once() {
    let builder = HttpsLayer::builder(SchemeSource::AssumeHttps)
        .on_insecure(OnInsecure::Redirect(RedirectHost::fixed("app.example")))
        .allowed_hosts(["app.example", "https://app.example", "*.com"])
        .https_port(0)
        .exempt_path("healthz")
        .exempt_path("/healthz")
        .exempt_path("/a/../b")
        .hsts(Hsts::new(Duration::ZERO));
    let errors = refused(builder);
    assert_eq!(
        codes(&errors),
        [
            ("https.allowed_hosts[1]", "invalid_host"),
            ("https.allowed_hosts[2]", "invalid_host"),
            ("https.on_insecure", "unreachable"),
            ("https.https_port", "invalid_port"),
            ("https.exempt_path[0]", "invalid_path"),
            ("https.exempt_path[2]", "invalid_path"),
            ("https.hsts", "use_expiry"),
        ]
    );
}

#[test]
fn a_redirect_to_anywhere_does_not_build() {
    let none: [&str; 0] = [];
    for builder in [
        HttpsLayer::builder(SchemeSource::Tls),
        of_hosts(&none),
        reject().allowed_hosts(none),
    ] {
        let errors = refused(builder);
        let error = errors.iter().next().expect("one");
        assert_eq!(
            (error.code(), error.class()),
            ("host_missing", ErrorClass::Refused)
        );
        assert!(
            error.message().contains("redirect to no named host"),
            "{errors}"
        );
    }
    assert_eq!(
        codes(&refused(of_hosts(&["app.example", "*"]))),
        [("https.on_insecure[1]", "host_missing")]
    );
    let star = HttpsLayer::builder(SchemeSource::Tls)
        .on_insecure(OnInsecure::Redirect(RedirectHost::fixed("*")));
    assert_eq!(
        codes(&refused(star)),
        [("https.on_insecure", "host_missing")]
    );
    for builder in [
        HttpsLayer::builder(SchemeSource::Tls).allowed_hosts(["app.example"]),
        of_hosts(&["app.example"]),
        reject(),
        HttpsLayer::builder(SchemeSource::AssumeHttps),
        HttpsLayer::builder(SchemeSource::AssumeHttps).on_insecure(OnInsecure::Reject),
    ] {
        assert_builds(builder);
    }
}

#[test]
fn a_host_is_a_bare_name() {
    let rows = [
        ("https://app.example", "app.example"),
        ("http://app.example:80/", "app.example"),
        ("app.example/", "app.example"),
        ("app.example/path", "app.example"),
        ("*.com/", "app.example.com"),
        ("app.example:443", "app.example"),
        ("app.example:8443", "app.example"),
        ("app.example:*", "app.example"),
        ("app.example?", "app.example"),
        ("user:secret@app.example", "app.example"),
        ("App.Example", "app.example"),
        ("app.example.", "app.example"),
        ("*.app.example.", "*.app.example"),
        ("b\u{fc}cher.example", "xn--bcher-kva.example"),
        ("*app.example", "app.example.com"),
        ("app.*.example", "app.example.com"),
        ("*.*.example", "app.example.com"),
        ("*.com", "app.example.com"),
        ("*.co.uk", "app.example.com"),
        ("*.github.io", "app.example.com"),
        ("*.192.0.2.1", "192.0.2.1"),
        ("", "app.example.com"),
        ("app..example", "app.example.com"),
        ("app example", "app"),
        ("1.2.3", "app.example.com"),
        ("[::1", "app.example.com"),
        ("[0:0::1]", "[::1]"),
    ];
    for (host, instead) in rows {
        let errors = refused(of_hosts(&[host]));
        assert_eq!(
            codes(&errors),
            [("https.on_insecure[0]", "invalid_host")],
            "{host}"
        );
        let error = errors.iter().next().expect("one");
        assert_eq!(error.class(), ErrorClass::Invalid);
        let Some(HttpsConfigError::InvalidHost {
            value,
            instead: told,
        }) = error.downcast()
        else {
            panic!("{host}: {errors}");
        };
        assert_eq!(told, instead, "{host}");
        assert!(!value.contains("secret"), "{value}");
        // What is suggested builds.
        assert_builds(of_hosts(&[instead]));
    }
    let fixed = |host: &str| {
        HttpsLayer::builder(SchemeSource::Tls)
            .on_insecure(OnInsecure::Redirect(RedirectHost::fixed(host)))
    };
    assert_eq!(
        codes(&refused(fixed("*.shop.example"))),
        [("https.on_insecure", "invalid_host")]
    );
    for host in [
        "app.example",
        "localhost",
        "192.0.2.1",
        "[2001:db8::1]",
        "xn--bcher-kva.example",
    ] {
        assert_builds(fixed(host));
        assert_builds(of_hosts(&[host, "*.shop.example", "*.localhost"]));
    }
}

#[test]
fn public_suffixes_can_be_named() {
    let list = PublicSuffixes::parse("example\nown.example").expect("a list");
    let errors = refused(of_hosts(&["*.own.example"]).public_suffixes(list));
    assert_eq!(codes(&errors), [("https.on_insecure[0]", "invalid_host")]);
    assert_builds(of_hosts(&["*.own.example"]));
}

#[test]
fn a_list_has_an_end() {
    let hosts = (0..65_537).map(|n| format!("h{n}.example"));
    let layer = HttpsLayer::builder(SchemeSource::Tls).allowed_hosts(hosts);
    assert_eq!(
        codes(&refused(layer)),
        [("https.allowed_hosts", "refused_too_many_origins")]
    );
}

#[test]
fn an_exempt_path_is_exact() {
    for path in [
        "",
        "healthz",
        "/healthz?full",
        "/a/../b",
        "/..",
        "/a/.",
        "/%61",
        "/a*",
        "/*",
        "/{id}",
        "//a",
        "/a#b",
        "/a b",
        "/caf\u{e9}",
        "/a\\b",
        "/a;b=c",
        "/a//b",
        "*",
    ] {
        let errors = refused(reject().exempt_path(path));
        assert_eq!(
            codes(&errors),
            [("https.exempt_path[0]", "invalid_path")],
            "{path}"
        );
        assert_eq!(
            errors.iter().next().map(|e| e.class()),
            Some(ErrorClass::Invalid)
        );
    }
    for path in [
        "/",
        "/healthz",
        "/healthz/",
        "/.well-known/x",
        "/a..b",
        "/~a/@b:c,d=e+f&g!$'()",
    ] {
        assert_builds(reject().exempt_path(path));
    }
}

#[test]
fn hsts_is_complete_or_absent() {
    let with = |hsts| own(SchemeSource::Tls).hsts(hsts);
    for hsts in [
        Hsts::new(Duration::ZERO),
        Hsts::new(Duration::from_millis(999)),
        Hsts::none().include_subdomains(),
        Hsts::none().preload(),
    ] {
        let errors = refused(with(hsts));
        assert_eq!(codes(&errors), [("https.hsts", "use_expiry")], "{hsts:?}");
    }
    for (hsts, text) in [
        (Hsts::default(), Some(TWO_YEARS)),
        (Hsts::new(Duration::from_secs(1)), Some("max-age=1")),
        (
            Hsts::new(YEAR).include_subdomains().preload(),
            Some("max-age=31536000; includeSubDomains; preload"),
        ),
        (Hsts::disable_by_expiry(), Some("max-age=0")),
        (
            Hsts::disable_by_expiry().include_subdomains(),
            Some("max-age=0; includeSubDomains"),
        ),
        (Hsts::none(), None),
    ] {
        let layer = built(with(hsts));
        assert_eq!(
            layer.policy().hsts().map(|value| value.to_str().unwrap()),
            text
        );
    }
}

#[test]
fn preload_asks_for_a_year_sub_domains_and_a_redirect() {
    let complete = Hsts::new(YEAR).include_subdomains().preload();
    let short = Duration::from_secs(31_535_999);
    let incomplete = [
        own(SchemeSource::Tls).hsts(Hsts::new(short).include_subdomains().preload()),
        own(SchemeSource::Tls).hsts(Hsts::new(YEAR).preload()),
        own(SchemeSource::Tls).hsts(Hsts::disable_by_expiry().include_subdomains().preload()),
        reject().hsts(complete),
        own(SchemeSource::Tls).hsts(complete).mode(Mode::ReportOnly),
    ];
    for builder in incomplete {
        let errors = refused(builder);
        assert_eq!(codes(&errors), [("https.hsts", "preload_incomplete")]);
        assert_eq!(
            errors.iter().next().map(|e| e.class()),
            Some(ErrorClass::Refused)
        );
    }
    let alone = HttpsLayer::hsts_only(SchemeSource::Tls, complete).expect_err("nobody redirects");
    assert_eq!(codes(&alone), [("https.hsts", "preload_incomplete")]);

    assert_builds(own(SchemeSource::Tls).hsts(complete));
    assert_builds(own(SchemeSource::Tls).hsts(complete).mode(Mode::Off));
    // Where no request is plain, somebody in front redirects.
    assert_builds(HttpsLayer::builder(SchemeSource::AssumeHttps).hsts(complete));
    for source in [
        SchemeSource::AssumeHttps,
        SchemeSource::Listener(RequestScheme::Https),
    ] {
        assert!(HttpsLayer::hsts_only(source, complete).is_ok());
    }
}

#[test]
fn proxies_are_named() {
    let any: Result<TrustedProxies, _> =
        ClientIp::trusted_proxies(["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    // Such networks are refused where they are named.
    any.expect_err("anybody");
    let errors = SchemeSource::forwarded_proto(TrustedProxies::direct(), ProtoHeader::Forwarded)
        .expect_err("nobody");
    assert_eq!(codes(&errors), [("scheme.trusted", "proxies_too_wide")]);
    forwarded(ProtoHeader::Forwarded);
}

#[test]
fn every_message_says_what_to_write() {
    for (builder, part) in [
        (of_hosts(&["app.example:80"]), "as in \"app.example\""),
        (of_hosts(&["*"]), "refused host \"*\""),
        (reject().exempt_path("a"), "as in \"/healthz\""),
        (reject().https_port(0), "such as 443"),
        (
            reject().hsts(Hsts::new(Duration::ZERO)),
            "`Hsts::disable_by_expiry()`",
        ),
        (reject().hsts(Hsts::two_years().preload()), "no redirect"),
        (own(SchemeSource::AssumeHttps), "leave it out"),
    ] {
        let text = refused(builder).to_string();
        assert!(text.contains(part), "{text}");
        let (_, message) = text.split_once(": ").expect("a path");
        assert!(
            message.starts_with("invalid ") || message.starts_with("refused "),
            "{text}"
        );
        assert!(!text.ends_with('.'), "{text}");
    }
}

#[test]
fn the_mode_can_be_read() {
    assert_eq!(built(reject()).mode(), Mode::Enforce);
    assert_eq!(built(reject().mode(Mode::Off)).mode(), Mode::Off);
}
