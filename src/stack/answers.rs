//! What each protection answers, in the lists that auditors ask for.

use std::borrow::Cow;
use std::fmt;

/// What a protection answers: items of the [OWASP Top 10:2025], of the [OWASP API Security Top 10:2023], and requirements of the
/// [OWASP ASVS 5.0].
///
/// They are what a protection of this kind is for, but for the requirements of headers that a
/// [`SecurityHeadersLayer`](crate::SecurityHeadersLayer) does not write as it is set. How far it goes depends on its settings, and that a
/// requirement is met takes the application too.
///
/// [OWASP Top 10:2025]: https://owasp.org/Top10/2025/
/// [OWASP API Security Top 10:2023]: https://owasp.org/API-Security/editions/2023/en/0x11-t10/
/// [OWASP ASVS 5.0]: https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Answers {
    top10: &'static [&'static str],
    api_top10: &'static [&'static str],
    asvs: Cow<'static, [&'static str]>,
}

type List = &'static [&'static str];

const fn answers(top10: List, api_top10: List, asvs: List) -> Answers {
    Answers {
        top10,
        api_top10,
        asvs: Cow::Borrowed(asvs),
    }
}

/// By the names of the slots, and of what else describes itself, in the order of the slots.
static TABLE: [(&str, Answers); 19] = [
    (
        "context",
        answers(&["A09:2025"], &[], &["4.1.3", "15.3.4", "16.2.1"]),
    ),
    (
        "headers",
        answers(
            &["A02:2025", "A06:2025"],
            &["API8:2023"],
            &["3.4.4", "3.4.5", "3.4.8", "3.5.8", "13.4.6", "14.3.2"],
        ),
    ),
    (
        "csp",
        answers(
            &["A05:2025", "A06:2025"],
            &["API8:2023"],
            &["3.2.1", "3.4.3", "3.4.6"],
        ),
    ),
    (
        "cookies",
        answers(
            &["A01:2025", "A02:2025", "A07:2025"],
            &["API2:2023"],
            &["3.3.1", "3.3.2", "3.3.3", "3.3.4"],
        ),
    ),
    (
        "cors",
        answers(&["A01:2025", "A02:2025"], &["API8:2023"], &["3.4.2"]),
    ),
    (
        "error_mask",
        answers(
            &["A02:2025", "A10:2025"],
            &["API8:2023"],
            &["13.4.6", "16.3.4", "16.5.1", "16.5.3", "16.5.4"],
        ),
    ),
    (
        "bans",
        answers(
            &["A06:2025", "A07:2025"],
            &["API2:2023", "API4:2023"],
            &["2.4.1", "6.3.1"],
        ),
    ),
    (
        "https",
        answers(
            &["A02:2025", "A04:2025"],
            &["API8:2023"],
            &["3.4.1", "4.1.2", "12.2.1"],
        ),
    ),
    (
        "rate_limit",
        answers(&["A06:2025"], &["API4:2023", "API6:2023"], &["2.4.1"]),
    ),
    (
        "overload",
        answers(&["A06:2025", "A10:2025"], &["API4:2023"], &["15.2.2"]),
    ),
    (
        "limits",
        answers(&["A06:2025", "A10:2025"], &["API4:2023"], &["15.2.2"]),
    ),
    ("csp_reports", answers(&["A09:2025"], &[], &["3.4.7"])),
    (
        "csrf",
        answers(&["A01:2025"], &[], &["3.5.1", "3.5.2", "3.5.3", "4.4.2"]),
    ),
    (
        "auth",
        answers(
            &["A07:2025"],
            &["API2:2023"],
            &["7.2.1", "9.1.1", "9.1.2", "9.1.3", "9.2.1", "16.3.1"],
        ),
    ),
    (
        "rate_limit_by_principal",
        answers(&["A06:2025"], &["API4:2023", "API6:2023"], &["2.4.1"]),
    ),
    (
        "require_authorization",
        answers(
            &["A01:2025", "A10:2025"],
            &["API1:2023", "API5:2023"],
            &["8.3.1", "16.5.3"],
        ),
    ),
    (
        "access",
        answers(&["A01:2025"], &["API5:2023"], &["8.2.1", "8.3.1", "16.3.2"]),
    ),
    (
        "sanitize",
        answers(
            &["A05:2025", "A06:2025"],
            &["API8:2023"],
            &["1.1.1", "1.5.3", "2.2.1", "2.2.2", "15.3.7", "16.3.3"],
        ),
    ),
    (
        "ownership",
        answers(
            &["A01:2025"],
            &["API1:2023"],
            &["8.2.2", "8.3.1", "8.4.1", "16.3.2"],
        ),
    ),
];

/// What stands in a slot of another name.
const LOGIN_THROTTLE: Answers = answers(
    &["A06:2025", "A07:2025"],
    &["API2:2023", "API6:2023"],
    &["2.4.1", "6.3.1"],
);

impl Answers {
    /// It answers nothing on these lists.
    pub(super) const NONE: Self = answers(&[], &[], &[]);

    /// What the protection of this name answers.
    pub(super) fn of(protection: &str) -> Self {
        if protection == "login_throttle" {
            return LOGIN_THROTTLE;
        }
        let mut rows = TABLE.iter();
        let row = rows.find(|(name, _)| *name == protection);
        row.map_or(Self::NONE, |(_, answers)| answers.clone())
    }

    /// The same but for these requirements of the ASVS.
    pub(super) fn without(mut self, unmet: &[&str]) -> Self {
        if self.asvs.iter().any(|item| unmet.contains(item)) {
            self.asvs.to_mut().retain(|item| !unmet.contains(item));
        }
        self
    }

    /// Returns the items of the OWASP Top 10:2025, such as `A01:2025`.
    #[must_use]
    pub const fn top10(&self) -> &'static [&'static str] {
        self.top10
    }

    /// Returns the items of the OWASP API Security Top 10:2023, such as `API1:2023`.
    #[must_use]
    pub const fn api_top10(&self) -> &'static [&'static str] {
        self.api_top10
    }

    /// Returns the requirements of the ASVS 5.0, such as `8.2.2`.
    #[must_use]
    pub fn asvs(&self) -> &[&'static str] {
        &self.asvs
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.top10.is_empty() && self.api_top10.is_empty() && self.asvs.is_empty()
    }
}

/// Whether this is the name of a slot for protections.
pub(super) fn is_slot(name: &str) -> bool {
    name != "context" && TABLE.iter().any(|(slot, _)| *slot == name)
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for item in self.top10.iter().chain(self.api_top10) {
            let space = if is_first { "" } else { " " };
            write!(f, "{space}{item}")?;
            is_first = false;
        }
        if !self.asvs.is_empty() {
            let space = if is_first { "" } else { " " };
            write!(f, "{space}ASVS")?;
            for item in &*self.asvs {
                write!(f, " {item}")?;
            }
        }
        Ok(())
    }
}
