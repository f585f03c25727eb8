//! Commands for operators, run as they run them: the real executable on real data folders.

mod backup;
mod repair;
mod support;
