//! The parts of pages, one family a file.

pub mod avatar;
pub mod composer;
pub mod form;
pub mod icon;
pub mod message;
pub mod people;
pub mod rows;
pub mod sheet;
pub mod sidebar;
pub mod timeline;
