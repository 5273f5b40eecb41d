//! Weights of a large revision.

use std::collections::BTreeMap;
use std::time::Instant;

use quality::weigh::{self, Holding, KeyedRow, Repeats};
use uuid::Uuid;

use super::super::stop::{Exit, Outcome, Stop};
use super::super::table::grouped;
use super::BenchArgs;

const OWNERS: u64 = 20;
const ROWS: u64 = 5_000_000;

/// Seconds that 5,000,000 rows may take.
const WEIGHTS_GOAL: f64 = 10.0;

/// A number that looks random, from its place alone.
pub(super) fn mixed(mut x: u64) -> u64 {
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
