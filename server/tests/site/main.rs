//! Tests of the site through its router, on a real database, with sessions from real sign-ins.

#![recursion_limit = "256"]

mod avatars;
mod bad_input;
mod bots;
mod commands;
mod connections;
mod entrance;
mod files;
mod frame;
mod freshness;
mod hooks;
mod installed;
mod messages;
mod pages;
mod permissions;
mod previews;
mod push_service;
mod pushes;
mod receiver;
mod requests;
mod rooms;
mod sockets;
mod support;
mod threads;
mod tls;
mod users;
mod webhooks;
