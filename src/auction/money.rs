//! Money: whole minor units in checked arithmetic, and the one form in which an
//! amount is typed (RULES 2).

use std::fmt;

use super::refusal::Code;
use crate::limits::INTEGER_MAX;

/// An amount of money in minor units, `1..=2^53-1` (RULES 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// The greatest amount that can be written.
    pub const MAX: Self = Self(INTEGER_MAX);

    /// Takes minor units; `None` for zero and beyond 2^53-1.
    pub const fn new(minor_units: u64) -> Option<Self> {
        if minor_units == 0 || minor_units > INTEGER_MAX { None } else { Some(Self(minor_units)) }
    }

    /// The amount in minor units.
    pub const fn minor_units(self) -> u64 {
        self.0
    }

    /// The amount `minor_units` higher; `None` beyond 2^53-1.
    pub const fn checked_add(self, minor_units: u64) -> Option<Self> {
        match self.0.checked_add(minor_units) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }
}

/// Minor units as plain digits.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text has not the form of an amount in this currency, or is zero.
    #[error("not an amount: write {example}")]
    Malformed {
        /// A text that would pass.
        example: String,
    },
    /// The amount is beyond 2^53-1 minor units.
    #[error("the amount is beyond what a ledger can hold")]
    OverCap,
}

impl AmountError {
    /// The code under which a bid with such an amount is refused.
    pub const fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => Code::BadAmount,
            Self::OverCap => Code::OverCap,
        }
    }
}

/// Why a currency is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not three of A-Z.
    #[error("a currency code is three letters of A-Z")]
    CurrencyCode,
    /// More minor digits than any currency has.
    #[error("a currency has at most {} minor digits", Currency::MINOR_DIGITS_MAX)]
    MinorDigits,
}

/// A currency: its code, and how many digits its minor unit has (ISO 4217).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    code: Option<Box<str>>,
    minor_digits: u8,
}

impl Currency {
    /// The most minor digits that ISO 4217 knows.
    pub const MINOR_DIGITS_MAX: u8 = 4;

    /// The currency of a file in the seed's form: no code, no digits.
    pub const fn seed() -> Self {
        Self { code: None, minor_digits: 0 }
    }

    /// Takes a code of three letters, or none, and the digits of the minor unit.
    pub fn new(code: Option<&str>, minor_digits: u8) -> Result<Self, MoneyError> {
        if code.is_some_and(|code| code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()))
        {
            return Err(MoneyError::CurrencyCode);
        }
        if minor_digits > Self::MINOR_DIGITS_MAX {
            return Err(MoneyError::MinorDigits);
        }
        Ok(Self { code: code.map(Into::into), minor_digits })
    }

    /// The three letters, if it has them.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// How many digits its minor unit has.
    pub const fn minor_digits(&self) -> u8 {
        self.minor_digits
    }

    /// Reads an amount as a bidder types it: `(0|[1-9][0-9]{0,15})(\.[0-9]{1,d})?`,
    /// without a fraction where the currency has no minor digits.
    pub fn parse(&self, text: &str) -> Result<Amount, AmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let fraction_fits = match fraction {
            Some(digits) => is_digits(digits) && digits.len() <= usize::from(self.minor_digits),
            None => true,
        };
        let whole_fits = is_digits(whole)
            && whole.len() <= WHOLE_DIGITS_MAX
            && (whole == "0" || !whole.starts_with('0'));
        if !whole_fits || !fraction_fits {
            return Err(self.malformed());
        }
        let fraction = format!("{:0<1$}", fraction.unwrap_or(""), usize::from(self.minor_digits));
        // At most 20 digits, so only the sum beyond 64 bits fails to parse.
        match format!("{whole}{fraction}").parse() {
            Ok(0) => Err(self.malformed()),
            Ok(minor_units) => Amount::new(minor_units).ok_or(AmountError::OverCap),
            Err(_) => Err(AmountError::OverCap),
        }
    }

    /// The amount for people: `1,234.50 EUR`.
    pub fn display(&self, amount: Amount) -> String {
        self.display_sum(u128::from(amount.minor_units()))
    }

    /// A sum of amounts for people; it may be zero, and beyond what a ledger holds.
    pub fn display_sum(&self, minor_units: u128) -> String {
        let (whole, fraction) = self.split(minor_units);
        let mut text = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        push_fraction(&mut text, &fraction);
        if let Some(code) = self.code() {
            text.push(' ');
            text.push_str(code);
        }
        text
    }

    /// The amount for machines: `1234.50`, which [`Currency::parse`] takes back.
    pub fn decimal(&self, amount: Amount) -> String {
        self.decimal_sum(u128::from(amount.minor_units()))
    }

    /// A sum of amounts for machines; it may be zero, and beyond what a ledger holds.
    pub fn decimal_sum(&self, minor_units: u128) -> String {
        let (mut text, fraction) = self.split(minor_units);
        push_fraction(&mut text, &fraction);
        text
    }

    /// The digits before and after the point.
    fn split(&self, minor_units: u128) -> (String, String) {
        let digits = usize::from(self.minor_digits);
        let mut whole = format!("{minor_units:0>0$}", digits + 1);
        let fraction = whole.split_off(whole.len() - digits);
        (whole, fraction)
    }

    fn malformed(&self) -> AmountError {
        let example = match self.minor_digits {
            0 => "150".to_owned(),
            digits => format!("1.{:0<1$}", 5, usize::from(digits)),
        };
        AmountError::Malformed { example }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn push_fraction(text: &mut String, fraction: &str) {
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
}

/// The most digits before the point: 2^53-1 has sixteen.
const WHOLE_DIGITS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(minor_digits: u8, text: &str, expected: Result<u64, Code>) {
        let currency = Currency::new(None, minor_digits).expect("at most 4 digits");
        let came = currency.parse(text);
        assert_eq!(
            came.map(Amount::minor_units).map_err(|e| e.code()),
            expected,
            "{text:?} with {minor_digits} minor digits"
        );
    }

    #[test]
    fn a_currency_keeps_its_digits() {
        let digits = |digits| Currency::new(None, digits).map(|currency| currency.minor_digits());
        assert_eq!([digits(0), digits(2), digits(4)], [Ok(0), Ok(2), Ok(4)]);
        assert_eq!(Currency::seed().minor_digits(), 0);
    }

    #[test]
    fn amounts_have_one_form() {
        check(0, "1", Ok(1));
        check(0, "130", Ok(130));
        check(0, "9007199254740991", Ok(INTEGER_MAX));
        check(2, "1", Ok(100));
        check(2, "1.5", Ok(150));
        check(2, "0.01", Ok(1));
        check(2, "90071992547409.91", Ok(INTEGER_MAX));
        check(3, "1.005", Ok(1005));
        check(4, "0.0001", Ok(1));
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        let malformed = [
            "",
            "0",
            "00",
            "01",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.0",
            "1e3",
            "1_0_7",
            "1,000",
            " 1",
            "1 ",
            "1\n",
            "٣",
            "１",
            "0x10",
            "inf",
            "NaN",
            "12345678901234567",
        ];
        for text in malformed {
            check(0, text, Err(Code::BadAmount));
        }
        check(0, &"9".repeat(1000), Err(Code::BadAmount));
        for text in ["0.00", "1.505", "1.5.0", "1.", "1.-5", "0", "0.0", "00.5", "01.50"] {
            check(2, text, Err(Code::BadAmount));
        }
    }

    #[test]
    fn what_no_ledger_can_hold_is_over_the_cap() {
        check(0, "9007199254740992", Err(Code::OverCap));
        check(0, "9999999999999999", Err(Code::OverCap));
        check(2, "90071992547409.92", Err(Code::OverCap));
        check(4, "9999999999999999.9999", Err(Code::OverCap));
    }

    #[test]
    fn a_malformed_amount_is_answered_by_a_form_that_passes() {
        for minor_digits in 0..=4 {
            let currency = Currency::new(None, minor_digits).expect("at most 4 digits");
            let Err(AmountError::Malformed { example }) = currency.parse("x") else {
                panic!("x is no amount");
            };
            assert!(currency.parse(&example).is_ok(), "{example}");
        }
    }

    #[test]
    fn amounts_are_shown_in_groups_and_written_plain() {
        let euro = Currency::new(Some("EUR"), 2).expect("a currency");
        let amount = |minor_units| Amount::new(minor_units).expect("in range");
        assert_eq!(euro.display(amount(123_450)), "1,234.50 EUR");
        assert_eq!(euro.decimal(amount(123_450)), "1234.50");
        assert_eq!(euro.display(amount(5)), "0.05 EUR");
        assert_eq!(euro.display(amount(99_900)), "999.00 EUR");
        assert_eq!(Currency::seed().display(amount(1_234_567)), "1,234,567");
        assert_eq!(Currency::seed().decimal(amount(1_234_567)), "1234567");
        assert_eq!(Currency::seed().display(Amount::MAX), "9,007,199,254,740,991");
    }

    #[test]
    fn sums_may_be_nothing_or_more_than_a_ledger_holds() {
        let euro = Currency::new(Some("EUR"), 2).expect("a currency");
        assert_eq!((euro.display_sum(0), euro.decimal_sum(0)), ("0.00 EUR".into(), "0.00".into()));
        assert_eq!(euro.decimal_sum(1 << 70), "11805916207174113034.24");
        assert_eq!(Currency::seed().display_sum(0), "0");
    }

    #[test]
    fn currencies_have_three_letters_and_at_most_four_digits() {
        assert_eq!(Currency::new(Some("KWD"), 3).expect("a currency").code(), Some("KWD"));
        for code in ["", "EU", "eur", "EURO", "€€€", "E R"] {
            assert_eq!(Currency::new(Some(code), 2), Err(MoneyError::CurrencyCode), "{code}");
        }
        assert_eq!(Currency::new(None, 5), Err(MoneyError::MinorDigits));
    }

    #[test]
    fn sums_stay_in_range() {
        assert_eq!(Amount::MAX.checked_add(1), None);
        assert_eq!(Amount::MAX.checked_add(u64::MAX), None);
        assert_eq!(Amount::new(1).and_then(|a| a.checked_add(2)), Amount::new(3));
    }
}
