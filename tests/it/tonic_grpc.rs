//! What the example on tonic says is what happens.

#[path = "../../examples/tonic_grpc.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` ends the process"
)]
mod example;

const EXAMPLE: &str = include_str!("../../examples/tonic_grpc.rs");

/// A client of tonic, over a socket.
#[tokio::test]
async fn every_call_ends_as_the_header_says() {
    let header = EXAMPLE.lines().map_while(|line| line.strip_prefix("//!"));
    let promised: Vec<_> = header
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```")
        .collect();
    assert_eq!(promised.len(), 11);
    let ended = example::calls().await.expect("a server and a client");
    let ended: Vec<_> = ended.iter().map(ToString::to_string).collect();
    assert_eq!(ended, promised);
}
