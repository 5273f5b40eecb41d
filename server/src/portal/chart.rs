//! Charts drawn on the server. Each stands beside a table with the same numbers.

use askama::Template;
use askama::filters::HtmlSafe;

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
        let total: i128 = weights
            .iter()
            .map(|(_, w)| i128::from(*w))
            .sum::<i128>()
            .max(1);
        let (mut done, mut parts) = (0i128, Vec::new());
        for (i, (title, weight)) in weights.into_iter().enumerate() {
            let x = done * 1000 / total;
            done += i128::from(weight);
            let width = done * 1000 / total - x;
            // Both lie in 0..=1000, so the conversion cannot fail.
            let (x, width) = (
                i64::try_from(x).unwrap_or(0),
                i64::try_from(width).unwrap_or(0),
            );
            parts.push(Part {
                x,
                width,
                colour: colour(&i),
                title,
            });
        }
        Self {
            title: title.to_owned(),
            parts,
        }
    }
}

// Rendered from a template, which escapes whatever it is given.
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
        let strip = Strip::new(
            "t",
            [
                ("a".into(), 1),
                ("b".into(), 1),
                ("c".into(), 1),
                ("d".into(), -5),
            ],
        );
        let mut x = 0;
        for part in &strip.parts {
            assert_eq!(part.x, x);
            x += part.width;
        }
        assert_eq!(x, 1000);
        assert_eq!(strip.parts[3].width, 0);
    }
}
