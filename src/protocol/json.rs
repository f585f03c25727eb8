//! The encoding of server functions.

use serde::Serialize;
use serde::de::{DeserializeOwned, Error};
use server_fn::codec::Post;
use server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};

/// Arguments and results as JSON in the body of a `POST` request. Use this instead of `server_fn::codec::Json`.
pub type Json = Post<JsonText>;

/// JSON that is parsed as a string, like that of events and of the browser's storage. Parsing bytes would put another copy
/// of every deserializer into the WASM: 36 KB, 1.4 KB of them compressed.
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).map_err(Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_other_bytes_are_an_error() {
        let encoded = JsonText::encode(&("é", 7)).unwrap();
        assert_eq!(<JsonText as Decodes<(String, u8)>>::decode(encoded).unwrap(), ("é".to_owned(), 7));
        for bad in [&b"[\"\xFF\"]"[..], b"[", b""] {
            assert!(<JsonText as Decodes<(String,)>>::decode(Bytes::copy_from_slice(bad)).is_err());
        }
    }
}
