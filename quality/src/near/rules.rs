//! What is said about near duplicates in a rules file.

use serde::{Deserialize, Serialize};

use super::Settings;

/// The `[near]` section of a rules file: which columns make rows alike, and how alike.
///
/// ```
/// let rules: quality::near::NearRules = toml::from_str("columns = ['title', 'text']")?;
/// assert_eq!((rules.threshold, rules.by), (0.8, quality::near::By::Words));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearRules {
    /// Columns that are compared; none: all that are not surrogates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Least Jaccard similarity, .5 to 1.
    #[serde(default = "threshold")]
    pub threshold: f64,
    /// What rows are compared by.
    #[serde(default)]
    pub by: By,
}

/// What rows are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Runs of five words of the text columns, one column after the other.
    #[default]
    Words,
    /// Equal cells, for rows of ten columns and more.
    Cells,
}

// The threshold of rules that were checked is a number.
impl Eq for NearRules {}

fn threshold() -> f64 {
    0.8
}

impl NearRules {
    /// Checks the threshold.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        match (0.5..=1.0).contains(&self.threshold) {
            true => Ok(()),
            false => Err(format!(
                "[near] threshold {} is not from 0.5 to 1",
                self.threshold
            )),
        }
    }

    /// Bands for the threshold.
    pub fn settings(&self) -> Settings {
        Settings::at((self.threshold * 1e6).round().clamp(0.0, 1e6) as u32)
    }
}
