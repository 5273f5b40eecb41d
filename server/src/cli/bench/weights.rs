//! Weights of a large revision, and KNN-Shapley values.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use ndarray::Array2;
use quality::shapley::{self, NEIGHBOURS};
use quality::weigh::{self, Holding, KeyedRow, Repeats};
use uuid::Uuid;

use super::super::stop::{Exit, Outcome, Stop};
use super::super::table::grouped;
use super::BenchArgs;

const OWNERS: u64 = 20;
const ROWS: u64 = 5_000_000;

/// Seconds that 5,000,000 rows may take.
const WEIGHTS_GOAL: f64 = 10.0;

/// The handwritten digits of many textbooks: 1,437 to learn from, 360 to try, 64 pixels.
const DIGITS: (usize, usize, usize) = (1_437, 360, 64);

/// Seconds that they may take.
const SHAPLEY_GOAL: f64 = 0.087;

/// Runs of which the best counts.
const RUNS: usize = 7;

/// A number that looks random, from its place alone.
fn mixed(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Rows of one owner; about a fifth of them stand with the next owner, too.
fn rows(owner: u64, each: u64) -> Vec<KeyedRow> {
    let first = owner * each / 5 * 4;
    let row = |n: u64| {
        let (high, low) = (mixed(n), mixed(n ^ (1 << 63)));
        let fp = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        let quality = u32::MAX - (mixed(n * OWNERS + owner) % 1_000_000_000) as u32;
        KeyedRow { fp, quality }
    };
    (first..first + each).map(row).collect()
}

fn composed(owned: &[Vec<KeyedRow>]) -> Outcome<(f64, BTreeMap<Uuid, u128>)> {
    let holdings: Vec<Holding<'_>> = owned
        .iter()
        .zip(1u64..)
        .map(|(rows, receipt_no)| Holding {
            contribution: Uuid::from_u128(u128::from(receipt_no) << 64),
            entity: Uuid::from_u128(receipt_no.into()),
            receipt_no,
            first_published: (receipt_no <= OWNERS / 2).then_some(OWNERS * 3 / 4),
            q_hundredths: 9_000 + receipt_no as u32 * 7,
            rows,
            tombstone: false,
            clusters: None,
            judges: false,
        })
        .collect();
    let start = Instant::now();
    let found = weigh::compose(&holdings, Repeats::Facts)
        .map_err(|error| Stop::new(Exit::Machine, error.to_string()))?;
    Ok((start.elapsed().as_secs_f64(), found.weights))
}

/// 5,000,000 rows of 20 owners, in file order and shuffled.
pub fn weights(args: &BenchArgs) -> Outcome {
    let each = ROWS * u64::from(args.scale) / OWNERS;
    let mut owned: Vec<Vec<KeyedRow>> = (0..OWNERS).map(|owner| rows(owner, each)).collect();
    let mut alone: Vec<[u8; 16]> = owned.iter().flatten().map(|row| row.fp).collect();
    let start = Instant::now();
    alone.sort_unstable();
    let sorting = start.elapsed().as_secs_f64();
    drop(alone);
    let (seconds, found) = composed(&owned)?;
    for (owner, rows) in owned.iter_mut().enumerate() {
        rows.sort_unstable_by_key(|row| mixed(u64::from(row.quality) ^ owner as u64));
    }
    let (_, shuffled) = composed(&owned)?;
    let same = if found == shuffled {
        "the same"
    } else {
        "NOT THE SAME"
    };
    println!(
        "weights of {} rows of {OWNERS} owners: {seconds:.2} s (goal {:.1} s); sorting their \
         fingerprints alone, on one thread: {sorting:.2} s; ratio {:.2}\n  weights after \
         shuffling the rows: {same}\n",
        grouped(i64::try_from(each * OWNERS).unwrap_or(i64::MAX)),
        WEIGHTS_GOAL * f64::from(args.scale),
        seconds / sorting,
    );
    match found == shuffled {
        true => Ok(()),
        false => Err(Stop::new(
            Exit::Wrong,
            "weights depend on the order of rows",
        )),
    }
}

/// Digit-like images: ten prototypes with noise, whole numbers from 0 to 16.
fn images(rows: usize, first: u64) -> (Array2<f64>, Vec<u32>) {
    let labels: Vec<u32> = (0..rows as u64)
        .map(|row| (mixed(first + row) % 10) as u32)
        .collect();
    let cell = |(row, pixel): (usize, usize)| {
        let prototype = mixed(u64::from(labels[row]) * 64 + pixel as u64) % 13;
        let noise = mixed((first + row as u64) * 64 + pixel as u64 + (1 << 40)) % 9;
        (prototype + noise).saturating_sub(4).min(16) as f64
    };
    (Array2::from_shape_fn((rows, DIGITS.2), cell), labels)
}

/// Values of images of the shape of the digits data, against the same in numpy.
pub fn values(place: &Path) -> Outcome {
    let (train, train_labels) = images(DIGITS.0, 0);
    let (test, test_labels) = images(DIGITS.1, 1 << 20);
    let (mut best, mut values) = (f64::INFINITY, Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        values = shapley::knn(
            train.view(),
            &train_labels,
            test.view(),
            &test_labels,
            NEIGHBOURS,
        );
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "KNN-Shapley values of {} rows by {} test rows, 64 features: {best:.4} s (goal \
         {SHAPLEY_GOAL} s)",
        DIGITS.0, DIGITS.1
    );
    let write = |name: &str, matrix: &Array2<f64>, labels: &[u32]| {
        let cells = matrix.iter().flat_map(|cell| cell.to_le_bytes());
        std::fs::write(
            place.join(format!("{name}.f64")),
            cells.collect::<Vec<u8>>(),
        )?;
        let labels = labels.iter().flat_map(|label| label.to_le_bytes());
        std::fs::write(
            place.join(format!("{name}.u32")),
            labels.collect::<Vec<u8>>(),
        )
    };
    write("train", &train, &train_labels)?;
    write("test", &test, &test_labels)?;
    match numpy(place) {
        None => println!("  numpy: not here; install python3 and numpy to compare\n"),
        Some((seconds, theirs)) => {
            let off = values
                .iter()
                .zip(&theirs)
                .map(|(ours, theirs)| (ours - theirs).abs())
                .fold(0.0, f64::max);
            println!(
                "  numpy, best of {RUNS}: {seconds:.4} s; ratio {:.2}; largest difference of a \
                 value {off:.1e}\n",
                best / seconds
            );
            if theirs.len() != values.len() || off > 1e-9 {
                return Err(Stop::new(
                    Exit::Wrong,
                    "the values differ from those of numpy",
                ));
            }
        }
    }
    Ok(())
}

/// The same recursion in numpy: best seconds, and the values.
const NUMPY: &str = r#"
import sys, time
import numpy as np
read = lambda name, kind: np.fromfile(f"{sys.argv[1]}/{name}", dtype=kind)
x, y = read("train.f64", "<f8").reshape(-1, 64), read("train.u32", "<u4")
tx, ty = read("test.f64", "<f8").reshape(-1, 64), read("test.u32", "<u4")
k, n = 5, len(y)
def values():
    far = (tx ** 2).sum(1)[:, None] + (x ** 2).sum(1)[None] - 2 * tx @ x.T
    order = np.argsort(far, axis=1, kind="stable")
    right = (y[order] == ty[:, None]).astype(float)
    place = np.arange(1, n + 1)
    step = right.copy()
    step[:, :-1] -= right[:, 1:]
    step *= np.minimum(k, place) / place / k
    found = np.empty_like(step)
    np.put_along_axis(found, order, np.cumsum(step[:, ::-1], axis=1)[:, ::-1], axis=1)
    return found.mean(0)
best = float("inf")
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    found = values()
    best = min(best, time.perf_counter() - start)
print(best)
print(" ".join(repr(float(value)) for value in found))
"#;

fn numpy(place: &Path) -> Option<(f64, Vec<f64>)> {
    let output = Command::new("python3")
        .args(["-c", NUMPY])
        .arg(place)
        .arg(RUNS.to_string())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (seconds, values) = text.split_once('\n')?;
    let values = values.split_whitespace().map(str::parse::<f64>);
    Some((
        seconds.trim().parse().ok()?,
        values.collect::<Result<_, _>>().ok()?,
    ))
}
