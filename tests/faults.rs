//! Faults, really injected: into the disk, the process, the clock and the network.
//! What needs root or another program says so in one line where that is missing.

#[path = "faults/bidders.rs"]
mod bidders;
#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/controls.rs"]
mod controls;
#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/failing_calls.rs"]
mod failing_calls;
#[path = "faults/failing_disk.rs"]
mod failing_disk;
#[path = "faults/hall.rs"]
mod hall;
#[path = "faults/judge.rs"]
mod judge;
#[path = "faults/kill_points.rs"]
mod kill_points;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/odd_disks.rs"]
mod odd_disks;
#[path = "faults/power_cuts.rs"]
mod power_cuts;
#[path = "faults/second_disks.rs"]
mod second_disks;
#[path = "faults/tools.rs"]
mod tools;
#[path = "faults/tracer.rs"]
mod tracer;
