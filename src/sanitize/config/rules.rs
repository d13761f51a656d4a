//! The rules of each part of a request, with their limits.

use crate::sanitize::rule::{Action, Rule, Section};
use crate::sanitize::rule_set::RuleActions;

/// The setters that all parts have.
macro_rules! rule_setters {
    ($rules:ident) => {
        impl $rules {
            /// Passes over a rule.
            ///
            /// A rule that both presets enforce takes
            /// [`dangerous_allow`](crate::sanitize::SanitizeBuilder::dangerous_allow): here it stays in force, and `build` says so.
            #[must_use]
            pub fn relax(mut self, rule: Rule) -> Self {
                self.actions.set(rule, Action::Off);
                self
            }

            /// Reports what breaks a rule and lets it pass. See [`relax`](Self::relax).
            #[must_use]
            pub fn report(mut self, rule: Rule) -> Self {
                self.actions.set(rule, Action::Report);
                self
            }

            /// Refuses what breaks a rule.
            #[must_use]
            pub fn reject(mut self, rule: Rule) -> Self {
                self.actions.set(rule, Action::Reject);
                self
            }
        }
    };
}

/// What a path may be.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{PathRules, Rule};
///
/// let rules = PathRules::strict().relax(Rule::PathSemicolon);
/// assert!(rules.check("/cars;color=red").is_ok());
/// let refused = rules.check("/files/..%2fsecret").unwrap_err();
/// assert_eq!(refused.rule(), Rule::PathDotSegment);
/// ```
#[derive(Clone, Debug)]
pub struct PathRules {
    pub(in crate::sanitize) actions: RuleActions,
    /// Whether a segment of dots and spaces alone is one of dots: Windows drops them.
    pub(in crate::sanitize) any_dots: bool,
}

rule_setters!(PathRules);

impl PathRules {
    /// Everything that two programs may read differently is refused.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            actions: RuleActions::strict(Section::Path),
            any_dots: true,
        }
    }

    /// What is wrong on every server is refused; what some clients send honestly is reported.
    #[must_use]
    pub const fn compatible() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Path),
            any_dots: false,
        }
    }
}

/// What the parameters of a query, and those of a form, may be.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{ParamRules, Rule};
///
/// let rules = ParamRules::strict().multi_value(["tag"]);
/// assert!(rules.check(b"tag=a&tag=b&q=1").is_ok());
/// let refused = rules.check(b"id=1&id=2").unwrap_err();
/// assert_eq!((refused.rule(), refused.field()), (Rule::ParamDuplicate, Some("id")));
/// ```
#[derive(Clone, Debug)]
pub struct ParamRules {
    pub(in crate::sanitize) actions: RuleActions,
    pub(in crate::sanitize) max_count: usize,
    pub(in crate::sanitize) max_name_len: usize,
    pub(in crate::sanitize) max_value_len: usize,
    /// Whether tabs and line ends pass in the values of queries too.
    pub(in crate::sanitize) query_line_ends: bool,
    pub(in crate::sanitize) multi_value: Vec<String>,
    pub(in crate::sanitize) file_names: Vec<String>,
}

rule_setters!(ParamRules);

impl ParamRules {
    /// At most 1,000 parameters; names of at most 256 bytes and values of 8 KiB, decoded; each name once.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            actions: RuleActions::strict(Section::Params),
            max_count: 1_000,
            max_name_len: 256,
            max_value_len: 8 * 1024,
            query_line_ends: false,
            multi_value: Vec::new(),
            file_names: Vec::new(),
        }
    }

    /// Names of at most 1 KiB, values as long as the body may be; a repeated name is reported.
    #[must_use]
    pub const fn compatible() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Params),
            max_count: 1_000,
            max_name_len: 1024,
            max_value_len: usize::MAX,
            query_line_ends: true,
            multi_value: Vec::new(),
            file_names: Vec::new(),
        }
    }

    /// Sets how many parameters there may be. Default: 1,000.
    #[must_use]
    pub const fn max_count(mut self, count: usize) -> Self {
        self.max_count = count;
        self
    }

    /// Sets how long a decoded name may be, in bytes. Default: 256, in the compatible preset 1 KiB.
    #[must_use]
    pub const fn max_name_len(mut self, bytes: usize) -> Self {
        self.max_name_len = bytes;
        self
    }

    /// Sets how long a decoded value may be, in bytes. Default: 8 KiB, in the compatible preset as long as the body.
    #[must_use]
    pub const fn max_value_len(mut self, bytes: usize) -> Self {
        self.max_value_len = bytes;
        self
    }

    /// Lets these names, as they are decoded, stand more than once. Repeatable. A name that ends in `[]` needs no entry.
    #[must_use]
    pub fn multi_value(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.multi_value.extend(names.into_iter().map(Into::into));
        self
    }

    /// Refuses values of these names that are no [`SafeFileName`](crate::sanitize::SafeFileName). Repeatable.
    #[must_use]
    pub fn file_names(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.file_names.extend(names.into_iter().map(Into::into));
        if !self.file_names.is_empty() {
            self.actions.set(Rule::ParamFileName, Action::Reject);
        }
        self
    }
}

/// What the headers may be.
#[derive(Clone, Debug)]
pub struct HeaderRules {
    pub(in crate::sanitize) actions: RuleActions,
    pub(in crate::sanitize) max_count: usize,
    pub(in crate::sanitize) max_bytes: usize,
    pub(in crate::sanitize) max_range_parts: usize,
}

rule_setters!(HeaderRules);

impl HeaderRules {
    /// At most 100 lines of 16 KiB together, 5 parts in a `Range`, ASCII.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            actions: RuleActions::strict(Section::Headers),
            max_count: 100,
            max_bytes: 16 * 1024,
            max_range_parts: 5,
        }
    }

    /// At most 200 lines of 64 KiB together, 20 parts in a `Range`.
    #[must_use]
    pub const fn compatible() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Headers),
            max_count: 200,
            max_bytes: 64 * 1024,
            max_range_parts: 20,
        }
    }

    /// Sets how many lines there may be. Default: 100, in the compatible preset 200.
    #[must_use]
    pub const fn max_count(mut self, lines: usize) -> Self {
        self.max_count = lines;
        self
    }

    /// Sets how long names and values may be together, in bytes. Default: 16 KiB, in the compatible preset 64 KiB.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many parts `Range` may ask for. Default: 5, in the compatible preset 20.
    #[must_use]
    pub const fn max_range_parts(mut self, parts: usize) -> Self {
        self.max_range_parts = parts;
        self
    }
}

/// What a JSON body may be.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{JsonRules, Rule};
///
/// let rules = JsonRules::strict().max_depth(2);
/// assert!(rules.check(br#"{"a": [1]}"#).is_ok());
/// let refused = rules.check(br#"{"role": "user", "r\u006fle": "admin"}"#).unwrap_err();
/// assert_eq!(refused.rule(), Rule::JsonDuplicateKey);
/// ```
#[derive(Clone, Debug)]
pub struct JsonRules {
    pub(in crate::sanitize) actions: RuleActions,
    pub(in crate::sanitize) max_depth: usize,
    pub(in crate::sanitize) max_nodes: usize,
    /// Of one object.
    pub(in crate::sanitize) max_keys: usize,
    pub(in crate::sanitize) max_array_len: usize,
    pub(in crate::sanitize) max_key_len: usize,
    pub(in crate::sanitize) max_string_len: usize,
}

rule_setters!(JsonRules);

impl JsonRules {
    /// A depth of at most 32, 10,000 values, 1,000 keys an object, arrays of 10,000, keys of 256 bytes and strings of 64 KiB; no
    /// repeated key, no NUL or control character.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            actions: RuleActions::strict(Section::Json),
            max_depth: 32,
            max_nodes: 10_000,
            max_keys: 1_000,
            max_array_len: 10_000,
            max_key_len: 256,
            max_string_len: 64 * 1024,
        }
    }

    /// A depth of at most 64, 100,000 values, 10,000 keys an object, arrays of 100,000, keys of 1 KiB, strings as long as the body
    /// may be; repeated keys and control characters are reported.
    #[must_use]
    pub const fn compatible() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Json),
            max_depth: 64,
            max_nodes: 100_000,
            max_keys: 10_000,
            max_array_len: 100_000,
            max_key_len: 1024,
            max_string_len: usize::MAX,
        }
    }

    /// One JSON text (RFC 8259) of a depth of at most 127, and nothing else is asked.
    #[must_use]
    pub fn syntax_only() -> Self {
        Self {
            actions: RuleActions::only(
                Section::Json,
                &[
                    Rule::JsonSyntax,
                    Rule::JsonBom,
                    Rule::JsonReservedKey,
                    Rule::JsonDepth,
                ],
            ),
            max_depth: 127,
            max_nodes: usize::MAX,
            max_keys: usize::MAX,
            max_array_len: usize::MAX,
            max_key_len: usize::MAX,
            max_string_len: usize::MAX,
        }
    }

    /// Refuses keys that begin with `$`: operators of document databases. `$ref` and `$schema` are honest ones.
    #[must_use]
    pub fn deny_operator_keys(self) -> Self {
        self.reject(Rule::JsonOperatorKey)
    }

    /// Sets how deeply arrays and objects may be nested: `[[]]` is 2 deep. Default: 32, in the compatible preset 64; at most 127.
    #[must_use]
    pub const fn max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }

    /// Sets how many values a document may have, arrays and objects included. Default: 10,000, in the compatible preset 100,000.
    #[must_use]
    pub const fn max_nodes(mut self, nodes: usize) -> Self {
        self.max_nodes = nodes;
        self
    }

    /// Sets how many keys an object may have. Default: 1,000, in the compatible preset 10,000.
    #[must_use]
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Sets how many values an array may have. Default: 10,000, in the compatible preset 100,000.
    #[must_use]
    pub const fn max_array_len(mut self, values: usize) -> Self {
        self.max_array_len = values;
        self
    }

    /// Sets how long an unescaped key may be, in bytes. Default: 256, in the compatible preset 1 KiB.
    #[must_use]
    pub const fn max_key_len(mut self, bytes: usize) -> Self {
        self.max_key_len = bytes;
        self
    }

    /// Sets how long an unescaped string may be, in bytes. Default: 64 KiB, in the compatible preset as long as the body.
    #[must_use]
    pub const fn max_string_len(mut self, bytes: usize) -> Self {
        self.max_string_len = bytes;
        self
    }
}

/// What a `multipart/form-data` body may be.
#[derive(Clone, Debug)]
pub struct MultipartRules {
    pub(in crate::sanitize) actions: RuleActions,
    pub(in crate::sanitize) streaming: bool,
    pub(in crate::sanitize) max_parts: usize,
    pub(in crate::sanitize) max_files: usize,
    /// Lines of one part.
    pub(in crate::sanitize) max_part_headers: usize,
    pub(in crate::sanitize) max_part_header_bytes: usize,
}

rule_setters!(MultipartRules);

impl MultipartRules {
    /// The whole body is read before the handler is called: at most 100 parts, 20 of them files, 8 header lines of 2 KiB a part.
    #[must_use]
    pub const fn buffered() -> Self {
        Self {
            actions: RuleActions::strict(Section::Multipart),
            streaming: false,
            max_parts: 100,
            max_files: 20,
            max_part_headers: 8,
            max_part_header_bytes: 2 * 1024,
        }
    }

    /// The body is checked while the handler reads it, for large uploads: at most 1,000 parts, 100 of them files, 32 header lines of
    /// 8 KiB a part.
    ///
    /// What breaks a rule ends the body with an error, and the refusal takes the place of the handler's answer. The handler may have
    /// done something by then.
    #[must_use]
    pub const fn streaming() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Multipart),
            streaming: true,
            max_parts: 1_000,
            max_files: 100,
            max_part_headers: 32,
            max_part_header_bytes: 8 * 1024,
        }
    }

    /// No rule and no limit: for a body that has passed those that there are.
    pub(in crate::sanitize) fn nothing() -> Self {
        Self {
            actions: RuleActions::only(Section::Multipart, &[]),
            streaming: false,
            max_parts: usize::MAX,
            max_files: usize::MAX,
            max_part_headers: usize::MAX,
            max_part_header_bytes: usize::MAX,
        }
    }

    /// Sets how many parts there may be. Default: 100, streaming 1,000.
    #[must_use]
    pub const fn max_parts(mut self, parts: usize) -> Self {
        self.max_parts = parts;
        self
    }

    /// Sets how many parts may be files. Default: 20, streaming 100.
    #[must_use]
    pub const fn max_files(mut self, files: usize) -> Self {
        self.max_files = files;
        self
    }
}
