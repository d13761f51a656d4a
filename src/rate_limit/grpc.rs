//! What a refusal tells a gRPC client: `RetryInfo` and `QuotaFailure`.
