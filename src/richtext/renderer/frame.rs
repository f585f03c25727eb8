//! What the renderer knows of the elements that are open.

use crate::richtext::links::Destination;
use crate::richtext::scripts::Direction;

/// An open element.
pub(super) struct Frame {
    /// Its place among the nodes, whether or not it is in the output.
    pub(super) node: usize,
    pub(super) is_output: bool,
    pub(super) role: Role,
    /// Where it begins in the prepared Markdown.
    pub(super) start: usize,
    /// Where its text begins.
    pub(super) text_start: usize,
    pub(super) has_visible: bool,
    /// The direction of its words, without those of links and names.
    pub(super) own_direction: Option<Direction>,
    /// The direction of the words of links, and of names.
    pub(super) linked_direction: Option<Direction>,
}

/// What is special about an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Body,
    Inline,
    Link {
        destination: Destination,
        title: String,
    },
    Block,
    /// A block that is shown as typed if there is nothing in it.
    Fillable,
    Quote,
    List,
    Cell,
}

/// The table that is open.
#[derive(Default)]
pub(super) struct Table {
    pub(super) column_count: usize,
    pub(super) cell_count: usize,
    pub(super) row_end: usize,
}

/// A code block that is open.
pub(super) struct CodeBlock {
    /// Empty when not given.
    pub(super) language: String,
    pub(super) code: String,
}
