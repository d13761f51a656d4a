//! `Csp`: where a policy begins.

use super::builder::CspBuilder;
use super::directive::Directive;
use super::parse;
use super::source::Source;

/// The beginnings of a policy: a preset, text, or nothing.
///
/// Each gives a [`CspBuilder`] to change and build; the presets as they are stand in [`CspPolicy`](super::CspPolicy).
///
/// # Example
///
/// ```
/// use tower_security::csp::{Csp, Source};
///
/// let policy = Csp::strict().connect_src([Source::SELF, Source::host("https://api.example.com")?]).build()?;
/// assert!(policy.to_template().starts_with("default-src 'none'; base-uri 'none'; connect-src 'self' https://api.example.com;"));
///
/// assert!(Csp::builder().script_src([Source::SELF]).build().is_err()); // without `object-src` and `base-uri`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Csp {}

impl Csp {
    /// For pages that are rendered per request: scripts by nonce, everything else from the page's origin, no framing
    /// ([strict CSP](https://csp.withgoogle.com/docs/strict-csp.html)).
    ///
    /// ```text
    /// default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none';
    /// img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample';
    /// style-src 'self' 'nonce-{}'; upgrade-insecure-requests
    /// ```
    ///
    /// Every `<script>`, and every `<style>`, needs the attribute `nonce`; event handlers and `style` in attributes do not work.
    pub fn strict() -> CspBuilder {
        Self::page()
            .script_src([Source::NONCE, Source::STRICT_DYNAMIC, Source::REPORT_SAMPLE])
            .style_src([Source::SELF, Source::NONCE])
    }

    /// For pages that are grown over the years: scripts as in [`strict`](Self::strict), but inline styles, fonts and images of any
    /// `https` host, frames, media and workers of the page's origin, framing by it.
    ///
    /// ```text
    /// default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self' https: data:; form-action 'self';
    /// frame-ancestors 'self'; frame-src 'self'; img-src 'self' data: https:; manifest-src 'self'; media-src 'self';
    /// object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; style-src 'self' https: 'unsafe-inline';
    /// upgrade-insecure-requests; worker-src 'self'
    /// ```
    ///
    /// `style-src` has no nonce: browsers would ignore its `'unsafe-inline'`.
    pub fn compatible() -> CspBuilder {
        Self::strict()
            .font_src([Source::SELF, Source::HTTPS, Source::DATA])
            .frame_ancestors([Source::SELF])
            .frame_src([Source::SELF])
            .img_src([Source::SELF, Source::DATA, Source::HTTPS])
            .media_src([Source::SELF])
            .style_src([
                Source::SELF,
                Source::HTTPS,
                Source::dangerous_unsafe_inline(),
            ])
            .worker_src([Source::SELF])
    }

    /// For answers that are no pages: nothing may be loaded or run, should a browser show one.
    ///
    /// ```text
    /// default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox
    /// ```
    pub fn api() -> CspBuilder {
        CspBuilder::default()
            .default_src([Source::NONE])
            .base_uri([Source::NONE])
            .form_action([Source::NONE])
            .frame_ancestors([Source::NONE])
            .sandbox([])
    }

    /// The policy of the [OWASP Secure Headers] list of 2026-07, in its order.
    ///
    /// ```text
    /// default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none';
    /// upgrade-insecure-requests
    /// ```
    ///
    /// It allows scripts by their host: a file that users upload to the page's origin can be one.
    ///
    /// [OWASP Secure Headers]: https://owasp.org/www-project-secure-headers/
    pub fn owasp_2026() -> CspBuilder {
        Self::parse(
            "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; \
             upgrade-insecure-requests",
        )
    }

    /// For the static shell of a single-page application: [`strict`](Self::strict) with the hashes of its scripts in place of the
    /// nonce, so that it is the same for everybody and may be cached.
    ///
    /// Style sheets come from the page's origin; hashes of inline ones are added with
    /// [`add_style_src`](CspBuilder::add_style_src). A shell that loads scripts without `integrity` also gives [`Source::SELF`]
    /// or hosts: `'strict-dynamic'` is then left out, because it would switch them off.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{Csp, Source};
    ///
    /// let policy = Csp::spa([Source::hash_str("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")?]).build()?;
    /// assert!(!policy.to_template().contains("nonce"));
    ///
    /// assert!(Csp::spa([]).build().is_err()); // no script could run
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spa(scripts: impl IntoIterator<Item = Source>) -> CspBuilder {
        let mut builder = Self::page().script_src(scripts);
        let has_places = builder
            .entries
            .sources(Directive::ScriptSrc)
            .is_some_and(|sources| sources.iter().any(Source::is_place));
        let more = [Source::STRICT_DYNAMIC, Source::REPORT_SAMPLE];
        builder = builder.add_script_src(more.into_iter().skip(usize::from(has_places)));
        builder.style_src([Source::SELF])
    }

    /// No directive. What is built of it has at least `base-uri`, and `default-src` or `script-src` and `object-src`.
    pub fn builder() -> CspBuilder {
        CspBuilder::default()
    }

    /// Reads a policy as it stands in a header, with `'nonce-{}'` for the nonce of a request. Directives keep their order.
    ///
    /// What is wrong with it is told by [`CspBuilder::build`], which refuses the same as for a policy of code. Accepted: what
    /// [`CspPolicy::to_template`](super::CspPolicy::to_template) prints. Rejected: what browsers would ignore without a word, such
    /// as an unknown or repeated directive, `self` without quotes or a comma; a nonce with a value; more than 65,536 bytes.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::Csp;
    ///
    /// let policy = Csp::parse("default-src 'self'; base-uri 'none'; script-src 'nonce-{}' 'strict-dynamic'").build()?;
    /// assert_eq!(policy.lints().len(), 3);
    ///
    /// let errors = Csp::parse("default-src self; base-uri 'none'; scripts-src 'nonce-{}'").build().unwrap_err();
    /// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    /// assert_eq!(codes, ["unquoted_keyword", "unknown_directive"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> CspBuilder {
        parse::policy(text)
    }

    /// What `strict` and `spa` have in common.
    fn page() -> CspBuilder {
        CspBuilder::default()
            .default_src([Source::NONE])
            .base_uri([Source::NONE])
            .connect_src([Source::SELF])
            .font_src([Source::SELF])
            .form_action([Source::SELF])
            .frame_ancestors([Source::NONE])
            .img_src([Source::SELF, Source::DATA])
            .manifest_src([Source::SELF])
            .object_src([Source::NONE])
            .upgrade_insecure_requests(true)
    }
}
