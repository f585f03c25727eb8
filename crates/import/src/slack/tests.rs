//! Tests of exports as they should not be.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[path = "../../tests/suite/archive.rs"]
mod archive;

use archive::{Entry, archive};

/// An export in a folder.
struct Export(tempfile::TempDir);

impl Export {
    fn new(files: &[(&str, &str)]) -> Self {
        let export = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            export.write(name, text.as_bytes());
        }
        export
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("export")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(&self) -> Source {
        read(&self.path()).unwrap()
    }
}

fn read(path: &Path) -> Result<Source> {
    let scratch = tempfile::tempdir().unwrap();
    let mut source = Source::read(path, Options::default(), scratch.path(), &mut |_| ())?;
    let users = source.people().iter().map(|person| (person.user.id, (person.user.id, person.user.name.clone())));
    let rooms = source.channels().iter().map(|it| (it.room.id, (it.room.id, it.room.name.clone())));
    let places = Places { users: users.collect(), rooms: rooms.collect(), base_id: 100 };
    source.place(places);
    Ok(source)
}

/// All messages, read in batches of two.
fn messages(source: &Source) -> Vec<Message> {
    let (mut all, mut after) = (Vec::new(), 100);
    while let Some((batch, last)) = source.messages(after, 2).unwrap() {
        assert!(last > after);
        after = last;
        all.extend(batch);
    }
    all
}

fn texts(source: &Source) -> Vec<String> {
    messages(source).into_iter().map(|message| message.text).collect()
}

fn dropped(source: &Source, what: &str) -> u64 {
    source.tally().dropped.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, count)| count).sum()
}

const USERS: &str =
    r#"[{"id":"U1","team_id":"T1","name":"ada","profile":{"real_name":"Ada","email":"ada@a.example"}}]"#;
const CHANNELS: &str = r#"[{"id":"C1","name":"general","created":1600000000,"creator":"U1","members":["U1"]}]"#;

fn message(ts: &str, text: &str) -> String {
    json!({"type": "message", "user": "U1", "ts": ts, "text": text}).to_string()
}

fn zipped(files: &[(&[u8], &str)], are_one: bool) -> (tempfile::TempDir, PathBuf) {
    let entries: Vec<_> =
        files.iter().map(|(name, text)| Entry { name: name.to_vec(), bytes: text.as_bytes().to_vec() }).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    fs::write(&path, archive(&entries, are_one)).unwrap();
    (folder, path)
}

#[test]
fn messages_come_in_the_order_of_time_with_ids_that_stay_the_same() {
    let day = |messages: &[String]| format!("[{}]", messages.join(","));
    let export = Export::new(&[("users.json", USERS), ("channels.json", CHANNELS)]);
    let (first, second) = (message("1700000001.000100", "one"), message("1700000002.5", "two"));
    let third = message("1700000003", "three");
    export.write("general/2023-11-15.json", day(&[third.clone(), first.clone()]).as_bytes());
    export.write("general/2023-11-14.json", day(&[second.clone(), first]).as_bytes());
    let source = export.read();
    assert_eq!((source.identity(), source.total()), ("T1", 3));
    assert_eq!(texts(&source), ["one", "two", "three"]);
    assert_eq!(dropped(&source, "messages that are there twice"), 1);
    let all = messages(&source);
    assert_eq!(all.iter().map(|message| message.id).collect::<Vec<_>>(), [101, 102, 103]);
    assert_eq!(all[1].created_at, 1_700_000_002_500);
    let id = &all[2].client_message_id;
    assert_eq!((id.len(), &id[14..15]), (36, "5"), "{id}");
    // A later export, as an archive in a folder of its own.
    let (_folder, path) = zipped(
        &[
            (b"Acme export/users.json", USERS),
            (b"Acme export/channels.json", CHANNELS),
            (b"Acme export/general/", ""),
            (b"Acme export/general/2023-11-15.json", &day(&[message("1700000009.1", "later"), third])),
        ],
        false,
    );
    let later = read(&path).unwrap();
    assert_eq!(texts(&later), ["three", "later"]);
    assert_eq!(&messages(&later)[0].client_message_id, id);
    assert_ne!(later.fingerprint(), source.fingerprint());
    assert_eq!(later.identity(), source.identity());
}

#[test]
fn names_with_signs_of_markdown_are_mentioned_by_their_letters() {
    let users = json!([
        {"id": "U1", "team_id": "T1", "profile": {"real_name": "jane_doe"}},
        {"id": "U2", "team_id": "T1", "profile": {"real_name": "~*a[b]`c`"}},
        {"id": "U3", "team_id": "T1", "profile": {"real_name": "JANE_DOE"}},
    ]);
    let export = Export::new(&[("users.json", &users.to_string()), ("channels.json", CHANNELS)]);
    let blocks = json!({"user": "U1", "ts": "1700000002.0", "text": "", "blocks": [{"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U2"}, {"type": "text", "text": " a_b"}]}]}]});
    let day = format!("[{},{blocks}]", message("1700000001.0", "snake_case of <@U2>, _<@U1>_ and <@U3> `<@U1>`"));
    export.write("general/1.json", day.as_bytes());
    let source = export.read();
    assert_eq!(
        texts(&source),
        ["snake\\_case of @~*a[b]`c`, _@jane_doe#1_ and @JANE_DOE#3 `@jane_doe#1`", "@~*a[b]`c` a\\_b"]
    );
    assert_eq!(messages(&source)[0].mentions, [2, 1, 3]);
}

#[test]
fn a_reply_quotes_the_beginning_of_a_long_first_message() {
    let export = Export::new(&[("users.json", USERS), ("channels.json", CHANNELS)]);
    let reply = json!({"user": "U1", "ts": "1700000002.0", "thread_ts": "1700000001.0", "text": "own words"});
    let root = message("1700000001.0", &"é".repeat(29_000));
    export.write("general/1.json", format!("[{root},{reply}]").as_bytes());
    let messages = messages(&export.read());
    let quoted = &messages[1].replies_to.as_ref().unwrap().text;
    assert_eq!(*quoted, "é".repeat(500) + "…");
    assert_eq!(messages[1].text, "own words");
}

#[test]
fn a_file_that_ends_in_the_middle_gives_what_is_before_that() {
    let export = Export::new(&[("users.json", USERS), ("channels.json", CHANNELS)]);
    let mut chunk: String =
        (0..1_000).map(|at| message(&format!("17000{at:05}.0"), &format!("n{at}")) + ",\n").collect();
    chunk.insert(0, '[');
    chunk.truncate(chunk.len() / 2);
    export.write("general/1.json", chunk.as_bytes());
    export.write("general/2.json", format!("[{}]", message("1800000000.0", "next file")).as_bytes());
    export.write("general/3.json", b"");
    export.write("general/4.json", b"{\"no\": \"list\"}");
    let source = export.read();
    let texts = texts(&source);
    assert!(texts.len() > 490 && texts.len() < 510, "{}", texts.len());
    assert_eq!((texts[0].as_str(), texts.last().unwrap().as_str()), ("n0", "next file"));
    assert_eq!(dropped(&source, "files that end in the middle"), 1);
    assert_eq!(dropped(&source, "files that are no list"), 2);
    assert!(source.tally().notes.iter().any(|note| note == "general/1.json ends in the middle"));
}

#[test]
fn no_name_in_an_archive_leads_anywhere() {
    let day = format!("[{}]", message("1700000000.0", "out"));
    let (folder, path) = zipped(
        &[
            (b"users.json", USERS),
            (b"channels.json", CHANNELS),
            (b"../general/1.json", &day),
            (b"/general/2.json", &day),
            (b"general/../../3.json", &day),
            (b"general\\4.json", &day),
            (b"general/./5.json", &day),
            (b"g\xe9n\xe9ral/6.json", &day),
            (b"__MACOSX/general/7.json", "[1]"),
            (b"general/notes.txt", "text"),
            (b"other/8.json", &day),
        ],
        false,
    );
    let source = read(&path).unwrap();
    assert!(texts(&source).is_empty());
    assert_eq!(dropped(&source, "files of the archive whose name leads"), 5);
    assert_eq!(dropped(&source, "files and folders whose name is not UTF-8"), 1);
    assert_eq!(dropped(&source, "folders of channels that are not listed"), 1);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["export.zip"], "nothing is unpacked");
}

#[test]
fn the_name_of_a_channel_is_no_path() {
    let export = Export::new(&[("users.json", USERS)]);
    export.write("../secret/1.json", format!("[{}]", message("1700000000.0", "out")).as_bytes());
    let channels =
        r#"[{"id":"C1","name":"../secret"},{"id":"C2","name":"/etc"},{"id":"","name":"x"},{"id":"C4","name":""}]"#;
    export.write("channels.json", channels.as_bytes());
    std::os::unix::fs::symlink("../secret", export.path().join("linked")).unwrap();
    let source = export.read();
    assert_eq!(source.channels().len(), 3);
    assert!(texts(&source).is_empty());
    assert_eq!(dropped(&source, "links"), 1);
}

#[test]
fn an_archive_that_unpacks_to_far_more_is_read_to_a_bound() {
    let bomb = format!("[{}{}", message("1700000000.0", "first"), " ".repeat(40 << 20));
    let general: &[u8] = b"general/1.json";
    let (_folder, path) = zipped(&[(b"users.json", USERS), (b"channels.json", CHANNELS), (general, &bomb)], false);
    let source = read(&path).unwrap();
    assert_eq!(dropped(&source, "files that cannot be read to their end"), 1);
    assert!(source.tally().notes.iter().any(|note| note.contains("unpacks to far more")), "{:?}", source.tally());

    // Many files of which each is small enough.
    let day = format!("[{}{}]", message("1700000000.0", "again"), " ".repeat(1_000_000));
    let names: Vec<String> = (0..40).map(|number| format!("general/{number}.json")).collect();
    let lists = [(&b"users.json"[..], USERS), (b"channels.json", CHANNELS)];
    let days = names.iter().map(|name| (name.as_bytes(), day.as_str()));
    let (_folder, path) = zipped(&lists.into_iter().chain(days).collect::<Vec<_>>(), false);
    let bytes = fs::metadata(&path).unwrap().len();
    let source = read(&path).unwrap();
    let torn = dropped(&source, "files that cannot be read to their end");
    let fitting = (1_048_576 + 200 * bytes) / 1_000_000;
    assert_eq!(torn, 40 - fitting, "{bytes} bytes");
    assert!(fitting < 20, "{bytes} bytes");

    // A thousand files that are the same bytes of the archive.
    let random: String = (0_u64..40_000).map(|at| format!("{:x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let users = format!(r#"[{{"id":"U1","team_id":"T1","name":"{random}"}}]"#);
    let names: Vec<String> = ["users.json", "channels.json"]
        .map(str::to_owned)
        .into_iter()
        .chain((0..50).map(|at| format!("general/{at}.json")))
        .collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_bytes(), users.as_str())).collect();
    let (_folder, path) = zipped(&files, true);
    let source = read(&path).unwrap();
    assert!(source.tally().notes.iter().any(|note| note.contains("overlap")), "{:?}", source.tally());
}

#[test]
fn what_is_no_export_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| read(path).err().unwrap().to_string();
    assert!(refused(folder.path()).contains("this is no export of Slack"));
    let file = folder.path().join("a.zip");
    fs::write(&file, "no archive").unwrap();
    assert!(refused(&file).contains("the archive cannot be read"));
    let empty = Export::new(&[("users.json", "[]"), ("channels.json", "[]")]);
    assert!(refused(&empty.path()).contains("nothing to import"));
}

#[test]
fn fields_of_wrong_types_are_counted() {
    let export = Export::new(&[
        ("users.json", r#"[{"id":7},{"id":"U1","profile":[],"deleted":"yes"},{"id":"U1"},null,"x",{}]"#),
        ("channels.json", r#"[{"id":"C1","name":["general"],"members":"all","created":"soon"}]"#),
    ]);
    let odd = json!([
        {"user": "U1", "ts": "1700000001.0", "text": ["x"], "files": {}, "reactions": [1, {"name": "tada", "users": [1, "U1"]}]},
        {"user": 5, "ts": "1700000002.0", "text": "by nobody", "blocks": "x", "attachments": [1, "two"]},
        {"user": "U1", "ts": {}, "text": "never"},
        {"user": "U1", "ts": "1700000003.0", "thread_ts": "never", "text": "alone", "edited": "x"},
        [1], 2,
    ]);
    export.write("C1/1.json", odd.to_string().as_bytes());
    let source = export.read();
    let all = messages(&source);
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].boosts.len(), 1);
    assert!(all[0].changed.iter().any(|what| what.contains("another type")));
    assert!(all[1].text.starts_with("by nobody"), "{}", all[1].text);
    assert_eq!((all[2].text.as_str(), all[2].edited_at), ("alone", None));
    assert_eq!(dropped(&source, "messages whose time cannot be read"), 1);
    assert_eq!(dropped(&source, "records that are no objects"), 4);
    assert_eq!(dropped(&source, "people who are listed twice"), 1);
    assert_eq!(dropped(&source, "people without an id"), 2);
}

/// Any JSON, with the names of fields that are read.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof!["U1", "1700000000.5", "<@U1> :tada: `x`", "message", "tombstone", "[a-zA-Z<>@#*_~`\n é]{0,20}"]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        let names = proptest::sample::select(vec![
            "type",
            "subtype",
            "user",
            "bot_id",
            "username",
            "ts",
            "thread_ts",
            "text",
            "blocks",
            "attachments",
            "elements",
            "files",
            "reactions",
            "users",
            "name",
            "edited",
            "id",
            "profile",
            "url_private",
            "mode",
            "fields",
            "value",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..8).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_json_is_read(mut odd in proptest::collection::vec(any_json(), 0..6), users in any_json()) {
        odd.push(json!({"user": "U1", "ts": "1600000000.0", "text": "there"}));
        let export = Export::new(&[("channels.json", CHANNELS)]);
        export.write("users.json", json!([users]).to_string().as_bytes());
        export.write("general/1.json", Value::from(odd).to_string().as_bytes());
        prop_assert!(texts(&export.read()).iter().any(|text| text == "there"));
    }
}
