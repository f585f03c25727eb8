//! Components, one group of related ones per file.

pub mod attach;
pub mod avatar;
pub mod composer;
pub mod drafts;
pub mod editing;
pub mod finder;
pub mod form;
pub mod hooks;
pub mod icon;
pub mod jumps;
pub mod lightbox;
pub mod local_time;
pub mod message;
pub mod opened_at;
pub mod paging;
pub mod people;
pub mod picker;
pub mod picture_form;
pub mod rows;
pub mod scroller;
pub mod sheet;
pub mod shortcuts;
pub mod sidebar;
pub mod timeline;
pub mod unsent;
pub mod welcome;
