//! The names of the field: people, houses, sales, lots, roles and titles.
//!
//! Parsed once, at the door. All but titles are lower-case ASCII, so that two
//! names that look alike are alike (DESIGN 2, LEDGER 2, RULES 3).

use std::fmt;
use std::sync::Arc;

use crate::limits::{LOT_ID_BYTES_MAX, NAME_BYTES_MAX, SALE_ID_BYTES_MAX, TITLE_BYTES_MAX};

/// Why a text is not a name of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A person's name outside `[a-z0-9][a-z0-9_-]{0,31}`.
    #[error("a name is 1 to 32 of a-z, 0-9, _ and -, and begins with a letter or digit")]
    Person,
    /// A lot id outside `[a-z0-9][a-z0-9-]{0,15}`.
    #[error("a lot id is 1 to 16 of a-z, 0-9 and -, and begins with a letter or digit")]
    Lot,
    /// A house name or sale id outside `[a-z0-9][a-z0-9._-]{0,63}`.
    #[error(
        "a house name or sale id is 1 to 64 of a-z, 0-9, ., _ and -, and begins with a letter or digit"
    )]
    HouseOrSale,
    /// A role that is not one of the five.
    #[error("a role is one of bidder, auctioneer, clerk, observer, auditor")]
    Role,
    /// A title that is empty, too long, or has control or direction characters.
    #[error("a title is 1 to 200 bytes without control or text-direction characters")]
    Title,
}

fn is_identifier(text: &str, bytes_max: usize, inner: fn(u8) -> bool) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match text.as_bytes() {
        [first, rest @ ..] => {
            alphanumeric(*first)
                && rest.len() < bytes_max
                && rest.iter().all(|b| alphanumeric(*b) || inner(*b))
        }
        [] => false,
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $max:expr, $inner:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text if it has the form.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if is_identifier(text, $max, $inner) {
                    Ok(Self(text.into()))
                } else {
                    Err($error)
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
    };
}

identifier! {
    /// A person's name, as the certificate has it: `[a-z0-9][a-z0-9_-]{0,31}`.
    Name, NAME_BYTES_MAX, |b| b == b'_' || b == b'-', NameError::Person
}
identifier! {
    /// A lot's id: `[a-z0-9][a-z0-9-]{0,15}`.
    LotId, LOT_ID_BYTES_MAX, |b| b == b'-', NameError::Lot
}
identifier! {
    /// A house's name: `[a-z0-9][a-z0-9._-]{0,63}`.
    HouseName, SALE_ID_BYTES_MAX, |b| matches!(b, b'.' | b'_' | b'-'), NameError::HouseOrSale
}
identifier! {
    /// A sale's id, never used twice by a house: `[a-z0-9][a-z0-9._-]{0,63}`.
    SaleId, SALE_ID_BYTES_MAX, |b| matches!(b, b'.' | b'_' | b'-'), NameError::HouseOrSale
}

/// Who bids or leads: a person by name, or a paddle in the room (RULES 7, ENTER).
///
/// A paddle is not the person of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A person, by the name that certificates have.
    Named(Name),
    /// A paddle in the room, by its number or mark.
    Paddle(Name),
}

impl Party {
    /// The name, if it is not a paddle.
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Named(name) => Some(name),
            Self::Paddle(_) => None,
        }
    }

    /// Whether it is that person.
    pub fn is(&self, person: &Name) -> bool {
        self.name() == Some(person)
    }
}

/// `alice`, or `paddle 12`.
impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(f),
            Self::Paddle(paddle) => f.pad(&format!("paddle {paddle}")),
        }
    }
}

/// A title of a sale or lot, kept as given: 1 to 200 bytes of UTF-8 without
/// control or text-direction characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Title(Arc<str>);

impl Title {
    /// Takes the text if it may be shown.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = !text.is_empty() && text.len() <= TITLE_BYTES_MAX;
        if fits && text.chars().all(is_showable) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Title)
        }
    }

    /// The title as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a character may stand in the ledger and on a screen: no C0, DEL or
/// C1 control, no character that turns the direction of text (LEDGER 1).
pub const fn is_showable(c: char) -> bool {
    !matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a person may do; it comes from the certificate (RULES 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the sale.
    Auctioneer,
    /// Also sees refused bids.
    Auditor,
    /// Bids.
    Bidder,
    /// Opens, pauses, enters room bids.
    Clerk,
    /// Lists, asks, watches.
    Observer,
}

impl Role {
    /// All roles, in the order of their names.
    pub const ALL: [Self; 5] =
        [Self::Auctioneer, Self::Auditor, Self::Bidder, Self::Clerk, Self::Observer];

    /// Takes the role's name as certificates have it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NameError::Role)
    }

    /// The role's name as certificates have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auctioneer => "auctioneer",
            Self::Auditor => "auditor",
            Self::Bidder => "bidder",
            Self::Clerk => "clerk",
            Self::Observer => "observer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for good in ["a", "0", "alice", "a-b_c", "a2345678901234567890123456789012"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "-a", "_a", "Alice", "a b", "a\n", "é", "a.b", "a23456789012345678901234567890123"]
        {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lot_ids_and_sale_ids_have_one_form() {
        assert!(LotId::parse("12-a").is_ok());
        assert!(LotId::parse("a_b").is_err());
        assert!(LotId::parse("a2345678901234567").is_err());
        assert!(SaleId::parse("estate.2026-11").is_ok());
        assert!(SaleId::parse(".hidden").is_err());
        assert!(SaleId::parse("a/b").is_err());
    }

    #[test]
    fn titles_keep_what_may_be_shown() {
        assert!(Title::parse("Zia's 985 day Duolingo Streak").is_ok());
        assert!(Title::parse("Ölbild, 19. Jh.").is_ok());
        for bad in ["", "a\u{1b}[2J", "a\nb", "\u{202e}evil", "\u{9b}31m"] {
            assert!(Title::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn titles_and_roles_are_shown_as_they_are() {
        let title = Title::parse("Ölbild, 19. Jh.").expect("a title");
        assert_eq!(title.as_str(), "Ölbild, 19. Jh.");
        assert_eq!(format!("{title:>17}|"), "  Ölbild, 19. Jh.|");
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
            assert_eq!(format!("{role:<12}|"), format!("{:<12}|", role.as_str()));
        }
        assert_eq!(Role::parse("Bidder"), Err(NameError::Role));
    }

    #[test]
    fn a_paddle_is_not_the_person_of_its_name() {
        let ada = Name::parse("ada").expect("a name");
        let (person, paddle) = (Party::Named(ada.clone()), Party::Paddle(ada.clone()));
        assert_ne!(person, paddle);
        assert_eq!([person.is(&ada), paddle.is(&ada)], [true, false]);
        assert_eq!([person.name(), paddle.name()], [Some(&ada), None]);
        assert_eq!([person.to_string(), paddle.to_string()], ["ada", "paddle ada"]);
    }
}
