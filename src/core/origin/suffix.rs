//! Domains below which anybody can get a name.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::OriginError;
use super::host::{self, HostByte, MAX_LABEL};
use super::punycode;
use super::suffix_table::{HOSTING, REGIONAL, SECOND_LEVEL, WHOLE};

/// Domains below which strangers get names: top-level domains, registries such as `co.uk`, hosting services such as `github.io`.
///
/// A pattern over such a domain (`https://*.github.io`) would trust every customer of it with the user's cookies, so
/// [`TrustedOrigins`](super::TrustedOrigins) refuses it.
///
/// The built-in table is small: every single label, the usual second-level labels below two-letter domains, and about a hundred
/// hosting services, with the regional names of those that have them (`a.run.app`, `s3.eu-west-1.amazonaws.com`). A registry or
/// service that it does not know counts as somebody's own domain. It is not the whole [Public Suffix List], which changes weekly; load that with
/// [`parse`](Self::parse), from a file that your deployment keeps up to date.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::PublicSuffixes;
///
/// let builtin = PublicSuffixes::builtin();
/// assert!(builtin.contains("com") && builtin.contains("co.uk") && builtin.contains("github.io"));
/// assert!(!builtin.contains("example.com") && !builtin.contains("me.github.io"));
///
/// let list = PublicSuffixes::parse("// comment\ncom\n*.ck\n!www.ck\n")?;
/// assert!(list.contains("co.ck") && !list.contains("www.ck"));
///
/// assert!(PublicSuffixes::parse("*.*.ck").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [Public Suffix List]: https://publicsuffix.org/list/
#[derive(Clone, Default)]
pub struct PublicSuffixes(Option<Arc<List>>);

#[derive(Default)]
struct List {
    /// As they stand in the list: `co.uk`, `*.ck`, `!www.ck`.
    rules: HashSet<Box<str>>,
    /// The domains above a rule.
    above: HashSet<Box<str>>,
}

impl PublicSuffixes {
    /// The built-in table. This is the default.
    #[must_use]
    pub fn builtin() -> Self {
        Self(None)
    }

    /// Reads a list in the [format] of the Public Suffix List: one rule a line, `*.` and `!` before a domain, `//` for comments.
    /// Domains beyond ASCII are compared in Punycode.
    ///
    /// # Errors
    ///
    /// Fails at the first malformed rule, and if there is no rule at all.
    ///
    /// [format]: https://github.com/publicsuffix/list/wiki/Format
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let mut list = List::default();
        for (line, content) in (1..).zip(text.lines()) {
            // What follows white space is a remark.
            let Some(rule) = content
                .split_whitespace()
                .next()
                .filter(|rule| !rule.starts_with("//"))
            else {
                continue;
            };
            if !list.add(rule) {
                return Err(OriginError::InvalidPublicSuffixList {
                    line,
                    rule: rule.to_owned(),
                });
            }
        }
        if list.rules.is_empty() {
            return Err(OriginError::InvalidPublicSuffixList {
                line: 0,
                rule: String::new(),
            });
        }
        Ok(Self(Some(Arc::new(list))))
    }

    /// Returns whether `host` itself is a public suffix. A final dot and the case of letters do not matter.
    ///
    /// A single label always is one, listed or not: that is the default rule of the Public Suffix List.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        let host = normalised(host);
        let Some((label, parent)) = host.split_once('.') else {
            return !host.is_empty();
        };
        match &self.0 {
            None => {
                let is_country =
                    parent.len() == 2 && parent.bytes().all(|b| b.is_ascii_lowercase());
                (is_country && SECOND_LEVEL.contains(&label))
                    || HOSTING.contains(&host.as_str())
                    || REGIONAL
                        .iter()
                        .any(|service| [&*host, parent].contains(service))
                    || WHOLE.iter().any(|service| is_within(&host, service))
            }
            Some(list) => {
                let has = |rule: &str| list.rules.contains(rule);
                !has(&format!("!{host}")) && (has(&host) || has(&format!("*.{parent}")))
            }
        }
    }

    /// Whether a name below `host` may be a stranger's: `host` is a public suffix, or one lies below it (as
    /// `cloudapp.azure.com` lies below `azure.com`, and with `*.ck` every name below `ck`).
    pub(crate) fn lets_strangers_below(&self, host: &str) -> bool {
        self.contains(host)
            || match (&self.0, normalised(host)) {
                (None, host) => HOSTING
                    .iter()
                    .chain(&REGIONAL)
                    .chain(&WHOLE)
                    .any(|suffix| is_within(suffix, &host)),
                (Some(list), host) => list.above.contains(host.as_str()),
            }
    }
}

impl List {
    /// Adds a rule; false if it is malformed.
    fn add(&mut self, rule: &str) -> bool {
        if rule == "*" {
            // The default rule, which holds without being listed.
            self.rules.insert(rule.into());
            return true;
        }
        let (prefix, domain) = ["!", "*."]
            .iter()
            .find_map(|prefix| Some((*prefix, rule.strip_prefix(prefix)?)))
            .unwrap_or(("", rule));
        let Some(domain) = ascii_domain(domain) else {
            return false;
        };
        let rule = format!("{prefix}{domain}");
        if prefix != "!" {
            self.above.extend(
                rule.match_indices('.')
                    .filter_map(|(dot, _)| rule.get(dot + 1..))
                    .map(Box::from),
            );
        }
        self.rules.insert(rule.into());
        true
    }
}

impl fmt::Debug for PublicSuffixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("PublicSuffixes(builtin)"),
            Some(list) => write!(f, "PublicSuffixes({} rules)", list.rules.len()),
        }
    }
}

/// Whether `host` is `domain` or a name below it.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

fn normalised(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// `domain` as browsers send it, `None` if it is none.
fn ascii_domain(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain.to_lowercase().split('.').map(ascii_label).collect();
    Some(labels?.join("."))
}

fn ascii_label(label: &str) -> Option<String> {
    let label = if label.is_ascii() {
        label.to_owned()
    } else {
        format!("xn--{}", punycode::encode(label)?)
    };
    let is_label = (1..=MAX_LABEL).contains(&label.len())
        && label
            .bytes()
            .all(|byte| host::class(byte) == HostByte::Letter);
    is_label.then_some(label)
}
