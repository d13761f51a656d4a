//! Checks a configuration and compiles it to rules.

use std::collections::BTreeMap;

use super::check::{CookiePolicy, NameRule};
use super::config::CookieConfig;
use super::error::{CookieConfigError, NameProblem};
use super::parse::{self, SameSite, Set};
use super::rename::{HOST, MAX_RENAMED};
use crate::core::{ConfigErrors, Mistakes, SchemeSource, field};

pub(super) fn compile(
    config: CookieConfig,
    plain_http: Option<SchemeSource>,
) -> Result<CookiePolicy, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    if config.same_site == SameSite::None {
        mistakes.push("cookies.same_site", CookieConfigError::WeakValue);
    }
    let renamed = renamed(&mut mistakes, &config.host_prefix);
    let names = NameRules::read(&mut mistakes, &config, &renamed);
    mistakes.finish(CookiePolicy {
        names: names.0.into_iter().collect(),
        renamed: renamed.into(),
        plain_http,
        config,
    })
}

fn renamed(mistakes: &mut Mistakes, names: &[String]) -> Vec<Box<str>> {
    let count = names.len();
    if count > MAX_RENAMED {
        mistakes.push(
            "cookies.host_prefix",
            CookieConfigError::TooManyNames { count },
        );
        return Vec::new();
    }
    let mut known: Vec<Box<str>> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let collides = || known.iter().any(|other| other.eq_ignore_ascii_case(name));
        let problem = match name.as_bytes() {
            bytes if !field::is_token(bytes) => Some(NameProblem::Token),
            bytes if is_prefixed(bytes) => Some(NameProblem::Prefixed),
            bytes if bytes.contains(&b'%') => Some(NameProblem::Percent),
            _ if collides() => Some(NameProblem::Collision),
            _ => None,
        };
        match problem {
            None => known.push(name.as_str().into()),
            Some(problem) => mistakes.push(
                format!("cookies.host_prefix[{index}]"),
                CookieConfigError::InvalidCookieName {
                    name: name.clone(),
                    problem,
                },
            ),
        }
    }
    known
}

/// Whether a name has a prefix already, or would get that of `__Host-Http-`.
fn is_prefixed(name: &[u8]) -> bool {
    !parse::demands(name).is_empty() || parse::starts_with_caseless(name, b"Http-")
}

/// The rules by bare name, sorted.
#[derive(Default)]
struct NameRules(BTreeMap<Box<str>, NameRule>);

impl NameRules {
    fn read(mistakes: &mut Mistakes, config: &CookieConfig, renamed: &[Box<str>]) -> Self {
        let mut rules = Self::default();
        for name in renamed {
            rules.0.entry(name.clone()).or_default().rename = true;
        }
        for (name, same_site) in &config.same_site_for {
            let path = || format!("cookies.same_site_for.{name}");
            if let Some(rule) = rules.of(mistakes, path, name, renamed) {
                rule.same_site = Some(*same_site);
            }
        }
        let readable = [
            ("script_readable", &config.script_readable, true),
            (
                "dangerous_script_readable",
                &config.dangerous_script_readable,
                false,
            ),
        ];
        for (list, names, refuse_sessions) in readable {
            for (index, name) in names.iter().enumerate() {
                let path = || format!("cookies.{list}[{index}]");
                let prefix = parse::demands(name.as_bytes()).has(Set::HTTP_ONLY);
                if prefix || (refuse_sessions && looks_like_session(name)) {
                    let name = name.clone();
                    let mistake = CookieConfigError::ScriptReadableSession { name, prefix };
                    mistakes.push(path(), mistake);
                } else if let Some(rule) = rules.of(mistakes, path, name, renamed) {
                    rule.script_readable = true;
                }
            }
        }
        let skipped = [
            ("skip", &config.skip, true),
            ("dangerous_skip", &config.dangerous_skip, false),
        ];
        for (list, names, refuse_sessions) in skipped {
            for (index, name) in names.iter().enumerate() {
                let path = || format!("cookies.{list}[{index}]");
                let name = name.clone();
                if refuse_sessions && looks_like_session(&name) {
                    mistakes.push(path(), CookieConfigError::SkipSession { name });
                } else if let Some(rule) = rules.of(mistakes, path, &name, renamed) {
                    rule.skip = true;
                    let alone = NameRule {
                        skip: true,
                        ..NameRule::default()
                    };
                    if *rule != alone {
                        mistakes.push(path(), CookieConfigError::ConflictingRules { name });
                    }
                }
            }
        }
        rules
    }

    /// The rule of a name; that of a renamed cookie by either of its names.
    fn of(
        &mut self,
        mistakes: &mut Mistakes,
        path: impl FnOnce() -> String,
        name: &str,
        renamed: &[Box<str>],
    ) -> Option<&mut NameRule> {
        if !field::is_token(name.as_bytes()) {
            mistakes.push(
                path(),
                CookieConfigError::InvalidCookieName {
                    name: name.to_owned(),
                    problem: NameProblem::Token,
                },
            );
            return None;
        }
        let bare = name
            .as_bytes()
            .strip_prefix(HOST)
            .and_then(|bare| renamed.iter().find(|known| known.as_bytes() == bare));
        let key = bare.cloned().unwrap_or_else(|| name.into());
        Some(self.0.entry(key).or_default())
    }
}

/// Whether a cookie is likely to say who is logged in: `JSESSIONID`, `connect.sid`, `refresh_token`; not `sidebar`.
fn looks_like_session(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_csrf = name.contains("csrf") || name.contains("xsrf");
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    !is_csrf
        && (name.contains("sess")
            || name.contains("token")
            || words.any(|word| word.ends_with("sid")))
}
