//! Names that Rust code shares with the scripts.
//!
//! `browser/names.ts` declares and documents all shared names. Those that Rust code reads or dispatches are constants
//! here. Markup and style sheets contain them as literals, since neither `view!` nor CSS takes constants. The tests
//! compare all three.

/// Attributes.
pub mod attribute {
    /// The action of a message's control.
    pub const ACTION: &str = "data-action";
    /// On a message's form of boosts: the `seq` of the event that changed them last.
    pub const BOOSTS: &str = "data-boosts";
    /// On `<html>`: whether this device gets notifications, `on` or `off`; absent until that is known.
    pub const PUSHES: &str = "data-pushes";
}

/// Ids of elements.
pub mod id {
    /// Prefix of a message's id in the id of its row.
    pub const MESSAGE_PREFIX: &str = "message-";
}

/// Custom events on `document`.
pub mod page_event {
    /// A message was added to the page. `detail`: its author's name (empty for the viewer's own), and its body's HTML.
    pub const MESSAGE_SHOWN: &str = "campfire:message-shown";
    /// A page of forms was put into the frame.
    pub const PAGE_SHOWN: &str = "campfire:page-shown";
    /// Whether this device gets notifications is to be found out.
    pub const DEVICE_WANTED: &str = "campfire:device-wanted";
    /// The list of keyboard shortcuts is to be shown.
    pub const SHORTCUTS_WANTED: &str = "campfire:shortcuts-wanted";
    /// The search panel is to be opened.
    pub const SEARCH_WANTED: &str = "campfire:search-wanted";
    /// A toast is to be shown. `detail`: its text. (A script may add a function that undoes what was done.)
    pub const TOAST: &str = "campfire:toast";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// A group like `attribute`, and a name in it like `ACTION`.
    type Key = (String, String);

    /// Attributes that no script reads or writes.
    const WITHOUT_SCRIPT: [&str; 25] = [
        "data-administrator",
        "data-answers",
        "data-author",
        "data-back",
        "data-boosters",
        "data-extras",
        "data-file",
        "data-finder",
        "data-group",
        "data-id",
        "data-new",
        "data-picture",
        "data-push-checks",
        "data-push-endpoint",
        "data-push-help",
        "data-push-key",
        "data-push-off",
        "data-push-on",
        "data-push-state",
        "data-revision",
        "data-shown",
        "data-offer",
        "data-opened",
        "data-tray",
        "data-view",
    ];

    #[test]
    fn constants_have_the_values_of_the_scripts() {
        let script_names = script_names();
        let rust_names = rust_names();
        assert!(rust_names.len() >= 4, "{rust_names:?}");
        for (key, value) in rust_names {
            assert_eq!(script_names.get(&key), Some(&value), "{key:?}");
        }
    }

    #[test]
    fn every_name_of_the_scripts_is_used_by_the_pages() {
        let rust_names = rust_names();
        let sources = sources();
        for (key, value) in script_names() {
            let is_used = sources.iter().any(|(_, text)| is_in_markup(&key.0, &value, text));
            assert!(
                is_used || rust_names.contains_key(&key),
                "{key:?} is not in markup and no constant of this module"
            );
        }
    }

    #[test]
    fn every_attribute_of_the_pages_is_declared() {
        let names = script_names();
        for (path, text) in sources() {
            for attribute in data_attributes(&text) {
                let is_declared = names.values().any(|name| name == attribute);
                assert!(
                    is_declared || WITHOUT_SCRIPT.contains(&attribute),
                    "{attribute} of {} is not in browser/names.ts; list it above if no script needs it",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn attributes_are_found_in_markup_and_selectors() {
        let text = r#"<a data-copies=id data-x="1">, [data-new], "data-at-once", meta-data-y, data-, document.data"#;
        assert_eq!(data_attributes(text), ["data-copies", "data-x", "data-new", "data-at-once"]);
    }

    /// Whether a view, a string of HTML, a style sheet or a browser test has this name.
    fn is_in_markup(group: &str, value: &str, text: &str) -> bool {
        let patterns = match group {
            "attribute" => return data_attributes(text).contains(&value),
            "id" => vec![format!("id=\"{value}"), format!("id=\\\"{value}")],
            "tag" => vec![format!("<{value}")],
            "property" => vec![format!("var({value}")],
            "placeholder" => return campfire::model::paths::template::MESSAGE.contains(value),
            _ => Vec::new(),
        };
        patterns.iter().any(|pattern| text.contains(pattern))
    }

    /// The `data-…` words of a text.
    fn data_attributes(text: &str) -> Vec<&str> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
        text.split(|character| !is_part(character))
            .filter(|word| word.strip_prefix("data-").is_some_and(|rest| !rest.is_empty()))
            .collect()
    }

    /// The constants of this module.
    fn rust_names() -> BTreeMap<Key, String> {
        let mut group = "";
        let mut names = BTreeMap::new();
        for line in include_str!("names.rs").lines() {
            if let Some(name) = line.strip_prefix("pub mod ") {
                group = name.trim_end_matches(" {");
            } else if let Some(constant) = line.trim().strip_prefix("pub const ")
                && let Some((name, value)) = constant.split_once(": &str = ")
            {
                names.insert((group.to_owned(), name.to_owned()), unquoted(value));
            }
        }
        names
    }

    /// The members of the enums in `browser/names.ts`, by the names that constants here would have.
    fn script_names() -> BTreeMap<Key, String> {
        let script = fs::read_to_string(root().join("browser/names.ts")).unwrap();
        let mut group = String::new();
        let mut names = BTreeMap::new();
        for line in script.lines() {
            if let Some(name) = line.strip_prefix("export const enum ") {
                group = snake_case(name.trim_end_matches(" {"));
            } else if let Some((name, value)) = line.trim().split_once(" = ") {
                names.insert((group.clone(), snake_case(name).to_uppercase()), unquoted(value));
            }
        }
        names
    }

    fn unquoted(value: &str) -> String {
        value.trim_end_matches([',', ';']).trim_matches('"').to_owned()
    }

    /// `AtOnce` as `at_once`.
    fn snake_case(name: &str) -> String {
        let mut snake = String::new();
        for character in name.chars() {
            if character.is_ascii_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.push(character.to_ascii_lowercase());
        }
        snake
    }

    /// The sources that contain, style or test markup, without the scripts and this file.
    fn sources() -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        for folder in ["app/src", "src/richtext", "server/src", "style", "end2end"] {
            collect(&root().join(folder), &mut files);
        }
        files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_source =
                ["rs", "css", "ts"].iter().any(|ending| path.extension().is_some_and(|extension| extension == *ending));
            if path.is_dir() {
                collect(&path, files);
            } else if is_source && !path.ends_with("app/src/names.rs") {
                files.push(path);
            }
        }
    }

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }
}
