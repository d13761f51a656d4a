//! The forms of a policy as they are sent: made once, copied or filled in for each answer.

use bytes::Bytes;
use http::HeaderValue;

use super::nonce::{self, CspNonce};

/// How a template writes the place of a nonce.
pub(super) const SLOT: &str = "'nonce-{}'";
/// Bytes that a nonce adds to the template it is filled into.
pub(super) const SLOT_GROWTH: usize = nonce::LENGTH - "{}".len();
/// Stands in a slot until it is filled. It is no base64, so that browsers would ignore it.
const FILLER: &str = "!!!!!!!!!!!!!!!!!!!!!!!!";
const _: () = assert!(FILLER.len() == nonce::LENGTH);

/// One form of a policy as text, `'nonce-{}'` standing where a nonce goes.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) https: String,
    /// Without `upgrade-insecure-requests`: the server has no TLS to upgrade to.
    pub(super) http: String,
}

/// The forms of one policy as text.
#[derive(Clone, Debug)]
pub(super) struct Templates {
    /// For documents.
    pub(super) full: Template,
    /// For everything that cannot say a nonce. Has no slot.
    pub(super) twin: Template,
    /// For JavaScript, which may be the script of a worker. Has no slot.
    pub(super) script_twin: Template,
}

/// Which of its forms a policy is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    Twin,
    ScriptTwin,
}

/// The forms of one policy, ready to be sent.
#[derive(Debug)]
pub(super) struct Forms {
    full: ByScheme<Line>,
    twin: ByScheme<HeaderValue>,
    script_twin: ByScheme<HeaderValue>,
}

#[derive(Debug)]
struct ByScheme<T> {
    https: T,
    http: T,
}

impl<T> ByScheme<T> {
    fn of(template: &Template, make: impl Fn(&str) -> Option<T>) -> Option<Self> {
        Some(Self {
            https: make(&template.https)?,
            http: make(&template.http)?,
        })
    }

    #[inline]
    const fn pick(&self, is_plain: bool) -> &T {
        if is_plain { &self.http } else { &self.https }
    }
}

/// The value of a header, and whether it says the nonce of the request.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) value: HeaderValue,
    pub(super) has_nonce: bool,
}

impl Forms {
    /// Makes the forms of their texts. `None` for a text that no header can have, and for a slot in a twin.
    pub(super) fn new(templates: &Templates) -> Option<Self> {
        Some(Self {
            full: ByScheme::of(&templates.full, Line::new)?,
            twin: ByScheme::of(&templates.twin, unslotted)?,
            script_twin: ByScheme::of(&templates.script_twin, unslotted)?,
        })
    }

    /// Whether a nonce goes into one of them.
    pub(super) const fn has_slot(&self) -> bool {
        matches!(self.full.https, Line::Slotted(_))
    }

    /// The text to send. Without a nonce a policy that has a slot is sent as its twin: less runs, rather than more.
    #[inline]
    pub(super) fn render(&self, form: Form, is_plain: bool, nonce: Option<&CspNonce>) -> Rendered {
        let value = match form {
            Form::Full => match self.full.pick(is_plain) {
                Line::Static(value) => value,
                Line::Slotted(slotted) => {
                    if let Some(value) = nonce.and_then(|nonce| slotted.fill(nonce)) {
                        return Rendered {
                            value,
                            has_nonce: true,
                        };
                    }
                    self.twin.pick(is_plain)
                }
            },
            Form::Twin => self.twin.pick(is_plain),
            Form::ScriptTwin => self.script_twin.pick(is_plain),
        };
        Rendered {
            value: value.clone(),
            has_nonce: false,
        }
    }
}

#[derive(Debug)]
enum Line {
    Static(HeaderValue),
    Slotted(Slotted),
}

impl Line {
    fn new(template: &str) -> Option<Self> {
        if template.contains(SLOT) {
            Slotted::new(template).map(Self::Slotted)
        } else {
            unslotted(template).map(Self::Static)
        }
    }
}

/// A text with the filler in its slots. Copied whole and then filled in: one allocation of the right size and one pass, where
/// putting pieces together would take a step for each.
#[derive(Debug)]
struct Slotted {
    text: Box<[u8]>,
    /// Where each nonce begins.
    starts: Box<[usize]>,
}

impl Slotted {
    fn new(template: &str) -> Option<Self> {
        let mut pieces = template.split(SLOT);
        let mut text = pieces.next()?.to_owned();
        let mut starts = Vec::new();
        for piece in pieces {
            text.push_str("'nonce-");
            starts.push(text.len());
            text.push_str(FILLER);
            text.push('\'');
            text.push_str(piece);
        }
        HeaderValue::from_str(&text).ok()?;
        Some(Self {
            text: text.into_bytes().into(),
            starts: starts.into(),
        })
    }

    #[inline]
    fn fill(&self, nonce: &CspNonce) -> Option<HeaderValue> {
        let mut text = self.text.to_vec();
        for &start in &self.starts {
            *text.get_mut(start..)?.first_chunk_mut()? = *nonce.as_bytes();
        }
        HeaderValue::from_maybe_shared(Bytes::from(text)).ok()
    }
}

fn unslotted(template: &str) -> Option<HeaderValue> {
    if template.contains(SLOT) {
        return None;
    }
    let value = HeaderValue::from_str(template).ok()?;
    // The first copy makes the buffer a shared one, which allocates: now rather than in the first answer.
    drop(value.clone());
    Some(value)
}

#[cfg(test)]
mod tests {
    use http::Extensions;

    use super::*;
    use crate::core::Events;

    fn template(https: &str, http: &str) -> Template {
        Template {
            https: https.to_owned(),
            http: http.to_owned(),
        }
    }

    fn templates() -> Templates {
        Templates {
            full: template(
                "a 'nonce-{}'; b x 'nonce-{}'; u",
                "a 'nonce-{}'; b x 'nonce-{}'",
            ),
            twin: template("a 'none'; b x; u", "a 'none'; b x"),
            script_twin: template("a 'self'; b x; u", "a 'self'; b x"),
        }
    }

    fn nonce() -> CspNonce {
        let drawn = nonce::attach(&mut Extensions::new(), &Events::default());
        drawn.nonce.unwrap()
    }

    #[test]
    fn every_form_is_sent_for_both_schemes() {
        let forms = Forms::new(&templates()).unwrap();
        let nonce = nonce();
        let full = format!("a 'nonce-{nonce}'; b x 'nonce-{nonce}'");
        let rows = [
            (Form::Full, false, Some(&nonce), format!("{full}; u")),
            (Form::Full, true, Some(&nonce), full),
            (Form::Full, false, None, "a 'none'; b x; u".to_owned()),
            (Form::Full, true, None, "a 'none'; b x".to_owned()),
            (
                Form::Twin,
                false,
                Some(&nonce),
                "a 'none'; b x; u".to_owned(),
            ),
            (Form::Twin, true, Some(&nonce), "a 'none'; b x".to_owned()),
            (
                Form::ScriptTwin,
                false,
                Some(&nonce),
                "a 'self'; b x; u".to_owned(),
            ),
            (Form::ScriptTwin, true, None, "a 'self'; b x".to_owned()),
        ];
        for (form, is_plain, nonce, expected) in rows {
            let rendered = forms.render(form, is_plain, nonce);
            assert_eq!(rendered.value, expected, "{form:?} {is_plain}");
            let has_nonce = form == Form::Full && nonce.is_some();
            assert_eq!(rendered.has_nonce, has_nonce, "{form:?} {is_plain}");
        }
    }

    #[test]
    fn a_policy_without_a_slot_is_sent_as_it_is() {
        let mut templates = templates();
        templates.full = template("a 'self'", "a 'self'");
        let forms = Forms::new(&templates).unwrap();
        let rendered = forms.render(Form::Full, false, Some(&nonce()));
        assert_eq!(rendered.value, "a 'self'");
        assert!(!rendered.has_nonce);
    }

    #[test]
    fn a_slot_at_either_end_is_filled() {
        let mut templates = templates();
        templates.full = template("'nonce-{}'", "'nonce-{}''nonce-{}'");
        let forms = Forms::new(&templates).unwrap();
        let nonce = nonce();
        let one = format!("'nonce-{nonce}'");
        let rendered = |is_plain| forms.render(Form::Full, is_plain, Some(&nonce)).value;
        assert_eq!(rendered(false), one);
        assert_eq!(rendered(true), format!("{one}{one}"));
    }

    #[test]
    fn what_no_header_can_have_is_no_form() {
        let wrong = [
            |t: &mut Templates| t.full.https.push('\n'),
            |t: &mut Templates| t.full = template("a\r", "a"),
            |t: &mut Templates| t.twin.http.push('\0'),
            |t: &mut Templates| t.script_twin.https.push('\u{7f}'),
            |t: &mut Templates| t.twin.https.push_str(SLOT),
            |t: &mut Templates| t.script_twin.http.push_str(SLOT),
        ];
        for (at, spoil) in wrong.iter().enumerate() {
            let mut templates = templates();
            spoil(&mut templates);
            assert!(Forms::new(&templates).is_none(), "{at}");
        }
        assert!(Forms::new(&templates()).is_some());
    }
}
