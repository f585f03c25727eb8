//! The process of [`pictures::child`] as a program of its own, for this crate's tests and for measuring:
//! `picture 1200x800 - INPUT OUTPUT`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pictures::child::run(std::env::args_os().skip(1))
}
