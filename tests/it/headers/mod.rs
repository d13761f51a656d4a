//! Security headers of every answer.
