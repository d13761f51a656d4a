//! Stores that several nodes share through a Redis server.
