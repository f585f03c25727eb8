//! Where in a store the files are.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A bucket and the start of all names in it: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    bucket: String,
    prefix: String,
}

/// A text that is no location, in words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("it must be s3://BUCKET or s3://BUCKET/PREFIX, with letters, digits, dots, hyphens and underscores")]
pub struct NoLocation;

impl Location {
    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What all names begin with, without slashes at the ends; empty for everything in the bucket.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for Location {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        let path = text.trim().strip_prefix("s3://").ok_or(NoLocation)?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_plain = |segment: &str| {
            let mut bytes = segment.bytes();
            // The names `.` and `..` lead elsewhere in some stores.
            segment.bytes().any(|byte| byte != b'.')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        let is_bucket = (3..=63).contains(&bucket.len()) && is_plain(bucket);
        let is_prefix = prefix.is_empty() || (prefix.len() <= 512 && prefix.split('/').all(is_plain));
        if is_bucket && is_prefix {
            Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        } else {
            Err(NoLocation)
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_with_or_without_a_prefix() {
        for (text, bucket, prefix, shown) in [
            ("s3://team-files", "team-files", "", "s3://team-files"),
            ("s3://team-files/", "team-files", "", "s3://team-files"),
            (" s3://team.files/a/B_c/ ", "team.files", "a/B_c", "s3://team.files/a/B_c"),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!((location.bucket(), location.prefix()), (bucket, prefix), "{text}");
            assert_eq!(location.to_string(), shown);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "team-files",
            "s3://",
            "s3:///x",
            "s3://ab",
            "https://s3.example/team",
            "s3://te am",
            "s3://team/../x",
            "s3://team//x",
            "s3://team/./x",
            "s3://...",
            "s3://user:pass@team",
            "s3://team?x",
            "s3://téam",
        ] {
            assert_eq!(text.parse::<Location>(), Err(NoLocation), "{text}");
        }
        assert!(format!("s3://team/{}", "x".repeat(513)).parse::<Location>().is_err());
    }
}
