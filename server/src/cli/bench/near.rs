//! Near duplicates of texts, against rensa and datasketch on the same texts in the same run.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use quality::near::{Settings, Texts, find};
use serde::Deserialize;

use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::table::{Table, bytes, grouped};

/// Least similarity of a pair.
const THRESHOLD: f64 = 0.8;

/// Texts made when no file is given, and words of each.
const TEXTS: u64 = 6_000;
const WORDS: u64 = 160;

const ANCHORS: &str = r#"
import json, re, sys, time
import pyarrow.parquet as pq
path, threshold, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
texts = [t or "" for t in pq.read_table(path, columns=["text"]).column(0).to_pylist()]
def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i:i + 5]) for i in range(len(words) - 4)]
def rensa():
    from rensa import RMinHash, RMinHashLSH
    lsh = RMinHashLSH(threshold=threshold, num_perm=126, num_bands=18)
    pairs, marks = [], []
    for row, text in enumerate(texts):
        mark = RMinHash(num_perm=126, seed=42)
        mark.update(shingles(text))
        pairs += [(o, row) for o in lsh.query(mark) if mark.jaccard(marks[o]) >= threshold]
        marks.append(mark)
        lsh.insert(row, mark)
    return pairs
def datasketch():
    from datasketch import MinHash, MinHashLSH
    lsh = MinHashLSH(threshold=threshold, num_perm=126, params=(18, 7))
    pairs, marks = [], []
    for row, text in enumerate(texts):
        mark = MinHash(num_perm=126)
        mark.update_batch([s.encode() for s in shingles(text)])
        pairs += [(o, row) for o in lsh.query(mark) if mark.jaccard(marks[o]) >= threshold]
        marks.append(mark)
        lsh.insert(row, mark)
    return pairs
found = []
for tool in (rensa, datasketch):
    try:
        start = time.time(); pairs = tool()
        found.append({"tool": tool.__name__, "seconds": time.time() - start, "pairs": pairs})
    except ImportError:
        pass
json.dump(found, open(out, "w"))
"#;

type Pairs = BTreeSet<(u32, u32)>;

#[derive(Deserialize)]
struct Anchor {
    tool: String,
    seconds: f64,
    pairs: Vec<(u32, u32)>,
}

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => generated(place, TEXTS * u64::from(args.scale))?,
    };
    let texts = texts(&file)?;
    let borrowed: Texts<'_> = texts.iter().map(|text| Some(text.as_str())).collect();
    let size: usize = texts.iter().map(String::len).sum();
    let start = Instant::now();
    let found = find(&borrowed, Settings::at((THRESHOLD * 1e6) as u32));
    let seconds = start.elapsed().as_secs_f64();
    let mut ours = Pairs::new();
    found.all_pairs(|pair| {
        ours.insert((pair.a, pair.b));
    });
    let truth = truth(&file)?;
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
        "near duplicates, end to end",
        ">seconds",
        ">MB/s",
        ">pairs",
        ">precision",
        ">recall",
        ">ours / it",
    ]);
    let rate = |seconds: f64| size as f64 / 1e6 / seconds;
    let mut row = |name: &str, took: f64, pairs: &Pairs| {
        let (precision, recall) = against(pairs, truth.as_ref());
        table.row([
            name.to_owned(),
            format!("{took:.2}"),
            format!("{:.1}", rate(took)),
            grouped(pairs.len() as i64),
            precision,
            recall,
            format!("{:.1}", rate(seconds) / rate(took)),
        ]);
    };
    row("granary", seconds, &ours);
    let anchors = anchors(&file, place)?;
    for anchor in &anchors {
        row(
            &anchor.tool,
            anchor.seconds,
            &anchor.pairs.iter().copied().collect(),
        );
    }
    println!("{table}");
    if anchors.len() < 2 {
        println!("For the others install `rensa`, `datasketch` and `pyarrow` for python3.");
    }
    println!();
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

fn machine(error: impl std::fmt::Display) -> Stop {
    Stop::new(Exit::Machine, error.to_string())
}

fn batches(file: &Path) -> Outcome<Vec<RecordBatch>> {
    let file = File::open(file).map_err(Stop::file(file))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(machine)?;
    let reader = reader.build().map_err(machine)?;
    reader.map(|batch| batch.map_err(machine)).collect()
}

fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Outcome<ArrayRef> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| machine(format!("the file has no column `{name}`")))?;
    cast(column, kind).map_err(machine)
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
            return Err(machine(
                "the truth file has other columns than a, b and jaccard",
            ));
        };
        for at in (0..batch.num_rows()).filter(|at| similarity.value(*at) >= THRESHOLD) {
            pairs.extend(row(a.value(at)).zip(row(b.value(at))));
        }
    }
    Ok(Some(pairs))
}

fn anchors(file: &Path, place: &Path) -> Outcome<Vec<Anchor>> {
    let out = place.join("anchors.json");
    let python = std::env::var("GRANARY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ran = Command::new(python)
        .args(["-c", ANCHORS])
        .arg(file)
        .arg(THRESHOLD.to_string())
        .arg(&out)
        .output();
    match ran {
        Ok(ran) if ran.status.success() => {
            let json = std::fs::read(&out).map_err(Stop::file(&out))?;
            serde_json::from_slice(&json).map_err(machine)
        }
        _ => Ok(Vec::new()),
    }
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
    let batch = RecordBatch::try_from_iter([("text", column)]).map_err(machine)?;
    let path = place.join("texts.parquet");
    let file = File::create(&path).map_err(Stop::file(&path))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(machine)?;
    writer.write(&batch).map_err(machine)?;
    writer.close().map_err(machine)?;
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
