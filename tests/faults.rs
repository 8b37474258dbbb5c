//! Faults, really injected: into the disk, the process, the clock and the network.
//! What needs root or another program says so in one line where that is missing.

#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/tools.rs"]
mod tools;
