//! The parts of the live measurements: a minimal client, many of them, and a board that records what they receive.

pub mod bare;
pub mod board;
pub mod client;
pub mod crowd;
pub mod poster;
pub mod rooms;
pub mod site;
pub mod trouble;
