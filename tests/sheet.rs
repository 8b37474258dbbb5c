//! Results in every form, made from real ledgers.

// Part of it serves the auditor's tests.
#[expect(dead_code, reason = "shared with tests/audit.rs, which uses all of it")]
#[path = "tampered/running.rs"]
mod running;
#[expect(dead_code, reason = "shared with tests/audit.rs, which uses all of it")]
#[path = "tampered/world.rs"]
mod world;

#[path = "sheet/accounts.rs"]
mod accounts;
#[path = "sheet/bundle.rs"]
mod bundle;
#[path = "sheet/claims.rs"]
mod claims;
#[path = "sheet/command.rs"]
mod command;
#[path = "sheet/desk.rs"]
mod desk;
#[path = "sheet/doc.rs"]
mod doc;
#[path = "sheet/forms.rs"]
mod forms;
#[path = "sheet/hall.rs"]
mod hall;
