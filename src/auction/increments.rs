//! The bid increment: by how much the next bid must exceed the price (RULES 3, 4).

use super::money::Amount;
use crate::limits::{INCREMENT_ROWS_MAX, INTEGER_MAX};

/// Why a table of increments is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncrementsError {
    /// The table has no row.
    #[error("an increment table has at least one row")]
    Empty,
    /// The first row does not begin at 0.
    #[error("the first row of an increment table begins at 0, not {from}")]
    FirstRow {
        /// Where it begins.
        from: u64,
    },
    /// A row does not begin above the one before it.
    #[error("the rows of an increment table rise: {from} does not come after {before}")]
    NotRising {
        /// Where the row before it begins.
        before: u64,
        /// Where it begins.
        from: u64,
    },
    /// A row begins, or steps, beyond 2^53-1.
    #[error("{value} in an increment table is beyond 2^53-1")]
    OverCap {
        /// The number.
        value: u64,
    },
    /// More rows than a `lot` line holds.
    #[error("an increment table has at most {INCREMENT_ROWS_MAX} rows")]
    TooManyRows,
    /// A step of nothing would let an equal bid stand.
    #[error("the step from {from} is zero")]
    ZeroStep {
        /// Where the row begins.
        from: u64,
    },
}

/// A table of `[from, step]` rows: `from` starts at 0 and rises, steps may fall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Increments {
    rows: Vec<(u64, u64)>,
}

impl Increments {
    /// Takes the rows, each the price from which it holds and the step from there.
    pub fn new(rows: Vec<(u64, u64)>) -> Result<Self, IncrementsError> {
        let Some(&(first, _)) = rows.first() else {
            return Err(IncrementsError::Empty);
        };
        if first != 0 {
            return Err(IncrementsError::FirstRow { from: first });
        }
        if rows.len() > INCREMENT_ROWS_MAX {
            return Err(IncrementsError::TooManyRows);
        }
        for &(from, step) in &rows {
            if step == 0 {
                return Err(IncrementsError::ZeroStep { from });
            }
            if let Some(value) = [from, step].into_iter().find(|value| *value > INTEGER_MAX) {
                return Err(IncrementsError::OverCap { value });
            }
        }
        match rows.array_windows().find(|[a, b]| a.0 >= b.0) {
            Some([a, b]) => Err(IncrementsError::NotRising { before: a.0, from: b.0 }),
            None => Ok(Self { rows }),
        }
    }

    /// The same step at every price.
    pub fn constant(step: u64) -> Result<Self, IncrementsError> {
        Self::new(vec![(0, step)])
    }

    /// The step above `price`: that of the row with the greatest `from` not above it.
    pub fn step_at(&self, price: Amount) -> u64 {
        let after = self.rows.partition_point(|(from, _)| *from <= price.minor_units());
        let row = after.checked_sub(1).expect("the first row begins at 0");
        self.rows[row].1
    }

    /// The rows, each `(from, step)`.
    pub fn rows(&self) -> &[(u64, u64)] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_that_of_the_price_even_where_steps_fall() {
        let table = Increments::new(vec![(0, 500), (5000, 1000), (38000, 2000), (40000, 300)])
            .expect("a table");
        let step = |price| table.step_at(Amount::new(price).expect("in range"));
        assert_eq!([step(1), step(4999), step(5000), step(39999)], [500, 500, 1000, 2000]);
        assert_eq!([step(40000), step(INTEGER_MAX)], [300, 300]);
        assert_eq!(table.rows(), [(0, 500), (5000, 1000), (38000, 2000), (40000, 300)]);
        assert_eq!(Increments::constant(7).expect("a table").rows(), [(0, 7)]);
    }

    #[test]
    fn tables_that_say_nothing_clear_are_refused() {
        let refused = |rows: &[(u64, u64)]| Increments::new(rows.to_vec()).expect_err("no table");
        assert_eq!(refused(&[]), IncrementsError::Empty);
        assert_eq!(refused(&[(1, 1)]), IncrementsError::FirstRow { from: 1 });
        assert_eq!(refused(&[(0, 0)]), IncrementsError::ZeroStep { from: 0 });
        assert_eq!(
            refused(&[(0, 1), (5, 2), (5, 3)]),
            IncrementsError::NotRising { before: 5, from: 5 }
        );
        assert_eq!(
            refused(&[(0, INTEGER_MAX + 1)]),
            IncrementsError::OverCap { value: INTEGER_MAX + 1 }
        );
        let rows = (0..=64).map(|from| (from, 1)).collect();
        assert_eq!(Increments::new(rows), Err(IncrementsError::TooManyRows));
    }
}
