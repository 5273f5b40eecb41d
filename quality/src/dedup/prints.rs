//! Fingerprints of any number of rows within a budget of memory.
//!
//! They are sorted into parts by their leading bits. When the parts outgrow the budget they are
//! appended to one temporary file, part by part; at the end each part is read back whole and
//! sorted on its own. Two equal fingerprints are always in the same part, so the count is exact.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use rayon::prelude::*;

use super::Repeats;
use crate::assess::Spill;
use crate::error::AssessError;

const BITS: u32 = 8;
const PARTS: usize = 1 << BITS;
/// A fingerprint and a row number.
const ENTRY: usize = 20;

#[derive(Default)]
struct Part {
    prints: Vec<u128>,
    rows: Vec<u32>,
    /// Where earlier entries lie in the file: offset and number of entries.
    spilled: Vec<(u64, usize)>,
}

pub(crate) struct Prints {
    parts: Vec<Part>,
    held: usize,
    most: usize,
    file: Option<File>,
    written: u64,
}

impl Prints {
    /// `rows` is a guess (0 = none); `memory` is in bytes.
    pub fn new(rows: u64, memory: usize) -> Self {
        let most = (memory / ENTRY).max(PARTS);
        let wanted = usize::try_from(rows).unwrap_or(most).min(most);
        let each = if wanted < PARTS * 64 {
            0
        } else {
            wanted / PARTS + wanted / PARTS / 16
        };
        let part = || Part {
            prints: Vec::with_capacity(each),
            rows: Vec::with_capacity(each),
            spilled: Vec::new(),
        };
        Self {
            parts: std::iter::repeat_with(part).take(PARTS).collect(),
            held: 0,
            most,
            file: None,
            written: 0,
        }
    }

    /// Takes the fingerprints of consecutive rows.
    pub fn add(
        &mut self,
        prints: &[u128],
        first: u64,
        spill: &mut Option<Spill<'_>>,
    ) -> Result<(), AssessError> {
        for (print, row) in prints.iter().zip(first..) {
            if let Some(part) = self.parts.get_mut((print >> (128 - BITS)) as usize) {
                part.prints.push(*print);
                // Rows are counted up to 2^32 - 1.
                part.rows.push(row as u32);
            }
        }
        self.held += prints.len();
        match spill {
            Some(spill) if self.held >= self.most => self.spill(spill),
            _ => Ok(()),
        }
    }

    fn spill(&mut self, spill: &mut Spill<'_>) -> Result<(), AssessError> {
        if self.file.is_none() {
            self.file = Some(spill().map_err(failed)?);
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        for part in &mut self.parts {
            bytes.clear();
            for (print, row) in part.prints.iter().zip(&part.rows) {
                bytes.extend_from_slice(&print.to_le_bytes());
                bytes.extend_from_slice(&row.to_le_bytes());
            }
            file.write_all(&bytes).map_err(failed)?;
            part.spilled.push((self.written, part.prints.len()));
            self.written += bytes.len() as u64;
            part.prints.clear();
            part.rows.clear();
        }
        self.held = 0;
        Ok(())
    }

    /// Exact number of rows that repeat an earlier one, and the first of them.
    pub fn repeats(mut self, samples: usize) -> Result<Repeats, AssessError> {
        let found: Vec<Repeats> = match &mut self.file {
            None => {
                let parts = self.parts.into_par_iter();
                parts
                    .map(|part| count(part.prints.into_iter().zip(part.rows).collect(), samples))
                    .collect()
            }
            Some(file) => {
                let mut found = Vec::with_capacity(PARTS);
                for part in self.parts {
                    found.push(count(read(file, part)?, samples));
                }
                found
            }
        };
        let mut rows: Vec<u64> = found.iter().flat_map(|part| &part.rows).copied().collect();
        rows.sort_unstable();
        rows.truncate(samples);
        Ok(Repeats {
            count: found.iter().map(|part| part.count).sum(),
            rows,
        })
    }
}

/// Everything of a part, from file and memory.
fn read(file: &mut File, part: Part) -> Result<Vec<(u128, u32)>, AssessError> {
    let spilled: usize = part.spilled.iter().map(|(_, entries)| entries).sum();
    let mut all = Vec::with_capacity(spilled + part.prints.len());
    let mut bytes = Vec::new();
    for (offset, entries) in part.spilled {
        bytes.resize(entries * ENTRY, 0);
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        all.extend(bytes.chunks_exact(ENTRY).map(|entry| {
            let (print, row) = entry.split_at(16);
            (
                u128::from_le_bytes(print.try_into().unwrap_or_default()),
                u32::from_le_bytes(row.try_into().unwrap_or_default()),
            )
        }));
    }
    all.extend(part.prints.into_iter().zip(part.rows));
    Ok(all)
}

fn count(mut entries: Vec<(u128, u32)>, samples: usize) -> Repeats {
    entries.par_sort_unstable();
    let mut found = Repeats::default();
    for run in entries
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|run| run.len() > 1)
    {
        found.count += run.len() as u64 - 1;
        // The first is what the others repeat.
        found
            .rows
            .extend(run.iter().skip(1).map(|(_, row)| u64::from(*row)));
        if found.rows.len() > 64 * samples {
            trim(&mut found.rows, samples);
        }
    }
    trim(&mut found.rows, samples);
    found
}

fn trim(rows: &mut Vec<u64>, samples: usize) {
    rows.sort_unstable();
    rows.truncate(samples);
}

fn failed(error: std::io::Error) -> AssessError {
    AssessError::Output(format!("temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    fn prints(rows: u64) -> Vec<u128> {
        (0..rows)
            .map(|row| xxh3_128(&(row * row % 90_001).to_le_bytes()))
            .collect()
    }

    #[test]
    fn spilled_or_not_the_count_is_that_of_a_set() {
        let all = prints(200_000);
        let expected = super::super::repeats(&all, 10);
        let folder = std::env::temp_dir();
        let mut files = 0;
        let mut make = || {
            files += 1;
            let path = folder.join(format!("granary-prints-{}-{files}", std::process::id()));
            let file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)?;
            std::fs::remove_file(path)?;
            Ok(file)
        };
        for (memory, may_spill) in [(1 << 30, true), (1 << 16, true), (1 << 16, false)] {
            let mut held = Prints::new(0, memory);
            let mut spill: Option<Spill<'_>> = match may_spill {
                true => Some(&mut make),
                false => None,
            };
            for (index, batch) in all.chunks(7_777).enumerate() {
                let first = index as u64 * 7_777;
                held.add(batch, first, &mut spill).expect("room on disk");
            }
            assert_eq!(held.file.is_some(), memory < 1 << 20 && may_spill);
            assert_eq!(held.repeats(10).expect("readable"), expected);
        }
        assert_eq!(files, 1, "memory alone was enough twice");
    }

    #[test]
    fn nothing_repeats_in_nothing() {
        let none = Prints::new(0, 0).repeats(10).expect("no file");
        assert_eq!(none, Repeats::default());
    }
}
