//! Aligned tables for people.

use std::fmt;

/// Which side the cells of a column lean on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A table under construction: head first, rows after.
///
/// A column whose head begins with `>` is set flush right, the way numbers are read.
pub struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
    indent: usize,
    headed: bool,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new(heads: &[&str]) -> Self {
        let side = |head: &&str| {
            if head.starts_with('>') {
                Side::Right
            } else {
                Side::Left
            }
        };
        Self {
            sides: heads.iter().map(side).collect(),
            rows: vec![
                heads
                    .iter()
                    .map(|head| head.trim_start_matches('>').to_owned())
                    .collect(),
            ],
            indent: 0,
            headed: true,
        }
    }

    /// Names on the left, values on the right, no head.
    #[must_use]
    pub fn pairs() -> Self {
        Self {
            sides: vec![Side::Left; 2],
            rows: Vec::new(),
            indent: 0,
            headed: false,
        }
    }

    /// The same, set in by that many spaces.
    #[must_use]
    pub fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    /// Adds a row.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        self.rows
            .push(cells.into_iter().map(|cell| cell.to_string()).collect());
        self
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= usize::from(self.headed)
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|c| c.chars().count())
                .max()
        };
        (0..self.sides.len())
            .map(|column| width(column).unwrap_or(0))
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = " ".repeat(self.indent);
        for (at, (width, side)) in widths.iter().zip(&self.sides).enumerate() {
            let cell = cells.get(at).map_or("", String::as_str);
            let gap = " ".repeat(width - cell.chars().count().min(*width));
            if at > 0 {
                line.push_str("  ");
            }
            match side {
                Side::Left => line.extend([cell, &gap]),
                Side::Right => line.extend([&gap, cell]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (at, row) in self.rows.iter().enumerate() {
            writeln!(f, "{}", self.line(row, &widths))?;
            if at == 0 && self.headed {
                let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                writeln!(f, "{}", self.line(&rules, &widths))?;
            }
        }
        Ok(())
    }
}

/// Text in lines of at most `width` characters, broken at blanks; longer words stand alone.
#[must_use]
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `12,345`: digits in groups of three.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `97.31 A`: a grade in hundredths and its letter.
#[must_use]
pub fn grade(hundredths: Option<i32>, letter: Option<&str>) -> String {
    match hundredths {
        Some(q) => format!("{}.{:02} {}", q / 100, q % 100, letter.unwrap_or(""))
            .trim_end()
            .into(),
        None => "–".to_owned(),
    }
}

/// `33.333333 %`: a share of 10^12, rounded down to what can be read.
#[must_use]
pub fn share(ppt: i64) -> String {
    format!(
        "{}.{:06} %",
        ppt / 10_000_000_000,
        ppt % 10_000_000_000 / 10_000
    )
}

/// `12.3 MB`
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        1_000_000..1_000_000_000 => {
            format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000)
        }
        _ => format!(
            "{}.{} GB",
            count / 1_000_000_000,
            count % 1_000_000_000 / 100_000_000
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_lean_right() {
        let mut table = Table::new(&["name", ">rows"]).indented(2);
        table.row(["café", "1,234"]).row(["b", "5"]);
        assert_eq!(
            table.to_string(),
            "  name   rows\n  ────  ─────\n  café  1,234\n  b         5\n"
        );
    }

    #[test]
    fn text_is_folded_at_words() {
        let lines = folded(&"word ".repeat(40), 20);
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= 20 && !line.ends_with(' '))
        );
        assert_eq!(lines.join(" ").split(' ').count(), 40);
        assert_eq!(folded("a verylongword b", 5), ["a", "verylongword", "b"]);
    }

    #[test]
    fn figures_are_written_without_rounding_up() {
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(0), "0");
        assert_eq!(grade(Some(9_705), Some("A")), "97.05 A");
        assert_eq!(share(333_333_333_333), "33.333333 %");
        assert_eq!(share(1_000_000_000_000), "100.000000 %");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(118_856), "118.8 kB");
    }
}
