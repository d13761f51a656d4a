//! `Problem`: what a handler says on purpose.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{Extensions, StatusCode};

use super::render::write_json_array;
use crate::core::json::write_json_string;

/// The private mark of a [`Problem`]'s response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deliberate;

/// A handler's own RFC 9457 problem.
///
/// The error mask replaces the body of a server error, but leaves this one: whoever makes it has chosen its words for the
/// client. With feature `axum` it is an answer by itself; elsewhere `into_response` makes one.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::StatusCode;
/// use http_body_util::Full;
/// use tower_security::core::Problem;
///
/// let response = Problem::new(StatusCode::CONFLICT, "The order was changed meanwhile")
///     .problem_type("https://shop.example/problems/conflict")
///     .member("changed_by", ["billing"])
///     .into_response::<Full<Bytes>>();
/// assert_eq!(response.status(), StatusCode::CONFLICT);
/// assert!(Problem::is(response.extensions()));
/// ```
#[derive(Clone)]
#[must_use = "a problem does nothing until it is made a response"]
pub struct Problem {
    status: StatusCode,
    title: Cow<'static, str>,
    problem_type: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    instance: Option<Cow<'static, str>>,
    members: Vec<(Cow<'static, str>, Vec<Cow<'static, str>>)>,
}

impl Problem {
    /// Starts a problem with a status and a short sentence that is the same for every problem of its kind.
    pub fn new(status: StatusCode, title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            title: title.into(),
            problem_type: None,
            detail: None,
            instance: None,
            members: Vec::new(),
        }
    }

    /// Sets the URI of this kind of problem.
    pub fn problem_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.problem_type = Some(uri.into());
        self
    }

    /// Sets what is special to this occurrence. Never put the text of an internal error here.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the URI of this occurrence.
    pub fn instance(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.instance = Some(uri.into());
        self
    }

    /// Adds an array of strings. A name that the problem has already, one of RFC 9457 included, is left out: a JSON object with two
    /// equal names is read differently by different clients.
    pub fn member<I>(mut self, name: impl Into<Cow<'static, str>>, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        const STANDARD: [&str; 5] = ["type", "title", "status", "detail", "instance"];
        let name = name.into();
        let taken = self.members.iter().any(|(member, _)| *member == name);
        if !taken && !STANDARD.contains(&&*name) {
            let values = values.into_iter().map(Into::into).collect();
            self.members.push((name, values));
        }
        self
    }

    /// Whether a response with these extensions is a handler's own problem.
    #[must_use]
    pub fn is(extensions: &Extensions) -> bool {
        extensions.get::<Deliberate>().is_some()
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn body(&self) -> Bytes {
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"title\":");
        write_json_string(&mut body, &self.title);
        body.extend_from_slice(b",\"status\":");
        body.extend_from_slice(self.status.as_str().as_bytes());
        let texts = [
            ("type", &self.problem_type),
            ("detail", &self.detail),
            ("instance", &self.instance),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.push(b',');
                write_json_string(&mut body, name);
                body.push(b':');
                write_json_string(&mut body, text);
            }
        }
        for (name, values) in &self.members {
            body.push(b',');
            write_json_string(&mut body, name);
            body.push(b':');
            write_json_array(&mut body, values);
        }
        body.push(b'}');
        Bytes::from(body)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("status", &self.status)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}
