use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, ServiceExt};
use tower_security::csrf::CsrfLayer;
use tower_security::stack::SecurityStack;

fn main() {
    let handler = tower::service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let stack = SecurityStack::new().csrf(CsrfLayer::new());
    let _ = ServiceExt::<Request<()>>::oneshot(stack.layer(handler), Request::new(()));
}
