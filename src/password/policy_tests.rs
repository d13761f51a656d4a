use super::*;

fn policy() -> PasswordPolicy {
    PasswordPolicy::with_mfa().build().unwrap()
}

fn problems(policy: &PasswordPolicy, password: &str, words: &[&str]) -> Vec<PasswordProblem> {
    policy.problems(&Secret::from(password), words)
}

#[test]
fn each_of_the_commonest_is_refused_and_its_neighbour_is_not() {
    let policy = policy();
    let text = include_str!("common.txt");
    assert_eq!(text.lines().count(), 3000);
    for line in text.lines() {
        assert_eq!(
            problems(&policy, line, &[]),
            [PasswordProblem::Common],
            "{line}"
        );
        let upper = line.to_uppercase();
        assert_eq!(
            problems(&policy, &upper, &[]),
            [PasswordProblem::Common],
            "{upper}"
        );
    }
    for line in text.lines().step_by(7) {
        for twin in [format!("{line}~"), format!("~{line}"), format!("{line}\n")] {
            assert_eq!(problems(&policy, &twin, &[]), [], "{twin:?}");
        }
    }
}

/// One word in four spellings each: some letters have two small ones, or a capital that is two.
#[test]
fn capitals_make_no_difference_in_any_script() {
    let policy = policy();
    for (word, password) in [
        (
            "\u{3a3}\u{3bf}\u{3c6}\u{3cc}\u{3c2}",
            "x \u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3} x 1",
        ),
        (
            "\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}",
            "x \u{3c3}\u{3bf}\u{3c6}\u{3cc}\u{3c2} x 1",
        ),
        ("stra\u{df}e", "x STRASSE x 1"),
        ("STRA\u{1e9e}E", "x stra\u{df}e x 1"),
        ("\u{b5}meter", "x \u{39c}METER x 1"),
    ] {
        let context = PasswordPolicy::with_mfa().context_words([word]).build();
        let found = problems(&context.unwrap(), password, &[]);
        assert_eq!(found, [PasswordProblem::ContextWord], "{word} {password}");
        let found = problems(&policy, password, &[word]);
        assert_eq!(found, [PasswordProblem::ContextWord], "{word} {password}");
        assert_eq!(
            problems(
                &policy,
                password,
                &["strand", "\u{3c3}\u{3bf}\u{3c6}\u{3b1}"]
            ),
            []
        );
    }
}

#[test]
fn common_ones_in_a_row_are_common() {
    let policy = policy();
    for password in [
        "passwordpassword",
        "baseball12345678",
        "qwertyuiopqwertyuiopqwertyuiop",
        "PasswordSunshine",
    ] {
        assert_eq!(
            problems(&policy, password, &[]),
            [PasswordProblem::Common],
            "{password}"
        );
    }
    for password in [
        "password password",
        "passwordx",
        "xpassword",
        "passwordpasswordx",
        "passwordpasswor",
    ] {
        assert_eq!(problems(&policy, password, &[]), [], "{password}");
    }
    // Looked through up to 256 bytes, and refused for its length alone beyond 1024.
    assert_eq!(
        problems(&policy, &"password".repeat(32), &[]),
        [PasswordProblem::Common]
    );
    assert_eq!(problems(&policy, &"password".repeat(33), &[]), []);
}

#[test]
fn lengths_have_two_sides() {
    let short = |min| vec![PasswordProblem::TooShort { min }];
    let long = vec![PasswordProblem::TooLong { max: 1024 }];
    let single = PasswordPolicy::single_factor().build().unwrap();
    // An emoji is one character and four bytes.
    let emoji = "\u{1f600}";
    for (policy, password, expected) in [
        (&policy(), "x7!kq-2".to_owned(), short(8)),
        (&policy(), "x7!kq-2b".to_owned(), vec![]),
        (&policy(), emoji.repeat(7), short(8)),
        (&policy(), emoji.repeat(8), vec![]),
        (&single, "x7!kq-2bx7!kq-".to_owned(), short(15)),
        (&single, "x7!kq-2bx7!kq-2".to_owned(), vec![]),
        (&single, String::new(), short(15)),
        (&single, "x".repeat(1024), vec![]),
        (&single, "x".repeat(1025), long.clone()),
        (&single, emoji.repeat(256), vec![]),
        (&single, emoji.repeat(257), long),
        // A phrase of 64 characters with blanks, of any script.
        (
            &single,
            format!(
                "{} \u{4e00}\u{4e8c} na\u{ef}ve {emoji}",
                "the tea of the hatter ".repeat(2)
            ),
            vec![],
        ),
    ] {
        assert_eq!(problems(policy, &password, &[]), expected, "{password:?}");
    }
}

#[test]
fn context_words_are_found_inside_and_in_any_case() {
    let policy = PasswordPolicy::with_mfa()
        .context_words(["BookShop", "\u{c9}cole"])
        .build()
        .unwrap();
    let user = [
        "Alice Li",
        "alice.liddell+news@Wonder-Land.example",
        "1865-11-26",
    ];
    for password in [
        "bookshop-tea-7",
        "my BOOKSHOP tea",
        "une \u{e9}COLE bleue",
        "ALICE drinks tea",
        "tea for liddell",
        "alice liquorice",
        "wonder what it is",
        "deland-inland-7",
        "born in 1865 or so",
        "an example of tea",
    ] {
        assert_eq!(
            problems(&policy, password, &user),
            [PasswordProblem::ContextWord],
            "{password}"
        );
    }
    for password in [
        "books shops tea",
        "une ecole bleue",
        "ali is my friend",
        "the 26th of 11",
        "lie low today",
    ] {
        assert_eq!(problems(&policy, password, &user), [], "{password}");
        assert_eq!(
            problems(&policy, password, &["", "li", "-", "lie"]),
            [],
            "{password}"
        );
    }
}

/// `str::to_lowercase` writes a sigma at the end of a word in another way than one inside.
#[test]
fn a_sigma_is_a_sigma_wherever_it_stands() {
    let (word, password) = (
        "\u{39f}\u{394}\u{39f}\u{3a3}",
        "\u{3bf}\u{3b4}\u{3bf}\u{3c3}123",
    );
    let policy = PasswordPolicy::with_mfa()
        .context_words([word])
        .build()
        .unwrap();
    assert_eq!(
        problems(&policy, &format!("{password} tea"), &[]),
        [PasswordProblem::ContextWord]
    );
    assert_eq!(
        problems(&policy, &format!("{word}X tea"), &[]),
        [PasswordProblem::ContextWord]
    );
    assert_eq!(problems(&policy, "\u{3bf}\u{3b4} tea 4 two", &[]), []);
}

#[test]
fn every_broken_rule_is_named() {
    let policy = PasswordPolicy::single_factor().build().unwrap();
    let found = problems(&policy, "Sunshine", &["sunshine@example.com"]);
    assert_eq!(
        found,
        [
            PasswordProblem::TooShort { min: 15 },
            PasswordProblem::Common,
            PasswordProblem::ContextWord
        ]
    );
    let refusal = PolicyRefusal::Refused(found);
    assert_eq!(
        refusal.to_string(),
        "the password is refused: too_short, common, context_word"
    );
}
