//! The world as the real SDK sees it.

mod client;
mod rollout;
