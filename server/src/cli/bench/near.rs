//! Near duplicates of texts, against rensa and datasketch on the same texts in the same run.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use quality::near::{Settings, Texts, find};

use super::outside::{self, Ran, lines, wrong};
use crate::cli::args::BenchArgs;
use crate::cli::stop::{Outcome, Stop};
use crate::cli::table::{Table, bytes, grouped};

/// Least similarity of a pair.
const THRESHOLD: f64 = 0.8;

/// Texts made when no file is given, and words of each.
const TEXTS: u64 = 6_000;
const WORDS: u64 = 160;

type Pairs = BTreeSet<(u32, u32)>;

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    if let (Some(out), Some(file)) = (&args.alone, &args.file) {
        return alone(file, out);
    }
    let mut files = args.inputs("text_")?;
    if files.is_empty() {
        files.push(generated(place, TEXTS * u64::from(args.scale))?);
    }
    files.iter().try_for_each(|file| compare(args, file, place))
}

fn alone(file: &Path, out: &Path) -> Outcome {
    let texts = texts(file)?;
    let borrowed: Texts<'_> = texts.iter().map(|text| Some(text.as_str())).collect();
    let start = Instant::now();
    let found = find(&borrowed, Settings::at((THRESHOLD * 1e6) as u32));
    let seconds = start.elapsed().as_secs_f64();
    let mut pairs = Pairs::new();
    found.all_pairs(|pair| {
        pairs.insert((pair.a, pair.b));
    });
    outside::alone(out, seconds, &pairs)
}

fn compare(args: &BenchArgs, file: &Path, place: &Path) -> Outcome {
    let texts = texts(file)?;
    let size: usize = texts.iter().map(String::len).sum();
    let truth = truth(file)?;
    println!(
        "{} texts, {}; pairs of similarity >= {THRESHOLD}{}",
        grouped(texts.len() as i64),
        bytes(size as u64),
        match &truth {
            Some(pairs) => format!(": {}", grouped(pairs.len() as i64)),
            None => String::new(),
        }
    );
    let mut table = Table::new(&[
        "near duplicates, end to end (goal 45 MB/s, 1.000, 0.99)",
        ">seconds",
        ">MB/s",
        ">pairs",
        ">precision",
        ">recall",
        ">peak memory",
        ">ours / it",
    ]);
    let ours: Ran<Pairs> = outside::ours(args, "near", Some(file), place)?;
    let mut row = |name: &str, ran: &Ran<Pairs>| {
        let (precision, recall) = against(&ran.found, truth.as_ref());
        table.row([
            name.to_owned(),
            format!("{:.2}", ran.seconds),
            format!("{:.1}", size as f64 / 1e6 / ran.seconds),
            grouped(ran.found.len() as i64),
            precision,
            recall,
            bytes(ran.peak),
            format!("{:.1}", ran.seconds / ours.seconds),
        ]);
    };
    row("granary", &ours);
    let mut left_out = Vec::new();
    for tool in ["rensa", "datasketch"] {
        let more = [THRESHOLD.to_string()];
        match outside::tool(args, (outside::NEAR, tool), file, &more, place) {
            Ok(ran) => row(tool, &ran),
            Err(words) => left_out.push(words),
        }
    }
    println!("{table}{}", lines(&left_out));
    Ok(())
}

fn against(pairs: &Pairs, truth: Option<&Pairs>) -> (String, String) {
    let Some(truth) = truth else {
        return ("–".to_owned(), "–".to_owned());
    };
    let right = pairs.intersection(truth).count() as f64;
    (
        format!("{:.3}", right / pairs.len().max(1) as f64),
        format!("{:.3}", right / truth.len().max(1) as f64),
    )
}

pub(super) fn batches(file: &Path) -> Outcome<Vec<RecordBatch>> {
    let file = File::open(file).map_err(Stop::file(file))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(wrong)?;
    let reader = reader.build().map_err(wrong)?;
    reader.map(|batch| batch.map_err(wrong)).collect()
}

pub(super) fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Outcome<ArrayRef> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| wrong(format!("the file has no column `{name}`")))?;
    cast(column, kind).map_err(wrong)
}

fn texts(file: &Path) -> Outcome<Vec<String>> {
    let mut texts = Vec::new();
    for batch in batches(file)? {
        let column = column(&batch, "text", &DataType::Utf8)?;
        let cells = column.as_string::<i32>().iter();
        texts.extend(cells.map(|text| text.unwrap_or_default().to_owned()));
    }
    Ok(texts)
}

/// Pairs of the file `truth_NAME` beside NAME: columns a, b and jaccard. Its rows count the
/// texts of five words and more.
fn truth(file: &Path) -> Outcome<Option<Pairs>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let known = file.with_file_name(format!("truth_{name}"));
    if !known.is_file() {
        return Ok(None);
    }
    let word = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|w| !w.is_empty())
            .count()
    };
    let rows: Vec<u32> = (0u32..)
        .zip(texts(file)?)
        .filter(|(_, text)| word(text) >= 5)
        .map(|(row, _)| row)
        .collect();
    let row = |at: i64| {
        usize::try_from(at)
            .ok()
            .and_then(|at| rows.get(at))
            .copied()
    };
    let mut pairs = Pairs::new();
    for batch in batches(&known)? {
        let (a, b) = (
            column(&batch, "a", &DataType::Int64)?,
            column(&batch, "b", &DataType::Int64)?,
        );
        let similarity = column(&batch, "jaccard", &DataType::Float64)?;
        let similarity = similarity.as_any().downcast_ref::<Float64Array>();
        let numbers = |column: &ArrayRef| column.as_any().downcast_ref::<Int64Array>().cloned();
        let (Some(a), Some(b), Some(similarity)) = (numbers(&a), numbers(&b), similarity) else {
            return Err(wrong(
                "the truth file has other columns than a, b and jaccard",
            ));
        };
        for at in (0..batch.num_rows()).filter(|at| similarity.value(*at) >= THRESHOLD) {
            pairs.extend(row(a.value(at)).zip(row(b.value(at))));
        }
    }
    Ok(Some(pairs))
}

/// Texts of words drawn by a fixed rule; every eighth is an earlier one with a few words changed.
fn generated(place: &Path, count: u64) -> Outcome<PathBuf> {
    let mut words = Words(1);
    let mut texts: Vec<String> = Vec::new();
    for number in 0..count {
        let text = match texts.get((number / 2) as usize) {
            Some(earlier) if number % 8 == 7 => {
                let changed = earlier.split(' ').enumerate().map(|(at, word)| {
                    if at % 80 == (number % 80) as usize {
                        words.next()
                    } else {
                        word.to_owned()
                    }
                });
                changed.collect::<Vec<_>>().join(" ")
            }
            _ => (0..WORDS)
                .map(|_| words.next())
                .collect::<Vec<_>>()
                .join(" "),
        };
        texts.push(text);
    }
    let column: ArrayRef = Arc::new(StringArray::from(texts));
    let batch = RecordBatch::try_from_iter([("text", column)]).map_err(wrong)?;
    let path = place.join("texts.parquet");
    let file = File::create(&path).map_err(Stop::file(&path))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(wrong)?;
    writer.write(&batch).map_err(wrong)?;
    writer.close().map_err(wrong)?;
    Ok(path)
}

/// Words, frequent ones often, by a fixed rule.
struct Words(u64);

impl Words {
    fn next(&mut self) -> String {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = (self.0 >> 33) as f64 / (1u64 << 31) as f64;
        // The square makes low numbers, and so short words, frequent.
        let number = (draw * draw * 20_000.0) as u64;
        let letters = number
            .to_string()
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'a'))
            .collect::<String>();
        format!(
            "{letters}{}",
            if number.is_multiple_of(3) { "ing" } else { "s" }
        )
    }
}
