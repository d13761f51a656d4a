//! A real Redis server, started by the tests.
