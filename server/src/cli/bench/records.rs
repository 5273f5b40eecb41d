//! Records of the same person, against recordlinkage and splink on the same records: pairs
//! found without training, set against the known ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::ArrowWriter;
use quality::records::{Compare, Field, Records, Rules};

use super::near::{batches, column};
use super::outside::{self, Ran, lines, wrong};
use super::weights::mixed;
use crate::cli::args::BenchArgs;
use crate::cli::stop::Outcome;
use crate::cli::table::{Table, bytes, grouped};

/// Persons made when no file is given; each is written two or three times.
const PERSONS: u64 = 2_000;

/// Columns of FEBRL's persons, and how each is compared. The truth stands in `entity`.
const FIELDS: [(&str, Compare, Option<&str>); 10] = [
    ("given_name", Compare::Name, Some("surname")),
    ("surname", Compare::Name, Some("given_name")),
    ("street_number", Compare::Code, None),
    ("address_1", Compare::Name, Some("address_2")),
    ("address_2", Compare::Name, Some("address_1")),
    ("suburb", Compare::Name, None),
    ("postcode", Compare::Code, None),
    ("state", Compare::Exact, None),
    ("date_of_birth", Compare::Date, None),
    ("soc_sec_id", Compare::Code, None),
];

type Pairs = BTreeSet<(u32, u32)>;

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    if let (Some(out), Some(file)) = (&args.alone, &args.file) {
        return alone(file, out);
    }
    let mut files = args.inputs("febrl")?;
    if files.is_empty() {
        files.push(invented(place, PERSONS * u64::from(args.scale))?);
    }
    files.iter().try_for_each(|file| compare(args, file, place))
}

fn alone(file: &Path, out: &Path) -> Outcome {
    let rows = rows(file)?;
    let field = |(column, compare, swap): (&str, Compare, Option<&str>)| Field {
        column: column.to_owned(),
        compare,
        swap: swap.map(str::to_owned),
    };
    let rules = Rules {
        fields: FIELDS.map(field).to_vec(),
        ..Rules::default()
    };
    let start = Instant::now();
    let mut records = Records::new(rules).map_err(wrong)?;
    for row in &rows {
        let values: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        records.push(&values);
    }
    let found = records.matches();
    let seconds = start.elapsed().as_secs_f64();
    let pairs: Pairs = found.pairs.iter().map(|pair| (pair.a, pair.b)).collect();
    outside::alone(out, seconds, &pairs)
}

fn compare(args: &BenchArgs, file: &Path, place: &Path) -> Outcome {
    let entities = entities(file)?;
    let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
    for entity in &entities {
        *sizes.entry(*entity).or_default() += 1;
    }
    let known: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    println!(
        "{} records of {}, {} pairs known",
        grouped(entities.len() as i64),
        file.file_name().unwrap_or_default().to_string_lossy(),
        grouped(known as i64)
    );
    let mut table = Table::new(&[
        "records of the same person (goal F1 0.998, 20,000/s)",
        ">seconds",
        ">records/s",
        ">pairs",
        ">F1",
        ">peak memory",
        ">ours / it",
    ]);
    let entity = |row: u32| entities.get(row as usize);
    let ours: Ran<Pairs> = outside::ours(args, "records", Some(file), place)?;
    let mut row = |name: &str, ran: &Ran<Pairs>| {
        let same = |pair: &&(u32, u32)| entity(pair.0).is_some_and(|e| entity(pair.1) == Some(e));
        let right = ran.found.iter().filter(same).count();
        let f1 = 2.0 * right as f64 / (ran.found.len() + known).max(1) as f64;
        table.row([
            name.to_owned(),
            format!("{:.2}", ran.seconds),
            grouped((entities.len() as f64 / ran.seconds) as i64),
            grouped(ran.found.len() as i64),
            format!("{f1:.4}"),
            bytes(ran.peak),
            format!("{:.1}", ran.seconds / ours.seconds),
        ]);
    };
    row("granary", &ours);
    let mut left_out = Vec::new();
    for tool in ["recordlinkage", "splink"] {
        match outside::tool(args, (outside::RECORDS, tool), file, &[], place) {
            Ok(ran) => row(tool, &ran),
            Err(words) => left_out.push(words),
        }
    }
    println!("{table}{}", lines(&left_out));
    Ok(())
}

fn rows(file: &Path) -> Outcome<Vec<Vec<Option<String>>>> {
    let mut rows = Vec::new();
    for batch in batches(file)? {
        let columns = FIELDS
            .iter()
            .map(|(name, ..)| column(&batch, name, &DataType::Utf8))
            .collect::<Outcome<Vec<ArrayRef>>>()?;
        let cell = |column: &ArrayRef, row| {
            let texts = column.as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        rows.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|c| cell(c, row)).collect::<Vec<_>>()),
        );
    }
    Ok(rows)
}

fn entities(file: &Path) -> Outcome<Vec<i64>> {
    let mut entities = Vec::new();
    for batch in batches(file)? {
        let column = column(&batch, "entity", &DataType::Int64)?;
        entities.extend_from_slice(column.as_primitive::<Int64Type>().values());
    }
    Ok(entities)
}

/// Persons drawn by a fixed rule, each written two or three times, the later times with one
/// to three errors: a letter changed or left out, a value missing, two names exchanged.
fn invented(place: &Path, persons: u64) -> Outcome<PathBuf> {
    let (mut cells, mut entities) = (vec![Vec::new(); FIELDS.len()], Vec::new());
    for person in 0..persons {
        let original = person_of(person);
        for copy in 0..2 + mixed(person) % 2 {
            let mut written: Vec<Option<String>> = original.iter().cloned().map(Some).collect();
            let errors = match copy {
                0 => 0,
                _ => 1 + mixed(person * 8 + copy) % 3,
            };
            for error in 0..errors {
                spoil(
                    &mut written,
                    mixed((person * 8 + copy) * 8 + error + (1 << 40)),
                );
            }
            for (column, cell) in cells.iter_mut().zip(written) {
                column.push(cell);
            }
            entities.push(i64::try_from(person).unwrap_or(0));
        }
    }
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for ((name, ..), column) in FIELDS.iter().zip(cells) {
        columns.push((name, Arc::new(StringArray::from(column))));
    }
    columns.push(("entity", Arc::new(Int64Array::from(entities))));
    let batch = RecordBatch::try_from_iter(columns).map_err(wrong)?;
    let path = place.join("persons.parquet");
    let mut writer =
        ArrowWriter::try_new(File::create(&path)?, batch.schema(), None).map_err(wrong)?;
    writer.write(&batch).map_err(wrong)?;
    writer.close().map_err(wrong)?;
    Ok(path)
}

fn person_of(person: u64) -> Vec<String> {
    let draw = |field: u64, of: u64| mixed(person * 16 + field + (1 << 50)) % of;
    let word = |field: u64, of: u64| {
        const PARTS: [&str; 16] = [
            "ma", "ri", "el", "tho", "an", "be", "lu", "ko", "sa", "ver", "di", "no", "ka", "wen",
            "jo", "tis",
        ];
        let number = draw(field, of);
        let part = |shift: u64| PARTS[(mixed(number) >> shift) as usize % PARTS.len()];
        [part(0), part(8), part(16)].concat()
    };
    vec![
        word(0, 400),
        word(1, 900),
        (1 + draw(2, 200)).to_string(),
        format!("{} street", word(3, 1_500)),
        word(4, 700),
        word(5, 500),
        format!("{:04}", 1_000 + draw(6, 900)),
        ["nsw", "vic", "qld", "wa", "sa"][draw(7, 5) as usize].to_owned(),
        format!(
            "19{:02}{:02}{:02}",
            draw(8, 90) + 10,
            draw(9, 12) + 1,
            draw(10, 28) + 1
        ),
        format!("{:07}", draw(11, 10_000_000)),
    ]
}

fn spoil(cells: &mut [Option<String>], draw: u64) {
    let field = (draw >> 8) as usize % cells.len();
    if draw.is_multiple_of(10) {
        cells.swap(0, 1);
        return;
    }
    let Some(cell) = cells.get_mut(field) else {
        return;
    };
    let Some(text) = cell.as_mut().filter(|text| text.len() > 2) else {
        return;
    };
    let at = (draw >> 20) as usize % text.len();
    match draw % 4 {
        0 => *cell = None,
        1 => {
            text.remove(at);
        }
        _ => {
            let digit = text.as_bytes()[at].is_ascii_digit();
            let other = (draw >> 32) % if digit { 10 } else { 26 };
            let first = if digit { b'0' } else { b'a' };
            text.replace_range(at..=at, &char::from(first + other as u8).to_string());
        }
    }
}
