//! What is remembered of an earlier revision, out of its sealed preview.

use std::io::Read;

use quality::drift::{Earlier, Summary};
use serde::Deserialize;

use super::super::wire::EarlierTask;
use super::{Stop, open_own};

/// Longest preview that is read: 2,000 columns and the summary of 256 of them.
const LONGEST: u64 = 64 << 20;

/// The part of a preview that is compared with.
#[derive(Deserialize)]
struct Remembered {
    #[serde(default)]
    summary: Option<Summary>,
}

/// Reads the preview of an earlier revision; none when it was written before revisions were
/// summarised, for then there is nothing to compare with.
pub(super) fn read(task: Option<&EarlierTask>, descriptor: i32) -> Result<Vec<Earlier>, Stop> {
    let Some(task) = task else {
        return Ok(Vec::new());
    };
    let mut json = Vec::new();
    open_own(descriptor, &task.key)?
        .take(LONGEST)
        .read_to_end(&mut json)
        .map_err(|error| Stop::broken(format!("preview: {error}")))?;
    let read: Option<Remembered> = serde_json::from_slice(&json).ok();
    let summary = read.and_then(|preview| preview.summary);
    let sound = summary.filter(Summary::is_sound);
    Ok(sound
        .map(|summary| Earlier {
            name: task.name.clone(),
            summary,
        })
        .into_iter()
        .collect())
}
