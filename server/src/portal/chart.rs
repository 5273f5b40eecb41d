//! Charts drawn on the server. Each stands beside a table with the same numbers.

use askama::Template;
use askama::filters::HtmlSafe;

/// Width of the plot of [`Bars`] in its own units.
const PLOT: i64 = 330;

/// Horizontal bars of scores between 0 and 100, with the points lost beside them.
#[derive(Debug, Template)]
#[template(path = "parts/bars.html")]
pub struct Bars {
    id: String,
    title: String,
    text: String,
    height: usize,
    bars: Vec<Bar>,
}

#[derive(Debug)]
struct Bar {
    y: usize,
    label: String,
    /// Width in the plot; nothing was measured when absent.
    width: Option<i64>,
    score: String,
    lost: String,
}

/// One line of [`Bars`]: its name, the score in hundredths of a percent if it was measured,
/// the score and the points lost as the table shows them.
pub struct Score<'a> {
    /// Name of the dimension.
    pub label: &'a str,
    /// 0 to 10,000.
    pub hundredths: Option<i64>,
    /// As text.
    pub score: &'a str,
    /// As text.
    pub lost: &'a str,
}

impl Bars {
    /// Draws the lines in the order given. `id` must be unique on the page.
    pub fn new(id: &str, title: &str, lines: &[Score]) -> Self {
        let bars: Vec<Bar> = lines
            .iter()
            .enumerate()
            .map(|(i, line)| Bar {
                y: i * 34,
                label: line.label.to_owned(),
                width: line.hundredths.map(|h| h.clamp(0, 10_000) * PLOT / 10_000),
                score: line.score.to_owned(),
                lost: line.lost.to_owned(),
            })
            .collect();
        let said: Vec<String> = lines.iter().map(|l| format!("{} {}", l.label, l.score)).collect();
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            text: format!("{}. The table below holds the same numbers.", said.join(", ")),
            height: bars.len() * 34 + 4,
            bars,
        }
    }
}

// Rendered from a template, which escapes whatever it is given.
impl HtmlSafe for Bars {}

/// One strip cut in proportion: who gets what.
#[derive(Debug, Template)]
#[template(path = "parts/strip.html")]
pub struct Strip {
    title: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    x: i64,
    width: i64,
    colour: usize,
    title: String,
}

impl Strip {
    /// Cuts a strip of 1,000 units by the weights given, in order; what is negative counts as 0.
    pub fn new(title: &str, weights: impl IntoIterator<Item = (String, i64)>) -> Self {
        let weights: Vec<(String, i64)> = weights.into_iter().map(|(t, w)| (t, w.max(0))).collect();
        let total: i128 = weights.iter().map(|(_, w)| i128::from(*w)).sum::<i128>().max(1);
        let (mut done, mut parts) = (0i128, Vec::new());
        for (i, (title, weight)) in weights.into_iter().enumerate() {
            let x = done * 1000 / total;
            done += i128::from(weight);
            let width = done * 1000 / total - x;
            // Both lie in 0..=1000, so the conversion cannot fail.
            let (x, width) = (i64::try_from(x).unwrap_or(0), i64::try_from(width).unwrap_or(0));
            parts.push(Part { x, width, colour: colour(&i), title });
        }
        Self { title: title.to_owned(), parts }
    }
}

// As above.
impl HtmlSafe for Strip {}

/// Colour number of the n-th part, as `c1` to `c6` of the style sheet.
pub fn colour(n: &usize) -> usize {
    n % 6 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_has_no_gap_and_fills_its_width() {
        let strip = Strip::new("t", [("a".into(), 1), ("b".into(), 1), ("c".into(), 1), ("d".into(), -5)]);
        let mut x = 0;
        for part in &strip.parts {
            assert_eq!(part.x, x);
            x += part.width;
        }
        assert_eq!(x, 1000);
        assert_eq!(strip.parts[3].width, 0);
    }

    #[test]
    fn bars_have_a_title_a_text_and_no_bar_without_a_measure() {
        let lines = [
            Score { label: "Validity", hundredths: Some(5_000), score: "50.00 %", lost: "−3.00" },
            Score { label: "<Timeliness>", hundredths: None, score: "not applicable", lost: "" },
        ];
        let svg = Bars::new("q", "Quality", &lines).render().unwrap();
        for needle in ["<title", "<desc", "role=\"img\"", "width=\"165\"", "class=\"absent\"", "&#60;Timeliness"] {
            assert!(svg.contains(needle), "{needle} in {svg}");
        }
    }
}
