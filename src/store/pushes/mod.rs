//! Pushes: the devices that take them, what people want of them, and who is to get one of a message.

mod receivers;
mod settings;
mod subscriptions;

pub use receivers::{PushReceiver, PushedMessage, find_message, list_receivers};
pub use settings::{find_settings, pause, set_settings};
pub use subscriptions::{
    NewSubscription, PushDevice, PushTarget, count_live, find_by_endpoint, find_target, list, move_to_session,
    note_failure, note_refusal, note_success, register, remove, remove_dead, remove_endpoint, remove_gone,
};
