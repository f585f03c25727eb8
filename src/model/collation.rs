//! The order of names in lists: the root collation of Unicode (CLDR), the same for every reader, with numbers by value.
//!
//! The server stores a key beside each name and lets the database sort by it. The browser inserts single rooms into the
//! sidebar by comparing names with its own tables: those of the server would be 1 MB of the download.

use std::cmp::Ordering;

/// Compares two names in the order of lists: `Room 2` is before `Room 10`, and `Émile` between `Ed` and `Eva`.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn compare_names(one: &str, other: &str) -> Ordering {
    collator().compare(one, other)
}

/// Compares two names in the order of lists, as [`order_key`] does on the server.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn compare_names(one: &str, other: &str) -> Ordering {
    // English has the order of the root collation, for which there is no name that every browser knows. The extension
    // `kn` orders numbers by value.
    let locale = js_sys::Array::of1(&"en-u-kn".into());
    js_sys::JsString::from(one).locale_compare(other, &locale, &js_sys::Object::new()).cmp(&0)
}

/// The key of a name: names are in the order of [`compare_names`] if their keys are in the order of their bytes.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn order_key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 * name.len() + 8);
    match collator().write_sort_key_to(name, &mut key) {
        Ok(()) => key,
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn collator() -> icu_collator::CollatorBorrowed<'static> {
    use icu_collator::options::CollatorOptions;
    use icu_collator::preferences::CollationNumericOrdering;
    use icu_collator::{Collator, CollatorPreferences};

    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    Collator::try_new(preferences, CollatorOptions::default()).expect("the root collation is part of the executable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_unicode_with_numbers_by_value() {
        let ordered = [
            "#general",
            "2 Fast",
            "10 Downing",
            "Ada",
            "ada lovelace",
            "Ärzte",
            "Azure",
            "Ed",
            "Émile",
            "Eva",
            "Łódź",
            "Lotte",
            "Ole",
            "Øystein",
            "Room 2",
            "Room 10",
            "room 11",
            "Strasse 3",
            "Straße 4",
            "Züri",
            "Άννα",
            "Βίκυ",
            "Анна",
            "Ёлка",
            "Жук",
            "Яна",
            "אבי",
            "علي",
            "สมชาย",
            "가람",
            "나래",
            "あき",
            "いと",
            "東京",
        ];
        for (index, name) in ordered.iter().enumerate() {
            for (other_index, other) in ordered.iter().enumerate() {
                let expected = index.cmp(&other_index);
                assert_eq!(compare_names(name, other), expected, "{name} and {other}");
                assert_eq!(order_key(name).cmp(&order_key(other)), expected, "keys of {name} and {other}");
            }
        }
        assert_eq!(compare_names("E\u{301}mile", "Émile"), Ordering::Equal);
    }
}
