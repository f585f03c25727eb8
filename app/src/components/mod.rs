//! The parts of pages, one family a file.

pub mod avatar;
pub mod composer;
pub mod drafts;
pub mod editing;
pub mod form;
pub mod icon;
pub mod jumps;
pub mod message;
pub mod paging;
pub mod people;
pub mod rows;
pub mod scroller;
pub mod sheet;
pub mod sidebar;
pub mod timeline;

/// Adds pieces to a ready string. Rows are made by the thousand: this takes half the work of a format.
fn push(html: &mut String, pieces: &[&str]) {
    pieces.iter().for_each(|piece| html.push_str(piece));
}
