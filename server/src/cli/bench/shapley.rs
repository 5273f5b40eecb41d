//! KNN-Shapley values of the shape of the digits data, against pyDVL and the same recursion in
//! numpy: seconds, and whether the values are the same.

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use quality::shapley::{self, NEIGHBOURS};

use super::outside::{self, Ran, lines};
use super::weights::mixed;
use crate::cli::args::BenchArgs;
use crate::cli::stop::{Exit, Outcome, Stop};
use crate::cli::table::{Table, bytes};

/// The handwritten digits of many textbooks: 1,437 to learn from, 360 to try, 64 pixels.
const DIGITS: (usize, usize, usize) = (1_437, 360, 64);

/// Runs of which the best counts.
const RUNS: usize = 7;

/// How far values may differ.
const SAME: f64 = 1e-9;

pub fn run(args: &BenchArgs, place: &Path) -> Outcome {
    std::fs::create_dir_all(place)?;
    let (train, train_labels) = images(DIGITS.0, 0);
    let (test, test_labels) = images(DIGITS.1, 1 << 20);
    if let Some(out) = &args.alone {
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
        return outside::alone(out, best, &values);
    }
    write(place, "train", &train, &train_labels)?;
    write(place, "test", &test, &test_labels)?;
    compare(args, place)
}

fn write(place: &Path, name: &str, matrix: &Array2<f64>, labels: &[u32]) -> Outcome {
    let cells = matrix.iter().flat_map(|cell| cell.to_le_bytes());
    let cells = cells.collect::<Vec<u8>>();
    std::fs::write(place.join(format!("{name}.f64")), cells)?;
    let labels = labels.iter().flat_map(|label| label.to_le_bytes());
    let labels = labels.collect::<Vec<u8>>();
    Ok(std::fs::write(place.join(format!("{name}.u32")), labels)?)
}

fn compare(args: &BenchArgs, place: &Path) -> Outcome {
    let ours: Ran<Vec<f64>> = outside::ours(args, "shapley", None, place)?;
    println!(
        "{} rows by {} test rows, {} features",
        DIGITS.0, DIGITS.1, DIGITS.2
    );
    let mut table = Table::new(&[
        "KNN-Shapley values (goal 0.087 s, equal to 1e-9)",
        ">seconds",
        ">largest difference",
        ">peak memory",
        ">ours / it",
    ]);
    let mut furthest: f64 = 0.0;
    let mut row = |name: &str, ran: &Ran<Vec<f64>>| {
        let off = apart(&ours.found, &ran.found);
        furthest = furthest.max(off);
        table.row([
            name.to_owned(),
            format!("{:.4}", ran.seconds),
            format!("{off:.1e}"),
            bytes(ran.peak),
            format!("{:.1}", ran.seconds / ours.seconds),
        ]);
    };
    row("granary", &ours);
    let mut left_out = Vec::new();
    for (tool, runs) in [("numpy", RUNS), ("pyDVL", 1)] {
        let more = [runs.to_string()];
        match outside::tool(args, (outside::SHAPLEY, tool), place, &more, place) {
            Ok(ran) => row(tool, &ran),
            Err(words) => left_out.push(words),
        }
    }
    println!("{table}{}", lines(&left_out));
    match furthest <= SAME {
        true => Ok(()),
        false => Err(Stop::new(
            Exit::Wrong,
            "the values differ from those of others",
        )),
    }
}

fn apart(ours: &[f64], theirs: &[f64]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max)
}

/// Digit-like images: ten prototypes with noise, from 0 to 16. Every fifth label is drawn anew,
/// so that right and wrong neighbours alternate.
fn images(rows: usize, first: u64) -> (Array2<f64>, Vec<u32>) {
    let digit = |row: usize| mixed(first + row as u64) % 10;
    let label = |row: usize| match mixed(first + row as u64 + (1 << 60)) {
        drawn if drawn.is_multiple_of(5) => (drawn >> 8) % 10,
        _ => digit(row),
    };
    let labels: Vec<u32> = (0..rows).map(|row| label(row) as u32).collect();
    let cell = |(row, pixel): (usize, usize)| {
        let prototype = mixed(digit(row) * 64 + pixel as u64) % 13;
        let noise = mixed((first + row as u64) * 64 + pixel as u64 + (1 << 40)) % 9;
        let ink = (prototype + noise).saturating_sub(4).min(16) as f64;
        // A grain that no two have: rows at one distance have no order of their own, and the
        // tools would disagree for no reason.
        ink + mixed((first + row as u64) * 64 + pixel as u64 + (1 << 50)) as f64 / 1e21
    };
    (Array2::from_shape_fn((rows, DIGITS.2), cell), labels)
}
