//! What the live measurements are made of: a light socket, a crowd of them, and a board that counts what they hear.

pub mod bare;
pub mod board;
pub mod client;
pub mod crowd;
pub mod poster;
pub mod rooms;
pub mod site;
pub mod trouble;
