//! What the rows of one contribution are, whatever their columns are called and in which order
//! they stand, for counting how many of them stand elsewhere.
//!
//! The child opens this one cleaned file, and nothing of another contribution.

use quality::Policy;
use quality::contain::row_bags;

use super::super::child::Voice;
use super::super::fd;
use super::super::wire::{Finding, Frame, ItemsTask, PRINT_LEN};
use super::assess::{own_rows, refused};
use super::{Stop, open_own};

/// Rows per frame.
const AT_ONCE: usize = 8_192;

pub(in super::super) fn run(task: &ItemsTask, voice: &mut Voice) -> Finding {
    prints(task, voice).map_or_else(Finding::from, Finding::Itemised)
}

fn prints(task: &ItemsTask, voice: &mut Voice) -> Result<u64, Stop> {
    voice.stage("comparing rows with other datasets");
    let policy = Policy::from_json(task.contract.to_string().as_bytes());
    let policy = policy.map_err(|error| refused(&error))?;
    let file = open_own(fd::INPUTS, &task.key)?;
    let mut rows = own_rows(file, task.max_decoded_bytes)?;
    let (mut count, mut failed) = (0, None);
    row_bags(&mut rows, &policy, &mut |bags| {
        for some in bags.chunks(AT_ONCE) {
            let mut records = Vec::with_capacity(some.len() * PRINT_LEN);
            for bag in some {
                for print in [bag.rows, bag.loose, bag.key] {
                    records.extend(print.to_le_bytes());
                }
            }
            count += some.len() as u64;
            let said = voice.say(&Frame::Prints(records));
            failed = failed.take().or(said.err());
        }
    })
    .map_err(|error| refused(&error))?;
    match failed {
        Some(error) => Err(Stop::broken(error.to_string())),
        None => Ok(count),
    }
}
