//! Signed references to users, as mentions have them. The signature is not checked, as its key is not in the source: who
//! is mentioned is a part of the text.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The longest reference that is read, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// How many times a part of a reference may be encoded within another.
const MAX_DEPTH: usize = 3;

/// The number of the user that a signed reference means; `None` if it means something else.
#[must_use]
pub fn user_id(sgid: &str) -> Option<i64> {
    if sgid.len() > MAX_BYTES {
        return None;
    }
    let payload = sgid.rsplit_once("--").map_or(sgid, |(payload, _)| payload);
    find(&decode(payload)?, MAX_DEPTH)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// Finds `gid://APP/User/ID` in decoded bytes: in themselves, or in the strings of JSON, which may be encoded again.
fn find(bytes: &[u8], depth: usize) -> Option<i64> {
    let text = String::from_utf8_lossy(bytes);
    if let Some(user_id) = find_gid(&text) {
        return Some(user_id);
    }
    if depth == 0 {
        return None;
    }
    let value: Value = serde_json::from_str(&text).ok()?;
    strings(&value).into_iter().find_map(|text| find(&decode(text)?, depth - 1))
}

fn find_gid(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("gid://")?;
    let (_, rest) = rest.split_once('/')?;
    let digits = rest.strip_prefix("User/")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|id| *id > 0)
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_references_are_read() {
        let sign = |payload: &str| format!("{}--5e1f00d", STANDARD.encode(payload));
        let direct = r#"{"_rails":{"data":"gid://campfire/User/42?expires_in","pur":"attachable"}}"#;
        assert_eq!(user_id(&sign(direct)), Some(42));
        let marshalled = STANDARD.encode(b"\x04\x08I\"\x25gid://campfire/User/7?expires_in\x06:\x06ET");
        let nested = format!(r#"{{"_rails":{{"message":"{marshalled}","exp":null,"pur":"attachable"}}}}"#);
        assert_eq!(user_id(&sign(&nested)), Some(7));
        let unpadded = URL_SAFE.encode(direct).replace('=', "");
        assert_eq!(user_id(&format!("{unpadded}--x")), Some(42));
    }

    #[test]
    fn anything_else_means_nobody() {
        let encoded = |payload: &str| STANDARD.encode(payload);
        for sgid in [
            "",
            "--",
            "no base64!",
            &encoded("gid://campfire/Message/1"),
            &encoded("gid://campfire/User/"),
            &encoded("gid://campfire/User/0"),
            &encoded("gid://campfire/User/99999999999999999999"),
            &encoded("gid://"),
            &encoded(&"[".repeat(3_000)),
            &"A".repeat(100_000),
        ] {
            assert_eq!(user_id(sgid), None, "{sgid:.40}");
        }
    }
}
