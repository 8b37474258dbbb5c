//! The recipe: what openssl, jq and sha256sum say about the worked example.

use std::process::Command;

use gavel::auction::act::{Deed, Effect};
use gavel::auction::name::{LotId, Title};
use gavel::ledger::Hash;
use gavel::pki::Fingerprint;
use gavel::record::{ActStatement, BidKey, Head, Order, RecordedAct, SignedAct, draft_act};

use crate::example::{Given, at, name, signing_key};
use crate::{blocks, doc, ledger_of};

/// Runs the document's shell recipe over the document's ledger, then over damaged copies.
#[test]
fn the_recipe_checks_by_hand() {
    let missing = ["openssl", "jq", "sha256sum", "python3"]
        .into_iter()
        .find(|tool| Command::new(tool).arg("--version").output().is_err());
    if let Some(tool) = missing {
        let needed = std::env::var("GAVEL_NEED").unwrap_or_default();
        assert!(!needed.contains(tool.trim_end_matches('3')), "{tool} is needed and not there");
        println!("not run: {tool} is not there");
        return;
    }
    let doc = doc();
    let steps: Vec<&str> = blocks(&doc, "sh").into_iter().map(|(_, content)| content).collect();
    let lines = ledger_of(&doc);
    let Given { ca, .. } = Given::from_lines(&lines);
    let published = Fingerprint::of(&ca).to_string();
    let run = |chosen: &[usize], ledger: &str| {
        let script: Vec<&str> = chosen.iter().map(|step| steps[*step]).collect();
        run_recipe(&format!("set -eu\n{}\n", script.join("\n")), ledger, &published)
    };
    let good = lines.join("\n") + "\n";
    let [chain, certificates, seals, enrolments, bids, acts] = [0, 1, 2, 3, 4, 5];
    let (passed, said) = run(&[chain, certificates, seals, enrolments, bids, acts], &good);
    assert!(passed, "{said}");
    // The example has no acts: one is put behind it.
    let acted = format!("{good}{}\n", act_line(&lines));
    let (passed, said) = run(&[certificates, enrolments, acts], &acted);
    assert!(passed, "{said}");
    let forged = acted.replacen("a slip", "a slap", 1);
    assert!(!run(&[certificates, enrolments, acts], &forged).0, "the recipe passes a reason");
    let spoilt = |line: usize, key: &str| {
        good.replace(&value_of(&lines[line], key), &("A".repeat(86) + "=="))
    };
    let amount = good.replacen("\"amount\":1001", "\"amount\":1002", 1);
    for (what, steps, bad) in [
        ("an amount in the chain", &[chain][..], amount.clone()),
        ("an amount under a seal", &[certificates, seals], amount.clone()),
        ("an amount under a signature", &[certificates, enrolments, bids], amount),
        ("a line less", &[chain], good.replace(&format!("{}\n", lines[10]), "")),
        ("another CA", &[certificates], good.replace(&value_of(&lines[0], "ca"), "MIIB")),
        ("the certificate key's signature", &[certificates, enrolments], spoilt(4, "cert_sig")),
        ("the bid key's signature", &[certificates, enrolments], spoilt(4, "bid_sig")),
        ("the bid's signature", &[certificates, enrolments, bids], spoilt(6, "sig")),
    ] {
        assert!(run(steps, &good).0, "these steps stand by themselves");
        assert!(!run(steps, &bad).0, "the recipe passes {what}");
    }
}

/// A void in the sale of the example, as a line.
fn act_line(lines: &[String]) -> String {
    let order = Order::Deed(Deed::Void { lot: LotId::parse("3").expect("an id"), seen: Some(6) });
    let statement = ActStatement {
        bid_key: BidKey::from(&signing_key("ada bid key")),
        bidder: name("ada"),
        head: Head { root: Hash::ZERO, size: 8 },
        n: 1,
        order,
        reason: Some(Title::parse("a slip").expect("a title")),
        sale_hash: Hash::of(lines[0].as_bytes()),
    };
    let act = SignedAct::sign(statement, &signing_key("ada bid key"));
    let effect = Effect::Voided { standing: None, ends_at: None, reserve_met: None };
    let draft = draft_act(&RecordedAct { act, effect }, at(5_000)).expect("it enters no bid");
    let body = String::from_utf8(draft.body).expect("UTF-8");
    format!("{{\"body\":{body},\"t\":\"void\"}}")
}

fn value_of(line: &str, key: &str) -> String {
    let (_, rest) = line.split_once(&format!("\"{key}\":\"")).expect("the key");
    rest.split('"').next().expect("a value").to_owned()
}

fn run_recipe(script: &str, ledger: &str, published: &str) -> (bool, String) {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("ledger.jsonl"), ledger).expect("written");
    let output = Command::new("sh")
        .args(["-c", script])
        .env("CA_SHA256", published)
        .current_dir(dir.path())
        .output()
        .expect("sh runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
