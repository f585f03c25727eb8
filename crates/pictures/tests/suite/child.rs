//! The process that decodes, and what becomes of one that fails.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pictures::{Bounds, Crop, Encoding, Outcome, Refusal, ThumbnailFormat, Thumbnailer, thumbnail};
use tempfile::TempDir;

use crate::inputs::*;

const PROGRAM: &str = env!("CARGO_BIN_EXE_picture");

struct Folder {
    folder: TempDir,
    input: PathBuf,
    output: PathBuf,
}

impl Folder {
    fn with(bytes: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        let (input, output) = (folder.path().join("input"), folder.path().join("output"));
        fs::write(&input, bytes).unwrap();
        Self { folder, input, output }
    }

    /// With an input that can be opened only when somebody writes to it.
    fn with_pipe() -> Self {
        let folder = Self::with(b"");
        fs::remove_file(&folder.input).unwrap();
        assert!(Command::new("mkfifo").arg(&folder.input).status().unwrap().success());
        folder
    }

    fn thumbnail(&self, thumbnailer: &Thumbnailer) -> Outcome {
        thumbnailer.thumbnail(&self.input, &self.output, Bounds::MESSAGE, None)
    }
}

fn real() -> Thumbnailer {
    Thumbnailer::new(PROGRAM, [])
}

/// A process that does something else.
fn shell(script: &str) -> Thumbnailer {
    Thumbnailer::new("/bin/sh", ["-c", script].map(OsString::from))
}

#[test]
fn the_process_does_what_the_function_does() {
    let folder = Folder::with(&with_segments(&jpeg(&quarters(1800, 900)), &[exif_segment(6)]));
    let here = folder.folder.path().join("here");
    let crop = Crop::new(0.1, 0.2, 0.7, 0.35);
    let expected = thumbnail(&folder.input, &here, Bounds::AVATAR, crop, Encoding::Small).unwrap();
    let outcome = real().thumbnail(&folder.input, &folder.output, Bounds::AVATAR, crop);
    assert_eq!(outcome, Outcome::Done(expected));
    assert_eq!(fs::read(&folder.output).unwrap(), fs::read(here).unwrap());
}

#[test]
fn an_answer_says_everything() {
    let folder = Folder::with(&jpeg(&quarters(1800, 900)));
    let Outcome::Done(made) = folder.thumbnail(&real()) else { panic!() };
    assert_eq!((made.format, made.width, made.height), (ThumbnailFormat::Jpeg, 1200, 600));
    assert!(made.color.is_some());
    assert_eq!(made.format.content_type(), "image/jpeg");
}

#[test]
fn an_icon_is_png_even_if_it_is_opaque() {
    let folder = Folder::with(&jpeg(&quarters(600, 300)));
    let outcome = real().thumbnail_as(&folder.input, &folder.output, Bounds::AVATAR, None, Encoding::Png);
    let Outcome::Done(made) = outcome else { panic!("{outcome:?}") };
    assert_eq!((made.format, made.width, made.height), (ThumbnailFormat::Png, 512, 256));
    assert!(fs::read(&folder.output).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [
        b"".as_slice(),
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF8",
    ] {
        let folder = Folder::with(bytes);
        assert_eq!(folder.thumbnail(&real()), Outcome::Refused(Refusal::Unsupported));
        assert!(!folder.output.exists());
    }
    let folder = Folder::with(&black_png(20_000, 20_000));
    assert_eq!(folder.thumbnail(&real()), Outcome::Refused(Refusal::TooLarge { width: 20_000, height: 20_000 }));
    let folder = Folder::with(&jpeg(&quarters(64, 48))[..300]);
    assert!(matches!(folder.thumbnail(&real()), Outcome::Refused(Refusal::Damaged(_))));
}

#[test]
fn a_file_of_some_kilobytes_with_almost_fifty_megapixels_is_decoded_within_the_limits() {
    let bytes = black_png(16_000, 3200);
    assert!(bytes.len() < 60_000, "{}", bytes.len());
    let folder = Folder::with(&bytes);
    // Not optimised, and beside other tests, it may take longer than it is given otherwise.
    let outcome = folder.thumbnail(&real().with_max_wait(Duration::from_secs(60)));
    let Outcome::Done(made) = outcome else { panic!("{outcome:?}") };
    assert_eq!((made.width, made.height), (1200, 240));
}

#[test]
fn a_picture_that_is_many_things_is_decoded_as_what_its_bytes_say() {
    let script = b"/*<html><script>alert(1)</script>%PDF-1.7*/";
    let bytes = with_segments(&jpeg(&quarters(64, 48)), &[segment(0xfe, script)]);
    let folder = Folder::with(&[bytes.as_slice(), b"PK\x03\x04", script].concat());
    assert!(matches!(folder.thumbnail(&real()), Outcome::Done(_)));
    let made = fs::read(&folder.output).unwrap();
    assert!(!made.windows(6).any(|window| window == b"script"));
}

#[test]
fn an_abort_a_panic_or_nonsense_costs_the_thumbnail_alone() {
    for script in [
        "kill -ABRT $$",
        "kill -SEGV $$",
        "exit 101",
        "exit 0",
        "echo nonsense",
        "echo '{\"done\":{}}'",
        "exec yes",
        "printf '{\"done\":{\"format\":\"jpeg\"'",
    ] {
        let folder = Folder::with(&jpeg(&quarters(64, 48)));
        fs::write(&folder.output, b"half a file").unwrap();
        assert!(matches!(folder.thumbnail(&shell(script)), Outcome::Failed(_)), "{script}");
        assert!(!folder.output.exists(), "{script}");
    }
    let folder = Folder::with(b"");
    assert!(matches!(folder.thumbnail(&Thumbnailer::new("/nonexistent", [])), Outcome::Failed(_)));
}

#[test]
fn a_process_that_takes_too_long_is_killed() {
    let impatient = |thumbnailer: Thumbnailer| thumbnailer.with_max_wait(Duration::from_millis(100));
    // The real one, which waits for its input.
    let folder = Folder::with_pipe();
    assert!(matches!(folder.thumbnail(&impatient(real())), Outcome::Failed(why) if why.contains("too long")));
    // One that writes for ever, but never a line.
    let folder = Folder::with(b"");
    let dripping = impatient(shell("while :; do printf x; sleep 0.02; done"));
    assert!(matches!(folder.thumbnail(&dripping), Outcome::Failed(_)));
    // One that closes its output and stays.
    let closing = shell("exec >&-; exec sleep 1000");
    assert!(matches!(folder.thumbnail(&closing), Outcome::Failed(_)));
}

#[test]
fn the_process_gets_no_environment_and_no_input() {
    let folder = Folder::with(b"");
    let seen = folder.folder.path().join("seen");
    let script = format!("{{ /usr/bin/env; cat; }} > {}", seen.display());
    assert!(matches!(folder.thumbnail(&shell(&script)), Outcome::Failed(_)));
    let seen = fs::read_to_string(seen).unwrap();
    // What a shell sets itself.
    let own = ["PWD=", "SHLVL=", "_=", "OLDPWD="];
    let others: Vec<_> = seen.lines().filter(|line| !own.iter().any(|name| line.starts_with(name))).collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn wrong_arguments_fail() {
    for arguments in [vec![], vec!["1200", "-", "a", "b"], vec!["1x1", "?", "a", "b"], vec!["1x1", "-", "a", "b", "c"]]
    {
        let output = Command::new(PROGRAM).args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

/// Looks at the process while it opens its input, which is a pipe: it cannot go on before this test opens it, too.
#[cfg(target_os = "linux")]
#[test]
fn the_process_has_limits_before_it_opens_the_picture() {
    let folder = Folder::with_pipe();
    let mut child = Command::new(PROGRAM)
        .args(["1200x800", "-"])
        .args([&folder.input, &folder.output])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let opened = fs::OpenOptions::new().write(true).open(&folder.input).unwrap();
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let (limits, stat) = (read(&process.join("limits")), read(&process.join("stat")));
    drop(opened);
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert!(child.wait().unwrap().success());
    // A pipe cannot be read twice.
    assert!(answer.starts_with("{\"failed\":"), "{answer}");

    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max address space"), ["536870912", "536870912"]);
    assert_eq!(limit("Max cpu time"), ["10", "10"]);
    assert_eq!(limit("Max open files"), ["16", "16"]);
    assert_eq!(limit("Max file size"), ["16777216", "16777216"]);
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    // The fields are counted behind the name, which may have blanks; niceness is the 19th.
    let nice: i32 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap();
    assert_eq!(nice, 10);
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
