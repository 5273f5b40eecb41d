//! The data of the story, cut from the sample: who holds which flights, and what is wrong
//! with some of them. The same seed cuts the same data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::dice::Dice;

const SAMPLE: &[u8] = include_bytes!("../../samples/flights.parquet");
/// The agreement on the columns of the dataset.
pub const CONTRACT: &str = include_str!("../../samples/flights.contract.json");
/// Rows the copycat really has.
pub const OWN_ROWS: usize = 500;

const FIRST_DAY: i32 = 15_706; // 1 January 2013, in days since 1970
const LAST: u8 = 18;

/// Why the sample could not be cut.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    #[error("the sample is not as expected: {0}")]
    Sample(&'static str),
}

type Cutting<T> = Result<T, DataError>;

/// Faults that were put into one provider's file, so that the story can check the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Delays written as `NA` and the like.
    pub null_tokens: usize,
    /// Delays that are no number.
    pub bad_types: usize,
    /// Arrival delays of a week.
    pub out_of_range: usize,
    /// Rows that stand there twice.
    pub duplicates: usize,
}

/// What one provider holds.
pub struct Part {
    /// Days of January.
    pub days: RangeInclusive<u8>,
    /// The file's rows.
    pub rows: RecordBatch,
    /// Positions of its distinct rows in the sample.
    pub held: BTreeSet<u32>,
}

/// Everything the story needs.
pub struct Cut {
    /// The three providers' files; the third has the faults.
    pub parts: [Part; 3],
    /// What is wrong with the third.
    pub faults: Faults,
    /// Rows that only the copycat has, in the contract's types.
    pub own: RecordBatch,
}

impl Cut {
    /// Cuts the sample.
    ///
    /// # Errors
    /// The sample that this program carries is damaged.
    pub fn new(dice: &mut Dice) -> Cutting<Self> {
        let sample = read(Bytes::from_static(SAMPLE))?;
        let by_day = rows_by_day(&sample)?;
        let own = own_rows(&by_day, dice)?;
        let first_end = dice.between(7, 9) as u8;
        let second = (first_end - dice.between(1, 3) as u8)..=(dice.between(12, 14) as u8);
        let third = (second.end() - dice.between(1, 3) as u8)..=LAST;
        let part = |days: RangeInclusive<u8>| -> Cutting<Part> {
            let held: BTreeSet<u32> = by_day
                .iter()
                .filter(|(day, _)| days.contains(day))
                .flat_map(|(_, rows)| rows.iter().copied())
                .filter(|row| !own.contains(row))
                .collect();
            Ok(Part {
                days,
                rows: pick(&sample, held.iter().copied())?,
                held,
            })
        };
        let (first, second, mut third) = (part(1..=first_end)?, part(second)?, part(third)?);
        let faults = spoil(&mut third, &second.held, dice)?;
        let own = to_contract(&pick(&sample, own.iter().copied())?)?;
        Ok(Self {
            parts: [first, second, third],
            faults,
            own,
        })
    }

    /// Distinct rows of one provider that at least one other holds as well.
    #[must_use]
    pub fn shared(&self, which: usize) -> usize {
        let others = || self.parts.iter().enumerate().filter(|(at, _)| *at != which);
        let held_by_others = |row: &&u32| others().any(|(_, part)| part.held.contains(row));
        self.parts
            .get(which)
            .map_or(0, |part| part.held.iter().filter(held_by_others).count())
    }
}

fn rows_by_day(sample: &RecordBatch) -> Cutting<BTreeMap<u8, Vec<u32>>> {
    let days = sample
        .column_by_name("flight_date")
        .and_then(|column| column.as_primitive_opt::<Date32Type>())
        .ok_or(DataError::Sample("no flight_date"))?;
    let mut by_day: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
    for (row, day) in (0u32..).zip(days.values()) {
        let day = u8::try_from(day - FIRST_DAY + 1).map_err(|_| DataError::Sample("a date"))?;
        by_day.entry(day).or_default().push(row);
    }
    Ok(by_day)
}

/// Flights of the last day that none of the providers gets.
fn own_rows(by_day: &BTreeMap<u8, Vec<u32>>, dice: &mut Dice) -> Cutting<BTreeSet<u32>> {
    let last = by_day.get(&LAST).filter(|rows| rows.len() > OWN_ROWS);
    let mut last = last
        .ok_or(DataError::Sample("too few rows on the last day"))?
        .clone();
    dice.shuffle(&mut last);
    last.truncate(OWN_ROWS);
    Ok(last.into_iter().collect())
}

/// Puts the faults into rows that nobody else holds, so that every figure can be foretold.
fn spoil(part: &mut Part, others: &BTreeSet<u32>, dice: &mut Dice) -> Cutting<Faults> {
    let faults = Faults {
        null_tokens: dice.between(500, 700),
        bad_types: dice.between(200, 300),
        out_of_range: dice.between(150, 250),
        duplicates: dice.between(250, 400),
    };
    let held = part.held.iter().enumerate();
    let mut places: Vec<usize> = held
        .filter(|(_, row)| !others.contains(row))
        .map(|(at, _)| at)
        .collect();
    dice.shuffle(&mut places);
    let mut places = places.into_iter();
    let mut delays = texts(&part.rows, "dep_delay")?;
    let mut arrivals = integers(&part.rows, "arr_delay")?;
    // A cancelled flight has no delay that could be spoiled.
    let mut next = || {
        places
            .by_ref()
            .find(|at| part.rows.column(DEP_DELAY).is_valid(*at))
    };
    for at in 0..faults.null_tokens {
        set(
            &mut delays,
            next(),
            Some(["NA", "N/A", "NULL"][at % 3].to_owned()),
        )?;
    }
    for at in 0..faults.bad_types {
        let wrong = ["late", "12 min", "about 5", "?!"][at % 4];
        set(&mut delays, next(), Some(wrong.to_owned()))?;
    }
    for _ in 0..faults.out_of_range {
        set(&mut arrivals, next(), Some(7 * 24 * 60))?;
    }
    let twice: Vec<u32> = (0..faults.duplicates)
        .filter_map(|_| next())
        .filter_map(|at| u32::try_from(at).ok())
        .collect();
    let spoiled = with_column(&part.rows, "dep_delay", Arc::new(StringArray::from(delays)))?;
    let spoiled = with_column(&spoiled, "arr_delay", Arc::new(Int64Array::from(arrivals)))?;
    let repeated = pick(&spoiled, twice.iter().copied())?;
    part.rows = concat_batches(&spoiled.schema(), [&spoiled, &repeated])?;
    if twice.len() == faults.duplicates {
        Ok(faults)
    } else {
        Err(TOO_FEW)
    }
}

const DEP_DELAY: usize = 7;
const TOO_FEW: DataError = DataError::Sample("too few rows to spoil");

fn set<T>(cells: &mut [T], at: Option<usize>, value: T) -> Cutting<()> {
    let cell = at.and_then(|at| cells.get_mut(at)).ok_or(TOO_FEW)?;
    *cell = value;
    Ok(())
}

fn column(rows: &RecordBatch, name: &'static str, kind: &DataType) -> Cutting<ArrayRef> {
    let column = rows.column_by_name(name).ok_or(DataError::Sample(name))?;
    Ok(cast(column, kind)?)
}

fn texts(rows: &RecordBatch, name: &'static str) -> Cutting<Vec<Option<String>>> {
    let column = column(rows, name, &DataType::Utf8)?;
    Ok(column
        .as_string::<i32>()
        .iter()
        .map(|cell| cell.map(str::to_owned))
        .collect())
}

fn integers(rows: &RecordBatch, name: &'static str) -> Cutting<Vec<Option<i64>>> {
    let column = column(rows, name, &DataType::Int64)?;
    Ok(column.as_primitive::<Int64Type>().iter().collect())
}

fn with_column(rows: &RecordBatch, name: &str, cells: ArrayRef) -> Cutting<RecordBatch> {
    let at = rows.schema().index_of(name)?;
    let mut fields: Vec<Arc<Field>> = rows.schema().fields().iter().cloned().collect();
    let mut columns = rows.columns().to_vec();
    let field = Field::new(name, cells.data_type().clone(), true);
    if let (Some(old), Some(column)) = (fields.get_mut(at), columns.get_mut(at)) {
        (*old, *column) = (Arc::new(field), cells);
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

fn pick(rows: &RecordBatch, which: impl Iterator<Item = u32>) -> Cutting<RecordBatch> {
    Ok(take_record_batch(
        rows,
        &UInt32Array::from_iter_values(which),
    )?)
}

/// Whole numbers as wide as a dataset has them.
fn to_contract(rows: &RecordBatch) -> Cutting<RecordBatch> {
    let mut wide = rows.clone();
    for field in rows.schema().fields() {
        if *field.data_type() == DataType::Int16 {
            let cells = cast(
                rows.column(rows.schema().index_of(field.name())?),
                &DataType::Int64,
            )?;
            wide = with_column(&wide, field.name(), cells)?;
        }
    }
    Ok(wide)
}

/// The copycat's work: everybody's rows and the own ones, shuffled, columns in another
/// order, texts padded with blanks.
///
/// # Errors
/// The file is not Parquet or has other columns than the own rows.
pub fn disguise(bought: Vec<u8>, own: &RecordBatch, dice: &mut Dice) -> Cutting<RecordBatch> {
    let bought = to_contract(&read(Bytes::from(bought))?)?;
    let schema = own.schema();
    let mut columns = Vec::new();
    for field in schema.fields() {
        let theirs = bought
            .column_by_name(field.name())
            .ok_or(DataError::Sample("a column"))?;
        columns.push(cast(theirs, field.data_type())?);
    }
    let loose = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
    let schema = Arc::new(Schema::new(
        schema.fields().iter().map(loose).collect::<Vec<_>>(),
    ));
    let theirs = RecordBatch::try_new(schema.clone(), columns)?;
    let mine = RecordBatch::try_new(schema.clone(), own.columns().to_vec())?;
    let together = concat_batches(&schema, [&theirs, &mine])?;
    let mut order: Vec<u32> = (0..u32::try_from(together.num_rows()).unwrap_or(0)).collect();
    dice.shuffle(&mut order);
    let shuffled = pick(&together, order.into_iter())?;
    let mut padded = shuffled.clone();
    for name in ["carrier", "tailnum", "origin", "dest"] {
        let cells = texts(&shuffled, name)?;
        let blank = |cell: Option<String>| cell.map(|text| format!(" {text}  "));
        let cells: StringArray = cells.into_iter().map(blank).collect();
        padded = with_column(&padded, name, Arc::new(cells))?;
    }
    let backwards: Vec<usize> = (0..padded.num_columns()).rev().collect();
    Ok(padded.project(&backwards)?)
}

/// The sample again and again, each time 18 days later, with a column that does not
/// compress: a file of any size for measurements.
///
/// # Errors
/// The sample that this program carries is damaged.
pub fn grown(copies: usize, dice: &mut Dice) -> Cutting<Vec<u8>> {
    let sample = to_contract(&read(Bytes::from_static(SAMPLE))?)?;
    let mut batches = Vec::new();
    for copy in 0..i32::try_from(copies).unwrap_or(i32::MAX) {
        let days = sample.column(0).as_primitive::<Date32Type>();
        let later = days.unary::<_, Date32Type>(|day| day.saturating_add(copy.saturating_mul(18)));
        let moved = with_column(&sample, "flight_date", Arc::new(later))?;
        let noise = Float64Array::from_iter_values((0..moved.num_rows()).map(|_| dice.fraction()));
        let mut fields: Vec<Arc<Field>> = moved.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("noise", DataType::Float64, true)));
        let mut columns = moved.columns().to_vec();
        columns.push(Arc::new(noise));
        batches.push(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?);
    }
    let schema = batches
        .first()
        .ok_or(DataError::Sample("no copies"))?
        .schema();
    write(&concat_batches(&schema, &batches)?, Packing::Zstd)
}

/// All rows of a Parquet file.
///
/// # Errors
/// It is not Parquet.
pub fn read(file: Bytes) -> Cutting<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build()?.collect::<Result<_, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

/// How a file is packed.
#[derive(Debug, Clone, Copy)]
pub enum Packing {
    /// As the providers do.
    Zstd,
    /// As the copycat does, so that no byte looks alike.
    Snappy,
}

/// A Parquet file of these rows.
///
/// # Errors
/// The rows cannot be written.
pub fn write(rows: &RecordBatch, packing: Packing) -> Cutting<Vec<u8>> {
    let compression = match packing {
        Packing::Zstd => Compression::ZSTD(ZstdLevel::try_new(9)?),
        Packing::Snappy => Compression::SNAPPY,
    };
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.close()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(seed: u64) -> Cut {
        Cut::new(&mut Dice::new(seed)).unwrap()
    }

    #[test]
    fn the_parts_overlap_and_the_copycat_s_rows_are_nobody_else_s() {
        for seed in 1..8 {
            let cut = cut(seed);
            let [first, second, third] = &cut.parts;
            assert!(!first.held.is_disjoint(&second.held) && !second.held.is_disjoint(&third.held));
            let union: BTreeSet<_> = cut.parts.iter().flat_map(|part| &part.held).collect();
            assert_eq!(union.len() + OWN_ROWS, 15_854);
            assert_eq!(cut.own.num_rows(), OWN_ROWS);
            assert_eq!(
                third.rows.num_rows(),
                third.held.len() + cut.faults.duplicates
            );
            assert_eq!(
                cut.shared(1),
                cut.shared(0) + cut.shared(2) - shared_by_all(&cut)
            );
        }
    }

    fn shared_by_all(cut: &Cut) -> usize {
        let [first, second, third] = &cut.parts;
        first
            .held
            .iter()
            .filter(|r| second.held.contains(r) && third.held.contains(r))
            .count()
    }

    #[test]
    fn a_seed_always_cuts_the_same_and_another_cuts_otherwise() {
        let file = |seed| write(&cut(seed).parts[2].rows, Packing::Zstd).unwrap();
        assert_eq!(file(1), file(1));
        assert_ne!(file(1), file(2));
    }

    #[test]
    fn the_disguise_keeps_every_row_and_no_byte() {
        let mut dice = Dice::new(1);
        let cut = Cut::new(&mut dice).unwrap();
        let bought = write(&to_contract(&cut.parts[0].rows).unwrap(), Packing::Zstd).unwrap();
        let disguised = disguise(bought, &cut.own, &mut dice).unwrap();
        assert_eq!(
            disguised.num_rows(),
            cut.parts[0].rows.num_rows() + OWN_ROWS
        );
        assert_eq!(disguised.schema().field(0).name(), "distance");
        let carriers = texts(&disguised, "carrier").unwrap();
        assert!(
            carriers
                .iter()
                .flatten()
                .all(|carrier| carrier.starts_with(' '))
        );
        let again = read(Bytes::from(write(&disguised, Packing::Snappy).unwrap())).unwrap();
        assert_eq!(again.num_rows(), disguised.num_rows());
    }
}
