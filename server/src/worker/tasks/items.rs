//! What the rows of one contribution consist of, for finding near duplicates.
//!
//! The child opens this one cleaned file. So a file that took over its child can say what it
//! likes about its own rows, and nothing about the rows of others.

use quality::Policy;
use quality::near::{Sets, row_sets};

use super::super::child::Voice;
use super::super::fd;
use super::super::wire::{Finding, Frame, ItemsTask};
use super::assess::{own_rows, refused};
use super::{Stop, open_own};

/// Bytes per frame, but for what the row that exceeds them adds.
const FRAME: usize = 256 * 1024;

pub(in super::super) fn run(task: &ItemsTask, voice: &mut Voice) -> Finding {
    items(task, voice).map_or_else(Finding::from, Finding::Itemised)
}

fn items(task: &ItemsTask, voice: &mut Voice) -> Result<u64, Stop> {
    voice.stage("looking for near duplicates");
    let policy = Policy::from_json(task.contract.to_string().as_bytes());
    let policy = policy.map_err(|error| refused(&error))?;
    let file = open_own(fd::INPUTS, &task.key)?;
    let mut rows = own_rows(file, task.max_decoded_bytes)?;
    let (mut frame, mut count, mut failed) = (Vec::new(), 0, None);
    let mut say = |frame: &mut Vec<u8>| {
        let said = voice.say(&Frame::Items(std::mem::take(frame)));
        failed = failed.take().or(said.err());
    };
    row_sets(&mut rows, &policy, &mut |sets: &Sets| {
        for row in 0..quality::near::Items::rows(sets) {
            let items = sets.row(row);
            frame.extend((items.len() as u32).to_le_bytes());
            items
                .iter()
                .for_each(|item| frame.extend(item.to_le_bytes()));
            count += 1;
            if frame.len() >= FRAME {
                say(&mut frame);
            }
        }
    })
    .map_err(|error| refused(&error))?;
    say(&mut frame);
    match failed {
        Some(error) => Err(Stop::broken(error.to_string())),
        None => Ok(count),
    }
}
