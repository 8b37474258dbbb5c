//! A house with certificates of every kind, in a folder as `gavel prepare` makes it.

use std::fs;
use std::path::Path;

use gavel::auction::name::{HouseName, Name, Role, SaleId};
use gavel::pki::{
    Address, Grant, HouseFolder, KeyMaker, Preparation, Replace, RevocationReason, Which, keys,
    prepare, request,
};
use gavel::time::{Span, Timestamp};

/// When everything is made: certificates are judged a little after it.
fn now() -> Timestamp {
    Timestamp::from_unix_ms(gavel_fuzz::house::MADE_MS).expect("in range")
}

pub(crate) fn write(folder: &Path) {
    let root = folder.join("house");
    if root.exists() {
        fs::remove_dir_all(&root).expect("removes what was left half made");
    }
    let house = HouseFolder::at(root.clone());
    let name = |text: &str| Name::parse(text).expect("a name");
    let wanted = Preparation {
        house: Some(HouseName::parse(gavel_fuzz::house::HOUSE).expect("a name")),
        address: Some(Address::parse("127.0.0.1:12000").expect("an address")),
        sale: SaleId::parse(gavel_fuzz::house::SALE).expect("an id"),
        auctioneer: name("ada"),
    };
    prepare(&house, &wanted, None, now()).expect("prepares");
    let grant = |text: &str, role| Grant {
        name: name(text),
        role,
        maker: KeyMaker::Holder,
        lifetime: Span::from_s(30 * 86_400),
    };
    let mut office = house.open(None).expect("opens");
    office.issue(grant("bob", Role::Clerk), Replace::Refuse, now()).expect("issues");
    office.issue(grant("carol", Role::Bidder), Replace::Refuse, now()).expect("issues");
    let requests = root.join("requests");
    keys::make_folder(&requests).expect("makes a folder");
    let asked = request(&requests, &name("alice")).expect("asks");
    office
        .sign(&asked.request, grant("alice", Role::Bidder), Replace::Refuse, now())
        .expect("signs");
    let carol = Which::Name(name("carol"));
    office.revoke(&carol, RevocationReason::KeyCompromise, now()).expect("revokes");
}
