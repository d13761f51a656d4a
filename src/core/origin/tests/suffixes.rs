//! Public suffixes, built in and loaded.

use super::super::suffix_table::{HOSTING, REGIONAL, WHOLE};
use super::super::{OriginError, OriginPattern, PublicSuffixes};

#[test]
fn built_in() {
    let rows = [
        ("com", true),
        ("local", true),
        ("COM.", true),
        ("co.uk", true),
        ("gov.au", true),
        ("ne.jp", true),
        ("github.io", true),
        ("GitHub.io.", true),
        ("s3.amazonaws.com", true),
        ("S3.eu-west-1.amazonaws.com.", true),
        ("a.run.app", true),
        ("me-uc.a.run.app", false),
        ("notrun.app", false),
        ("a.notrun.app", false),
        ("example.com", false),
        ("co.com", false),
        ("example.uk", false),
        ("company.uk", false),
        ("co.1a", false),
        ("me.github.io", false),
        ("notgithub.io", false),
        ("", false),
    ];
    let suffixes = PublicSuffixes::builtin();
    for (host, expected) in rows {
        assert_eq!(suffixes.contains(host), expected, "{host}");
    }
}

#[test]
fn strangers_below() {
    let suffixes = PublicSuffixes::builtin();
    for host in [
        "github.io",
        "amazonaws.com",
        "amazonaws.com.",
        "azure.com",
        "core.windows.net",
        "com",
    ] {
        assert!(suffixes.lets_strangers_below(host), "{host}");
    }
    for host in [
        "me.github.io",
        "example.com",
        "zonaws.com",
        "zure.com",
        "me.eu-west-1.elasticbeanstalk.com",
    ] {
        assert!(!suffixes.lets_strangers_below(host), "{host}");
    }
    let list = PublicSuffixes::parse("com\n*.run.app\n!me.run.app\n!own.other.example").unwrap();
    for host in ["run.app", "app", "any.run.app"] {
        assert!(list.lets_strangers_below(host), "{host}");
    }
    for host in ["me.run.app", "x.any.run.app", "other.example"] {
        assert!(!list.lets_strangers_below(host), "{host}");
    }
}

#[test]
fn the_table_holds_hosts_in_order() {
    assert!(HOSTING.len() >= 60);
    for table in [&HOSTING[..], &REGIONAL, &WHOLE] {
        assert!(table.is_sorted());
    }
    for host in HOSTING.iter().chain(&REGIONAL).chain(&WHOLE) {
        assert_eq!(
            OriginPattern::parse(&format!("https://*.{host}")).map(|p| p.host() == *host),
            Ok(true)
        );
    }
}

/// Rules of each kind from publicsuffix.org, and the verdicts of a crate that holds the whole list.
#[test]
fn a_list_means_what_psl_says() {
    let list = PublicSuffixes::parse(
        "// ===BEGIN ICANN DOMAINS===\r\n\n  com  \nuk\nco.uk\tremark\njp\n*.kawasaki.jp\n!city.kawasaki.jp\nck\n*.ck\n!www.ck\n\
         cn\n\u{516c}\u{53f8}.cn\n\u{4e2d}\u{56fd}\nIO\nGitHub.io\n",
    )
    .unwrap();
    let hosts = [
        "com",
        "example.com",
        "uk",
        "co.uk",
        "example.co.uk",
        "example.uk",
        "jp",
        "kawasaki.jp",
        "any.kawasaki.jp",
        "a.any.kawasaki.jp",
        "city.kawasaki.jp",
        "a.city.kawasaki.jp",
        "ck",
        "co.ck",
        "a.co.ck",
        "www.ck",
        "a.www.ck",
        "xn--55qx5d.cn",
        "a.xn--55qx5d.cn",
        "xn--fiqs8s",
        "a.xn--fiqs8s",
        "io",
        "github.io",
        "me.github.io",
        "unlisted",
        "a.unlisted",
    ];
    for host in hosts {
        let expected = psl::suffix_str(host) == Some(host);
        assert_eq!(list.contains(host), expected, "{host}");
    }
    assert!(list.contains("co.uk") && !list.contains("github.dev"));
}

#[test]
fn malformed_lists() {
    let error = |line: usize, rule: &str| OriginError::InvalidPublicSuffixList {
        line,
        rule: rule.to_owned(),
    };
    let rows = [
        ("", error(0, "")),
        ("// nothing\n\n", error(0, "")),
        ("com\n.uk", error(2, ".uk")),
        ("co..uk", error(1, "co..uk")),
        ("co.uk.", error(1, "co.uk.")),
        ("*.*.ck", error(1, "*.*.ck")),
        ("a.*.ck", error(1, "a.*.ck")),
        ("*ck", error(1, "*ck")),
        ("!!www.ck", error(1, "!!www.ck")),
        ("!", error(1, "!")),
        ("*.", error(1, "*.")),
        ("<html>", error(1, "<html>")),
        ("com\n\nco/uk", error(3, "co/uk")),
    ];
    for (text, expected) in rows {
        assert_eq!(
            PublicSuffixes::parse(text).unwrap_err(),
            expected,
            "{text:?}"
        );
    }
    let long = format!("{}.com", "a".repeat(64));
    assert_eq!(PublicSuffixes::parse(&long).unwrap_err(), error(1, &long));
    assert!(PublicSuffixes::parse(&format!("{}.com", "a".repeat(63))).is_ok());
    assert!(PublicSuffixes::parse("*").unwrap().contains("com"));
}
