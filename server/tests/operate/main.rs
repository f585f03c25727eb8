//! Commands for operators, run as they run them: the real executable on real data folders.

mod backup;
#[path = "../../../crates/import/tests/suite/fixture.rs"]
mod fixture;
mod import;
mod repair;
mod support;
