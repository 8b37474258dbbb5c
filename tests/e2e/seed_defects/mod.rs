//! One test for each defect of the older auction, by its number. The seed's
//! behaviour fails every one of them.

mod crowd;
mod records;
mod speech;
mod time;
mod trust;

use super::world::items;

/// Lots whose timers outlive any test.
fn lasting() -> String {
    items(&[("1", 50, 600), ("2", 100, 600), ("3", 1000, 600)])
}

/// A thousand lots with long names: each LIST is a quarter of a megabyte.
pub(crate) fn long_list() -> String {
    let name = "x".repeat(190);
    let lot = |id: u32| {
        let duration = if id <= 3 { 1 } else { 600 };
        format!(
            r#""{id}":{{"name":"{name}","highest_bid":0,"highest_bidder":null,"duration":{duration}}}"#
        )
    };
    format!("{{{}}}", (1..=1000).map(lot).collect::<Vec<_>>().join(","))
}
