//! What the pages of the manual list is what the sources have.

use std::collections::BTreeSet;

use crate::support::tree;

const PAGE: &str = "src/manual/errors_and_events.md";

/// Where the codes of refusals stand.
const REFUSALS: [&str; 21] = [
    "src/auth/failure.rs",
    "src/authorize/refusal.rs",
    "src/axum/",
    "src/core/challenge/lines.rs",
    "src/core/ledger.rs",
    "src/core/rejection/",
    "src/cors/",
    "src/csp/report/refusal.rs",
    "src/csrf/service.rs",
    "src/https/check.rs",
    "src/https/service.rs",
    "src/limits/",
    "src/mfa/error.rs",
    "src/ownership/case.rs",
    "src/password/",
    "src/rate_limit/ban/",
    "src/rate_limit/key/outcome.rs",
    "src/rate_limit/limited.rs",
    "src/rate_limit/login/refusal.rs",
    "src/rate_limit/problem.rs",
    "src/token/refresh/error.rs",
];

/// What looks like a code in a file that makes events, and is none: names of settings and of layers.
const NO_CODES: [&str; 6] = [
    "client_ip",
    "common_file",
    "context_words",
    "in_bearer",
    "max_len",
    "min_len",
];

/// The library's code without comments, tests and the codes of mistakes in a configuration.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut parts = text.split("impl ConfigErrorKind for");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (_, rest) = part.split_once("\n}\n").unwrap_or_default();
        all + rest
    })
}

fn is_code(word: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && !word.ends_with('_')
        && word.bytes().all(is_inner)
}

/// The texts in quotation marks that may be codes.
fn literals(code: &str) -> impl Iterator<Item = &str> {
    code.split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| is_code(word))
}

/// The words in backticks outside of code blocks.
fn mentioned(markdown: &str) -> BTreeSet<&str> {
    let prose = markdown.split("```").step_by(2);
    prose
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .filter(|word| is_code(word))
        .collect()
}

/// The codes in the first column of the tables below this heading, and in all columns of the table of input.
fn listed(markdown: &str) -> BTreeSet<&str> {
    let (_, part) = markdown
        .split_once("# Codes of refusals")
        .expect("the heading");
    let (part, _) = part.split_once("# Events").expect("the next heading");
    let cells = part.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').collect();
        let [_, first, .., last, _] = cells[..] else {
            return None;
        };
        Some(if first.contains('`') { first } else { last })
    });
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|word| is_code(word))
        .collect()
}

/// The codes that a file gives to refusals.
fn refusals(code: &str) -> BTreeSet<&str> {
    let bodies = code.split("fn code(").skip(1).flat_map(|rest| {
        let (body, _) = rest.split_once("\n    }").unwrap_or_default();
        literals(body)
    });
    let behind_statuses = code.split("StatusCode::").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once(',')?;
        let word = rest.trim_start().strip_prefix('"')?.split('"').next()?;
        is_code(word).then_some(word)
    });
    let starts = [
        "const CODE: &str = \"",
        "const TOO_LONG: &str = \"",
        "=> (\"",
    ];
    let constants = starts
        .into_iter()
        .flat_map(|start| code.split(start).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|word| is_code(word));
    bodies.chain(behind_statuses).chain(constants).collect()
}

fn files() -> Vec<(String, String)> {
    let is_test = |path: &str| path.contains("tests") || path.ends_with("contract.rs");
    tree::files("src", "rs")
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (file.path, code_of(&file.text)))
        .collect()
}

#[test]
fn what_is_looked_for_is_found() {
    let code = "impl ConfigErrorKind for A {\n    fn code() { \"mistake\" }\n}\n\
                fn code(self) -> u8 {\n        \"one\", \"Two\"\n    }\n\
                Rejection::new(StatusCode::OK, \"three\", \"Four\")\n\
                const CODE: &str = \"five\";\n400 => (\"six\", \"Six\"),\n#[cfg(test)]\n=> (\"seven\"";
    let code = code_of(code);
    let found: Vec<_> = refusals(&code).into_iter().collect();
    assert_eq!(found, ["five", "one", "six", "three"]);
    let page = "`a_b` `C`\n```\n`d`\n```\n# Codes of refusals\n| `e` | 400 | `f` |\n| g | 400 | `h` `i` |\n# Events\n";
    assert_eq!(mentioned(page), BTreeSet::from(["a_b", "e", "f", "h", "i"]));
    assert_eq!(listed(page), BTreeSet::from(["e", "h", "i"]));
}

#[test]
fn every_file_that_refuses_is_looked_at() {
    let makes = |code: &str| code.contains("Rejection::new(") || code.contains("Rejection::oauth(");
    for (path, _) in files().iter().filter(|(_, code)| makes(code)) {
        // Its codes are those of rules, which are public.
        let is_known = path.starts_with("src/sanitize/")
            || REFUSALS.iter().any(|known| path.starts_with(known));
        assert!(is_known, "{path}: where are its codes?");
    }
}

#[test]
fn the_codes_of_refusals_are_those_of_the_sources() {
    let page = tree::read(PAGE);
    let files = files();
    let mut there: BTreeSet<_> = files
        .iter()
        .filter(|(path, _)| REFUSALS.iter().any(|known| path.starts_with(known)))
        .flat_map(|(_, code)| refusals(code))
        .collect();
    // Causes, which events and problems name beside a code, and the mark of a decision.
    for cause in [
        "breached",
        "common",
        "context_word",
        "denial_ignored",
        "hash",
        "header_refused",
        "insecure_transport",
        "method_refused",
        "no_runtime",
        "no_thread",
        "no_timers",
        "out_of_memory",
        "panicked",
        "preflight_unsupported",
        "randomness",
        "shut_down",
        "too_long",
        "too_short",
    ] {
        assert!(there.remove(cause), "{cause}");
    }
    #[cfg(feature = "sanitize")]
    there.extend(
        tower_security::sanitize::Rule::ALL
            .iter()
            .map(|rule| rule.as_str()),
    );
    let listed = listed(&page);
    #[cfg(feature = "sanitize")]
    assert_eq!(listed.difference(&there).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(there.difference(&listed).collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn the_codes_of_events_are_those_of_the_sources() {
    let page = tree::read(PAGE);
    let mentioned = mentioned(&page);
    let names: BTreeSet<_> = tower_security::core::EventName::ALL
        .iter()
        .map(|name| name.as_str())
        .collect();
    let is_told = |path: &str, code: &str| {
        !path.starts_with("src/audit/export/")
            && !path.starts_with("src/core/event/")
            && (code.contains("SecurityEvent") || code.contains("EventName::"))
    };
    let mut missing = Vec::new();
    for (path, code) in files().iter().filter(|(path, code)| is_told(path, code)) {
        for word in literals(code) {
            let is_noise = NO_CODES.contains(&word)
                || word.starts_with("dangerous_")
                || names.contains(word)
                || !word.contains('_');
            if !is_noise && !mentioned.contains(word) {
                missing.push(format!("{path}: {word}"));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// The targets of links to files of this repository.
fn linked_files(markdown: &str) -> Vec<&str> {
    let prose = markdown.split("```").step_by(2);
    prose
        .flat_map(|text| text.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.starts_with("http") && !target.starts_with('#'))
        .collect()
}

#[test]
fn every_file_that_the_documents_link_to_is_there() {
    let sample = "[a](src/b.md) ![c](d.svg) [e](https://f) [g](#h)\n```\n[i](j)\n```\n";
    assert_eq!(linked_files(sample), ["src/b.md", "d.svg"]);
    for document in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        let text = tree::read(document);
        for path in linked_files(&text) {
            assert!(tree::root().join(path).exists(), "{document}: {path}");
        }
    }
}

#[test]
fn every_page_is_named_where_it_is_looked_for() {
    let readme = tree::read("README.md");
    let index = tree::read("src/manual/mod.rs");
    for page in tree::files("src/manual", "md") {
        let name = page
            .path
            .trim_start_matches("src/manual/")
            .trim_end_matches(".md");
        assert!(
            readme.contains(&format!("({})", page.path)),
            "README: {name}"
        );
        assert!(
            index.contains(&format!("include_str!(\"{name}.md\")")),
            "{name}"
        );
    }
}

/// The slots of the stack that have a name, from the outside to the handler.
fn slots(code: &str) -> Vec<&str> {
    let (_, declared) = code.split_once("\nstack! {\n").expect("the slots");
    let (declared, _) = declared.split_once("=>").expect("the end of the slots");
    declared
        .lines()
        .filter(|line| line.contains(" { protection"))
        .filter_map(|line| line.trim().split(':').next())
        .collect()
}

/// Those of the slots that a text names as `start` and `end` say, each once, in the order of the text.
fn named<'a>(text: &str, slots: &[&'a str], (start, end): (&str, &str)) -> Vec<&'a str> {
    let words = text.split(start).skip(1);
    let words = words.filter_map(|rest| rest.split(end).next());
    let words = words.flat_map(|word| word.split(", "));
    words
        .filter_map(|word| slots.iter().find(|slot| **slot == word).copied())
        .collect()
}

#[test]
fn page_and_picture_have_the_slots_of_the_stack_in_their_order() {
    let code = tree::read("src/stack/builder.rs");
    let slots = slots(&code);
    assert!(slots.len() > 15 && slots.contains(&"csrf"), "{slots:?}");

    let page = tree::read("src/manual/order.md");
    let (_, table) = page.split_once("| slot |").expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let rows: Vec<_> = table
        .lines()
        .filter_map(|row| row.split('|').nth(2))
        .collect();
    assert_eq!(named(&rows.join("|"), &slots, ("`", "`")), slots);

    let picture = tree::read("src/manual/layers.svg");
    assert_eq!(named(&picture, &slots, ("\">", "</text>")), slots);
}

/// Where the statuses of each slot stand: files and folders of the sources.
const STATUSES: [(&str, &[&str]); 14] = [
    ("cors", &["src/cors/service.rs"]),
    ("error_mask", &["src/error_mask/service.rs"]),
    ("bans", &["src/rate_limit/ban/refusals.rs"]),
    ("https", &["src/https/"]),
    ("rate_limit", &["src/rate_limit/problem.rs"]),
    ("limits", &["src/limits/watch.rs"]),
    ("csp_reports", &["src/csp/report/refusal.rs"]),
    ("csrf", &["src/csrf/service.rs"]),
    ("auth", &["src/auth/failure.rs"]),
    ("rate_limit_by_principal", &["src/rate_limit/problem.rs"]),
    ("require_authorization", &["src/core/ledger.rs"]),
    ("access", &["src/authorize/refusal.rs"]),
    (
        "sanitize",
        &["src/sanitize/rule.rs", "src/sanitize/decide.rs"],
    ),
    ("ownership", &["src/ownership/case.rs"]),
];

/// A status in the sources of a slot that it does not refuse with: the mask gives a bare 404 of a handler the body of a refusal.
const NO_REFUSAL: (&str, u16) = ("error_mask", 404);

/// The numbers of the statuses that a file refuses with.
fn statuses(code: &str) -> BTreeSet<u16> {
    let names = code.split("StatusCode::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    let named = names.filter(|name| !name.is_empty()).filter_map(|name| {
        let word = name.replace('_', " ");
        let mut refusals = (300..600).filter_map(|code| http::StatusCode::from_u16(code).ok());
        refusals.find(|status| {
            let reason = status.canonical_reason().unwrap_or_default();
            reason.to_ascii_uppercase() == word
        })
    });
    let helpers = [("Rejection::method_not_allowed(", 405)];
    let helped = helpers
        .into_iter()
        .filter(|(call, _)| code.contains(call))
        .map(|(_, status)| status);
    named.map(|status| status.as_u16()).chain(helped).collect()
}

/// The numbers from 300 to 599 in a text.
fn numbers(text: &str) -> BTreeSet<u16> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    let numbers = words.filter_map(|word| word.parse().ok());
    numbers
        .filter(|number| (300..600).contains(number))
        .collect()
}

#[test]
fn statuses_are_found_in_sources() {
    let code = "StatusCode::PAYLOAD_TOO_LARGE, StatusCode::URI_TOO_LONG => Rejection::method_not_allowed(POST)";
    assert_eq!(statuses(code), BTreeSet::from([405, 413, 414]));
    assert_eq!(
        numbers("308 (or 301), 2000, 29"),
        BTreeSet::from([301, 308])
    );
}

#[test]
fn page_and_picture_refuse_with_what_the_sources_do() {
    let files = files();
    let page = tree::read("src/manual/order.md");
    let picture = tree::read("src/manual/layers.svg");
    let told: Vec<_> = page
        .lines()
        .filter_map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            let slot = cells.get(2)?.trim().strip_prefix('`')?.strip_suffix('`')?;
            Some((slot, numbers(cells.get(3)?)))
        })
        .collect();
    for (slot, paths) in STATUSES {
        let is_here = |path: &str| paths.iter().any(|start| path.starts_with(start));
        let there: BTreeSet<_> = files
            .iter()
            .filter(|(path, _)| is_here(path))
            .flat_map(|(_, code)| statuses(code))
            .filter(|status| (slot, *status) != NO_REFUSAL)
            .collect();
        let (_, on_page) = told
            .iter()
            .find(|(told, _)| *told == slot)
            .unwrap_or_else(|| panic!("{slot}"));
        assert_eq!(*on_page, there, "{slot}: the page, the sources");

        let name = if slot == "limits" {
            "overload, limits"
        } else {
            slot
        };
        let in_picture = picture_refusals(&picture, name);
        assert_eq!(in_picture, there, "{slot}: the picture, the sources");
    }
    // The slots without a row above refuse with nothing.
    for slot in ["headers", "csp", "cookies"] {
        assert_eq!(picture_refusals(&picture, slot), BTreeSet::new(), "{slot}");
        let (_, on_page) = told.iter().find(|(told, _)| *told == slot).expect(slot);
        assert_eq!(*on_page, BTreeSet::new(), "{slot}");
    }
}

/// What stands in red beside the name of a slot.
fn picture_refusals(picture: &str, name: &str) -> BTreeSet<u16> {
    let lines: Vec<_> = picture.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.ends_with(&format!(">{name}</text>")))
        .unwrap_or_else(|| panic!("{name}"));
    let text = |line: &str| {
        let (_, rest) = line.split_once("\">")?;
        Some(numbers(rest))
    };
    // The name, what it is for, and the statuses if it has any.
    lines
        .get(at + 2)
        .filter(|line| line.contains("\"refusal code\""))
        .and_then(|line| text(line))
        .unwrap_or_default()
}
