//! Pushes: the devices that take them, what people want of them, and who is to get one of a message.

mod outcomes;
mod receivers;
mod settings;
mod subscriptions;

pub use outcomes::{note_failure, note_gone, note_refusal, note_success};
pub use receivers::{
    NoticeReceiver, PushReceiver, PushedEntry, PushedMessage, find_entry, find_message, list_of_user, list_receivers,
    list_receivers_of_entry,
};
pub use settings::{find_settings, pause, set_settings};
pub use subscriptions::{
    KnownDevice, NewSubscription, PushDevice, PushTarget, count_live, delete_of_other_key, find_by_endpoint,
    find_target, list, move_to_session, prune_dead, register, remove, remove_endpoint,
};
