//! Fields of JSON that may be missing, or of any type.

use serde_json::{Map, Value};

/// An object whose fields are asked for by type, and how many were of another one.
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    /// How many fields had another type than the one asked for.
    pub wrong_count: u64,
}

impl<'v> Fields<'v> {
    pub fn new(map: &'v Map<String, Value>) -> Self {
        Self { map, wrong_count: 0 }
    }

    fn get<T>(&mut self, name: &str, convert: impl FnOnce(&'v Value) -> Option<T>) -> Option<T> {
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        let converted = convert(value);
        self.wrong_count += u64::from(converted.is_none());
        converted
    }

    /// A text; empty if there is none.
    pub fn text(&mut self, name: &str) -> &'v str {
        self.get(name, Value::as_str).unwrap_or_default()
    }

    /// A truth; `false` if there is none.
    pub fn truth(&mut self, name: &str) -> bool {
        self.get(name, Value::as_bool).unwrap_or_default()
    }

    /// A list; empty if there is none.
    pub fn list(&mut self, name: &str) -> &'v [Value] {
        self.get(name, Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Option<&'v Map<String, Value>> {
        self.get(name, Value::as_object)
    }

    /// A time in seconds, as number or text, in milliseconds; 0 if there is none.
    pub fn seconds(&mut self, name: &str) -> i64 {
        self.get(name, parse_ts).map_or(0, |micros| micros / 1_000)
    }
}

/// The latest time that is one: the year 2100, in seconds.
const MAX_SECONDS: i64 = 4_102_444_800;

/// A time of Slack like `"1700000000.000100"`, in microseconds since the epoch.
pub(super) fn parse_ts(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || seconds.len() > 10 || fraction.len() > 9 || !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let micros: i64 = format!("{fraction:0<6}")[..6].parse().ok()?;
    (seconds > 0 && seconds < MAX_SECONDS).then_some(seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond() {
        assert_eq!(parse_ts(&json!("1700000000.000100")), Some(1_700_000_000_000_100));
        assert_eq!(parse_ts(&json!(" 1700000000 ")), Some(1_700_000_000_000_000));
        assert_eq!(parse_ts(&json!(1_700_000_000.25)), Some(1_700_000_000_250_000));
        for bad in [
            json!(""),
            json!("abc"),
            json!("-1.0"),
            json!("0.000001"),
            json!("17e8"),
            json!("99999999999.0"),
            json!("9999999999.0"),
            json!("1700000000.0000000001"),
            json!("1700000000.1.1"),
            json!("１７００００００００"),
            json!(null),
            json!({}),
            json!(-5),
        ] {
            assert_eq!(parse_ts(&bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_of_another_type_are_counted_and_missing_ones_are_not() {
        let value = json!({"a": 1, "b": "x", "c": null, "d": [], "e": true});
        let mut fields = Fields::new(value.as_object().unwrap());
        assert_eq!((fields.text("b"), fields.text("c"), fields.text("z")), ("x", "", ""));
        assert_eq!(fields.wrong_count, 0);
        assert_eq!((fields.text("a"), fields.list("e").len(), fields.truth("d")), ("", 0, false));
        assert_eq!(fields.wrong_count, 3);
    }
}
