//! What goes wrong with credentials, and what to do about it.

use crate::auction::name::Name;
use crate::cli::fault::whole;
use crate::cli::{Failure, when};
use crate::pki::keys::KeyFault;
use crate::pki::{
    BatchFault, CaFault, CertificateFault, CredentialFault, HolderFault, OfficeFault,
    RegisterFault, RenewFault, ServeFault, ShowFault,
};

use crate::time::Timestamp;

impl From<OfficeFault> for Failure {
    fn from(fault: OfficeFault) -> Self {
        let message = whole(&fault);
        match fault {
            OfficeFault::AlreadyRevoked { .. } => Self::usage("already-revoked", message)
                .hint("`gavel pki crl` writes the list anew for a server that lacks it"),
            OfficeFault::BatchDamaged { .. } => Self::operator("batch-damaged", message).hint(
                "bring the file back from a copy; else move it away, and give those whom \
                       `gavel pki list` shows and who hold nothing a new one: \
                       gavel pki issue NAME --replace",
            ),
            OfficeFault::Ca(fault) => of_ca(&fault, message),
            OfficeFault::CaIncomplete { .. } => Self::operator("ca-incomplete", message)
                .hint("bring ca.pem and ca.key back from a copy; a new CA would be another house"),
            OfficeFault::Compromised => Self::usage("compromised-key", message)
                .hint("whoever is to have a certificate makes another key: `gavel pki request`"),
            OfficeFault::Crl(_) => {
                Self::usage("bad-crl", message).hint("`gavel pki crl` makes a new one")
            }
            OfficeFault::File(fault) => fault.into(),
            OfficeFault::Key(_) => {
                Self::usage("not-a-key", message).hint("bring ca.key back from a copy")
            }
            OfficeFault::Live { name, not_after, .. } => name_in_use(&name, not_after),
            OfficeFault::NewHouse => {
                Self::usage("no-ca", message).hint("give --house NAME and --at HOST:PORT")
            }
            OfficeFault::NoCa { .. } => Self::usage("no-ca", message)
                .hint("`gavel prepare` makes a house; --pki DIR names its folder")
                .hint("with the CA on another machine, run it there and bring pki/serve/ here"),
            OfficeFault::NotIssued => Self::usage("no-certificate", message)
                .hint("`gavel pki list` shows what was issued"),
            OfficeFault::OtherCa { .. } => Self::usage("other-ca", message)
                .hint("bring pki/serve/ from the machine that has this CA"),
            OfficeFault::OtherHouse { .. } => Self::usage("other-house", message)
                .hint("leave --house out, or work in another folder with --pki DIR"),
            OfficeFault::Register(fault) => fault.into(),
            OfficeFault::Request(_) => Self::usage("bad-request", message)
                .hint("the bidder makes one with `gavel pki request NAME`"),
            OfficeFault::SaleClosed { .. } => {
                Self::usage("sale-closed", message).hint("give a new id with --sale ID")
            }
            OfficeFault::Serve(fault) => fault.into(),
        }
    }
}

impl From<BatchFault> for Failure {
    fn from(fault: BatchFault) -> Self {
        let message = whole(&fault);
        match fault {
            BatchFault::Office(fault) => fault.into(),
            BatchFault::Rows { .. } => Self::usage("people-file", message)
                .hint("mend or take out these rows, and run it again"),
            BatchFault::Unfinished { source } => {
                let failure = Self::operator("batch-unfinished", message);
                let failure = match source {
                    KeyFault::Exists { .. } => failure.hint("move it away"),
                    _ => {
                        failure.hint("look at the folder's modes (ls -ld) and at the disk (df -h)")
                    }
                };
                failure
                    .hint("run the same command again: it writes the rest, and issues nobody twice")
            }
        }
    }
}

impl From<RenewFault> for Failure {
    fn from(fault: RenewFault) -> Self {
        let message = whole(&fault);
        match fault {
            RenewFault::Credential { .. } => Self::usage("bad-credential", message)
                .hint("give a request, or the credential whose key is to be certified anew"),
            RenewFault::KeyElsewhere { name, .. } => Self::usage("key-elsewhere", message)
                .hint(format!(
                    "{name} runs `gavel pki request {name}` beside {name}.pem and sends the request"
                ))
                .hint(format!("then: gavel pki renew {name} {name}.request.pem")),
            RenewFault::Office(fault) => fault.into(),
            RenewFault::OtherKey { .. } => Self::usage("other-key", message)
                .hint("a running sale would refuse it until the auctioneer reissues the name")
                .hint("--new-key takes the key of a request all the same"),
            RenewFault::OthersKey { .. } => Self::usage("key-taken", message)
                .hint("a key is one person's: look which file you gave, with `gavel pki show`"),
            RenewFault::Revoked { .. } => Self::usage("no-certificate", message)
                .hint("whoever may have a new one: `gavel pki sign` or `gavel pki issue`"),
        }
    }
}

fn name_in_use(name: &Name, not_after: Timestamp) -> Failure {
    let until = when::moment(not_after);
    let message = format!("{name} has a certificate already, valid until {until}");
    Failure::usage("name-in-use", message)
        .hint("--replace makes a new one and revokes that one")
        .hint("another person needs another name: names are who they are in the ledger")
}

impl From<RegisterFault> for Failure {
    fn from(fault: RegisterFault) -> Self {
        let message = whole(&fault);
        match fault {
            RegisterFault::File(fault) => fault.into(),
            RegisterFault::Damaged { .. } => Self::operator("register-damaged", message)
                .hint("bring the register back from a copy; without it nothing can be revoked"),
        }
    }
}

fn of_ca(fault: &CaFault, message: String) -> Failure {
    match fault {
        CaFault::KeyMismatch => Failure::usage("key-mismatch", message)
            .hint("ca.pem and ca.key must come from one CA: bring both back from a copy"),
        CaFault::Key(_) => {
            Failure::usage("not-a-key", message).hint("bring ca.key back from a copy")
        }
        CaFault::Lifetime => Failure::usage("bad-ca", message).hint("give --days 1 to 90"),
        CaFault::Unusable(_) | CaFault::Unwritable(_) => Failure::usage("bad-ca", message)
            .hint("look at it with `gavel pki show pki/ca/ca.pem`, and at this machine's clock"),
    }
}

impl From<ServeFault> for Failure {
    fn from(fault: ServeFault) -> Self {
        let message = whole(&fault);
        match fault {
            ServeFault::Certificate { source, .. } => of_certificate(&source, message),
            ServeFault::Damaged { .. } => Self::usage("not-prepared", message)
                .hint("bring it back from a copy, or move it away and run `gavel prepare` again"),
            ServeFault::File(fault) => fault.into(),
            ServeFault::KeyMismatch { .. } => Self::usage("key-mismatch", message)
                .hint("bring both back from a copy, or move them away and run `gavel prepare`"),
            ServeFault::NotPrepared { .. } => Self::usage("not-prepared", message)
                .hint("run `gavel prepare` first, or name the folder with --pki DIR"),
        }
    }
}

fn of_certificate(fault: &CertificateFault, message: String) -> Failure {
    let failure = Failure::usage("bad-certificate", message);
    match fault {
        CertificateFault::Expired { .. } => failure.hint("`gavel prepare` makes a new one"),
        CertificateFault::NotYetValid { .. } | CertificateFault::CaNotYetValid { .. } => {
            failure.hint("look at this machine's clock")
        }
        CertificateFault::CaExpired { .. } => {
            failure.hint("a CA lives ten years: move pki/ away and run `gavel prepare` anew")
        }
        _ => failure.hint("`gavel pki show FILE` says what it is"),
    }
}

impl From<HolderFault> for Failure {
    fn from(fault: HolderFault) -> Self {
        let message = whole(&fault);
        match fault {
            HolderFault::Credential { source, .. } => of_credential(&source, message),
            HolderFault::File(fault) => fault.into(),
            HolderFault::InTheWay { .. } => {
                Self::usage("file-exists", message).hint("move it away, or work in another folder")
            }
            HolderFault::Key(_) => Self::usage("not-a-key", message)
                .hint("move the .key file away and begin anew with `gavel pki request NAME`"),
            HolderFault::NoKey { .. } => Self::usage("no-key", message)
                .hint("run it in the folder where `gavel pki request` left the key"),
            HolderFault::Request(_) => {
                Self::usage("bad-request", message).hint("move the .key file away and begin anew")
            }
        }
    }
}

fn of_credential(fault: &CredentialFault, message: String) -> Failure {
    let failure = Failure::usage("bad-answer", message);
    match fault {
        CredentialFault::Certificate(CertificateFault::Expired { .. }) => {
            failure.hint("ask the house for a new answer: `gavel pki sign` with --replace")
        }
        CredentialFault::Certificate(CertificateFault::NotYetValid { .. }) => {
            failure.hint("look at this machine's clock")
        }
        CredentialFault::NoHead | CredentialFault::Certificates { .. } => {
            failure.hint("give the file that the house sent back, NAME.answer.pem")
        }
        _ => failure.hint("`gavel pki show FILE` says what it is"),
    }
}

impl From<ShowFault> for Failure {
    fn from(fault: ShowFault) -> Self {
        let message = whole(&fault);
        match fault {
            ShowFault::Certificate(_) => Self::usage("bad-certificate", message)
                .hint("do not use it; `--ca FILE` judges it by another CA"),
            ShowFault::Crl(_) => Self::usage("bad-crl", message)
                .hint("do not use it; `--ca FILE` judges it by another CA"),
            ShowFault::NeedsCa => Self::usage("unknown-file", message)
                .hint("give it with --ca FILE, as in --ca pki/serve/ca.pem"),
            ShowFault::Nothing => Self::usage("unknown-file", message)
                .hint("ledgers are read by `gavel verify`; sale files are plain JSON"),
            ShowFault::Request(_) => Self::usage("bad-request", message)
                .hint("ask its sender for a new one, made by `gavel pki request NAME`"),
        }
    }
}
