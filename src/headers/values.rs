//! The values of headers that know only a few words.

/// Declares enums whose variants are the words of one header.
macro_rules! words {
    ($(
        $(#[$doc:meta])*
        pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[cfg_attr(feature = "serde", serde(rename = $word))] $variant,)+
        }

        impl $name {
            /// The value as it is sent.
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    )+};
}

words! {
    /// Who may show pages in a frame (`X-Frame-Options`, [RFC 7034], [HTML Standard][xfo]).
    ///
    /// `frame-ancestors` of a content security policy says the same to newer browsers, which then ignore this header.
    ///
    /// [RFC 7034]: https://www.rfc-editor.org/rfc/rfc7034
    /// [xfo]: https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header
    pub enum FrameOptions {
        /// Nobody.
        Deny = "DENY",
        /// Pages of the same origin.
        SameOrigin = "SAMEORIGIN",
    }

    /// What a browser tells in `Referer` when it leaves a page ([Referrer Policy]).
    ///
    /// The two values that send paths to other origins or over plain HTTP are [`WeakReferrerPolicy`].
    ///
    /// [Referrer Policy]: https://www.w3.org/TR/referrer-policy/#referrer-policies
    pub enum ReferrerPolicy {
        /// Nothing. It also turns the `Origin` of a form post of the same origin into `null`, which origin checks refuse.
        NoReferrer = "no-referrer",
        /// The origin, also over plain HTTP.
        Origin = "origin",
        /// The whole address to the same origin, the origin to others, also over plain HTTP.
        OriginWhenCrossOrigin = "origin-when-cross-origin",
        /// The whole address to the same origin, nothing to others.
        SameOrigin = "same-origin",
        /// The origin, but nothing from HTTPS to HTTP.
        StrictOrigin = "strict-origin",
        /// The whole address to the same origin, the origin to others, nothing from HTTPS to HTTP.
        StrictOriginWhenCrossOrigin = "strict-origin-when-cross-origin",
    }

    /// The values of `Referrer-Policy` that leak. See
    /// [`dangerous_referrer_policy`](super::SecurityHeadersBuilder::dangerous_referrer_policy).
    pub enum WeakReferrerPolicy {
        /// The whole address to every origin reached over HTTPS.
        NoReferrerWhenDowngrade = "no-referrer-when-downgrade",
        /// The whole address to every origin.
        UnsafeUrl = "unsafe-url",
    }

    /// Which windows keep a reference to each other (`Cross-Origin-Opener-Policy`, [HTML Standard][coop]).
    ///
    /// Only the answer with a document is read for it. `unsafe-none`, what browsers do without the header, is
    /// [`dangerous_unsafe_none_opener_policy`](super::SecurityHeadersBuilder::dangerous_unsafe_none_opener_policy).
    ///
    /// [coop]: https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies
    pub enum Coop {
        /// None with the page that opened this one, whatever its origin; a page that this one opens keeps its own choice.
        NoopenerAllowPopups = "noopener-allow-popups",
        /// Those of the same origin that say the same. Windows that sign in or pay at another origin lose their opener.
        SameOrigin = "same-origin",
        /// As `same-origin`, but windows that this page opens may keep their reference: sign-in and payment work.
        SameOriginAllowPopups = "same-origin-allow-popups",
    }

    /// What a page may include (`Cross-Origin-Embedder-Policy`, [HTML Standard][coep]).
    ///
    /// Needed, with [`Coop::SameOrigin`], for `SharedArrayBuffer` and precise timers. Absent by default: `require-corp` blocks every
    /// image, script and frame of another origin that does not send `Cross-Origin-Resource-Policy`.
    ///
    /// [coep]: https://html.spec.whatwg.org/multipage/browsers.html#coep
    pub enum Coep {
        /// Requests to other origins go without cookies. Not in Safari.
        Credentialless = "credentialless",
        /// What other origins offer by `Cross-Origin-Resource-Policy` or CORS.
        RequireCorp = "require-corp",
    }

    /// Which sites may include answers in their pages (`Cross-Origin-Resource-Policy`, [Fetch][corp]).
    ///
    /// It is about `<img>`, `<script>` and other requests in the mode `no-cors`; reading by `fetch` is the matter of CORS.
    ///
    /// [corp]: https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header
    pub enum Corp {
        /// All: for public images, fonts and scripts.
        CrossOrigin = "cross-origin",
        /// This origin alone.
        SameOrigin = "same-origin",
        /// This site: sibling sub-domains too.
        SameSite = "same-site",
    }

    /// Whether an origin shares its process and `document.domain` with the rest of its site (`Origin-Agent-Cluster`,
    /// [HTML Standard][oac]).
    ///
    /// [oac]: https://html.spec.whatwg.org/multipage/browsers.html#origin-keyed-agent-clusters
    pub enum AgentCluster {
        /// It asks for its own.
        OriginKeyed = "?1",
        /// It shares: for pages that set `document.domain`.
        SiteKeyed = "?0",
    }
}
