//! Previews of links in messages.

use super::FileKey;

/// How many links of a message have previews.
pub const MAX_LINK_PREVIEWS: usize = 3;

/// What is shown of the page that a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPreview {
    /// The link, as it is in the message.
    pub link: String,
    /// The address of the page.
    pub url: String,
    /// Its title: plain text.
    pub title: String,
    /// Its description: plain text.
    pub description: String,
    /// Its picture, if it has one.
    pub picture: Option<PreviewPicture>,
}

/// The picture of a preview: a file of this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewPicture {
    /// The file.
    pub key: FileKey,
    /// Width and height, in pixels.
    pub size: (u32, u32),
}
