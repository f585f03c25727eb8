//! The encryption and the signature against the vectors of the standards and of another implementation.

mod encryption;
mod vapid;
