//! Commands for operators, run as they run them: the real executable on real data folders.

#[path = "../../../crates/import/tests/suite/archive.rs"]
mod archive;
mod backup;
#[path = "../../../crates/import/tests/suite/fixture.rs"]
mod fixture;
mod import;
mod repair;
mod slack;
mod support;
