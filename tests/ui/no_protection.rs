use tower_security::stack::SecurityStack;

fn main() {
    let _ = SecurityStack::new().cors(42_u8);
}
