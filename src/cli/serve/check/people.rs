//! Who can take part, as far as the CA's register is on this machine.

use std::collections::BTreeMap;

use super::report::Report;
use crate::auction::catalogue::Timer;
use crate::auction::name::{Name, Role};
use crate::cli::serve::Args;
use crate::cli::when;
use crate::pki::{Crl, Holder, HouseFolder, OfficeFault, Register, Standing};
use crate::record::SaleFile;
use crate::time::Timestamp;

/// The most names in one line; the register may have thousands.
const NAMES_MAX: usize = 50;

/// Looks at everybody's certificates up to `until`, and whether the list is the CA's newest.
pub(super) fn look(
    args: &Args,
    file: &SaleFile,
    crl: Option<&Crl>,
    (now, until): (Timestamp, Timestamp),
    report: &mut Report,
) {
    let register = match HouseFolder::at(args.pki.clone()).register() {
        Err(OfficeFault::NoCa { .. }) => {
            let fact = "the CA is kept elsewhere: `gavel pki list` says there who can take part";
            report.good("people", fact);
            return;
        }
        other => report.take("people", other),
    };
    let Some(register) = register else { return };
    if let Some(crl) = crl.filter(|crl| crl.number < register.crl_number()) {
        let fact = format!(
            "the list here is number {}, and the CA has made number {}",
            crl.number,
            register.crl_number()
        );
        report.bad("revocations", fact, "`gavel pki crl` writes the newest to both places");
    }
    let people = live(&register, now);
    expiring(&people, until, report);
    roles(&people, file, report);
}

/// Each name's live certificate that is good for longest, with its role.
type People = BTreeMap<Name, (Role, Timestamp)>;

fn live(register: &Register, now: Timestamp) -> People {
    let mut people = People::new();
    for (issued, standing) in register.standings(now) {
        let Holder::Person { name, role, .. } = &issued.holder else { continue };
        if standing != Standing::Live {
            continue;
        }
        let longest = people.entry(name.clone()).or_insert((*role, issued.not_after));
        if issued.not_after > longest.1 {
            *longest = (*role, issued.not_after);
        }
    }
    people
}

fn expiring(people: &People, until: Timestamp, report: &mut Report) {
    let short: Vec<&str> = people
        .iter()
        .filter(|(_, (_, not_after))| *not_after < until)
        .map(|(name, _)| name.as_str())
        .collect();
    let moment = when::moment(until);
    if short.is_empty() {
        let fact = format!("{}, all with certificates until {moment}", counted(people.len()));
        report.good("people", fact);
        return;
    }
    let mut names = short[..short.len().min(NAMES_MAX)].join(", ");
    if short.len() > NAMES_MAX {
        names.push_str(&format!(" and {} more", short.len() - NAMES_MAX));
    }
    let fact = format!(
        "the certificates of {} of {} expire before {moment}: {names}",
        short.len(),
        counted(people.len())
    );
    report.doubtful(
        "people",
        fact,
        "bids under an expired certificate are refused: `gavel pki renew` makes new ones",
    );
}

fn roles(people: &People, file: &SaleFile, report: &mut Report) {
    let has = |wanted: Role| people.values().any(|(role, _)| *role == wanted);
    if !has(Role::Bidder) {
        let hint = "gavel pki sign FILE --as NAME, for each who ran `gavel pki request NAME`";
        report.doubtful("people", "nobody has a bidder's certificate", hint);
    }
    let is_manual = |terms: &Timer| matches!(terms, Timer::Manual);
    let manual = file.lots.iter().filter(|lot| is_manual(&lot.terms.timer)).count();
    if manual > 0 && !has(Role::Auctioneer) {
        let fact = format!("no auctioneer has a certificate, and {manual} lots wait for one");
        report.doubtful("people", fact, "`gavel prepare` makes one");
    }
}

fn counted(people: usize) -> String {
    if people == 1 { "1 person".to_owned() } else { format!("{people} people") }
}

#[cfg(test)]
mod tests {
    use super::super::report::Standing as Found;
    use super::*;
    use crate::time::Span;

    fn at_s(s: u64) -> Timestamp {
        Timestamp::ZERO.plus(Span::from_s(s))
    }

    #[test]
    fn who_expires_before_the_evening_is_over_is_named() {
        let until = |s| (Role::Bidder, at_s(s));
        let name = |text: &str| Name::parse(text).expect("a name");
        let mut people = People::from([(name("ada"), until(100)), (name("bob"), until(200))]);
        let mut report = Report::default();
        expiring(&people, at_s(100), &mut report);
        assert_eq!(report.lines[0].standing, Found::Good);
        expiring(&people, at_s(101), &mut report);
        let line = format!("{:?}", report.lines[1]);
        assert!(line.contains("1 of 2 people") && line.contains(": ada\""), "{line}");
        people.extend((0..60).map(|i| (name(&format!("x{i}")), until(1))));
        expiring(&people, at_s(101), &mut report);
        assert!(format!("{:?}", report.lines[2]).contains("and 11 more"));
    }

    #[test]
    fn a_sale_by_hand_needs_an_auctioneer() {
        let lots = crate::record::read_sale_file(
            br#"{"sale":{"currency":{"code":"EUR"},"timer":"manual"},
                "lots":{"1":{"name":"x","start":1,"increments":[[0,1]]}}}"#,
            crate::record::Times::Absolute,
        );
        let file = lots.expect("a file");
        let mut report = Report::default();
        roles(&People::new(), &file, &mut report);
        assert_eq!(report.lines.len(), 2, "{report:?}");
    }
}
