//! The example prints what its header says.

use super::Written;

#[path = "../../../examples/audit.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` prints to standard output"
)]
mod audit;

const SOURCE: &str = include_str!("../../../examples/audit.rs");

/// The blocks of the header, without their comment signs.
fn blocks() -> Vec<String> {
    let header = SOURCE.lines().map_while(|line| line.strip_prefix("//!"));
    let header: Vec<_> = header
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let header = header.join("\n");
    let blocks = header.split("```").skip(1).step_by(2);
    let text = blocks.filter_map(|block| block.strip_prefix("text\n"));
    text.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_example_prints_what_its_header_says() {
    let written = Written::default();
    let summary = audit::run(written.clone()).await.expect("it runs");
    let log = written.text();
    let [lines, short] = blocks().try_into().expect("two blocks");
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let start = line.strip_suffix(" ..").expect("it goes on");
        assert!(
            log.lines().any(|whole| whole.starts_with(start)),
            "{start}\n{log}"
        );
    }
    let line = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        let text = |key: &str| event[key].as_str().expect(key).to_owned();
        [
            text("event"),
            text("level"),
            text("layer"),
            text("source_ip"),
        ]
        .join(" ")
            + "\n"
    };
    let told: String = log.lines().map(line).collect();
    assert_eq!(told + &summary, short);
}
