//! Clusters of near duplicates over all contributions, out of the items this node kept of them.
//! No cleaned file is opened.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use dataset_core::seal::Plaintext;
use quality::near::{Clusters, MOST_ITEMS, Sets};
use quality::weigh::KeyedRow;

use super::super::fd;
use super::super::wire::ComposeTask;
use super::{Stop, broken, open_own};

/// Rows, and about as many items, that are held at a time.
const ROWS: usize = 8_192;
const ITEMS: usize = 1 << 20;

/// Cluster ids of all rows, by holding; `None` where no holding has items.
pub(super) type Ids = Option<Vec<Vec<[u8; 16]>>>;

/// Finds the clusters. A holding without items, one that was withdrawn before they were ever
/// taken, is compared by equal rows only.
pub(super) fn clusters(task: &ComposeTask, marks: &[Vec<KeyedRow>]) -> Result<Ids, Stop> {
    if task.holdings.iter().all(|of| of.items_key.is_none()) {
        return Ok(None);
    }
    let mut files = open_all(task)?;
    let mut found = Clusters::new();
    each(&mut files, marks, &mut |_, sets, prints| {
        found.push(sets, prints)
    })?;
    let mut hunt = found.hunt();
    while hunt.wants() {
        each(&mut files, marks, &mut |first, sets, _| {
            hunt.take(first, sets)
        })?;
    }
    let mut ids = hunt.ids().into_iter();
    let by_holding = marks
        .iter()
        .map(|rows| ids.by_ref().take(rows.len()).collect());
    Ok(Some(by_holding.collect()))
}

type Kept = Option<BufReader<Plaintext<File>>>;

fn open_all(task: &ComposeTask) -> Result<Vec<Kept>, Stop> {
    let mut descriptor = fd::INPUTS + i32::try_from(task.holdings.len()).map_err(broken)?;
    let mut files = Vec::with_capacity(task.holdings.len());
    for holding in &task.holdings {
        files.push(match &holding.items_key {
            None => None,
            Some(key) => {
                let file = open_own(descriptor, key)?;
                descriptor += 1;
                Some(BufReader::with_capacity(256 * 1024, file))
            }
        });
    }
    Ok(files)
}

/// What is done with a batch: number of its first row over all holdings, sets, fingerprints.
type Take<'t> = dyn FnMut(u32, &Sets, &[[u8; 16]]) + 't;

fn each(files: &mut [Kept], marks: &[Vec<KeyedRow>], take: &mut Take<'_>) -> Result<(), Stop> {
    let (mut sets, mut prints, mut items) = (Sets::default(), Vec::new(), Vec::new());
    let mut first = 0;
    for (file, rows) in files.iter_mut().zip(marks) {
        if let Some(file) = file {
            file.rewind().map_err(broken)?;
        }
        let mut held = 0;
        for (number, row) in rows.iter().enumerate() {
            items.clear();
            if let Some(file) = file {
                read(file, &mut items)?;
            }
            held += items.len();
            sets.push(&items);
            prints.push(row.fp);
            if prints.len() == ROWS || held >= ITEMS || number + 1 == rows.len() {
                take(first, &sets, &prints);
                first += u32::try_from(prints.len()).map_err(broken)?;
                sets.clear();
                prints.clear();
                held = 0;
            }
        }
    }
    Ok(())
}

fn read(file: &mut impl Read, items: &mut Vec<u64>) -> Result<(), Stop> {
    let mut count = [0; 4];
    file.read_exact(&mut count).map_err(broken)?;
    let count = u32::from_le_bytes(count) as usize;
    if count > MOST_ITEMS {
        return Err(Stop::broken("a row has more items than are kept"));
    }
    let mut item = [0; 8];
    for _ in 0..count {
        file.read_exact(&mut item).map_err(broken)?;
        items.push(u64::from_le_bytes(item));
    }
    Ok(())
}
