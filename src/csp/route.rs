//! Another policy for a part of the routes.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::future::CspFuture;
use super::nonce::{self, CspNonce};
use super::policy::{CspBuilder, CspPolicy};
use super::service::asks_for_grpc;
use crate::core::{Amend, ConfigErrors, Events, Mistakes};

/// Gives the routes inside of it another policy than the [`CspLayer`](super::CspLayer) outside of it has.
///
/// It takes the place of both policies of the layer: the mode, the precedence and everything else stay the layer's, and a header that
/// the handler has set is treated as it would be without the override. A policy that only reports is sent if the override has one of
/// its own ([`report_only`](Self::report_only)): a trial of the layer's would report what these routes are allowed, and what it would
/// become is not sent here either. Of two overrides the inner one counts. Everything is checked and rendered when the override is
/// made; nothing is merged for a request.
///
/// In [`Mode::ReportOnly`](crate::core::Mode::ReportOnly) of the layer this policy only reports too. Whether it can, with an endpoint and
/// without `sandbox` and `upgrade-insecure-requests`, is not checked: an override does not know its layer.
///
/// A route whose policy has a nonce gets one where no layer outside needs any: the override draws it. A request never has two nonces
/// at once.
///
/// Without a `CspLayer` outside of it an override sends nothing.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, header::CONTENT_SECURITY_POLICY};
/// use http_body_util::Full;
/// use std::convert::Infallible;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_security::csp::{Csp, CspLayer, CspOverride, Source};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let page = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) });
///
/// let base = Csp::strict().build()?;
/// let maps = Source::host("https://tiles.example.com")?;
/// let map = CspOverride::append(&base, |policy| policy.add_img_src([maps]))?;
/// let site = CspLayer::builder().enforce(base).build()?.layer(map.layer(page));
///
/// let answer = ServiceExt::<Request<()>>::oneshot(site, Request::new(())).await?;
/// let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str()?;
/// assert!(policy.contains("img-src 'self' data: https://tiles.example.com;"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct CspOverride {
    rule: Arc<Rule>,
}

/// What a route says about the policy.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Remove,
    Replace {
        enforce: CspPolicy,
        report_only: Option<CspPolicy>,
    },
}

impl Rule {
    fn has_slot(&self) -> bool {
        match self {
            Self::Remove => false,
            Self::Replace {
                enforce,
                report_only,
            } => enforce.has_slot() || report_only.as_ref().is_some_and(CspPolicy::has_slot),
        }
    }
}

/// What an answer carries from a route to the layer, in its extensions.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) rule: Option<Arc<Rule>>,
    /// The nonce that the handler has seen, where the layer outside may not know it.
    pub(super) nonce: Option<CspNonce>,
}

impl CspOverride {
    /// Sends `base` with what `add` appends to it.
    ///
    /// # Errors
    ///
    /// Fails with every mistake of the result, as [`CspPolicy::append`] does.
    pub fn append(
        base: &CspPolicy,
        add: impl FnOnce(CspBuilder) -> CspBuilder,
    ) -> Result<Self, ConfigErrors> {
        base.append(add).map(Self::replace)
    }

    /// Sends this policy.
    pub fn replace(policy: CspPolicy) -> Self {
        Self {
            rule: Arc::new(Rule::Replace {
                enforce: policy,
                report_only: None,
            }),
        }
    }

    /// Also sends a policy that only reports: what these routes are to have next.
    ///
    /// # Errors
    ///
    /// Fails as [`CspLayerBuilder::report_only`](super::CspLayerBuilder::report_only) does: for a policy without an endpoint, and for what
    /// browsers ignore in one that only reports.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{Csp, CspOverride, ReportEndpoint, Source};
    ///
    /// let maps = Source::host("https://maps.example.com")?;
    /// let today = Csp::strict().add_frame_src([maps.clone()]).build()?;
    /// let next = Csp::strict()
    ///     .add_frame_src([maps])
    ///     .require_trusted_types_for_script()
    ///     .upgrade_insecure_requests(false)
    ///     .report_to(ReportEndpoint::path("csp", "/csp-report")?);
    /// let route = CspOverride::replace(today.clone()).report_only(next.build()?)?;
    /// # let _ = route;
    ///
    /// assert!(CspOverride::replace(today.clone()).report_only(today).is_err()); // without an endpoint
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn report_only(mut self, policy: CspPolicy) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        for mistake in policy.check_report_only() {
            mistakes.push("csp.override.report_only", mistake);
        }
        if let Rule::Replace { report_only, .. } = Arc::make_mut(&mut self.rule) {
            *report_only = Some(policy);
        }
        mistakes.finish(self)
    }

    /// Sends no policy, neither an enforced nor a report-only one. What the handler has set stays.
    ///
    /// Nothing stops injected markup on these routes then, and a page of this origin that has no policy is a way into those that have
    /// one. For answers that no browser shows, or that set the header themselves.
    pub fn remove() -> Self {
        Self {
            rule: Arc::new(Rule::Remove),
        }
    }

    /// Returns the policy that is sent; `None` if none is.
    #[must_use]
    pub fn policy(&self) -> Option<&CspPolicy> {
        match &*self.rule {
            Rule::Replace { enforce, .. } => Some(enforce),
            Rule::Remove => None,
        }
    }
}

impl<S> Layer<S> for CspOverride {
    type Service = CspOverrideService<S>;

    fn layer(&self, inner: S) -> CspOverrideService<S> {
        CspOverrideService {
            inner,
            rule: Arc::clone(&self.rule),
        }
    }
}

/// The service of [`CspOverride`].
#[derive(Clone, Debug)]
pub struct CspOverrideService<S> {
    inner: S,
    rule: Arc<Rule>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CspOverrideService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CspFuture<S::Future, CspOverrideAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut nonce = None;
        if self.rule.has_slot() && !asks_for_grpc(&request) {
            let extensions = request.extensions_mut();
            // Of several layers outside, the nearest sends the policy, and another may have drawn the nonce.
            nonce = CspNonce::from_extensions(extensions)
                .or_else(|| nonce::attach(extensions, &Events::default()).nonce);
        }
        let amendment = CspOverrideAmendment {
            rule: Arc::clone(&self.rule),
            nonce,
        };
        CspFuture::new(self.inner.call(request), Some(amendment))
    }
}

/// What [`CspOverrideService`] does to an answer.
#[derive(Debug)]
pub struct CspOverrideAmendment {
    rule: Arc<Rule>,
    nonce: Option<CspNonce>,
}

impl Amend for CspOverrideAmendment {
    fn amend<B>(self, response: &mut Response<B>) {
        let extensions = response.extensions_mut();
        match extensions.get_mut::<Carried>() {
            // What stands further inside counts.
            Some(inner) => {
                inner.rule.get_or_insert(self.rule);
                inner.nonce = inner.nonce.or(self.nonce);
            }
            None => {
                extensions.insert(Carried {
                    rule: Some(self.rule),
                    nonce: self.nonce,
                });
            }
        }
    }
}
