//! Progress on standard error; standard output stays clean for results.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "  {msg:<24} {bar:28} {bytes:>11} of {total_bytes:<11} {bytes_per_sec}";

/// A bar that counts bytes; invisible when standard error is not a terminal.
#[must_use]
pub fn counting(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message.to_owned());
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// A sign of life while the node works.
#[must_use]
pub fn waiting(message: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message.to_owned());
    if let Ok(style) = ProgressStyle::with_template("  {msg} {spinner}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A bar that counts rows; invisible when standard error is not a terminal.
#[must_use]
pub fn rows(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message.to_owned());
    let template = "  {msg:<24} {bar:28} {human_pos:>13} of {human_len:<13} rows {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}
