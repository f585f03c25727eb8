//! Tests of the site through its router, on a real database, with sessions from real sign-ins.

#![recursion_limit = "256"]

mod avatars;
mod bad_input;
mod bots;
mod commands;
mod connections;
mod edit_history;
mod entrance;
mod files;
mod frame;
mod freshness;
mod hooks;
mod inbox;
mod installed;
mod mails;
mod messages;
mod pages;
mod permissions;
mod pins;
mod previews;
mod push_service;
mod pushes;
mod receiver;
mod replies;
mod requests;
mod rooms;
mod saved;
mod scheduled;
mod sockets;
mod support;
mod threads;
mod tls;
mod users;
mod webhooks;
