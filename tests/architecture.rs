//! The walls of the house, checked on the sources: which module may name which. See `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path from the root of the repository, and its code without comments and tests.
struct Source {
    path: String,
    code: String,
}

/// All Rust sources under a folder of the repository.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                sources.push(Source { path, code: code(&text) });
            }
        }
    }
    assert!(!sources.is_empty(), "{folder} has no sources");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// The code before the tests of a file, without comments; none of a file of tests, which begins by saying so.
fn code(text: &str) -> String {
    if text.starts_with("//! Tests of ") {
        return String::new();
    }
    let tests = text.find("#[cfg(test)]\nmod tests").or_else(|| text.find("#[cfg(test)]\npub(super) mod tests"));
    let code = &text[..tests.unwrap_or(text.len())];
    code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// The top-level module of a crate that a file belongs to.
fn module<'a>(path: &'a str, folder: &str) -> &'a str {
    let inside = path.strip_prefix(folder).unwrap().trim_start_matches('/');
    let (first, _) = inside.split_once('/').unwrap_or((inside, ""));
    first.trim_end_matches(".rs")
}

/// The modules that follow `crate::` in a piece of code, those of a group like `crate::{a, b::c}` included.
fn named_modules(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut piece = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        named.insert(identifier(piece.trim()));
                        piece.clear();
                        continue;
                    }
                    _ => {}
                }
                piece.push(character);
            }
            named.insert(identifier(piece.trim()));
        } else {
            named.insert(identifier(rest));
        }
    }
    named
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// Which top-level module of a crate names which others.
fn dependencies(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(folder);
    let modules: BTreeSet<_> = sources.iter().map(|source| module(&source.path, folder).to_owned()).collect();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        let own = module(&source.path, folder);
        let named = named_modules(&source.code).into_iter().filter(|name| modules.contains(name) && name != own);
        dependencies.entry(own.to_owned()).or_default().extend(named);
    }
    dependencies
}

/// A circle among the dependencies, if there is one.
fn find_circle(dependencies: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        module: &str,
        dependencies: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(at) = path.iter().position(|visited| visited == module) {
            return Some(path[at..].to_vec());
        }
        if done.contains(module) {
            return None;
        }
        path.push(module.to_owned());
        let next = dependencies.get(module).into_iter().flatten();
        let circle = next.into_iter().find_map(|next| visit(next, dependencies, path, done));
        path.pop();
        done.insert(module.to_owned());
        circle
    }
    let mut done = BTreeSet::new();
    dependencies.keys().find_map(|module| visit(module, dependencies, &mut Vec::new(), &mut done))
}

/// The files of a folder whose code contains one of these texts, except those under the given paths.
fn files_with(folder: &str, texts: &[&str], except: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|source| !except.iter().any(|path| source.path.starts_with(path)))
        .filter(|source| texts.iter().any(|text| source.code.contains(text)))
        .map(|source| source.path)
        .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn circles_are_found() {
    let of = |pairs: &[(&str, &[&str])]| {
        pairs
            .iter()
            .map(|(module, named)| ((*module).to_owned(), named.iter().map(|name| (*name).to_owned()).collect()))
            .collect()
    };
    assert_eq!(find_circle(&of(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    assert_eq!(find_circle(&of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])), Some(vec!["b".into(), "c".into()]));
    let named = named_modules("use crate::a::B;\nuse crate::{C, d::{self, E}, f};\ncrate::g::h()");
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["C", "a", "d", "f", "g"]);
}

#[test]
fn the_modules_of_a_crate_do_not_depend_on_each_other_in_circles() {
    for folder in ["src", "app/src", "server/src"] {
        assert_eq!(find_circle(&dependencies(folder)), None, "{folder}");
    }
}

#[test]
fn only_the_store_contains_sql() {
    assert_eq!(files_with("src", &["sqlx::query"], &["src/store/"]), NONE);
    assert_eq!(files_with("server/src", &["sqlx::"], &[]), NONE);
    assert_eq!(files_with("app/src", &["sqlx::"], &[]), NONE);
}

#[test]
fn the_server_and_the_pages_reach_the_store_through_operations() {
    let store = ["campfire::store", "campfire::{store", ", store}", ", store,", ".db.reader()", ".db.write("];
    assert_eq!(files_with("server/src", &store, &[]), NONE);
    assert_eq!(files_with("app/src", &store, &[]), NONE);
}

#[test]
fn operations_write_only_with_a_permission_that_is_read_again() {
    let writes = [".write(", ".write_checked(", ".write_message("];
    assert_eq!(files_with("src/ops", &writes, &["src/ops/permissions.rs"]), NONE);
}

#[test]
fn consequences_follow_from_facts_alone() {
    let calls = [".announce(", ".mark_stale("];
    assert_eq!(files_with("src", &calls, &["src/facts.rs", "src/store/db/"]), NONE);
    // The dispatcher starts the job that recurs.
    assert_eq!(files_with("src", &[".enqueue("], &["src/facts.rs", "src/jobs/", "src/store/db/"]), NONE);
}

#[test]
fn paths_of_the_site_are_written_in_one_module() {
    let paths = ["/rooms/", "/users/", "/messages/", "/account", "/session", "/searches", "/join/", "/icon/", "/cable"];
    for folder in ["src", "app/src", "server/src"] {
        // Stored HTML is searched for the links it was stored with.
        let writers = ["src/model/paths.rs", "src/model/place.rs", "src/richtext/"];
        let is_other = |source: &Source| !writers.iter().any(|writer| source.path.starts_with(writer));
        for source in sources(folder).into_iter().filter(is_other) {
            // Routers repeat paths as patterns.
            let is_allowed = |line: &str| line.contains("_id}") || line.contains(".route(");
            let lines = source.code.lines().filter(|line| !is_allowed(line));
            let written = lines.filter(|line| paths.iter().any(|path| line.contains(&format!("\"{path}"))));
            assert_eq!(written.collect::<Vec<_>>(), NONE, "{}", source.path);
        }
    }
}

#[test]
fn time_comes_from_the_clock() {
    assert_eq!(files_with("src", &["SystemTime::now"], &["src/clock.rs"]), NONE);
    assert_eq!(files_with("server/src", &["SystemTime::now"], &[]), NONE);
}

#[test]
fn unsafe_code_is_allowed_where_chunks_are_declared_and_the_allocator_is_set_alone() {
    for folder in ["src", "app/src", "server/src", "frontend/src", "crates"] {
        assert_eq!(
            files_with(folder, &["unsafe_code", "unsafe {", "unsafe fn"], &["app/src/chunks.rs", "server/src/main.rs"]),
            NONE
        );
    }
}
