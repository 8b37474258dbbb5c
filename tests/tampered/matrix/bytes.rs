//! Whoever has a copy and no key: bytes changed, lines moved, the chain mended by hand.

use gavel::audit::FindingKind::{
    BidSignature, Canonical, Charset, DuplicateKey, Empty, Hash, Increment, Limit, Number, Order,
    Root, Schema, Seq, Torn, Unclosed, Unsealed, Utf8, Winner,
};
use gavel::audit::audit;
use serde_json::Value;

use super::Expected::{Incomplete, Invalid};
use super::{Case, Row, raw};
use crate::forge::{mend_chain, seal_as_it_stands};
use crate::world::world;

/// How Alice's first bid is found.
const AMOUNT: &str = "\"amount\":55";

pub(super) const ROWS: &[Row] = &[
    // ---- Lines ----
    raw("bytes-amount-edited", "an amount edited", Invalid(Hash), || {
        edited(AMOUNT, "\"amount\":56")
    }),
    raw("bytes-line-deleted", "a middle line deleted", Invalid(Seq), || {
        moved(|lines, bid| {
            lines.remove(bid);
            bid
        })
    }),
    raw("bytes-first-line-deleted", "line 0 deleted", Invalid(Seq), || {
        moved(|lines, _| {
            lines.remove(0);
            0
        })
    }),
    raw("bytes-line-twice", "a line twice", Invalid(Seq), || {
        moved(|lines, bid| {
            lines.insert(bid, lines[bid].clone());
            bid + 1
        })
    }),
    raw("bytes-line-inserted", "a line of another place inserted", Invalid(Seq), || {
        moved(|lines, bid| {
            lines.insert(bid, lines[bid + 3].clone());
            bid
        })
    }),
    raw(
        "bytes-line-inserted-in-order",
        "a line inserted that has the right number and names the line before it",
        Invalid(Seq),
        || {
            moved(|lines, bid| {
                let revoked = find(lines, "\"t\":\"revoke\"");
                let time = lines[revoked].replace("1800000030000", "1800000002000");
                lines.insert(bid, time);
                mend_chain(&mut lines[..=bid]);
                bid + 1
            })
        },
    ),
    raw("bytes-lines-swapped", "two lines swapped", Invalid(Seq), || {
        moved(|lines, bid| {
            lines.swap(bid, bid + 1);
            bid
        })
    }),
    raw(
        "bytes-hash-mended-once",
        "a line edited, and the next one made to name the new hash",
        Invalid(Hash),
        || {
            moved(|lines, bid| {
                lines[bid] = lines[bid].replace("\"lag_us\":40", "\"lag_us\":4");
                mend_chain(&mut lines[..bid + 2]);
                bid + 1
            })
        },
    ),
    raw(
        "bytes-amount-edited-chain-mended",
        "an amount edited, and every line after it made to name the new hashes",
        Invalid(BidSignature),
        || {
            mended(|lines, bid| {
                lines[bid] = lines[bid].replace(AMOUNT, "\"amount\":56");
                bid
            })
        },
    )
    .also(&[Increment, Root]),
    raw(
        "bytes-winner-edited-chain-mended",
        "another winner, and the chain mended",
        Invalid(Winner),
        || {
            mended(|lines, _| {
                let sold = find(lines, "\"price\":70,\"winner\":\"alice\"");
                lines[sold] = lines[sold].replace("alice", "bob");
                sold
            })
        },
    )
    .also(&[Root]),
    raw(
        "bytes-line-deleted-chain-mended",
        "a tick deleted, and all that follow numbered and chained anew",
        Invalid(Order),
        || {
            mended(|lines, _| {
                let tick = find(lines, "\"t\":\"tick\"");
                lines.remove(tick);
                tick
            })
        },
    )
    .also(&[Root]),
    raw(
        "bytes-measure-edited-chain-mended",
        "a number that only the house vouches for edited, and the chain mended",
        Invalid(Root),
        || {
            mended(|lines, _| {
                let lagging = find(lines, "\"lag_us\":70");
                lines[lagging] = lines[lagging].replace("\"lag_us\":70", "\"lag_us\":1");
                lagging + 1
            })
        },
    )
    .also(&[Root]),
    // ---- The end ----
    raw("bytes-cut-in-mid-line", "cut in mid-line", Incomplete(Torn), || {
        let (text, bid) = (text(), lines_before(AMOUNT));
        Case::raw(&text[..text.find(AMOUNT).expect("there")], bid)
    })
    .also(&[Unclosed]),
    raw("bytes-cut-in-line-0", "cut in line 0", Incomplete(Torn), || Case::raw(&text()[..100], 0)),
    raw("bytes-cut-before-a-line", "cut at a line's end", Incomplete(Unclosed), || {
        moved_to(|lines| lines.truncate(4), None)
    }),
    raw("bytes-cut-before-its-seal", "cut before the last seal", Incomplete(Unsealed), || {
        moved_to(|lines| drop(lines.pop()), None)
    }),
    raw("bytes-cut-to-nothing", "cut to nothing", Incomplete(Empty), || Case::raw("", None)),
    raw("bytes-last-lf-missing", "the last LF missing", Incomplete(Torn), || {
        Case::raw(text().trim_end(), line_count() - 1)
    })
    .also(&[Unsealed]),
    raw("bytes-zeros-at-the-end", "zeros after the last line", Invalid(Canonical), || {
        Case::raw(text().to_owned() + &"\0".repeat(4096), line_count())
    }),
    raw("bytes-more-at-the-end", "other text after the last line", Invalid(Canonical), || {
        Case::raw(text().to_owned() + "SOLD", line_count())
    }),
    raw("bytes-empty-line-at-the-end", "an empty line at the end", Invalid(Canonical), || {
        Case::raw(text().to_owned() + "\n", line_count())
    }),
    // ---- The form ----
    raw("bytes-crlf", "CRLF for LF", Invalid(Canonical), || {
        Case::raw(text().replace('\n', "\r\n"), 0)
    }),
    raw("bytes-cr", "CR for LF", Invalid(Canonical), || Case::raw(text().replace('\n', "\r"), 0)),
    raw("bytes-bom", "a byte order mark", Invalid(Canonical), || {
        Case::raw(format!("\u{feff}{}", text()), 0)
    }),
    raw("bytes-empty-line", "an empty line", Invalid(Canonical), || {
        Case::raw(text().replacen('\n', "\n\n", 1), 1)
    }),
    raw("bytes-invalid-utf8", "a title in another encoding", Invalid(Utf8), || {
        let vase = text().find("Vase").expect("there");
        let mut ledger = text().as_bytes().to_vec();
        ledger[vase + 1] = 0xe4;
        Case::raw(ledger, 2)
    }),
    raw("bytes-utf16", "the whole file in UTF-16", Invalid(Utf8), || {
        let units = std::iter::once(0xfeff).chain(text().encode_utf16());
        Case::raw(units.flat_map(u16::to_le_bytes).collect::<Vec<_>>(), 0)
    }),
    raw("bytes-nul", "a NUL in a text", Invalid(Canonical), || {
        edited("\"t\":\"bid\"", "\"t\":\"b\0d\"")
    }),
    raw("bytes-spacing", "a space between tokens", Invalid(Canonical), || {
        edited("\"t\":\"bid\"", "\"t\": \"bid\"")
    }),
    raw("bytes-key-order", "keys in another order", Invalid(Canonical), || {
        moved(|lines, bid| {
            lines[bid] = lines[bid].replace("\"t\":\"bid\"", "");
            lines[bid] =
                lines[bid].replace("{\"body\"", "{\"t\":\"bid\",\"body\"").replace(",,", ",");
            bid
        })
    }),
    raw("bytes-upper-case-hex", "a hash in upper-case hex", Invalid(Canonical), || {
        moved(|lines, bid| {
            let (before, rest) = lines[bid].split_once("\"prev\":\"").expect("there");
            let (hash, rest) = rest.split_at(64);
            lines[bid] = format!("{before}\"prev\":\"{}{rest}", hash.to_uppercase());
            bid
        })
    }),
    raw("bytes-escape", "a letter written as an escape", Invalid(Canonical), || {
        edited("\"bidder\":\"alice\",\"head", "\"bidder\":\"\\u0061lice\",\"head")
    }),
    raw("bytes-name-in-another-form", "a name in another Unicode form", Invalid(Charset), || {
        edited("\"bidder\":\"alice\",\"head", "\"bidder\":\"alice\u{301}\",\"head")
    }),
    raw(
        "bytes-name-alike",
        "a letter of another script that looks the same",
        Invalid(Charset),
        || edited("\"bidder\":\"alice\",\"head", "\"bidder\":\"\u{430}lice\",\"head"),
    ),
    raw("bytes-text-direction", "a mark that turns the text's direction", Invalid(Charset), || {
        edited("Vase", "Va\u{202e}se")
    }),
    raw("bytes-duplicate-key", "a key twice in an object", Invalid(DuplicateKey), || {
        edited(AMOUNT, "\"amount\":55,\"amount\":55")
    }),
    raw("bytes-array-for-object", "an array for an object", Invalid(Schema), || {
        moved(|lines, bid| {
            let mut line: Value = serde_json::from_str(&lines[bid]).expect("JSON");
            let body = line["body"].as_object().expect("a body").values().cloned().collect();
            line["body"] = Value::Array(body);
            lines[bid] = line.to_string();
            bid
        })
    }),
    raw("bytes-null", "null for a number", Invalid(Schema), || edited(AMOUNT, "\"amount\":null")),
    raw("bytes-unknown-key", "a field that no entry has", Invalid(Schema), || {
        edited("\"t\":\"bid\"", "\"t\":\"bid\",\"tai\":1")
    }),
    raw("bytes-unknown-type", "a type of entry that nobody knows", Invalid(Schema), || {
        edited("\"t\":\"bid\"", "\"t\":\"gift\"")
    }),
    raw("bytes-version", "another version of the format", Invalid(Schema), || {
        moved(|lines, bid| {
            lines[bid] = lines[bid].replace("\"v\":1", "\"v\":2");
            bid
        })
    }),
    // ---- Numbers and sizes ----
    raw("bytes-number-exponent", "1e2 as an amount", Invalid(Number), || amount("1e2")),
    raw("bytes-number-fraction", "1.0 as an amount", Invalid(Number), || amount("1.0")),
    raw("bytes-number-minus-zero", "-0 as an amount", Invalid(Number), || amount("-0")),
    raw("bytes-number-negative", "-55 as an amount", Invalid(Number), || amount("-55")),
    raw("bytes-number-leading-zero", "01 as an amount", Invalid(Number), || amount("01")),
    raw("bytes-number-2-53", "2^53 as an amount", Invalid(Number), || amount("9007199254740992")),
    raw("bytes-number-2-53-1", "2^53+1 as an amount", Invalid(Number), || {
        amount("9007199254740993")
    }),
    raw("bytes-number-2-64", "2^64 as an amount", Invalid(Number), || {
        amount("18446744073709551616")
    }),
    raw("bytes-number-long", "an amount of 10,000 digits", Invalid(Number), || {
        amount(&"9".repeat(10_000))
    }),
    raw("bytes-depth", "arrays in arrays, 10,000 deep", Invalid(Limit), || {
        amount(&"[".repeat(10_000))
    }),
    raw("bytes-long-line", "a line of 20,000 bytes", Invalid(Limit), || {
        amount(&format!("\"{}\"", "a".repeat(20_000)))
    }),
    raw("bytes-line-of-a-gigabyte", "a line of 1 GB", Invalid(Limit), || {
        moved(|lines, bid| {
            lines.truncate(bid);
            bid
        })
        .endless(1024)
    }),
];

fn text() -> &'static str {
    str::from_utf8(&world().ledger).expect("is UTF-8")
}

fn line_count() -> usize {
    text().lines().count()
}

/// The line on which `what` first stands.
fn lines_before(what: &str) -> usize {
    let at = text().find(what).unwrap_or_else(|| panic!("no {what}"));
    text()[..at].lines().count() - 1
}

/// The ledger with a text replaced where it first stands; it must be found there.
fn edited(from: &str, to: &str) -> Case {
    Case::raw(text().replacen(from, to, 1), lines_before(from))
}

fn amount(number: &str) -> Case {
    edited(AMOUNT, &format!("\"amount\":{number}"))
}

fn find(lines: &[String], what: &str) -> usize {
    lines.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}"))
}

/// The ledger with its lines changed, which `change` gets with the place of Alice's first bid;
/// it must be found at the line that `change` gives.
fn moved(change: impl FnOnce(&mut Vec<String>, usize) -> usize) -> Case {
    let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
    let line = change(&mut lines, lines_before(AMOUNT));
    Case::raw(joined(&lines), line)
}

fn moved_to(change: impl FnOnce(&mut Vec<String>), line: Option<usize>) -> Case {
    let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
    change(&mut lines);
    Case::raw(joined(&lines), line)
}

/// The same, with numbers and hashes put right by somebody who cannot seal.
fn mended(change: impl FnOnce(&mut Vec<String>, usize) -> usize) -> Case {
    let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
    let line = change(&mut lines, lines_before(AMOUNT));
    mend_chain(&mut lines);
    Case::raw(joined(&lines), line)
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What is no line of the format is none under the house's own seal either.
#[test]
fn the_house_may_not_write_them_itself() {
    let of_form = [Utf8, Canonical, Charset, DuplicateKey, Schema, Number, Limit];
    let mut tried = 0;
    for row in ROWS {
        let case = (row.forge)();
        let Some(kind) = row.expected.finding().filter(|kind| of_form.contains(kind)) else {
            continue;
        };
        if case.is_endless() {
            continue;
        }
        let audit = audit(&seal_as_it_stands(&case.ledger), world().anchors());
        let found: Vec<_> = audit.findings.iter().map(|f| (f.kind, f.line)).collect();
        assert_eq!(found, [(kind, case.line)], "{}", row.id);
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}
