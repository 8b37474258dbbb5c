//! Every code that stands behind an error of the command line, with what it means.
//!
//! Codes of refused bids and of an audit's findings are explained where they
//! belong; `gavel explain` knows all of them. A test holds this list against the
//! sources.

/// Code and explanation, in the order of the codes.
pub(crate) const CODES: &[(&str, &str)] = &[
    (
        "address-in-use",
        "Another program, often another gavel server, listens on that address and port. Stop it or \
         serve on another port with --listen.",
    ),
    (
        "address-unusable",
        "The server cannot listen there: the address is not one of this machine's, or the port is \
         below 1024 and needs rights that the server should not have.",
    ),
    (
        "already-revoked",
        "The certificate was revoked before. `gavel pki crl` writes the list again if the server \
         does not have it.",
    ),
    (
        "anchor-damaged",
        "The ledger's anchor, <sale>.checkpoint, is no checkpoint of this sale. Bring the file back \
         from a copy.",
    ),
    (
        "anchor-missing",
        "The ledger once had an anchor, <sale>.checkpoint, which says how far it went; without it \
         nobody could tell a ledger that was cut short. Bring the file back from where it was kept \
         (--checkpoint-dir) or from a copy.",
    ),
    (
        "bad-answer",
        "The file is not an answer of a house to a request, or it does not fit the key. An answer \
         is made by `gavel pki sign` and named <name>.answer.pem.",
    ),
    (
        "bad-ca",
        "The CA cannot certify: its key and certificate do not belong together, or it has expired.",
    ),
    (
        "bad-certificate",
        "A certificate is not what its place asks for: expired, not yet valid, of another house or \
         CA, or made for another use. `gavel pki show FILE` says what it is.",
    ),
    (
        "bad-checkpoint",
        "The file is not a checkpoint: a signed note with the ledger's name, its size and its root.",
    ),
    (
        "bad-credential",
        "The file is not the credential that `gavel pki accept` or `gavel pki issue` wrote.",
    ),
    (
        "bad-crl",
        "The revocation list is damaged, or another CA signed it. `gavel pki crl` makes a new one.",
    ),
    (
        "bad-evidence",
        "The file is not evidence as `gavel verify --evidence` writes it, or it was damaged.",
    ),
    (
        "bad-logs",
        "The list of a witness's logs is refused as a whole; the message names the line. Each line is \
         `log`, a verifier key, and an address if you like; lines that begin with # are comments.",
    ),
    (
        "bad-policy",
        "The file is not a policy as c2sp.org/tlog-policy has it: lines of log, witness, group and one \
         quorum, each name defined on an earlier line.",
    ),
    ("bad-receipt", "The file is not a receipt (c2sp.org/tlog-proof), or it was damaged."),
    (
        "bad-register",
        "The house's register of names and addresses is not one: a table in CSV with the columns \
         name, full_name, address, email, vat_id and account, of which only name must be there. The \
         message names the row, as a spreadsheet counts it.",
    ),
    (
        "bad-request",
        "The file is not a certificate request for a P-256 key that proves that its sender holds \
         the key. `gavel pki request NAME` makes one.",
    ),
    (
        "bad-results",
        "The file is not a sheet of results as `gavel results --json` writes it: every field there \
         once, none unknown. CSV and HTML cannot be compared; they are made from that sheet.",
    ),
    (
        "bad-signed",
        "The file is not a bid or act as a client keeps what it signed (signed/<n>.json beside the \
         credential), or the signature in it does not hold.",
    ),
    (
        "bad-trust",
        "What is to be trusted is neither a fingerprint, sha256: and 64 hexadecimal digits, nor a \
         file that holds the certificate of one house's CA.",
    ),
    (
        "bad-witness",
        "A witness cannot be asked as it was named: `--witness URL=VKEY` takes an address that begins \
         with http:// or https:// and the witness's verifier key, NAME+8 hexadecimal digits+base64, of \
         type 0x04. Each is named once.",
    ),
    (
        "bad-witness-key",
        "The file does not hold a witness's key. `gavel witness keygen` makes one; a sale's sealing \
         key is never taken for one, for no key may sign both checkpoints and cosignatures.",
    ),
    (
        "bad-witness-name",
        "A witness's name stands in signature lines: it is not empty, and has no space, no plus and no \
         control character.",
    ),
    (
        "batch-damaged",
        "A batch was cut off, and the file that holds what it had left to write (batch.json, beside \
         the CA's key) cannot be read. Its certificates are in the register; their keys are lost.",
    ),
    (
        "batch-unfinished",
        "A list's certificates are in the register, and not all of their files could be written. \
         They are kept beside the CA's key; the same command, run again, writes the rest.",
    ),
    (
        "ca-incomplete",
        "A CA is a certificate (ca.pem), a key (ca.key) and a name (house.json), and a part is \
         missing. Bring it back from a copy; nothing is overwritten.",
    ),
    (
        "catalogue-changed",
        "The sale file differs from the lots in the ledger. A sale keeps the lots it was opened \
         with: serve it with the file as it was, or hold a new sale with --sale ID.",
    ),
    (
        "certificate-expired",
        "Your certificate has expired, here or by the server's clock. Ask the house for a new \
         one: `gavel pki request` makes the request.",
    ),
    (
        "certificate-refused",
        "The server does not take your certificate: it may be of another house, or made for \
         another use. `gavel pki show FILE` says what it is.",
    ),
    (
        "certificate-revoked",
        "The house has revoked your certificate. It says so to the server at once; only the house \
         can give you another.",
    ),
    (
        "certificate-unknown",
        "Another CA than the server's issued your certificate: it is of another house, or the \
         house has a new CA.",
    ),
    (
        "clock-behind",
        "The wall clock is earlier than the last entry of the ledger, so that times would run \
         backwards. Correct the clock, or go on at the ledger's time with --accept-clock, which \
         the ledger records.",
    ),
    (
        "clock-wrong",
        "The machine's clock says a time before this program was made. A witness signs the time of \
         each cosignature, and would sign a false one.",
    ),
    (
        "compromised-key",
        "A certificate of this key was revoked because the key was lost or in other hands. Whoever \
         has it could ask for another one; so the key is never certified again.",
    ),
    (
        "confirmation-needed",
        "A bid, or a maximum, of more than 10 times the ask is more often a slip of the finger than \
         meant. --yes, or a yes at the terminal, lets it pass.",
    ),
    (
        "connection-lost",
        "The connection broke. A bid without an answer is kept beside the credential, and the \
         same bytes are sent again with the next connection: it can never count twice.",
    ),
    (
        "copy-lost",
        "The second disk of --copy failed, or did not answer in time, and was given up: the sale went \
         on without it, and nothing of the sale is missing. What is on that disk ends early, so \
         nobody may go on from it; where the disk still took it, <sale>.copy-lost says so, and a \
         server that is started there refuses.",
    ),
    (
        "copy-unusable",
        "The folder of --copy cannot take the copy: it is not there, is full, is in use by another \
         server, or is the folder of the sale itself. Nothing was changed.",
    ),
    ("demo-failed", "The demo could not be played to its end; the message says why."),
    ("disk-full", "No room is left, or a quota is used up, where the ledger or a key is kept."),
    ("file-exists", "A file stands where one is to be written, and it is not overwritten."),
    ("file-missing", "A file or folder that the command needs is not there."),
    ("file-too-large", "A file is larger than anything that belongs there."),
    ("file-unreadable", "A file is there but cannot be read."),
    ("file-unwritable", "A file or folder cannot be written."),
    (
        "flag-contradicts",
        "A flag says again, or otherwise, what the sale file says. Each thing is said once: leave \
         the flag out or change the file.",
    ),
    (
        "folder-busy",
        "Another gavel command works in the same folder of the CA. Wait for it; if there is none, \
         try again: the lock goes with the process that holds it.",
    ),
    (
        "fork",
        "The server shows another ledger than it had shown and signed before. One of the two is a \
         fraud or a bad restore. Both signed notes are kept as evidence; nobody should bid there \
         before it is cleared up.",
    ),
    (
        "forked",
        "A client or a witness holds a checkpoint that this sale's key signed and that this ledger does \
         not contain: the ledger was rolled back to an older copy, or two servers ran the same sale. \
         Stop, keep all files, and compare them with what the other holds.",
    ),
    (
        "holds-a-key",
        "A file that was to go into a bundle holds a private key. A bundle is for others to read; \
         nothing was written.",
    ),
    ("host-unknown", "The name in the address is not known to this machine's resolver."),
    (
        "hung-up",
        "Something answered and closed the connection at once: a server that is full or stopping, \
         or one that has found its own ledger contradicted.",
    ),
    (
        "key-elsewhere",
        "To renew a certificate, its key must be here, or a request that proves that its holder \
         has it. The house keeps no copy of what it hands out.",
    ),
    ("key-mismatch", "A private key and a certificate that should belong together do not."),
    (
        "key-not-erased",
        "The sale is closed and sealed, but its sealing key could not be erased. Erase the file by \
         hand, so that nobody can seal anything else for this sale.",
    ),
    ("key-taken", "The key is certified under another name already. A key is one person's."),
    (
        "ledger-changed",
        "Somebody other than the server wrote to the ledger's files while it ran, or the disk \
         returned other bytes than were written.",
    ),
    (
        "ledger-contradicts",
        "A line that the server sent does not fit the lines before it, the house's own signature, \
         or the rules of the auction. The line and the newest signed checkpoint are kept as \
         evidence.",
    ),
    (
        "ledger-damaged",
        "The ledger holds lines that the house never wrote, or lacks some that it sealed. Nothing \
         was changed. Bring a whole copy back; a copy from any client that used `gavel fetch` will \
         do, and `gavel verify` says which is whole.",
    ),
    (
        "ledger-exists",
        "A new sale was to be opened where a ledger already stands. A sale's id is never used \
         twice.",
    ),
    ("ledger-locked", "Another server runs this sale. Only one may write a ledger."),
    (
        "ledger-missing",
        "The sale was opened once, as its anchor or its used sealing key says, and its ledger is \
         not there. A sale is never opened twice: bring the ledger back or hold a new sale.",
    ),
    (
        "ledger-write",
        "The ledger could not be written. The server stopped at once and told nobody anything that \
         is not on the disk; starting it again goes on from there.",
    ),
    (
        "ledger-wrong",
        "The ledger did not pass its audit, or cannot be read. `gavel verify` says what was found.",
    ),
    ("loadtest-failed", "The load test could not be carried out; the message says why."),
    ("loose-mode", "Others may read or change a file or folder of keys. gavel uses none such."),
    (
        "memory-damaged",
        "A file in the folder beside the credential does not hold what was written there. It \
         keeps the bid key, the last number and the newest checkpoint.",
    ),
    (
        "name-in-use",
        "The name has a valid certificate already. Two holders of one name could bid as each \
         other; --replace revokes the first.",
    ),
    (
        "newer-ledger",
        "The ledger has entries that this version of gavel cannot judge, so it does not touch it. Go \
         on with the version that wrote it.",
    ),
    ("no-ca", "There is no CA in the folder: nothing was prepared there, or it is kept elsewhere."),
    ("no-certificate", "The house's register holds no valid certificate of that name or serial."),
    ("no-key", "No key in the folder is the one that the answer certifies."),
    ("no-permission", "The user who runs gavel may not read or write a file or folder."),
    ("no-randomness", "The operating system gave no randomness, without which no key is made."),
    ("no-results", "The ledger ends before its sale begins."),
    ("no-sale", "No sale is prepared in the folder, or not the one that was named."),
    (
        "no-terminal",
        "A terminal is needed, to ask for a passphrase or to fill with a screen, and there is none.",
    ),
    ("no-thread", "The operating system gave no thread, socket, timer or signal."),
    ("not-a-key", "The file does not hold a private key in PKCS#8 PEM."),
    ("not-a-server", "Another program than a gavel server answers at that address."),
    (
        "not-prepared",
        "The server needs its credential, the CA's certificate and the sale's sealing key; `gavel \
         prepare` makes what is missing.",
    ),
    (
        "not-proven",
        "The server sent a receipt or a checkpoint that proves nothing: a wrong signature, or \
         proof of something else.",
    ),
    ("other-ca", "Two parts of the house's folder come from different CAs."),
    ("other-house", "The folder belongs to a house of another name."),
    (
        "other-key",
        "The key is not the one of the certificate that is to be renewed. In a sale that is running \
         a name belongs to the key that it enrolled with: another one is refused as name-taken \
         until the auctioneer reissues the name.",
    ),
    (
        "other-sale",
        "The ledger is of another sale, of another house, or under another CA than the files here.",
    ),
    (
        "outcome-unknown",
        "The bid was sent and its answer has not come. It is kept; the same command asks for the \
         same bid again, never for a second one.",
    ),
    ("passphrase-empty", "An empty passphrase would only look like protection."),
    ("passphrase-mismatch", "The two passphrases that were typed differ."),
    ("passphrase-needed", "The CA's key is encrypted, and no passphrase was given."),
    ("passphrase-wrong", "The passphrase does not open the CA's key."),
    (
        "people-file",
        "A list of people is refused as a whole: nothing is issued while one row is broken. Each \
         broken row is named with its column and the reason.",
    ),
    ("protocol-broken", "The server sent what no gavel server of this version sends."),
    ("read-only", "The file system is mounted read-only."),
    ("register-damaged", "A line of the register of issued certificates is not the register's."),
    (
        "rehearse-failed",
        "The rehearsal broke off: not the scenario's fault, but that of the temporary folder, the \
         disk or the system's randomness.",
    ),
    (
        "reserves-missing",
        "What opens the commitments to the hidden reserves, <sale>.private in the ledger's folder, \
         is gone or damaged: no lot with a reserve could end. Bring the file back from a copy.",
    ),
    (
        "reserves-secret",
        "A sale file tells the hidden reserves, which are nobody's to know until their lots have \
         ended. A bundle of a sale that has not closed is made without it.",
    ),
    (
        "rewound",
        "A witness, or the cosigned checkpoint beside the anchor, remembers more of this ledger than is \
         here, or other lines, signed by this sale's own key: the ledger was set back, perhaps to a \
         backup, and its anchor with it. Nothing was changed. Bring the newest copy back: a sale that \
         went on from an older one would sign a second history.",
    ),
    (
        "rolled-back",
        "The ledger does not reach as far as the house has sealed: lines that bidders hold \
         receipts for are missing. Nothing was changed. Bring a whole copy back.",
    ),
    ("sale-closed", "The sale is closed, and its sealing key erased. An id is never used again."),
    ("sale-file", "The sale file is refused; the message names the lot, the key and the reason."),
    ("sale-unclear", "More than one sale could be meant; --sale says which."),
    (
        "sale-untrusted",
        "The sale that the server shows is not proven to be the house's: another house or CA, or \
         a sealing key that the CA has not certified.",
    ),
    (
        "scenario",
        "The scenario cannot be played; step, key and reason stand beside it. One that uses what \
         this version has not is refused as a whole: half a rehearsal would prove nothing.",
    ),
    (
        "sealing-key-missing",
        "The sale has not finished, and the key that seals its ledger is not there. Bring it back \
         from where it was kept; nobody can make it again.",
    ),
    ("server-stopped", "A part of the server failed in a way that it does not go on from."),
    (
        "server-untrusted",
        "The server's certificate is not one of your credential's house, or not valid now. \
         Somebody else may be answering.",
    ),
    (
        "terminal-unusable",
        "The terminal does not do what a prompt needs. Commands can be piped in instead.",
    ),
    (
        "too-few-files",
        "Each bidder is a connection, and each connection an open file, of which the system allows \
         too few.",
    ),
    (
        "too-many-logs",
        "A witness never forgets a log that it has cosigned, and its state has room for so many.",
    ),
    ("unknown-code", "`gavel explain` lists all codes that there are."),
    ("unknown-file", "The file is none that `gavel pki show` can explain."),
    (
        "unreachable",
        "Nobody answers at that address: the server is not running, the address is wrong, or a \
         firewall stands between.",
    ),
    (
        "witness-running",
        "Another witness runs on the same state. Two of them would cosign trees that contradict each \
         other, under one key.",
    ),
    (
        "witness-state-damaged",
        "The file that holds what the witness cosigned is not whole. Nobody can say any more what it \
         has cosigned, so it must not cosign again: retire it and make another. docs/witness.md.",
    ),
    (
        "witness-state-missing",
        "The file that holds what the witness cosigned is not there. Without it the witness could \
         cosign a fork of what it has cosigned before: retire it and make another. docs/witness.md.",
    ),
    (
        "witness-state-other",
        "The state in the folder was made with another witness's key, and a state belongs to one key \
         for ever.",
    ),
    (
        "witness-write",
        "The witness's state could not be brought to the disk. It stopped at once, and answered nobody \
         with anything that is not there.",
    ),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("lists") {
            let path = entry.expect("lists").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// The codes that a source hands to `Failure`.
    fn codes_in(text: &str) -> Vec<String> {
        // `failure(` is what a closure over exit and message is called.
        let makers = [
            "Failure::usage(",
            "Failure::operator(",
            "Self::usage(",
            "Self::operator(",
            "failure(",
        ];
        let text: String = text.split_whitespace().collect();
        let code = |rest: &str| rest.strip_prefix('"')?.split('"').next().map(str::to_owned);
        let of_maker = |maker: &str| text.split(maker).skip(1).filter_map(code).collect::<Vec<_>>();
        let with_exit = |rest: &str| code(rest.split_once(',')?.1);
        let exits = text.split("::new(Exit::").skip(1).filter_map(with_exit);
        makers.iter().flat_map(|maker| of_maker(maker)).chain(exits).collect()
    }

    #[test]
    fn every_code_is_explained_once_and_used() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"), &mut files);
        files.retain(|path| !path.ends_with("codes.rs"));
        let text = |path: &PathBuf| fs::read_to_string(path).expect("reads");
        let used: Vec<String> = files.iter().flat_map(|path| codes_in(&text(path))).collect();
        for code in &used {
            assert!(CODES.iter().any(|(known, _)| known == code), "{code} is not explained");
        }
        for (code, _) in CODES {
            assert!(used.iter().any(|other| other == code), "{code} stands behind no error");
        }
        assert!(CODES.is_sorted_by(|(one, _), (next, _)| one < next), "in the order of the codes");
    }

    #[test]
    fn codes_are_found_in_sources() {
        let text =
            "Failure::usage(\n    \"a-b\", x) Self::operator(\"c\", y) Failure::usage(code, z)
            Failure::new(Exit::Wrong, \"d\", w)";
        assert_eq!(codes_in(text), ["a-b", "c", "d"]);
    }
}
