//! Comparisons within a row.

use serde_json::Value;

use super::{Bits, Check, Names, Op, Operand, Rows, Rule};
use crate::analysis::Cells;
use crate::clean::key_of;
use crate::dedup::CellKey;
use crate::error::AssessError;
use crate::policy::ColumnType;

/// Microseconds of a day: dates and instants compare on one scale.
const DAY: f64 = 86_400e6;

pub(super) fn rule(check: &Check, names: &Names<'_>) -> Result<Box<dyn Rule>, AssessError> {
    let left = Side::of(&check.left, names)?;
    let right = match (&check.right, &check.value) {
        (Some(operand), None) => Right::Side(Side::of(operand, names)?),
        (None, Some(value)) => Right::Value(Fixed::of(value, left.family)?),
        _ => return Err(fault(check, "needs either `right` or `value`")),
    };
    if let Right::Side(side) = &right
        && side.family != left.family
    {
        return Err(fault(check, "compares columns of different kinds"));
    }
    let ordered = !matches!(check.op, Op::Equal | Op::NotEqual);
    if left.family == Family::Other && (ordered || check.tolerance.is_some()) {
        return Err(fault(
            check,
            "orders values that have no order here; texts are only = or !=",
        ));
    }
    let tolerance = check
        .tolerance
        .as_ref()
        .and_then(serde_json::Number::as_f64)
        .unwrap_or(0.0);
    if !(0.0..f64::INFINITY).contains(&tolerance) {
        return Err(fault(check, "has a tolerance below 0"));
    }
    let when = match &check.when {
        None => None,
        Some(when) => {
            let side = Side::of(&Operand::Column(when.column.clone()), names)?;
            if side.family == Family::Other && !matches!(when.op, Op::Equal | Op::NotEqual) {
                return Err(fault(
                    check,
                    "orders values that have no order here in `when`",
                ));
            }
            let value = Fixed::of(&when.value, side.family)?;
            Some((side, when.op, value))
        }
    };
    Ok(Box::new(Comparison {
        name: text(check),
        left,
        op: check.op,
        right,
        // Days count as days.
        tolerance: tolerance * if scale(check, names) { DAY } else { 1.0 },
        when,
        broken: Bits::default(),
    }))
}

/// Is the left side a date?
fn scale(check: &Check, names: &Names<'_>) -> bool {
    let Operand::Column(name) = &check.left else {
        return false;
    };
    names
        .find(name)
        .is_ok_and(|(_, kind)| kind == ColumnType::Date)
}

fn fault(check: &Check, what: &str) -> AssessError {
    AssessError::Policy(format!("the check {:?} {what}", text(check)))
}

/// As people would write it.
fn text(check: &Check) -> String {
    let side = |operand: &Operand| match operand {
        Operand::Column(name) => name.clone(),
        Operand::Sum(names) => names.join(" + "),
    };
    let right = match (&check.right, &check.value) {
        (Some(operand), _) => side(operand),
        (None, Some(value)) => value.to_string(),
        (None, None) => "?".to_owned(),
    };
    let mut text = format!("{} {} {right}", side(&check.left), check.op.sign());
    if let Some(tolerance) = &check.tolerance {
        text.push_str(&format!(" ± {tolerance}"));
    }
    if let Some(when) = &check.when {
        text.push_str(&format!(
            " when {} {} {}",
            when.column,
            when.op.sign(),
            when.value
        ));
    }
    text
}

/// What can be compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Number,
    /// Dates and instants.
    Instant,
    Clock,
    /// Texts, truth values, bytes: equal or not.
    Other,
}

impl Family {
    fn of(kind: ColumnType) -> Self {
        match kind {
            _ if kind.is_number() => Self::Number,
            ColumnType::Date | ColumnType::Timestamp => Self::Instant,
            ColumnType::Time => Self::Clock,
            _ => Self::Other,
        }
    }
}

/// Columns that are added; one is the usual case.
struct Side {
    family: Family,
    columns: Vec<(usize, f64)>,
}

impl Side {
    fn of(operand: &Operand, names: &Names<'_>) -> Result<Self, AssessError> {
        let list = match operand {
            Operand::Column(name) => std::slice::from_ref(name),
            Operand::Sum(list) => list.as_slice(),
        };
        let mut columns = Vec::new();
        let mut family = None;
        for name in list {
            let (place, kind) = names.find(name)?;
            let own = Family::of(kind);
            if list.len() > 1 && own != Family::Number {
                let what = format!("column {name:?} is added to others and is no number");
                return Err(AssessError::Policy(what));
            }
            family = Some(own);
            columns.push((place, if kind == ColumnType::Date { DAY } else { 1.0 }));
        }
        let empty = || AssessError::Policy("a check has no column on one side".to_owned());
        Ok(Self {
            family: family.ok_or_else(empty)?,
            columns,
        })
    }

    fn cell<'a>(&self, rows: &'a Rows<'_>) -> Option<&'a Cells<'a>> {
        self.columns
            .first()
            .and_then(|(place, _)| rows.columns.get(*place))
    }

    fn key(&self, rows: &Rows<'_>, row: usize) -> Option<CellKey> {
        let cell = self.cell(rows)?;
        (!cell.is_missing(row)).then(|| cell.key(row))
    }

    /// Missing as soon as one part is. Whole numbers beyond 2^53 are rounded to a double.
    fn number(&self, rows: &Rows<'_>, row: usize) -> Option<f64> {
        let mut sum = 0.0;
        for (place, scale) in &self.columns {
            sum += rows.columns.get(*place)?.number(row)? * scale;
        }
        Some(sum)
    }
}

/// A declared value.
enum Fixed {
    Number(f64),
    Key(CellKey),
}

impl Fixed {
    fn of(value: &Value, family: Family) -> Result<Self, AssessError> {
        let fixed = match (family, value) {
            (Family::Number, Value::Number(number)) => number.as_f64().map(Self::Number),
            (Family::Instant, Value::String(text)) => {
                crate::clean::micros(text).map(|at| Self::Number(at as f64))
            }
            (Family::Clock, Value::String(text)) => {
                crate::clean::nanos(text).map(|at| Self::Number(at as f64))
            }
            (Family::Other, Value::Bool(_)) => key_of(value, ColumnType::Bool).map(Self::Key),
            (Family::Other, _) => key_of(value, ColumnType::String).map(Self::Key),
            _ => None,
        };
        fixed.ok_or_else(|| {
            AssessError::Policy(format!(
                "a check compares with {value}, which is of another kind"
            ))
        })
    }
}

enum Right {
    Side(Side),
    Value(Fixed),
}

struct Comparison {
    name: String,
    left: Side,
    op: Op,
    right: Right,
    tolerance: f64,
    when: Option<(Side, Op, Fixed)>,
    broken: Bits,
}

impl Comparison {
    /// Does the row keep the rule? Nothing when it does not apply.
    fn holds(&self, rows: &Rows<'_>, row: usize) -> Option<bool> {
        if let Some((side, op, value)) = &self.when
            && compare(side, *op, value, rows, row, 0.0) != Some(true)
        {
            return None;
        }
        match &self.right {
            Right::Value(value) => compare(&self.left, self.op, value, rows, row, self.tolerance),
            Right::Side(right) if self.left.family == Family::Other => {
                let equal = self.left.key(rows, row)? == right.key(rows, row)?;
                Some(equal == (self.op == Op::Equal))
            }
            Right::Side(right) => {
                let (left, right) = (self.left.number(rows, row)?, right.number(rows, row)?);
                Some(ordered(left, self.op, right, self.tolerance))
            }
        }
    }
}

fn compare(
    side: &Side,
    op: Op,
    value: &Fixed,
    rows: &Rows<'_>,
    row: usize,
    tolerance: f64,
) -> Option<bool> {
    match value {
        Fixed::Key(key) => Some((side.key(rows, row)? == *key) == (op == Op::Equal)),
        Fixed::Number(right) => Some(ordered(side.number(rows, row)?, op, *right, tolerance)),
    }
}

/// The tolerance is always in favour of the row, but for "not equal", which it makes stricter.
fn ordered(left: f64, op: Op, right: f64, tolerance: f64) -> bool {
    match op {
        Op::Equal => (left - right).abs() <= tolerance,
        Op::NotEqual => (left - right).abs() > tolerance,
        Op::Less => left < right + tolerance,
        Op::LessEqual => left <= right + tolerance,
        Op::Greater => left > right - tolerance,
        Op::GreaterEqual => left >= right - tolerance,
    }
}

impl Rule for Comparison {
    fn column(&self) -> Option<String> {
        None
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        for row in 0..rows.len {
            if self.holds(rows, row) == Some(false) {
                self.broken.set(rows.first + row as u64);
            }
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        self.broken
    }
}
