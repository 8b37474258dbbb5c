//! The operator's sale file, read and checked.

use std::path::Path;

use super::Failure;
use super::fault::whole;
use crate::auction::catalogue::LotTerms;
use crate::limits::SALE_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::record::read_sale_file;

/// Reads a sale file; what is wrong in it is said with lot and key.
pub(super) fn read(path: &Path) -> Result<Vec<LotTerms>, Failure> {
    let bytes = keys::read_public(path, SALE_FILE_BYTES_MAX).map_err(|fault| {
        let message = whole(&fault);
        if fault.is_missing() {
            Failure::usage("file-missing", message)
                .hint("name the sale file, as in `gavel serve items.json`")
        } else {
            fault.into()
        }
    })?;
    read_sale_file(&bytes).map_err(|error| {
        Failure::usage("sale-file", format!("{}: {error}", shown(path)))
            .hint(r#"a lot is {"1": {"name": "Vase", "highest_bid": 50, "highest_bidder": null, "duration": 120}}"#)
    })
}
