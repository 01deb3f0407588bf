//! The server from a request to an answer, as far as no caller is needed: routes, limits, errors.
//! What callers see of vaults and backups is tested over the whole stack.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod limits;
mod openapi;
mod routes;
mod serving;
mod session;
mod world;
