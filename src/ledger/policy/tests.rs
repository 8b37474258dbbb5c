//! Policies read and applied: the specification's example, and each of its rules broken.

use ed25519_dalek::SigningKey;

use super::super::encoding::encode_base64;
use super::super::note::TYPE_ED25519;
use super::super::vkey::VkeyError;
use super::super::{VerifierKey, WitnessKey};
use super::*;

const TEXT: &str = "house/sale\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn witness(seed: u8) -> WitnessKey {
    WitnessKey::new(&format!("w{seed}.example"), SigningKey::from_bytes(&[seed; 32])).expect("key")
}

fn vkey(seed: u8) -> String {
    witness(seed).public().vkey().to_string()
}

fn log(seed: u8) -> String {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    VerifierKey::new("house/sale", TYPE_ED25519, &key).expect("a key").to_string()
}

/// The example of the specification: two of the X and one of the Y.
fn two_levels() -> String {
    let witnesses: String = [("X1", 1), ("X2", 2), ("X3", 3), ("Y1", 4), ("Y2", 5), ("Y3", 6)]
        .map(|(name, seed)| format!("witness {name} {}\n", vkey(seed)))
        .concat();
    format!(
        "# who must have seen it\n\n  log\t{} https://house.example/\n{witnesses}group X-witnesses 2 X1 X2 X3\n\
         group Y-witnesses any Y1 Y2 Y3\n\tgroup X-and-Y all X-witnesses Y-witnesses \nquorum X-and-Y\n",
        log(9)
    )
}

fn judge(policy: &str, seeds: &[u8]) -> Judgement {
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let signatures = seeds.iter().map(|seed| witness(*seed).cosign(TEXT, 100)).collect();
    policy.judge(&Note { text: TEXT.to_owned(), signatures }).expect("all stand")
}

#[test]
fn the_example_of_the_specification_is_judged_as_it_says() {
    let met = |seeds: &[u8]| judge(&two_levels(), seeds).is_met();
    assert!(met(&[1, 2, 4]) && met(&[6, 3, 1]) && met(&[1, 2, 3, 4, 5, 6]));
    assert!(!met(&[]) && !met(&[1, 2]) && !met(&[1, 4]) && !met(&[4, 5, 6]) && !met(&[1, 2, 3]));
    assert!(!met(&[1, 1, 4]), "one witness counts once");
    assert!(!met(&[1, 7, 4]), "a stranger does not count");
    let judgement = judge(&two_levels(), &[3, 4]);
    let names: Vec<_> =
        judgement.cosigned.iter().map(|(name, found)| (&name[..], found.time_s)).collect();
    assert_eq!(names, [("X3", 100), ("Y1", 100)]);
    assert_eq!(
        judgement.missing,
        [
            "X-and-Y needs 2 of its 2, and has 1",
            "X-witnesses needs 2 of its 3, and has 1",
            "X1 has not cosigned",
            "X2 has not cosigned"
        ]
    );
}

#[test]
fn one_witness_can_be_the_quorum_and_none_can_be_required() {
    let one = format!("witness w {}\nquorum w\n", vkey(1));
    assert!(judge(&one, &[1]).is_met() && !judge(&one, &[2]).is_met());
    assert_eq!(judge(&one, &[]).missing, ["w has not cosigned"]);
    let none = Policy::parse(b"quorum none\n").expect("a policy");
    assert!(judge("quorum none\n", &[]).is_met() && !none.requires_witnesses());
}

#[test]
fn a_wrong_line_of_a_known_witness_spoils_the_note() {
    let policy =
        format!("witness w {}\nwitness v {}\ngroup g any w v\nquorum g\n", vkey(1), vkey(2));
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let signatures = vec![witness(1).cosign(TEXT, 100), witness(2).cosign("other\n", 100)];
    assert_eq!(policy.judge(&Note { text: TEXT.to_owned(), signatures }), Err(WrongSignature));
}

#[test]
fn logs_are_known_by_key_and_name() {
    let key = |text: &str| VerifierKey::parse(text).expect("a key");
    let policy = Policy::parse(two_levels().as_bytes()).expect("a policy");
    assert!(policy.takes_log(&key(&log(9))) && !policy.takes_log(&key(&log(8))));
    let renamed = SigningKey::from_bytes(&[9; 32]).verifying_key();
    let renamed = VerifierKey::new("house/other", TYPE_ED25519, &renamed).expect("a key");
    assert!(!policy.takes_log(&renamed), "the key's name is the log's origin");
    let open = Policy::parse(b"quorum none\n").expect("a policy");
    assert!(open.takes_log(&renamed), "which logs count is left to others");
}

#[test]
fn witnesses_that_cannot_be_checked_never_count() {
    let material = crate::ledger::encoding::encode_base64(&[&[0x06], &[7; 1312][..]].concat());
    let policy = format!("witness pq w+00000000+{material} https://w.example\nquorum pq\n");
    assert_eq!(
        judge(&policy, &[1]).missing,
        ["pq: signatures of type 0x06 cannot be checked here"]
    );
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let urls: Vec<_> = policy.witnesses().map(|witness| witness.url.clone()).collect();
    assert_eq!(urls, [Some("https://w.example".to_owned())]);
}

#[test]
fn every_rule_of_the_form_is_held() {
    let (one, two) = (vkey(1), vkey(2));
    let named = |name: &str| PolicyFault::Undefined { name: name.to_owned() };
    let twice = |name: &str| PolicyFault::MemberTwice { name: name.to_owned() };
    let form = |form| PolicyFault::Form { form };
    let pair = format!("witness a {one}\nwitness b {two}\n");
    let table = [
        (String::new(), 0, PolicyFault::NoQuorum),
        ("quorum none".to_owned(), 1, PolicyFault::NoLineEnd),
        ("quorum none\nquorum none\n".to_owned(), 2, PolicyFault::QuorumTwice),
        ("quorum none none\n".to_owned(), 1, form("quorum NAME|none")),
        ("quorum w\n".to_owned(), 1, named("w")),
        ("quorum\rnone\n".to_owned(), 1, PolicyFault::Control),
        ("quorum none\r\n".to_owned(), 1, PolicyFault::Control),
        ("# \u{7f}\n".to_owned(), 1, PolicyFault::Control),
        ("Quorum none\n".to_owned(), 1, PolicyFault::Keyword),
        (format!("quorum a\nwitness a {one}\n"), 1, named("a")),
        (format!("witness none {one}\n"), 1, PolicyFault::NameTaken),
        (format!("witness a {one}\nwitness a {two}\n"), 2, PolicyFault::NameTaken),
        (format!("witness a {one}\nwitness b {one}\n"), 2, PolicyFault::DuplicateKey),
        (format!("witness a {}\n", log(1)), 1, PolicyFault::KeyType),
        (format!("log {one}\n"), 1, PolicyFault::KeyType),
        (format!("log {}\nlog {}\n", log(1), log(1)), 2, PolicyFault::DuplicateKey),
        ("log\n".to_owned(), 1, form("log VKEY [URL]")),
        (format!("witness {one}\n"), 1, form("witness NAME VKEY [URL]")),
        ("log key\n".to_owned(), 1, PolicyFault::Key(VkeyError::Shape)),
        (format!("{pair}group g\n"), 3, form("group NAME all|any|NUMBER NAME..")),
        (format!("{pair}group g all\n"), 3, PolicyFault::Threshold),
        (format!("{pair}group g any\n"), 3, PolicyFault::Threshold),
        (format!("{pair}group g 0 a b\n"), 3, PolicyFault::Threshold),
        (format!("{pair}group g 3 a b\n"), 3, PolicyFault::Threshold),
        (format!("{pair}group g 02 a b\n"), 3, PolicyFault::Threshold),
        (format!("{pair}group g 1 a c\n"), 3, named("c")),
        (format!("{pair}group g 1 a none\n"), 3, named("none")),
        (format!("{pair}group g 1 g a\n"), 3, named("g")),
        (format!("{pair}group g 1 a a\n"), 3, twice("a")),
        (format!("{pair}group g any a b\ngroup h any a\n"), 4, twice("a")),
        (format!("{pair}group a any b\n"), 3, PolicyFault::NameTaken),
    ];
    for (text, line, fault) in table {
        assert_eq!(Policy::parse(text.as_bytes()), Err(PolicyError { line, fault }), "{text:?}");
    }
}

#[test]
fn names_are_octets_and_there_is_a_bound() {
    let latin = [b"witness \xff ".as_slice(), vkey(1).as_bytes(), b"\nquorum \xff\n"].concat();
    assert!(Policy::parse(&latin).is_ok(), "any octet with the high bit set may stand in a name");
    let kelvin = format!("witness K {}\nquorum \u{212a}\n", vkey(1));
    assert!(Policy::parse(kelvin.as_bytes()).is_err(), "a Kelvin sign is not a K");
    let many: String = (0..=crate::limits::POLICY_NAMES_MAX)
        .map(|n| {
            let seed = u8::try_from(n % 250).expect("small");
            let mut bytes = [seed; 32];
            bytes[31] = u8::try_from(n / 250).expect("small");
            let key = WitnessKey::new("w", SigningKey::from_bytes(&bytes)).expect("a key");
            format!("witness w{n} {}\n", key.public().vkey())
        })
        .collect();
    let fault = Policy::parse(many.as_bytes()).expect_err("too many").fault;
    assert_eq!(fault, PolicyFault::TooMany);
}

#[test]
fn a_list_of_logs_holds_logs_whose_signatures_can_be_checked() {
    let read = |text: &str| Policy::parse_logs(text.as_bytes());
    let text = format!("# sales\n\nlog {} https://house.example/\n\tlog\t{}\n", log(8), log(9));
    let keys: Vec<String> = read(&text).expect("reads").iter().map(ToString::to_string).collect();
    assert_eq!(keys, [log(8), log(9)], "two keys of one log, while it changes its key");
    assert_eq!(read(""), Ok(Vec::new()));
    let unknown = encode_base64(&[&[0x06], &[7; 1312][..]].concat());
    let table = [
        (format!("witness w {}\n", vkey(1)), PolicyFault::OnlyLogs),
        ("quorum none\n".to_owned(), PolicyFault::OnlyLogs),
        (format!("log l+00000000+{unknown}\n"), PolicyFault::UnknownType { signature_type: 6 }),
        (format!("log {}\n", vkey(1)), PolicyFault::KeyType),
        (format!("log {}\n", log(8)), PolicyFault::DuplicateKey),
        ("logs\n".to_owned(), PolicyFault::Keyword),
        ("log x".to_owned(), PolicyFault::NoLineEnd),
    ];
    for (second, fault) in table {
        let read = read(&format!("log {}\n{second}", log(8)));
        assert_eq!(read, Err(PolicyError { line: 2, fault }), "{second}");
    }
}
