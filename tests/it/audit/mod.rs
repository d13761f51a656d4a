//! The log of events: what layers tell, how it is written, and what is found in many of them.

mod exporters;
mod findings;
mod requests;
mod vocabulary;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// What an exporter has written. Clones share it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("it is UTF-8")
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
