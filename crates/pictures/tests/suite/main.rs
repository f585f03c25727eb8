//! The crate from outside, with pictures that are made here: those that cameras and programs send, and those that are
//! meant to do harm.

mod child;
mod headers;
mod inputs;
mod metadata;
mod properties;
mod thumbnails;
