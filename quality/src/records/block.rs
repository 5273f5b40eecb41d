//! Which records are compared at all.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::Records;
use super::rules::Part;
use super::{NONE, Values};

/// Pairs compared at most, 16 bytes each.
const MOST_PAIRS: usize = 24 << 20;

/// Average records per value up to which one field makes a key.
const TELLING: usize = 12;

/// Most keys that are chosen.
const MOST_KEYS: usize = 12;

/// Candidates of all keys.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    /// Pairs of records, ascending, each once.
    pub pairs: Vec<(u32, u32)>,
    /// Blocks left out because they were too large, and their records.
    pub dropped: (u64, u64),
    /// Number of keys used.
    pub keys: usize,
}

pub(super) fn candidates(records: &Records) -> Blocked {
    let declared = records.rules.keys().unwrap_or_default();
    let keys = match declared.is_empty() {
        true => choose(records),
        false => declared,
    };
    let mut blocked = Blocked {
        keys: keys.len(),
        ..Blocked::default()
    };
    let limit = records.rules.block_limit.max(2);
    for key in &keys {
        let order = sorted(records, key);
        for block in order.chunk_by(|a, b| a.0 == b.0) {
            if block.len() < 2 {
                continue;
            }
            let pairs = block.len() * (block.len() - 1) / 2;
            if block.len() > limit || blocked.pairs.len() + pairs > MOST_PAIRS {
                blocked.dropped.0 += 1;
                blocked.dropped.1 += block.len() as u64;
                continue;
            }
            for (at, (_, a)) in block.iter().enumerate() {
                let later = block.iter().skip(at + 1);
                blocked.pairs.extend(later.map(|(_, b)| (*a, *b)));
            }
        }
        blocked.pairs.par_sort_unstable();
        blocked.pairs.dedup();
    }
    blocked
}

/// (hash of the key, record) of the records that have all parts of a key.
fn sorted(records: &Records, key: &[Part]) -> Vec<(u64, u32)> {
    let rows = u32::try_from(records.rows).unwrap_or(u32::MAX);
    let mut order: Vec<(u64, u32)> = (0..rows)
        .into_par_iter()
        .filter_map(|row| Some((hash(records, key, row)?, row)))
        .collect();
    order.par_sort_unstable();
    order
}

fn hash(records: &Records, key: &[Part], row: u32) -> Option<u64> {
    let mut bytes = Vec::new();
    for part in key {
        let values = records.fields.get(part.field)?;
        let id = values.id(row);
        if id == NONE {
            return None;
        }
        match part.chars {
            0 => bytes.extend(id.to_le_bytes()),
            some => {
                let chars = values.word(id).chars.iter().take(some);
                bytes.extend(chars.flat_map(|c| u32::from(*c).to_le_bytes()));
            }
        }
        bytes.extend([0xff; 5]);
    }
    Some(xxh3_64(&bytes))
}

/// Every field that tells records apart by itself is a key; the others are, two
/// and two, the most telling first.
fn choose(records: &Records) -> Vec<Vec<Part>> {
    let whole = |field| Part { field, chars: 0 };
    let mut by_size: Vec<(usize, usize)> = (0..)
        .zip(&records.fields)
        .map(|(field, values)| (average_block(values), field))
        .collect();
    by_size.sort_unstable();
    let telling = by_size.iter().filter(|(size, _)| *size <= TELLING);
    let mut keys: Vec<Vec<Part>> = telling.map(|(_, field)| vec![whole(*field)]).collect();
    let crowded: Vec<usize> = by_size.iter().skip(keys.len()).map(|(_, f)| *f).collect();
    for (at, a) in crowded.iter().enumerate() {
        let later = crowded.iter().skip(at + 1);
        keys.extend(later.map(|b| vec![whole(*a), whole(*b)]));
    }
    if keys.len() < 4 {
        // Too few fields: beginnings are keys, too.
        let more = by_size.iter().flat_map(|(_, field)| {
            [3, 2, 1].map(|chars| {
                vec![Part {
                    field: *field,
                    chars,
                }]
            })
        });
        keys.extend(more.take(4 - keys.len()));
    }
    keys.truncate(MOST_KEYS);
    keys
}

/// Records that a record meets on average in the block of its value.
fn average_block(values: &Values) -> usize {
    let mut counts = vec![0usize; values.distinct.len().max(1)];
    for id in &values.of {
        if let Some(count) = counts.get_mut(*id as usize) {
            *count += 1;
        }
    }
    let known = counts.iter().skip(1);
    let met: usize = known.clone().map(|count| count * count).sum();
    met / known.sum::<usize>().max(1)
}
