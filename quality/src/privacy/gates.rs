//! What keeps a table from being published.

use super::{Anonymity, PersonalColumn, PersonalData};
use crate::analysis::Gate;

/// Name of the gate for personal data that nobody declared.
pub(super) const UNDECLARED: &str = "undeclared_personal_data";
/// Name of the gate for rows that stand out.
pub(super) const K_ANONYMITY: &str = "k_anonymity";

pub(super) fn of(data: &PersonalData) -> Vec<Gate> {
    let undeclared: Vec<&PersonalColumn> = data.undeclared().collect();
    let columns = || undeclared.iter().map(|column| column.column.clone());
    let personal = (!undeclared.is_empty()).then(|| Gate {
        name: UNDECLARED.to_owned(),
        reason: undeclared_reason(&undeclared),
        columns: columns().collect(),
    });
    let crowd = data
        .anonymity
        .as_ref()
        .filter(|crowd| crowd.rows_below_k > 0);
    let crowd = crowd.map(|crowd| Gate {
        name: K_ANONYMITY.to_owned(),
        reason: crowd_reason(crowd),
        columns: crowd.columns.clone(),
    });
    personal.into_iter().chain(crowd).collect()
}

/// Names columns and kinds, and says what to do.
pub(crate) fn undeclared_reason(columns: &[&PersonalColumn]) -> String {
    let named = columns.iter().map(|column| {
        let kinds: Vec<&str> = column
            .found
            .iter()
            .map(|found| found.kind.words())
            .collect();
        format!("{} ({})", column.column, kinds.join(", "))
    });
    format!(
        "Personal data that nobody has declared: {}. Declare a class for each of these columns \
         (`personal` = none, pseudonymous, personal or sensitive), or leave the column out.",
        named.collect::<Vec<_>>().join("; ")
    )
}

fn crowd_reason(crowd: &Anonymity) -> String {
    format!(
        "{} rows stand in groups of fewer than {} that agree in {}; the smallest group has {}. Make these columns \
         coarser, or leave those rows out.",
        crowd.rows_below_k,
        crowd.k,
        crowd.columns.join(", "),
        crowd.smallest_class
    )
}
