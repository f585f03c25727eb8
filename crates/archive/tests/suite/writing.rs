use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use archive::Writer;

use super::{members, read, write};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn what_is_written_is_read_again_compressed_and_not() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.tar", "a.tar.zst", "a"] {
        let path = folder.path().join(name);
        let finished = write(&path, &members());
        assert_eq!(finished.bytes, fs::metadata(&path).unwrap().len());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let expected: Vec<_> = members().into_iter().map(|(name, content)| (name.to_owned(), content)).collect();
        assert_eq!(read(&path).unwrap(), expected);
    }
    assert_eq!(names(folder.path()), ["a", "a.tar", "a.tar.zst"], "nothing is left beside them");
}

#[test]
fn an_archive_is_checked_without_this_program() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.tar"), &members());
    let shell = |command: &str| {
        let output = Command::new("sh").args(["-ec", command]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let output = shell("tar -xf a.tar && sha256sum -c SHA256SUMS");
    assert_eq!(output.matches(": OK").count(), 3, "{output}");
}

#[test]
fn nothing_has_the_final_name_before_the_end_and_nothing_is_left_after_a_failure() {
    /// Fails after some bytes, like a disk.
    struct Broken(u64);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(buffer.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
            Ok(buffer.len())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar.zst");
    let mut writer = Writer::create(&path, 0).unwrap();
    fs::write(writer.scratch("sqlite3").unwrap(), "left by a process that was killed").unwrap();
    fs::remove_file(writer.scratch("sqlite3").unwrap()).unwrap();
    let busy = Writer::create(&path, 0).err().unwrap();
    assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
    let error = writer.append(&"a".parse().unwrap(), 9_000_000, &mut Broken(5_000_000), &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(names(folder.path()), [".a.tar.zst.part"]);
    drop(writer);
    assert!(names(folder.path()).is_empty());

    let mut writer = Writer::create(&path, 0).unwrap();
    let error = writer.append(&"a".parse().unwrap(), 10, &mut &b"short"[..], &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn an_existing_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let writer = Writer::create(&path, 0).unwrap();
    fs::write(&path, "precious").unwrap();
    assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(Writer::create(&path, 0).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(names(folder.path()), ["a.tar"]);
    assert!(Writer::create(&folder.path().join("missing/a.tar"), 0).is_err());
}

#[test]
fn what_a_killed_process_left_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".a.tar.part"), vec![1; 2_000_000]).unwrap();
    let path = folder.path().join("a.tar");
    write(&path, &members());
    assert_eq!(read(&path).unwrap().len(), 3);
    assert_eq!(names(folder.path()), ["a.tar"]);
}

#[test]
fn nothing_is_written_where_a_link_leads_that_somebody_else_has_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let path = folder.path().join("a.tar");
    for name in [".a.tar.sums.part", ".a.tar.sqlite3.part"] {
        symlink(&precious, folder.path().join(name)).unwrap();
    }
    let mut writer = Writer::create(&path, 0).unwrap();
    fs::write(writer.scratch("sqlite3").unwrap(), "a copy").unwrap();
    writer.append(&"a".parse().unwrap(), 5, &mut &b"bytes"[..], &mut |_| {}).unwrap();
    writer.finish().unwrap();
    symlink(&precious, folder.path().join(".b.tar.part")).unwrap();
    assert!(Writer::create(&folder.path().join("b.tar"), 0).is_err());
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");

    // A file of somebody else who may read it is not what is written either.
    let left = folder.path().join(".c.tar.part");
    fs::write(&left, "").unwrap();
    fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
    let opened = fs::File::open(&left).unwrap();
    write(&folder.path().join("c.tar"), &members());
    assert_eq!(opened.metadata().unwrap().len(), 0);
}

#[test]
fn what_killed_processes_left_of_other_nights_is_deleted_and_what_is_being_written_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let left = ["campfire-01.tar.part", "campfire-01.tar.sqlite3.part", "campfire-02.tar.sqlite3.part-journal"];
    let others = ["campfire-01.tar", ".campfire-001.tar.part", ".another-01.tar.part", ".campfire-01.tar.txt"];
    for name in left.map(|name| format!(".{name}")).into_iter().chain(others.map(str::to_owned)) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let running = Writer::create(&folder.path().join("campfire-03.tar"), 0).unwrap();
    running.scratch("sqlite3").unwrap();
    drop(Writer::create(&folder.path().join("campfire-04.tar"), 0).unwrap());
    let mut expected = others.map(str::to_owned).to_vec();
    expected.extend([".campfire-03.tar.part", ".campfire-03.tar.sqlite3.part"].map(str::to_owned));
    expected.sort();
    assert_eq!(names(folder.path()), expected);
}
