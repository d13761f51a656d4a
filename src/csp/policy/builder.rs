//! `CspBuilder`: a policy while it is put together.

use super::advice::shown;
use super::check::{Faults, check};
use super::compiled::CspPolicy;
use super::directive::Directive;
use super::entry::{Entries, Entry, Facts, Value};
use super::error::CspConfigError;
use super::keyword::Keyword;
use super::lint;
use super::parse;
use super::problem::CspProblem;
use super::reporting::ReportEndpoint;
use super::source::{MAX_SOURCES, Source};
use super::words::{self, SandboxFlag, TrustedTypes, Webrtc};
use crate::core::ConfigErrors;

/// Builds a [`CspPolicy`]. Made by [`Csp`](super::Csp).
///
/// A setter such as [`connect_src`](Self::connect_src) replaces the list of its directive, an adder such as
/// [`add_connect_src`](Self::add_connect_src) keeps what is there. An adder whose directive is not set first copies the list that
/// holds without it, because browsers stop falling back once a directive is there; `'none'` goes when something joins it.
///
/// # Example
///
/// ```
/// use tower_security::csp::{Csp, Source};
///
/// let policy = Csp::strict()
///     .connect_src([Source::SELF, Source::host("https://api.example.com")?])
///     .add_img_src([Source::BLOB])
///     .build()?;
/// assert!(policy.to_template().contains("img-src 'self' data: blob:;"));
///
/// let errors = Csp::strict().script_src([Source::SELF, Source::dangerous_unsafe_inline()]).build().unwrap_err();
/// assert_eq!(errors.to_string().split(':').next(), Some("csp.script-src[1]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CspBuilder {
    pub(super) entries: Entries,
    pub(super) endpoint: Option<ReportEndpoint>,
    pub(super) accepted: Vec<CspProblem>,
    pub(super) has_legacy_fallback: bool,
    /// What could not be read.
    pub(super) faults: Faults,
    /// Where the policy stands, in the paths of mistakes.
    pub(super) root: &'static str,
}

impl Default for CspBuilder {
    fn default() -> Self {
        Self {
            entries: Entries::default(),
            endpoint: None,
            accepted: Vec::new(),
            has_legacy_fallback: false,
            faults: Faults::default(),
            root: "csp",
        }
    }
}

/// The setter and the adder of each list of sources.
macro_rules! lists {
    ($($directive:ident $set:ident $add:ident: $what:literal;)*) => {
        impl CspBuilder {
            $(
                #[doc = concat!("Sets ", $what)]
                pub fn $set(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
                    let sources = sources.into_iter().take(MAX_SOURCES).collect();
                    self.entries.set(Directive::$directive, Value::Sources(sources));
                    self
                }

                #[doc = concat!("Adds to [`", stringify!($set), "`](Self::", stringify!($set), "), or to a copy of what holds without it.")]
                pub fn $add(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
                    let sources: Vec<Source> = sources.into_iter().take(MAX_SOURCES).collect();
                    self.entries.add(Directive::$directive, &sources);
                    self
                }
            )*
        }
    };
}

lists! {
    DefaultSrc default_src add_default_src: "`default-src`: what holds for every list of what is loaded that is not set itself.";
    BaseUri base_uri add_base_uri: "`base-uri`: what `<base>` may name. Falls back to nothing; required.";
    ChildSrc child_src add_child_src: "`child-src`: frames and workers, where `frame-src` and `worker-src` are not set.";
    ConnectSrc connect_src add_connect_src: "`connect-src`: what scripts may fetch and connect to, WebSockets too.";
    FencedFrameSrc fenced_frame_src add_fenced_frame_src: "`fenced-frame-src`: what `<fencedframe>` may load. Falls back to `frame-src`.";
    FontSrc font_src add_font_src: "`font-src`: fonts.";
    FormAction form_action add_form_action: "`form-action`: where forms may be sent. Falls back to nothing.";
    FrameAncestors frame_ancestors add_frame_ancestors: "`frame-ancestors`: which pages may frame this one. Falls back to nothing; browsers then ignore `X-Frame-Options`.";
    FrameSrc frame_src add_frame_src: "`frame-src`: what frames may load. Falls back to `child-src`.";
    ImgSrc img_src add_img_src: "`img-src`: images and icons.";
    ManifestSrc manifest_src add_manifest_src: "`manifest-src`: the manifest of an installable page.";
    MediaSrc media_src add_media_src: "`media-src`: audio, video and their tracks.";
    ObjectSrc object_src add_object_src: "`object-src`: `<object>` and `<embed>`. Nothing that is needed today: leave it at `'none'`.";
    ScriptSrc script_src add_script_src: "`script-src`: scripts, and with `'wasm-unsafe-eval'` and its like what they may compile.";
    ScriptSrcAttr script_src_attr add_script_src_attr: "`script-src-attr`: event handlers in attributes. Falls back to `script-src`.";
    ScriptSrcElem script_src_elem add_script_src_elem: "`script-src-elem`: `<script>` elements. Falls back to `script-src`.";
    StyleSrc style_src add_style_src: "`style-src`: style sheets and inline styles.";
    StyleSrcAttr style_src_attr add_style_src_attr: "`style-src-attr`: `style` attributes. Falls back to `style-src`.";
    StyleSrcElem style_src_elem add_style_src_elem: "`style-src-elem`: `<style>` and `<link>`. Falls back to `style-src`.";
    WorkerSrc worker_src add_worker_src: "`worker-src`: workers. Falls back to `child-src`, then to `script-src`.";
}

impl CspBuilder {
    /// Sets `sandbox`: the page is treated as one of a foreign origin that may do only what the flags say.
    ///
    /// Accepted: `[]`, `[SandboxFlag::AllowForms, SandboxFlag::AllowScripts]`. Refused: `AllowScripts` with `AllowSameOrigin`.
    pub fn sandbox(self, flags: impl IntoIterator<Item = SandboxFlag>) -> Self {
        let flags = flags.into_iter().map(|flag| flag.as_str());
        let flags = words::collected(flags);
        self.words(Directive::Sandbox, flags)
    }

    /// Adds flags to [`sandbox`](Self::sandbox). A page without a sandbox gets one.
    pub fn add_sandbox(self, flags: impl IntoIterator<Item = SandboxFlag>) -> Self {
        let flags = flags.into_iter().map(|flag| flag.as_str());
        let flags = words::collected(flags);
        self.add_words(Directive::Sandbox, flags)
    }

    /// Requires trusted types: text reaches sinks such as `innerHTML` only through a policy that a script of the page has made
    /// ([Trusted Types](https://www.w3.org/TR/trusted-types/)). Default: not required, since most front ends break.
    ///
    /// Writes `require-trusted-types-for 'script'` and, unless it is [`TrustedTypes::any_policy`], `trusted-types`.
    pub fn trusted_types(mut self, types: TrustedTypes) -> Self {
        self = self.require_trusted_types_for_script();
        match types.into_words() {
            Some(words) => self.words(Directive::TrustedTypes, words),
            None => {
                self.entries.remove(Directive::TrustedTypes);
                self
            }
        }
    }

    /// Adds names to `trusted-types`, and requires trusted types.
    pub fn add_trusted_types(self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        let names = words::collected(names);
        self.require_trusted_types_for_script()
            .add_words(Directive::TrustedTypes, names)
    }

    /// Sets `require-trusted-types-for 'script'` alone, as `.trusted_types(TrustedTypes::any_policy())` does for a policy without
    /// `trusted-types`.
    pub fn require_trusted_types_for_script(self) -> Self {
        self.words(
            Directive::RequireTrustedTypesFor,
            vec!["'script'".to_owned()],
        )
    }

    /// Sets whether browsers load over TLS what a page names by `http:`. The presets for pages do.
    ///
    /// It is left out of answers to requests that are known to have come without TLS.
    pub fn upgrade_insecure_requests(mut self, upgrade: bool) -> Self {
        if upgrade {
            return self.words(Directive::UpgradeInsecureRequests, Vec::new());
        }
        self.entries.remove(Directive::UpgradeInsecureRequests);
        self
    }

    /// Sets `webrtc`. Chromium does not know it: a lint says so.
    pub fn webrtc(self, webrtc: Webrtc) -> Self {
        self.words(Directive::Webrtc, vec![webrtc.text().to_owned()])
    }

    /// Sends reports to an endpoint: `report-to` and `Reporting-Endpoints` for current browsers, `report-uri` for those of before
    /// 2026, which current ones ignore beside it.
    pub fn report_to(mut self, endpoint: ReportEndpoint) -> Self {
        let (name, url) = (endpoint.name().to_owned(), endpoint.url().to_owned());
        self.endpoint = Some(endpoint);
        self.words(Directive::ReportTo, vec![name])
            .words(Directive::ReportUri, vec![url])
    }

    /// Sets `report-uri` alone: paths of this server or `https` URLs. [`report_to`](Self::report_to) writes both.
    pub fn report_uri(self, urls: impl IntoIterator<Item: Into<String>>) -> Self {
        let urls = words::collected(urls);
        self.words(Directive::ReportUri, urls)
    }

    /// Adds to [`report_uri`](Self::report_uri).
    pub fn add_report_uri(self, urls: impl IntoIterator<Item: Into<String>>) -> Self {
        let urls = words::collected(urls);
        self.add_words(Directive::ReportUri, urls)
    }

    /// Appends `'unsafe-inline' https:` to the lists of scripts that have a nonce or hash and `'strict-dynamic'`.
    ///
    /// Current browsers ignore both there; Safari of before 15.4, which does not know `'strict-dynamic'`, runs the page's scripts
    /// by them, without protection.
    pub const fn legacy_fallback(mut self) -> Self {
        self.has_legacy_fallback = true;
        self
    }

    /// Sets a directive from text, such as a line of a configuration file. What is wrong with it is told by
    /// [`build`](Self::build), with all other mistakes.
    ///
    /// The value is checked like one of [`Csp::parse`](super::Csp::parse): a policy of text can hold what code has to call
    /// `dangerous_*` for, and is refused for the same reasons.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::Csp;
    ///
    /// let policy = Csp::strict().directive("connect-src", "'self' https://api.example.com").build()?;
    /// assert!(policy.to_template().contains("connect-src 'self' https://api.example.com;"));
    ///
    /// let errors = Csp::strict().directive("img-src", "self").directive("conect-src", "'self'").build().unwrap_err();
    /// assert_eq!(errors.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn directive(mut self, name: &str, value: &str) -> Self {
        parse::directive(&mut self, name, value);
        self
    }

    /// Removes a directive. One that falls back then does so; [`base_uri`](Self::base_uri) and what restricts scripts and plug-in
    /// content is missed when the policy is built.
    pub fn remove(mut self, name: &str) -> Self {
        match Directive::parse(name) {
            Some(directive) => {
                if directive == Directive::ReportTo {
                    self.endpoint = None;
                }
                self.entries.remove(directive);
            }
            None => self.faults.push(
                "",
                CspConfigError::UnknownDirective {
                    name: shown(name),
                    nearest: Directive::nearest(name),
                },
            ),
        }
        self
    }

    /// Builds the policy in spite of one kind of refusal. Repeatable.
    ///
    /// Whoever can put text into a page gains by it what the [`CspProblem`] says, in every list of this policy. What is invalid or
    /// forbidden stays an error.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{Csp, CspProblem, Source};
    ///
    /// let old = || Csp::strict().add_script_src([Source::dangerous_unsafe_eval()]);
    /// assert!(old().build().is_err());
    /// assert!(old().dangerous_accept(CspProblem::UnsafeEval).build().is_ok());
    /// assert!(old().dangerous_accept(CspProblem::NoEffect).build().is_err());
    /// ```
    pub fn dangerous_accept(mut self, problem: CspProblem) -> Self {
        if !self.accepted.contains(&problem) {
            self.accepted.push(problem);
        }
        self
    }

    /// Checks the policy and compiles it.
    ///
    /// # Errors
    ///
    /// Fails with every mistake, up to 64, each a [`CspConfigError`] with the path of its directive and source, such as
    /// `csp.script-src[1]`.
    pub fn build(mut self) -> Result<CspPolicy, ConfigErrors> {
        let mut lints = Vec::new();
        let mut faults = std::mem::take(&mut self.faults);
        if !self.entries.0.is_empty() {
            self.write_legacy_fallback(&mut faults);
            lint::fold(&mut self.entries, &mut lints);
            check(
                &self.entries,
                self.endpoint.as_ref(),
                &self.accepted,
                &mut faults,
            );
        } else if faults.is_empty() {
            // Of a name that could not be read its own mistake is the better advice.
            faults.push("", CspConfigError::EmptyPolicy);
        }
        faults.finish(self.root, ())?;
        lint::lint(&self.entries, &mut lints);
        CspPolicy::compile(self.entries, self.endpoint, self.accepted, lints)
    }

    fn write_legacy_fallback(&mut self, faults: &mut Faults) {
        if !std::mem::take(&mut self.has_legacy_fallback) {
            return;
        }
        let lists = [
            Directive::ScriptSrc,
            Directive::ScriptSrcAttr,
            Directive::ScriptSrcElem,
        ];
        let mut is_written = false;
        for directive in lists {
            // `script-src` is split off `default-src`, where `https:` would hold for images too.
            let is_list = directive == Directive::ScriptSrc || self.entries.has(directive);
            let holding = self.entries.effective(directive).and_then(Entry::sources);
            if is_list && holding.is_some_and(|sources| Facts::of(sources).ignores_hosts()) {
                is_written = true;
                let fallback = [Source::dangerous_unsafe_inline(), Source::HTTPS];
                let missing = fallback
                    .into_iter()
                    .filter(|source| !holding.is_some_and(|sources| sources.contains(source)));
                let missing: Vec<Source> = missing.collect();
                self.entries.add(directive, &missing);
            }
        }
        if !is_written {
            let error = CspConfigError::NoEffect {
                value: "`legacy_fallback`",
                needs: "add `'strict-dynamic'` and a nonce or hash to `script-src`",
            };
            faults.push_unless(&self.accepted, "legacy_fallback", error);
        }
    }

    fn words(mut self, directive: Directive, words: Vec<String>) -> Self {
        self.entries.set(directive, Value::Words(words));
        self
    }

    fn add_words(self, directive: Directive, added: Vec<String>) -> Self {
        if added.is_empty() && directive != Directive::Sandbox {
            return self;
        }
        let mut words = self.entries.words(directive).to_vec();
        words.extend(added);
        if words.iter().any(|word| word != Keyword::Nothing.text()) {
            words.retain(|word| word != Keyword::Nothing.text());
        }
        self.words(directive, words)
    }
}
