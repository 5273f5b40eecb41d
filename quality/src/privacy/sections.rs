//! Personal data as tables of the report, and read back from them.

use super::{
    Anonymity, PersonalClass, PersonalColumn, PersonalData, PersonalFinding, PersonalKind,
};
use crate::analysis::{Figure, Section};
use crate::report::Report;

const PERSONAL: &str = "personal_data";
const ANONYMITY: &str = "k_anonymity";

const METHOD: &str = "Every cell is compared with patterns and check digits (Luhn, mod 97, national rules), \
     and names of columns are taken as hints; equal cells cost one look. Shares are of the cells with a value.";
const CROWD_METHOD: &str = "Rows that agree in all declared quasi-identifiers form a class (a missing value is a value); every \
     class needs k rows.";

pub(super) fn of(data: &PersonalData) -> Vec<Section> {
    let mut sections = vec![personal(data)];
    sections.extend(data.anonymity.as_ref().map(crowd));
    sections
}

fn personal(data: &PersonalData) -> Section {
    let found = data
        .columns
        .iter()
        .filter(|column| !column.found.is_empty())
        .count();
    let summary = match (found, data.undeclared().count()) {
        (0, _) => "No personal data was found.".to_owned(),
        (_, 0) => format!("{found} columns hold personal data; all are declared."),
        (_, open) => {
            format!("{found} columns hold personal data; {open} of them are not declared.")
        }
    };
    let heads = [
        "column",
        "declared",
        "kind",
        "detail",
        "cells",
        "share",
        "first rows",
    ];
    Section {
        name: PERSONAL.to_owned(),
        title: "Personal data".to_owned(),
        summary,
        method: METHOD.to_owned(),
        heads: heads.map(str::to_owned).to_vec(),
        rows: data.columns.iter().flat_map(lines).collect(),
    }
}

fn lines(column: &PersonalColumn) -> Vec<Vec<Figure>> {
    let word = |text: Option<&str>| text.map_or(Figure::None, |text| Figure::Text(text.to_owned()));
    let declared = column.declared.map(PersonalClass::name);
    let line = |found: Option<&PersonalFinding>| {
        vec![
            Figure::Text(column.column.clone()),
            word(declared),
            word(found.map(|found| found.kind.name())),
            word(found.and_then(|found| found.detail.as_deref())),
            found.map_or(Figure::None, |found| Figure::Count(found.count)),
            found.map_or(Figure::None, |found| Figure::Ppm(found.share_ppm)),
            found.map_or(Figure::None, |found| Figure::Rows(found.rows.clone())),
        ]
    };
    match column.found.is_empty() {
        true => vec![line(None)],
        false => column.found.iter().map(|found| line(Some(found))).collect(),
    }
}

fn crowd(found: &Anonymity) -> Section {
    let summary = match found.rows_below_k {
        0 => format!(
            "Every class has at least {} rows; the smallest has {}.",
            found.k, found.smallest_class
        ),
        below => format!("{below} rows stand in classes of fewer than {}.", found.k),
    };
    let heads = [
        "quasi-identifiers",
        "k",
        "classes",
        "smallest class",
        "rows below k",
        "first rows",
    ];
    Section {
        name: ANONYMITY.to_owned(),
        title: "k-anonymity".to_owned(),
        summary,
        method: CROWD_METHOD.to_owned(),
        heads: heads.map(str::to_owned).to_vec(),
        rows: vec![vec![
            Figure::Text(found.columns.join(", ")),
            Figure::Count(found.k.into()),
            Figure::Count(found.classes),
            Figure::Count(found.smallest_class),
            Figure::Count(found.rows_below_k),
            Figure::Rows(found.rows.clone()),
        ]],
    }
}

/// What a report says about personal data; `None` for one that did not look for any.
pub fn read(report: &Report) -> Option<PersonalData> {
    let section = |name: &str| report.sections.iter().find(|section| section.name == name);
    let mut data = PersonalData::default();
    for row in &section(PERSONAL)?.rows {
        let [
            Figure::Text(column),
            declared,
            kind,
            detail,
            count,
            share,
            rows,
        ] = row.as_slice()
        else {
            continue;
        };
        if data
            .columns
            .last()
            .is_none_or(|last| last.column != *column)
        {
            data.columns.push(PersonalColumn {
                column: column.clone(),
                declared: text(declared).and_then(|class| class.parse().ok()),
                found: Vec::new(),
            });
        }
        let finding = text(kind)
            .and_then(PersonalKind::by_name)
            .map(|kind| PersonalFinding {
                kind,
                detail: text(detail).map(str::to_owned),
                count: number(count),
                share_ppm: u32::try_from(number(share)).unwrap_or(u32::MAX),
                rows: numbers(rows),
            });
        if let (Some(last), Some(finding)) = (data.columns.last_mut(), finding) {
            last.found.push(finding);
        }
    }
    data.anonymity = section(ANONYMITY).and_then(|section| anonymity(section.rows.first()?));
    Some(data)
}

fn anonymity(row: &[Figure]) -> Option<Anonymity> {
    let [columns, k, classes, smallest, below, rows] = row else {
        return None;
    };
    Some(Anonymity {
        columns: text(columns)?.split(", ").map(str::to_owned).collect(),
        k: u32::try_from(number(k)).ok()?,
        classes: number(classes),
        smallest_class: number(smallest),
        rows_below_k: number(below),
        rows: numbers(rows),
    })
}

fn text(figure: &Figure) -> Option<&str> {
    match figure {
        Figure::Text(text) => Some(text),
        _ => None,
    }
}

fn number(figure: &Figure) -> u64 {
    match figure {
        Figure::Count(count) => *count,
        Figure::Ppm(ppm) => u64::from(*ppm),
        _ => 0,
    }
}

fn numbers(figure: &Figure) -> Vec<u64> {
    match figure {
        Figure::Rows(rows) => rows.clone(),
        _ => Vec::new(),
    }
}
