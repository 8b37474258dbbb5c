//! A witness: what it may never sign, whatever comes and whenever it stops, and the program over
//! real HTTP.

#[path = "witness/log.rs"]
mod log;
#[path = "witness/never_two_trees.rs"]
mod never_two_trees;
#[path = "witness/patience.rs"]
mod patience;
#[path = "witness/peer.rs"]
mod peer;
#[path = "witness/program.rs"]
mod program;
#[path = "witness/stopped.rs"]
mod stopped;
