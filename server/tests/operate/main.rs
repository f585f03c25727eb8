//! Commands for operators, run as they run them: the real executable on real data folders.

mod acme;
#[path = "../../../crates/import/tests/suite/archive.rs"]
mod archive;
mod backup;
mod bucket;
#[path = "../../../crates/import/tests/suite/fixture.rs"]
mod fixture;
mod import;
mod metrics;
mod repair;
mod slack;
mod support;
mod systemd;
mod tls;
