//! What the live measurements are made of: a light socket, a crowd of them, a board that counts what they hear, and
//! figures of processes.

pub mod bare;
pub mod board;
pub mod client;
pub mod crowd;
pub mod poster;
pub mod process;
pub mod report;
pub mod rooms;
pub mod site;
pub mod trouble;
