//! The operator's sale file, read and checked.

use std::path::Path;

use super::Failure;
use super::fault::whole;
use crate::limits::SALE_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::record::{SaleFile, Times, read_sale_file};

/// Reads a sale file; what is wrong in it is said with lot and key.
pub(super) fn read(path: &Path) -> Result<SaleFile, Failure> {
    parse(path, &bytes(path)?)
}

/// The bytes of a sale file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    keys::read_public(path, SALE_FILE_BYTES_MAX).map_err(|fault| {
        let message = whole(&fault);
        if fault.is_missing() {
            Failure::usage("file-missing", message)
                .hint("name the sale file, as in `gavel serve items.json`")
        } else {
            fault.into()
        }
    })
}

/// The sale file of these bytes, which were read from `path`.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<SaleFile, Failure> {
    read_sale_file(bytes, Times::Absolute).map_err(|error| {
        let failure = Failure::usage("sale-file", format!("{}: {error}", shown(path)));
        if has_full_form(bytes) {
            failure.hint("examples/README.md names every key of `sale` and of a lot")
        } else {
            failure.hint(r#"a lot is {"1": {"name": "Vase", "highest_bid": 50, "highest_bidder": null, "duration": 120}}"#)
        }
    })
}

/// Whether the writer of a file that could not be read meant the full form.
fn has_full_form(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("\"lots\"") || text.contains("\"sale\"")
}
