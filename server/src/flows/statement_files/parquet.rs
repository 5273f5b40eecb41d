//! The lines as a Parquet file: amounts are 64-bit integers of minor units, weights, which
//! have up to 128 bits, are decimal texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use ledger::statement::{ClaimLine, CommissionLine, Line, Statement};
use parquet::arrow::ArrowWriter;

use crate::error::Fault;

/// A line of the file: a settled pool, an owner's commission, or what a decided claim gave.
enum Row<'a> {
    Line(&'a Line),
    Commission(&'a CommissionLine),
    Claim(&'a ClaimLine),
}

/// The file, with the columns of the CSV.
pub(super) fn statement(s: &Statement) -> Result<Vec<u8>, Fault> {
    let rows: Vec<Row<'_>> = s
        .lines
        .iter()
        .map(Row::Line)
        .chain(s.commissions.iter().map(Row::Commission))
        .chain(s.claims.iter().map(Row::Claim))
        .collect();
    let mut columns = head(s, &rows);
    columns.extend(texts(&rows));
    columns.extend(integers(&rows)?);
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(Fault::internal)?;
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), None).map_err(Fault::internal)?;
    writer.write(&batch).map_err(Fault::internal)?;
    writer.into_inner().map_err(Fault::internal)
}

/// Name, values, and whether some may be absent.
type Column = (&'static str, ArrayRef, bool);

fn text(name: &'static str, values: Vec<Option<String>>) -> Column {
    (name, Arc::new(StringArray::from(values)), true)
}

/// What is the same on every row.
fn head(s: &Statement, rows: &[Row<'_>]) -> Vec<Column> {
    let same = |name, value: String| text(name, vec![Some(value); rows.len()]);
    let kind = |row: &Row<'_>| match row {
        Row::Line(_) => Some("line".to_owned()),
        Row::Commission(_) => Some("commission".to_owned()),
        Row::Claim(_) => Some("claim".to_owned()),
    };
    let exponent = vec![i64::from(s.exponent); rows.len()];
    let exponent: ArrayRef = Arc::new(Int64Array::from(exponent));
    vec![
        text("kind", rows.iter().map(kind).collect()),
        same("statement", s.head.id.to_string()),
        same("period", s.head.period.to_string()),
        same("currency", s.head.currency.to_string()),
        ("exponent", exponent, false),
    ]
}

fn texts(rows: &[Row<'_>]) -> Vec<Column> {
    let column =
        |name, of: fn(&Row<'_>) -> Option<String>| text(name, rows.iter().map(of).collect());
    vec![
        column("dataset", |row| match row {
            Row::Line(line) => Some(line.dataset.to_string()),
            Row::Commission(own) => Some(own.dataset.to_string()),
            Row::Claim(one) => Some(one.dataset.to_string()),
        }),
        column("dataset_title", |row| match row {
            Row::Line(line) => Some(line.dataset_title.clone()),
            Row::Commission(own) => Some(own.dataset_title.clone()),
            Row::Claim(one) => Some(one.dataset_title.clone()),
        }),
        column("revision", |row| match row {
            Row::Line(line) => Some(line.revision.to_string()),
            Row::Commission(_) | Row::Claim(_) => None,
        }),
        column("weight", |row| match row {
            Row::Line(line) => Some(line.weight.to_string()),
            Row::Commission(_) | Row::Claim(_) => None,
        }),
        column("weight_total", |row| match row {
            Row::Line(line) => Some(line.weight_total.to_string()),
            Row::Commission(_) | Row::Claim(_) => None,
        }),
    ]
}

/// A figure of a line; wider than what is stored, so that nothing is cut on the way.
type Figure = fn(&Line) -> Option<i128>;

/// The integer columns of a line, by name.
const FIGURES: [(&str, Figure); 15] = [
    ("revision_number", |l| Some(l.revision_number.into())),
    ("epoch", |l| Some(l.epoch.into())),
    ("gross", |l| Some(l.gross.into())),
    ("tax", |l| Some(l.tax.into())),
    ("fee", |l| Some(l.fee.into())),
    ("commission", |l| Some(l.commission.into())),
    ("refunds_net", |l| {
        Some(l.refunds.iter().map(|r| i128::from(r.net)).sum())
    }),
    ("subscriptions", |l| {
        Some(l.subscriptions.map_or(0, |part| part.amount()))
    }),
    ("pool_delta", |l| Some(l.pool_delta.into())),
    ("share_ppt", |l| Some(l.share_ppt.into())),
    ("quality", |l| l.quality.map(i128::from)),
    ("rows", |l| Some(l.rows.into())),
    ("carry_before", |l| Some(l.carry_before.into())),
    ("carry_after", |l| Some(l.carry_after.into())),
    ("entry", |l| Some(l.entry.into())),
];

fn integers(rows: &[Row<'_>]) -> Result<Vec<Column>, Fault> {
    let narrow = |wide: Option<i128>| wide.map(i64::try_from).transpose().map_err(Fault::internal);
    let mut columns: Vec<Column> = Vec::with_capacity(FIGURES.len() + 2);
    for (name, figure) in FIGURES {
        let values = rows.iter().map(|row| match row {
            Row::Line(line) => narrow(figure(line)),
            Row::Claim(one) if name == "entry" => narrow(Some(one.entry.into())),
            Row::Commission(_) | Row::Claim(_) => Ok(None),
        });
        let values: Vec<Option<i64>> = values.collect::<Result<_, Fault>>()?;
        columns.push((name, Arc::new(Int64Array::from(values)), true));
    }
    let sales = rows.iter().map(|row| match row {
        Row::Line(line) => narrow(Some(line.sales.into())),
        Row::Commission(own) => narrow(Some(own.sales.into())),
        Row::Claim(_) => Ok(None),
    });
    let sales: Vec<Option<i64>> = sales.collect::<Result<_, Fault>>()?;
    columns.push(("sales", Arc::new(Int64Array::from(sales)), true));
    let amounts = rows.iter().map(|row| match row {
        Row::Line(line) => line.amount,
        Row::Commission(own) => own.amount,
        Row::Claim(one) => one.amount,
    });
    let amounts: Vec<i64> = amounts.collect();
    columns.push(("amount", Arc::new(Int64Array::from(amounts)), false));
    Ok(columns)
}
