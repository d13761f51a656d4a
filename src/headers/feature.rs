//! The features that `Permissions-Policy` knows.

/// Declares the features and their names.
macro_rules! features {
    ($($variant:ident = $name:literal,)+) => {
        /// A feature of browsers that `Permissions-Policy` turns off or grants.
        ///
        /// The names are those of the [registry] and of Chromium 156; a browser ignores the ones that it does not know, and some print
        /// a line about them to the console.
        ///
        /// [registry]: https://github.com/w3c/webappsec-permissions-policy/blob/main/features.md
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Feature {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
            /// A feature by its name. See [`custom`](Self::custom).
            Custom(Box<str>),
        }

        impl Feature {
            /// The name as it is sent.
            pub(super) fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Custom(name) => name,
                }
            }
        }
    };
}

impl Feature {
    /// Names a feature that stands not in this list.
    ///
    /// Accepted: `web-preferences`. A name that is not a lower-case letter followed by lower-case letters, digits and hyphens is refused
    /// when the layer is built: `Camera`, `web_share`.
    #[must_use]
    pub fn custom(name: impl Into<Box<str>>) -> Self {
        Self::Custom(name.into())
    }
}

features! {
    Accelerometer = "accelerometer",
    AriaNotify = "aria-notify",
    Autoplay = "autoplay",
    Bluetooth = "bluetooth",
    BrowsingTopics = "browsing-topics",
    Camera = "camera",
    CapturedSurfaceControl = "captured-surface-control",
    ChDeviceMemory = "ch-device-memory",
    ChDownlink = "ch-downlink",
    ChDpr = "ch-dpr",
    ChEct = "ch-ect",
    ChPrefersColorScheme = "ch-prefers-color-scheme",
    ChPrefersReducedMotion = "ch-prefers-reduced-motion",
    ChPrefersReducedTransparency = "ch-prefers-reduced-transparency",
    ChRtt = "ch-rtt",
    ChSaveData = "ch-save-data",
    ChUa = "ch-ua",
    ChUaArch = "ch-ua-arch",
    ChUaBitness = "ch-ua-bitness",
    ChUaFormFactors = "ch-ua-form-factors",
    ChUaFullVersion = "ch-ua-full-version",
    ChUaFullVersionList = "ch-ua-full-version-list",
    ChUaHighEntropyValues = "ch-ua-high-entropy-values",
    ChUaMobile = "ch-ua-mobile",
    ChUaModel = "ch-ua-model",
    ChUaPlatform = "ch-ua-platform",
    ChUaPlatformVersion = "ch-ua-platform-version",
    ChUaWow64 = "ch-ua-wow64",
    ChViewportHeight = "ch-viewport-height",
    ChViewportWidth = "ch-viewport-width",
    ChWidth = "ch-width",
    ClipboardRead = "clipboard-read",
    ClipboardWrite = "clipboard-write",
    ComputePressure = "compute-pressure",
    CrossOriginIsolated = "cross-origin-isolated",
    DeferredFetch = "deferred-fetch",
    DeferredFetchMinimal = "deferred-fetch-minimal",
    DigitalCredentialsCreate = "digital-credentials-create",
    DigitalCredentialsGet = "digital-credentials-get",
    DisplayCapture = "display-capture",
    EncryptedMedia = "encrypted-media",
    Fullscreen = "fullscreen",
    Gamepad = "gamepad",
    Geolocation = "geolocation",
    Gyroscope = "gyroscope",
    Hid = "hid",
    IdentityCredentialsGet = "identity-credentials-get",
    IdleDetection = "idle-detection",
    InterestCohort = "interest-cohort",
    KeyboardMap = "keyboard-map",
    LanguageDetector = "language-detector",
    LanguageModel = "language-model",
    LocalFonts = "local-fonts",
    LocalNetwork = "local-network",
    LocalNetworkAccess = "local-network-access",
    LoopbackNetwork = "loopback-network",
    Magnetometer = "magnetometer",
    MediaPlaybackWhileNotVisible = "media-playback-while-not-visible",
    Microphone = "microphone",
    Midi = "midi",
    OnDeviceSpeechRecognition = "on-device-speech-recognition",
    OtpCredentials = "otp-credentials",
    Payment = "payment",
    PictureInPicture = "picture-in-picture",
    PrivateStateTokenIssuance = "private-state-token-issuance",
    PrivateStateTokenRedemption = "private-state-token-redemption",
    PublickeyCredentialsCreate = "publickey-credentials-create",
    PublickeyCredentialsGet = "publickey-credentials-get",
    ScreenWakeLock = "screen-wake-lock",
    Serial = "serial",
    SpeakerSelection = "speaker-selection",
    StorageAccess = "storage-access",
    Summarizer = "summarizer",
    SyncXhr = "sync-xhr",
    Translator = "translator",
    Unload = "unload",
    Usb = "usb",
    WebShare = "web-share",
    WindowManagement = "window-management",
    XrSpatialTracking = "xr-spatial-tracking",
}
