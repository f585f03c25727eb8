//! The elements of a JSON array, one at a time: an export has files of any size, and some end in the middle.

use std::io::{self, BufRead};

/// The longest element that is read, in bytes. Slack's longest messages have some 100 KB.
pub(super) const MAX_ELEMENT_BYTES: usize = 4 * 1024 * 1024;

/// What the next element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Its bytes are in the buffer.
    Whole,
    /// It is longer than [`MAX_ELEMENT_BYTES`], and was skipped.
    TooLong,
    /// The input ends in it, or where another one should be.
    Torn,
    /// The input is no array.
    NoArray,
}

/// Splits an array into its elements, without a look at what is in them.
pub(super) struct Elements<R> {
    input: R,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    Ended,
}

impl<R: BufRead> Elements<R> {
    /// The elements of `input`.
    pub fn new(input: R) -> Self {
        Self { input, state: State::Before }
    }

    /// Reads the next element into `buffer`; `None` after the last one.
    pub fn next(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Element>> {
        buffer.clear();
        if self.state == State::Before {
            match self.skip(|byte| is_blank(byte) || matches!(byte, 0xef | 0xbb | 0xbf))? {
                Some(b'[') => {
                    self.input.consume(1);
                    self.state = State::Inside;
                }
                _ => {
                    self.state = State::Ended;
                    return Ok(Some(Element::NoArray));
                }
            }
        }
        if self.state == State::Ended {
            return Ok(None);
        }
        match self.skip(|byte| is_blank(byte) || byte == b',')? {
            Some(b']') => {
                self.state = State::Ended;
                Ok(None)
            }
            Some(_) => self.read(buffer).map(Some),
            None => {
                self.state = State::Ended;
                Ok(Some(Element::Torn))
            }
        }
    }

    /// Skips bytes, and returns the next one, which is not consumed.
    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let bytes = fill(&mut self.input)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let skipped = bytes.iter().take_while(|byte| is_skipped(**byte)).count();
            let next = bytes.get(skipped).copied();
            self.input.consume(skipped);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Element> {
        let mut depth = 0_u64;
        let (mut is_string, mut is_escaped, mut is_too_long) = (false, false, false);
        loop {
            let bytes = fill(&mut self.input)?;
            if bytes.is_empty() {
                self.state = State::Ended;
                return Ok(Element::Torn);
            }
            let mut end = None;
            for (at, byte) in bytes.iter().enumerate() {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_string => is_escaped = true,
                    b'"' => is_string = !is_string,
                    _ if is_string => {}
                    b'{' | b'[' => depth += 1,
                    b',' | b']' if depth == 0 => {
                        end = Some(at);
                        break;
                    }
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let length = end.unwrap_or(bytes.len());
            if buffer.len() + length > MAX_ELEMENT_BYTES {
                is_too_long = true;
                buffer.clear();
            }
            if !is_too_long {
                buffer.extend_from_slice(&bytes[..length]);
            }
            self.input.consume(length);
            if end.is_some() {
                return Ok(if is_too_long { Element::TooLong } else { Element::Whole });
            }
        }
    }
}

fn fill(input: &mut impl BufRead) -> io::Result<&[u8]> {
    // The borrow of a successful call ends with it, so that it can be made again.
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    input.fill_buf()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// The elements of an array, read in pieces of `capacity` bytes.
    fn elements(text: &[u8], capacity: usize) -> Vec<(Element, String)> {
        let mut elements = Elements::new(BufReader::with_capacity(capacity, text));
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        while let Some(element) = elements.next(&mut buffer).unwrap() {
            found.push((element, String::from_utf8_lossy(&buffer).trim().to_owned()));
        }
        found
    }

    #[test]
    fn elements_are_split_wherever_the_input_is() {
        let whole = |text: &str| (Element::Whole, text.to_owned());
        for capacity in [1, 2, 3, 7, 64] {
            let read = |text: &str| elements(text.as_bytes(), capacity);
            assert_eq!(
                read("\u{feff} [ {\"a\": [1, 2]} ,\n\"x],\\\"\", 3]tail"),
                [whole("{\"a\": [1, 2]}"), whole("\"x],\\\"\""), whole("3"),]
            );
            assert_eq!(read("[]"), []);
            assert_eq!(read("[{\"a\":1},,{\"b\":"), [whole("{\"a\":1}"), (Element::Torn, "{\"b\":".into())]);
            assert_eq!(read("[1,"), [whole("1"), (Element::Torn, String::new())]);
            assert_eq!(read("{}"), [(Element::NoArray, String::new())]);
            assert_eq!(read(""), [(Element::NoArray, String::new())]);
        }
    }

    #[test]
    fn an_element_that_is_too_long_is_skipped_without_being_kept() {
        let text = format!("[1,\"{}\",2]", "x".repeat(2 * MAX_ELEMENT_BYTES));
        let found: Vec<_> = elements(text.as_bytes(), 8 * 1024).into_iter().map(|(element, _)| element).collect();
        assert_eq!(found, [Element::Whole, Element::TooLong, Element::Whole]);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(text in proptest::collection::vec(
            proptest::sample::select(br#"[]{},"\ax1 "#.to_vec()), 0..200), capacity in 1_usize..20) {
            prop_assert!(elements(&text, capacity).len() <= text.len() + 1);
        }
    }
}
