//! What keeps a dataset from being published whatever its grade: no licence of the source,
//! personal data that nobody has declared, rows that stand out.

use dataset_core::columns::Contract;
use dataset_core::personal::PersonalClass;
use quality::Report;
use quality::privacy::{self, PersonalData};
use schema::db::Db;
use serde::Deserialize;
use uuid::Uuid;

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::contributions;
use crate::store::datasets::{self, DatasetRow};

/// A closed gate: its code and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub code: &'static str,
    pub reason: String,
}

/// What has to be said before publishing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    /// Licence of the source, as the contract has it.
    pub license: Option<String>,
    /// Columns in which personal data was found or declared.
    pub columns: Vec<Declared>,
    /// Why publishing would be refused, and what to do; absent when nothing is missing.
    pub closed: Option<String>,
}

/// A column with personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub column: String,
    /// The class its owner declared.
    pub class: Option<PersonalClass>,
    /// What was found in accepted contributions, in words.
    pub found: Vec<String>,
}

impl Declared {
    /// Whether this class is the declared one.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.class.is_some_and(|class| class.name() == name)
    }
}

impl From<Closed> for Fault {
    fn from(closed: Closed) -> Self {
        Self::conflict(closed.code, closed.reason).about("contract")
    }
}

/// Everything that would keep the accepted contributions of a dataset from being published.
///
/// # Errors
/// [`Fault::missing`] for anybody but the owner.
pub async fn show(ctx: &Ctx, who: &Actor, dataset: Uuid) -> Result<Gates, Fault> {
    let who = who.clone();
    ctx.read(move |db| {
        let row = datasets::by_id(db, dataset)?;
        rights::dataset(&who, &datasets::facts(db, Some(who.party), &row)?).publish()?;
        let Some(contract) = contract(&row)? else {
            return Ok(Gates::default());
        };
        let found = found(db, dataset)?;
        let columns = contract.columns.iter().map(|column| Declared {
            column: column.name.clone(),
            class: column.personal,
            found: kinds(&found, &column.name),
        });
        Ok(Gates {
            license: contract.license.clone(),
            columns: columns
                .filter(|column| column.class.is_some() || !column.found.is_empty())
                .collect(),
            closed: closed(&contract, &found).map(|closed| closed.reason),
        })
    })
    .await
}

/// Lets a dataset pass whose owner has declared what has to be declared.
///
/// # Errors
/// `licence_missing` or `undeclared_personal_data`, naming columns and what to do.
pub(super) fn pass(db: &mut Db, row: &DatasetRow) -> Result<(), Fault> {
    let Some(contract) = contract(row)? else {
        return Ok(());
    };
    match closed(&contract, &found(db, row.id.0)?) {
        Some(closed) => Err(closed.into()),
        None => Ok(()),
    }
}

/// The gate that a composed revision does not pass, by its own report.
pub(super) fn of_revision(contract: &Contract, report: &serde_json::Value) -> Option<Closed> {
    let report = Report::deserialize(report).ok()?;
    let data = privacy::read(&report)?;
    if let Some(closed) = closed(contract, std::slice::from_ref(&data)) {
        return Some(closed);
    }
    let crowd = data.anonymity.filter(|crowd| crowd.rows_below_k > 0)?;
    Some(Closed {
        code: "k_anonymity",
        reason: format!(
            "{} rows stand in groups of fewer than {} that agree in {}; the smallest group has {}. \
             Make these columns coarser or leave those rows out, then publish again.",
            crowd.rows_below_k,
            crowd.k,
            crowd.columns.join(", "),
            crowd.smallest_class
        ),
    })
}

fn contract(row: &DatasetRow) -> Result<Option<Contract>, Fault> {
    let read = |json: &String| Contract::from_json(json.as_bytes());
    row.contract
        .as_ref()
        .map(read)
        .transpose()
        .map_err(Fault::internal)
}

/// What the reports of the accepted contributions say. One of an older version says nothing;
/// the report of the revision itself will.
fn found(db: &mut Db, dataset: Uuid) -> Result<Vec<PersonalData>, Fault> {
    let accepted = contributions::weighed(db, dataset)?;
    let accepted = accepted.iter().filter(|row| row.state == "accepted");
    let reports =
        accepted.filter_map(|row| Report::from_json(row.report.as_deref()?.as_bytes()).ok());
    Ok(reports
        .filter_map(|report| privacy::read(&report))
        .collect())
}

/// Kinds of personal data found in a column, in words, each once.
fn kinds(found: &[PersonalData], column: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    let columns = found.iter().flat_map(|data| &data.columns);
    for finding in columns
        .filter(|c| c.column == column)
        .flat_map(|c| &c.found)
    {
        let words = finding.kind.words().to_owned();
        if !kinds.contains(&words) {
            kinds.push(words);
        }
    }
    kinds
}

fn closed(contract: &Contract, found: &[PersonalData]) -> Option<Closed> {
    if contract
        .license
        .as_deref()
        .is_none_or(|text| text.trim().is_empty())
    {
        return Some(Closed {
            code: "licence_missing",
            reason: "The contract does not say under which licence the source gives the data. Say it on the \
                     manage page or with `granary dataset edit DATASET --licence CC-BY-4.0`, then publish again."
                .to_owned(),
        });
    }
    let open = contract
        .columns
        .iter()
        .filter(|column| column.personal.is_none());
    let named: Vec<String> = open
        .map(|column| (column, kinds(found, &column.name)))
        .filter(|(_, kinds)| !kinds.is_empty())
        .map(|(column, kinds)| format!("{} ({})", column.name, kinds.join(", ")))
        .collect();
    (!named.is_empty()).then(|| Closed {
        code: "undeclared_personal_data",
        reason: format!(
            "Personal data that nobody has declared stands in {}. Declare a class for each column (none, pseudonymous, \
             personal or sensitive) on the manage page or with `granary dataset edit DATASET --personal COLUMN=CLASS`, \
             then publish again.",
            named.join("; ")
        ),
    })
}

/// The class that a published revision was declared to have; none when it is older than the
/// declaration.
pub(super) fn class(stored: Option<&str>) -> PersonalClass {
    stored
        .and_then(PersonalClass::by_name)
        .unwrap_or(PersonalClass::None)
}
