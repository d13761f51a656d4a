//! What the headers of the examples say of how to run them, and what their stacks have.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::tree;

/// Examples whose stack has neither `limits` nor `sanitize`, and why.
const WITHOUT: [(&str, &str); 1] = [(
    "audit",
    "no server: four requests without a body, of which the log is shown",
)];

/// The code of an example by its name: one file, or a folder with a `main.rs`.
fn examples() -> BTreeMap<String, String> {
    let mut examples = BTreeMap::<_, String>::new();
    for file in tree::files("examples", "rs") {
        let path = file.path.trim_start_matches("examples/");
        let name = path.split(['/', '.']).next().unwrap_or_default();
        // The header of a folder is that of its `main.rs`, and stands first.
        let text = examples.entry(name.to_owned()).or_default();
        if path.ends_with("/main.rs") {
            text.insert_str(0, &file.text);
        } else {
            text.push_str(&file.text);
        }
    }
    examples
}

/// The features in the commands of a header that run it, by `cargo run [--release] --example NAME [--features A,B]`.
fn features_of_commands(name: &str, text: &str) -> Vec<BTreeSet<String>> {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let commands = lines.filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let rest = words.strip_prefix(&["cargo", "run"])?;
        let rest = rest.strip_prefix(&["--release"]).unwrap_or(rest);
        rest.strip_prefix(&["--example", name])
            .map(<[&str]>::to_vec)
    });
    let features = commands.map(|words| match words[..] {
        ["--features", list, ..] => list.split(',').map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    });
    features.collect()
}

/// The features that a manifest demands for each of its examples.
fn required_features(manifest: &str) -> BTreeMap<String, BTreeSet<String>> {
    let manifest = manifest
        .parse::<toml::Table>()
        .expect("the manifest is TOML");
    let examples = manifest["example"].as_array().expect("it has examples");
    let text = |value: &toml::Value| value.as_str().expect("it is text").to_owned();
    let required = examples.iter().map(|example| {
        let features = example.get("required-features");
        let features = features.and_then(toml::Value::as_array);
        let features = features.into_iter().flatten().map(text).collect();
        (text(&example["name"]), features)
    });
    required.collect()
}

/// The numbers from 3000 to 3999, in lines about hosts and ports, that are no part of a word or of another number.
fn ports(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    let is_about = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["127.0.0.1", "localhost", "listen", "port"]
            .iter()
            .any(|word| line.contains(word))
    };
    let words = text
        .lines()
        .filter(is_about)
        .flat_map(|line| line.split(move |letter| !is_part(letter)));
    let words = words.map(|word| word.trim_end_matches('.'));
    words
        .filter(|word| word.len() == 4 && word.starts_with('3'))
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

/// The calls on a stack, from each `SecurityStack::..()` to the end of its statement, without blanks.
fn chains(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim().starts_with("//"));
    let code: String = code.flat_map(str::split_whitespace).collect();
    let starts = code.split("SecurityStack::").skip(1);
    let calls = starts.filter_map(|rest| rest.split_once("()"));
    let calls = calls.map(|(_, rest)| rest.split([';']).next().unwrap_or_default().to_owned());
    calls.filter(|chain| chain.starts_with('.')).collect()
}

#[test]
fn what_is_looked_for_in_examples_is_found() {
    let header = "//! Text\n//! cargo run --example a --features x,y -- --z\n//! cargo run --release --example a\n\
                  //! cargo run --example ab --features z\n\nuse a;\n//! cargo run --example a --features q\n";
    let found = features_of_commands("a", header);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], BTreeSet::from(["x", "y"].map(str::to_owned)));
    assert_eq!(found[1], BTreeSet::new());

    let manifest = "[[example]]\nname = \"a\"\nrequired-features = [\"y\", \"x\"]\n[[example]]\nname = \"b\"\n";
    let required = required_features(manifest);
    assert_eq!(required["a"], found[0]);
    assert_eq!(required["b"], found[1]);

    let text = "http://127.0.0.1:3001/ (\"127.0.0.1\", 3002) at 3003. [3004] 33005 3_600 3.3006 x3007 4001\n3008 cents";
    assert_eq!(
        ports(text),
        BTreeSet::from(["3001", "3002", "3003", "3004"])
    );

    let code = "let stack = SecurityStack::new()\n    // .d()\n    .a(x())\n    .b();\n\
                use SecurityStack; SecurityStack::api(); SecurityStack::web().c();";
    assert_eq!(chains(code), [".a(x()).b()", ".c()"]);
}

#[test]
fn an_example_needs_the_features_that_its_header_says() {
    let examples = examples();
    let required = required_features(&tree::read("Cargo.toml"));
    let names: Vec<_> = required.keys().collect();
    assert_eq!(examples.keys().collect::<Vec<_>>(), names);
    for (name, text) in &examples {
        let commands = features_of_commands(name, text);
        assert!(!commands.is_empty(), "{name}: how is it run?");
        for features in commands {
            assert_eq!(features, required[name], "{name}");
        }
    }
}

#[test]
fn the_readme_names_every_example() {
    let readme = tree::read("README.md");
    let (_, part) = readme.split_once("\n## Examples\n").expect("the heading");
    let (part, _) = part.split_once("\n## ").expect("the next heading");
    let named = part.split("[`").skip(1);
    let named = named.filter_map(|rest| rest.split_once("`](examples/"));
    let named: BTreeSet<_> = named.map(|(name, _)| name.to_owned()).collect();
    let examples: BTreeSet<_> = examples().into_keys().collect();
    let missing: Vec<_> = examples.difference(&named).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn no_two_examples_listen_on_one_port() {
    let examples = examples();
    let mut seen = BTreeMap::new();
    for (name, text) in &examples {
        for port in ports(text) {
            let other = seen.insert(port, name);
            assert_eq!(other, None, "{name}: port {port}");
        }
    }
    assert!(seen.len() > 12, "{seen:?}");
}

/// Both are a line each, and what most services want.
#[test]
fn every_stack_of_an_example_has_limits_and_sanitize() {
    let mut stacks = 0;
    for (name, text) in examples() {
        let is_exempt = WITHOUT.iter().any(|(exempt, _)| *exempt == name);
        for chain in chains(&text) {
            stacks += 1;
            let has = [".limits(", ".sanitize("].map(|call| chain.contains(call));
            assert_eq!(has, [!is_exempt; 2], "{name}: {chain}");
        }
    }
    assert!(stacks > 9, "{stacks}");
    let file = tree::read("examples/security.toml");
    for section in ["\n[limits]\n", "\n[sanitize]\n"] {
        assert!(file.contains(section), "{section}");
    }
}

#[test]
fn hyper_and_tonic_show_one_stack() {
    let [hyper, tonic] = ["hyper_service", "tonic_grpc"].map(|name| {
        let chains = chains(&examples()[name]);
        let [chain] = &chains[..] else {
            panic!("{name}: {chains:?}");
        };
        chain.clone()
    });
    // But for the preset, and for calls, which have to be asked for.
    let sanitize = ["strict", "grpc"].map(|name| format!("SanitizeLayer::{name}()"));
    assert!(tonic.contains(&sanitize[1]), "{tonic}");
    assert_eq!(hyper, tonic.replace(&sanitize[1], &sanitize[0]));
}
