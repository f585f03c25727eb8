//! Pages and components take the site's paths from `campfire::model::paths`: a path written twice changes once.

use std::fs;
use std::path::{Path, PathBuf};

/// How a path of the site begins inside a string, whatever is before it.
const PATHS: [&str; 9] =
    ["/rooms/", "/users/", "/messages/", "/account", "/session", "/searches", "/join/", "/icon/", "/cable"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn no_page_or_component_writes_a_path_of_the_site() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 20, "{}", sources.len());
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        // What tests expect is written out.
        let code = text.split("#[cfg(test)]").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        for line in code.lines().filter(is_code) {
            let found = PATHS.iter().find(|path| line.contains(&format!("\"{path}")));
            assert_eq!(found, None, "{}: a path for campfire::model::paths: {line}", source.display());
        }
    }
}
