//! The rules and what each preset does with them.

use http::StatusCode;

use super::rule_set::RuleSet;

/// What is done with a request that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It is refused.
    Reject,
    /// It passes, and an event tells of it.
    Report,
    /// Nothing.
    Off,
}

/// Where the settings of a rule stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Line,
    Path,
    Params,
    Headers,
    Body,
    Json,
    Multipart,
    Html,
    /// Detectors and the text types: no rule of the guard.
    Text,
}

macro_rules! rules {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal, $section:ident, $status:literal, $strict:ident, $compatible:ident; )*) => {
        /// A rule of the guard. Where a request breaks several, the first in the order of this list decides.
        ///
        /// The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $( $(#[$doc])* $variant, )*
        }

        impl Rule {
            /// All rules, in the order in which they decide.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// Returns the code that clients and events see, such as `path_dot_segment`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }

            const fn number(self) -> u16 {
                match self { $( Self::$variant => $status, )* }
            }

            /// Returns what the strict preset does.
            #[must_use]
            pub const fn strict(self) -> Action {
                match self { $( Self::$variant => Action::$strict, )* }
            }

            /// Returns what the compatible preset does.
            #[must_use]
            pub const fn compatible(self) -> Action {
                match self { $( Self::$variant => Action::$compatible, )* }
            }

            pub(super) const fn section(self) -> Section {
                match self { $( Self::$variant => Section::$section, )* }
            }
        }
    };
}

rules! {
    /// The method is none of those that are allowed.
    MethodNotAllowed = "method_not_allowed", Line, 405, Reject, Reject;
    /// There is no host: HTTP/1.1 without `Host`, HTTP/2 without `:authority` and `Host`. HTTP/1.0 without one passes in the
    /// compatible preset.
    HostMissing = "host_missing", Line, 400, Reject, Reject;
    /// `Host` stands more than once.
    HostDuplicate = "host_duplicate", Line, 400, Reject, Reject;
    /// The host is not `uri-host [":" port]` (RFC 9110, section 7.2), or is empty.
    HostInvalid = "host_invalid", Line, 400, Reject, Reject;
    /// The request target is too long.
    TargetTooLong = "target_too_long", Line, 414, Reject, Reject;
    /// The authority of the target and `Host` differ.
    HostMismatch = "host_mismatch", Line, 400, Reject, Reject;
    /// The path has an escaped NUL.
    PathNul = "path_nul", Path, 400, Reject, Reject;
    /// The path has an escaped line feed or carriage return.
    PathCrlf = "path_crlf", Path, 400, Reject, Reject;
    /// The decoded path has another control character: C0, DEL or C1.
    PathControl = "path_control", Path, 400, Reject, Reject;
    /// The path has a backslash, raw or escaped.
    PathBackslash = "path_backslash", Path, 400, Reject, Reject;
    /// The path has a `%` without two hexadecimal digits.
    PathBadEscape = "path_bad_escape", Path, 400, Reject, Reject;
    /// The decoded path is not UTF-8, overlong forms included.
    PathNotUtf8 = "path_not_utf8", Path, 400, Reject, Reject;
    /// A segment is `.` or `..`, raw or decoded once, also before a space or `;`; in the strict preset any segment of dots
    /// and spaces alone.
    PathDotSegment = "path_dot_segment", Path, 400, Reject, Reject;
    /// The path, decoded once, has another escape of `.`, `/`, `\`, `%` or of a NUL or line end.
    PathDoubleEncoding = "path_double_encoding", Path, 400, Reject, Reject;
    /// The decoded path has U+2028, U+2029 or U+0085.
    PathLineSeparator = "path_line_separator", Path, 400, Reject, Reject;
    /// The path has an escaped dot.
    PathEncodedDot = "path_encoded_dot", Path, 400, Reject, Report;
    /// The path has an escaped slash.
    PathEncodedSlash = "path_encoded_slash", Path, 400, Reject, Report;
    /// The path has an empty segment before its last one, also by an escaped slash.
    PathEmptySegment = "path_empty_segment", Path, 400, Reject, Report;
    /// The path has a semicolon, raw or escaped: some servers cut a segment there.
    PathSemicolon = "path_semicolon", Path, 400, Reject, Report;
    /// The decoded path has a bidirectional control or an invisible character.
    PathBidi = "path_bidi", Path, 400, Reject, Report;
    /// The decoded path has a character that looks like a dot, a slash or a backslash.
    PathLookalike = "path_lookalike", Path, 400, Reject, Report;
    /// The path has an escaped percent sign.
    PathEncodedPercent = "path_encoded_percent", Path, 400, Reject, Off;
    /// The path has a raw byte outside of 0x20 to 0x7E.
    PathNotAscii = "path_not_ascii", Path, 400, Reject, Off;
    /// The path escapes what needs no escape: a letter, a digit, `-`, `_` or `~`.
    PathEncodedUnreserved = "path_encoded_unreserved", Path, 400, Reject, Off;
    /// There are too many parameters.
    ParamTooMany = "param_too_many", Params, 400, Reject, Reject;
    /// The name of a parameter is too long.
    ParamNameTooLong = "param_name_too_long", Params, 400, Reject, Reject;
    /// The value of a parameter is too long.
    ParamValueTooLong = "param_value_too_long", Params, 400, Reject, Reject;
    /// A parameter has a `%` without two hexadecimal digits.
    ParamBadEscape = "param_bad_escape", Params, 400, Reject, Reject;
    /// A decoded parameter is not UTF-8.
    ParamNotUtf8 = "param_not_utf8", Params, 400, Reject, Reject;
    /// A decoded parameter has a NUL.
    ParamNul = "param_nul", Params, 400, Reject, Reject;
    /// A segment of a name (`a[b]`, `a.b`) is `__proto__`, or `constructor` before `prototype`.
    ParamProto = "param_proto", Params, 400, Reject, Reject;
    /// A decoded parameter has another C0 control character or DEL. Tab and line ends pass in the values of forms; in those
    /// of queries in the compatible preset alone.
    ParamControl = "param_control", Params, 400, Reject, Report;
    /// A name stands twice, is not listed as `multi_value` and does not end in `[]`.
    ParamDuplicate = "param_duplicate", Params, 400, Reject, Report;
    /// A segment of a name behind the first one begins with `$`: `a[$ne]`.
    ParamOperator = "param_operator", Params, 400, Reject, Report;
    /// A parameter is called `_method`.
    ParamMethodOverride = "param_method_override", Params, 400, Reject, Off;
    /// A header names another method: `X-HTTP-Method`, `X-HTTP-Method-Override` or `X-Method-Override`.
    HeaderMethodOverride = "header_method_override", Headers, 400, Reject, Off;
    /// The value of a parameter that is to be a file name is none. In force for the names given to `file_names`.
    ParamFileName = "param_file_name", Params, 400, Off, Off;
    /// There are too many header lines.
    HeadersTooMany = "headers_too_many", Headers, 431, Reject, Reject;
    /// The header lines are too long together.
    HeadersTooLarge = "headers_too_large", Headers, 431, Reject, Reject;
    /// `Content-Type`, `Content-Encoding`, `Origin` or `Range` stands twice.
    HeaderDuplicate = "header_duplicate", Headers, 400, Reject, Reject;
    /// `Range` asks for too many parts.
    HeaderRangeParts = "header_range_parts", Headers, 400, Reject, Reject;
    /// A header value has a byte from 0x80 on.
    HeaderNotAscii = "header_not_ascii", Headers, 400, Reject, Off;
    /// The body is longer than the limit.
    BodyTooLarge = "body_too_large", Body, 413, Reject, Reject;
    /// `Content-Type` is no media type, or one that readers take for the type of forms that begins like it.
    BodyTypeInvalid = "body_type_invalid", Body, 415, Reject, Reject;
    /// A body that is to be inspected has a `Content-Encoding`.
    BodyEncoded = "body_encoded", Body, 415, Reject, Reject;
    /// A body that is to be inspected has another charset than UTF-8.
    BodyCharset = "body_charset", Body, 415, Reject, Reject;
    /// Reading the body failed. 413 if a length limit further outside ended it, 408 if a time limit did.
    BodyUnreadable = "body_unreadable", Body, 400, Reject, Reject;
    /// A GET or HEAD has a body.
    BodyUnexpected = "body_unexpected", Body, 400, Reject, Report;
    /// There is a body and no `Content-Type`.
    BodyTypeMissing = "body_type_missing", Body, 415, Reject, Report;
    /// The type of the body is not inspected and not listed. With HTML fields configured it is refused in the compatible
    /// preset too.
    BodyTypeNotAllowed = "body_type_not_allowed", Body, 415, Reject, Off;
    /// The body is not one JSON text (RFC 8259).
    JsonSyntax = "json_syntax", Json, 400, Reject, Reject;
    /// The body begins with a byte-order mark.
    JsonBom = "json_bom", Json, 400, Reject, Reject;
    /// A key begins with `$serde_json::private`.
    JsonReservedKey = "json_reserved_key", Json, 400, Reject, Reject;
    /// Arrays and objects are nested too deeply.
    JsonDepth = "json_depth", Json, 400, Reject, Reject;
    /// The document has too many values.
    JsonTooManyNodes = "json_too_many_nodes", Json, 400, Reject, Reject;
    /// An object has too many keys.
    JsonTooManyKeys = "json_too_many_keys", Json, 400, Reject, Reject;
    /// An array has too many values.
    JsonArrayTooLong = "json_array_too_long", Json, 400, Reject, Reject;
    /// A key is too long.
    JsonKeyTooLong = "json_key_too_long", Json, 400, Reject, Reject;
    /// A string is too long.
    JsonStringTooLong = "json_string_too_long", Json, 400, Reject, Reject;
    /// A key is `__proto__`, or an object under the key `constructor` has the key `prototype`.
    JsonProtoKey = "json_proto_key", Json, 400, Reject, Reject;
    /// An object has a key twice, compared after unescaping.
    JsonDuplicateKey = "json_duplicate_key", Json, 400, Reject, Report;
    /// A string has a NUL.
    JsonNul = "json_nul", Json, 400, Reject, Report;
    /// A string has another C0 control character than tab and line ends, or DEL.
    JsonControl = "json_control", Json, 400, Reject, Report;
    /// A key begins with `$`. In force after `deny_operator_keys`.
    JsonOperatorKey = "json_operator_key", Json, 400, Off, Off;
    /// The boundary is missing, stands twice, is escaped or is not 1 to 70 characters of RFC 2046.
    MultipartBoundary = "multipart_boundary", Multipart, 400, Reject, Reject;
    /// The body ends before the closing delimiter.
    MultipartTruncated = "multipart_truncated", Multipart, 400, Reject, Reject;
    /// There are too many parts.
    MultipartTooManyParts = "multipart_too_many_parts", Multipart, 400, Reject, Reject;
    /// There are too many files.
    MultipartTooManyFiles = "multipart_too_many_files", Multipart, 400, Reject, Reject;
    /// The headers of a part are too many, too long or malformed.
    MultipartPartHeaders = "multipart_part_headers", Multipart, 400, Reject, Reject;
    /// `Content-Disposition` of a part is absent, stands twice, is not `form-data`, has no name or a parameter in a form that
    /// readers read differently.
    MultipartDisposition = "multipart_disposition", Multipart, 400, Reject, Reject;
    /// `Content-Transfer-Encoding` of a part is not `7bit`, `8bit` or `binary`.
    MultipartTransferEncoding = "multipart_transfer_encoding", Multipart, 400, Reject, Reject;
    /// The file name of a part is no [`SafeFileName`](super::SafeFileName).
    MultipartFileName = "multipart_file_name", Multipart, 400, Reject, Reject;
    /// A part is called `_charset_`.
    MultipartCharsetField = "multipart_charset_field", Multipart, 400, Reject, Report;
    /// A field of HTML, or all of them together, is too long.
    HtmlTooLarge = "html_too_large", Html, 422, Reject, Reject;
    /// A field of HTML has too many `<`.
    HtmlTooManyTags = "html_too_many_tags", Html, 422, Reject, Reject;
    /// A tag is too long.
    HtmlTagTooLong = "html_tag_too_long", Html, 422, Reject, Reject;
    /// A tag has too many attributes.
    HtmlTooManyAttributes = "html_too_many_attributes", Html, 422, Reject, Reject;
    /// A field of HTML has too many `&`.
    HtmlTooManyEntities = "html_too_many_entities", Html, 422, Reject, Reject;
    /// A field of HTML, or all of them together, would take too long to clean.
    HtmlTooCostly = "html_too_costly", Html, 422, Reject, Reject;
    /// A field of HTML would grow too long when it is cleaned.
    HtmlOutputTooLarge = "html_output_too_large", Html, 422, Reject, Reject;
    /// A field of HTML is an array or an object, or may stand in an array by its place and has a `<`.
    HtmlFieldNotText = "html_field_not_text", Html, 422, Reject, Reject;
    /// A body that its sender signed would have to be changed.
    HtmlSignedBody = "html_signed_body", Html, 422, Reject, Reject;
    /// A field of HTML came as a part of a multipart body and has a `<` in it.
    HtmlInMultipart = "html_in_multipart", Html, 422, Reject, Reject;
    /// A field of HTML would have been cleaned. Reported in report-only mode, never refused.
    HtmlWouldChange = "html_would_change", Html, 422, Off, Off;
    /// A detector found something in a field that it was given.
    DetectorFinding = "detector_finding", Text, 422, Report, Report;
    /// A text has a control character or a line separator. Of the text types alone.
    TextControl = "text_control", Text, 422, Off, Off;
    /// A text has a bidirectional control. Of the text types alone.
    TextBidi = "text_bidi", Text, 422, Off, Off;
    /// A text is not in normalization form C. Of the text types alone.
    TextNotNfc = "text_not_nfc", Text, 422, Off, Off;
    /// A text is too long. Of the text types alone.
    TextTooLong = "text_too_long", Text, 422, Off, Off;
}

// One bit each.
const _: () = assert!(Rule::ALL.len() <= 128, "a rule set has 128 bits");

impl Rule {
    /// Returns the status of a refusal: 400, 405, 413, 414, 415, 422 or 431.
    ///
    /// [`BodyUnreadable`](Self::BodyUnreadable) is answered with 413 or 408 where a limit further outside ended the body.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self.number() {
            405 => StatusCode::METHOD_NOT_ALLOWED,
            413 => StatusCode::PAYLOAD_TOO_LARGE,
            414 => StatusCode::URI_TOO_LONG,
            415 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            422 => StatusCode::UNPROCESSABLE_ENTITY,
            431 => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether both presets refuse what breaks it: it takes
    /// [`dangerous_allow`](super::SanitizeBuilder::dangerous_allow) to let that pass.
    #[must_use]
    pub const fn is_core(self) -> bool {
        matches!(
            (self.strict(), self.compatible()),
            (Action::Reject, Action::Reject)
        )
    }

    /// The sentence for people.
    pub(super) const fn title(self) -> &'static str {
        match self.section() {
            Section::Line => "The request line or the host is not acceptable",
            Section::Path => "The path is malformed or ambiguous",
            Section::Params => "The parameters are malformed or ambiguous",
            Section::Headers => "The headers are malformed or ambiguous",
            Section::Body => "The body is not acceptable",
            Section::Json => "The JSON is malformed or ambiguous",
            Section::Multipart => "The multipart body is malformed or ambiguous",
            Section::Html => "The HTML cannot be cleaned",
            Section::Text => "The text is not acceptable",
        }
    }

    /// The rules of a section that a preset treats in this way.
    pub(super) const fn all_of(section: Section, compatible: bool, action: Action) -> RuleSet {
        let mut set = RuleSet::EMPTY;
        let mut rest = Self::ALL;
        while let [rule, behind @ ..] = rest {
            let taken = if compatible {
                rule.compatible()
            } else {
                rule.strict()
            };
            if rule.section() as u8 == section as u8 && taken as u8 == action as u8 {
                set = set.with(*rule);
            }
            rest = behind;
        }
        set
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
