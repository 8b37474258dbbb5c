//! The program with one fault planted in it: the negative controls of the fault harness run it.
//! `GAVEL_PLANT` names the fault; without it, it is `gavel`.

use gavel::planted::{Fault, arm};

fn main() -> std::process::ExitCode {
    if let Ok(name) = std::env::var("GAVEL_PLANT") {
        let planted = Fault::ALL.iter().find(|(known, _)| *known == name);
        arm(planted.unwrap_or_else(|| panic!("there is no fault {name} to plant")).1);
    }
    gavel::cli::run()
}
