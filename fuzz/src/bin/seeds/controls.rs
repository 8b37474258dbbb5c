//! That the targets can fail: what must be taken is taken, so that a target which sees nothing taken
//! has not lost its way at the door.

use gavel::audit::{Verdict, audit, convict, prove};
use gavel::ledger::{Evidence, Receipt};
use gavel::pki::{Credential, verify_person, verify_sealer, verify_server};
use gavel::sheet::{Claim, Sheet};
use gavel_fuzz::forge::{self, Forge};
use gavel_fuzz::house::{anchor, ca_secret, house, later, sale};
use gavel_fuzz::played::{self, Played};
use gavel_fuzz::{der, keys};

/// Checks what was played; of another version of the format it must be played again.
pub(crate) fn check(played: &Played) {
    let forge = Forge::read();
    for ledger in &played.ledgers {
        let verdict = audit(&ledger.bytes, played.anchors()).verdict();
        assert_eq!(verdict, Verdict::Valid, "remove fuzz/played and fuzz/corpus");
        let forged = forge.ledger(&forge::text_of(&ledger.bytes));
        assert_eq!(audit(&forged, played.anchors()).verdict(), Verdict::Valid, "a forger's hand");
    }
    let audit = audit(&played.ledgers[0].bytes, played.all_anchors());
    assert_eq!(audit.verdict(), Verdict::Valid, "with everything that an auditor can bring");
    let sheet = Sheet::of(audit.audited().expect("is clean"));
    let claim = Claim::read(&played::file("sheet.json")).expect("a sheet of this version");
    assert!(claim.compare(&sheet).is_empty(), "the sheet is that of its ledger");
    papers(played);
    certificates();
}

fn papers(played: &Played) {
    let text = |name: &str| String::from_utf8(played::file(name)).expect("is UTF-8");
    let receipt = Receipt::parse(&text("receipt")).expect("a receipt");
    let proven = prove(&receipt, &played.anchor).expect("the receipt stands");
    assert_eq!(proven.sealed.checkpoint().origin, keys::ORIGIN);
    for name in ["evidence-0", "evidence-1"] {
        let evidence = Evidence::parse(&text(name)).expect("evidence");
        convict(&evidence, &played.anchor).expect("the evidence convicts");
    }
}

/// A certificate that is signed again by hand is as good as it was.
fn certificates() {
    let ada = played::file("house/people/ada.pem");
    let credential = Credential::read(&ada, later()).expect("a credential");
    let again = |der: &[u8]| der::signed_by(&ca_secret(), der::to_be_signed(der));
    let person = [again(credential.identity.leaf())];
    verify_person(&person, &anchor(), &house(), later()).expect("a person");
    let leaf = |name: &str| {
        let text = String::from_utf8(played::file(name)).expect("is UTF-8");
        let mut blocks = der::blocks(&text).into_iter();
        again(&blocks.find(|(label, _)| *label == "CERTIFICATE").expect("a certificate").1)
    };
    verify_server(&[leaf("house/serve/server.pem")], &anchor(), &house(), later())
        .expect("a server");
    let sealer = leaf("house/serve/sealer-spring.pem");
    verify_sealer(&sealer, &anchor(), &house(), &sale(), later()).expect("a sealer");
}
