//! One unit, one date format and a right encoding in a column of text.

use super::held::{Budget, Held};
use super::{Bits, Rows, Rule};

/// Cells after which a column that is not written so is let go.
const TRIAL: u64 = 256;
/// Form of a cell without value or without form.
const NONE: u16 = u8::MAX as u16;
/// Most forms told apart.
const MOST: usize = 64;

/// Reads the form of a text: a unit, a date format.
type Read = fn(&str) -> Option<&'static str>;

/// Numbers with units are all in one unit.
pub(super) fn units(place: usize, column: &str, budget: &Budget) -> Box<dyn Rule> {
    Box::new(Forms::new(place, column, "one_unit", unit, budget))
}

/// Dates are all in one format.
pub(super) fn dates(place: usize, column: &str, budget: &Budget) -> Box<dyn Rule> {
    let rule = "one_date_format";
    Box::new(Forms::new(place, column, rule, date_format, budget))
}

/// No text was decoded in a wrong encoding.
pub(super) fn encoding(place: usize, column: &str) -> Box<dyn Rule> {
    Box::new(Encoding {
        column: column.to_owned(),
        place,
        broken: Bits::default(),
    })
}

/// The form of every cell, one byte a row, as long as nine of ten have one.
struct Forms {
    column: String,
    place: usize,
    rule: &'static str,
    read: Read,
    known: Vec<(&'static str, u64)>,
    present: u64,
    /// None for a column that is not written so.
    rows: Option<Held>,
    /// The usual form and the rows with another one, while rows are read again.
    again: Option<(u16, Bits)>,
    done: bool,
}

impl Forms {
    fn new(place: usize, column: &str, rule: &'static str, read: Read, budget: &Budget) -> Self {
        Self {
            column: column.to_owned(),
            place,
            rule,
            read,
            known: Vec::new(),
            present: 0,
            rows: Some(Held::new(budget)),
            again: None,
            done: false,
        }
    }

    /// The number of a form and its count, which is 0 for a new one.
    fn place(&mut self, text: &str) -> Option<(u16, &mut u64)> {
        let form = (self.read)(text)?;
        let place = self.known.iter().position(|(known, _)| *known == form);
        let place = place.unwrap_or_else(|| {
            self.known.push((form, 0));
            self.known.len() - 1
        });
        let (_, count) = self.known.get_mut(place).filter(|_| place < MOST)?;
        Some((place as u16, count))
    }

    fn number(&mut self, text: &str) -> u16 {
        match self.place(text) {
            Some((place, count)) => {
                *count += 1;
                place
            }
            None => NONE,
        }
    }

    fn formed(&self) -> u64 {
        self.known.iter().map(|(_, count)| count).sum()
    }

    /// The usual form, when there are others beside it in a column that is mostly written so.
    fn usual(&self) -> Option<u16> {
        let mostly = self.formed() * 10 >= self.present * 9;
        if self.rows.is_none() || !mostly || self.known.len() <= 1 {
            return None;
        }
        let known = self.known.iter().enumerate();
        // Of equally frequent forms the one that comes first by name, whatever the order of rows.
        let usual = known.max_by_key(|(_, (name, count))| (*count, std::cmp::Reverse(*name)));
        usual.map(|(place, _)| place as u16)
    }
}

impl Rule for Forms {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        self.rule.to_owned()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let (Some(column), Some(mut held)) = (rows.columns.get(self.place), self.rows.take())
        else {
            return;
        };
        let mut forms = Vec::with_capacity(rows.len);
        for row in 0..rows.len {
            forms.push(match column.text(row) {
                None => NONE,
                Some(text) => {
                    self.present += 1;
                    self.number(text)
                }
            });
            if self.present == TRIAL && self.formed() * 2 < TRIAL {
                return held.clear();
            }
        }
        held.extend(&forms);
        self.rows = Some(held);
    }

    fn rows_ended(&mut self) {
        if self.rows.as_ref().is_some_and(Held::is_dropped) {
            self.again = self.usual().map(|usual| (usual, Bits::default()));
        }
    }

    fn needs_second_pass(&self) -> bool {
        !self.done && self.again.is_some()
    }

    fn scan_again(&mut self, rows: &Rows<'_>) {
        let column = rows.columns.get(self.place);
        let Some((column, (usual, mut broken))) = column.zip(self.again.take()) else {
            return;
        };
        for row in 0..rows.len {
            let form = column.text(row).and_then(|text| self.place(text));
            if form.is_some_and(|(form, _)| form != usual) {
                broken.set(rows.first + row as u64);
            }
        }
        self.again = Some((usual, broken));
    }

    fn end_of_pass(&mut self) {
        self.done = true;
    }

    fn broken(self: Box<Self>) -> Bits {
        let mut broken = Bits::default();
        if let Some((_, broken)) = self.again {
            return broken;
        }
        let forms = self.rows.as_ref().and_then(Held::all);
        let (Some(usual), Some(forms)) = (self.usual(), forms) else {
            return broken;
        };
        for (row, form) in (0u64..).zip(forms) {
            if form != NONE && form != usual {
                broken.set(row);
            }
        }
        broken
    }
}

/// Units as they are written behind a number.
const UNITS: [&str; 74] = [
    "kg", "g", "mg", "µg", "lb", "lbs", "oz", "t", "km", "m", "cm", "mm", "µm", "mi", "ft", "in",
    "yd", "nm", "°C", "°F", "C", "F", "K", "l", "L", "ml", "mL", "gal", "m/s", "km/h", "mph", "kn",
    "kt", "%", "€", "$", "£", "EUR", "USD", "GBP", "CHF", "JPY", "h", "min", "s", "ms", "d", "W",
    "kW", "MW", "kWh", "MWh", "V", "mV", "A", "mA", "Hz", "kHz", "MHz", "GHz", "Pa", "hPa", "kPa",
    "bar", "psi", "B", "KB", "kB", "MB", "GB", "TB", "ha", "m²", "m³",
];

/// The unit behind a number, or the currency before it.
fn unit(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\'');
    let known = |unit: &str| UNITS.into_iter().find(|known| *known == unit);
    let signless = text.trim_start_matches(['+', '-']);
    if signless.starts_with(|c: char| c.is_ascii_digit()) {
        let unit = signless.trim_start_matches(is_number);
        return known(unit);
    }
    let number = signless.trim_start_matches(|c: char| !c.is_ascii_digit());
    let before = signless.get(..signless.len() - number.len())?.trim();
    (!number.is_empty() && number.chars().all(is_number))
        .then(|| known(before))
        .flatten()
}

/// The format of a day, with or without a time behind it. `03/04/2021` could be two days: it
/// is taken as whatever the unambiguous ones of its column are, so it has the form of both.
fn date_format(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let end = text
        .find([' ', 'T'])
        .filter(|end| text.get(end + 1..).is_some_and(|rest| rest.contains(':')));
    let (day, timed) = match end {
        Some(end) => (text.get(..end)?, true),
        None => (text, false),
    };
    let separator = day.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = day.split(separator).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let digits = |part: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let value = |part: &str| part.parse::<u32>().unwrap_or(0);
    let year_first = digits(a, 4..=4) && digits(b, 1..=2) && digits(c, 1..=2);
    let year_last = digits(a, 1..=2) && digits(b, 1..=2) && digits(c, 4..=4);
    let plausible =
        |month: &str, day: &str| (1..=12).contains(&value(month)) && (1..=31).contains(&value(day));
    let (year_first, year_last) = (
        year_first && plausible(b, c),
        year_last && (plausible(a, b) || plausible(b, a)),
    );
    Some(match (separator, year_first, year_last, timed) {
        ('-', true, _, false) => "yyyy-mm-dd",
        ('-', true, _, true) => "yyyy-mm-dd and time",
        ('/', true, _, false) => "yyyy/mm/dd",
        ('/', true, _, true) => "yyyy/mm/dd and time",
        ('.', true, _, _) => "yyyy.mm.dd",
        ('/', _, true, false) => "day, month, year with /",
        ('/', _, true, true) => "day, month, year with / and time",
        ('.', _, true, false) => "dd.mm.yyyy",
        ('.', _, true, true) => "dd.mm.yyyy and time",
        ('-', _, true, _) => "dd-mm-yyyy",
        _ => return None,
    })
}

/// Rows in which UTF-8 was read as Latin-1 or Windows-1252, or in which a character was lost.
struct Encoding {
    column: String,
    place: usize,
    broken: Bits,
}

/// `Ã©` for `é`, `â€™` for `’`, `Â°` for `°`, and the replacement character.
fn is_mojibake(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut before = ' ';
    for c in text.chars() {
        let continued = matches!(c, '\u{80}'..='\u{bf}');
        let windows = matches!(
            c,
            '€' | '‚'
                | 'ƒ'
                | '„'
                | '…'
                | '†'
                | '‡'
                | 'ˆ'
                | '‰'
                | 'Š'
                | '‹'
                | 'Œ'
                | 'Ž'
                | '‘'
                | '’'
                | '“'
                | '”'
                | '•'
                | '–'
                | '—'
                | '˜'
                | '™'
                | 'š'
                | '›'
                | 'œ'
                | 'ž'
                | 'Ÿ'
        );
        match before {
            'Ã' | 'Â' if continued => return true,
            'Ã' if windows => return true,
            'â' if matches!(c, '€' | '\u{80}') => return true,
            _ => {}
        }
        if c == '\u{fffd}' {
            return true;
        }
        before = c;
    }
    false
}

impl Rule for Encoding {
    fn column(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn name(&self) -> String {
        "one_encoding".to_owned()
    }

    fn scan(&mut self, rows: &Rows<'_>) {
        let Some(column) = rows.columns.get(self.place) else {
            return;
        };
        for row in 0..rows.len {
            if column.text(row).is_some_and(is_mojibake) {
                self.broken.set(rows.first + row as u64);
            }
        }
    }

    fn broken(self: Box<Self>) -> Bits {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_behind_and_before_numbers() {
        for (text, expected) in [
            ("12 kg", Some("kg")),
            ("1,234.5km", Some("km")),
            ("-3 °C", Some("°C")),
            ("$12.50", Some("$")),
            ("EUR 1 000", Some("EUR")),
            ("12", None),
            ("kg", None),
            ("12 Main", None),
            ("N12", None),
        ] {
            assert_eq!(unit(text), expected, "{text}");
        }
    }

    #[test]
    fn date_formats_are_told_apart() {
        for (text, expected) in [
            ("2013-01-31", Some("yyyy-mm-dd")),
            ("2013-01-31T10:00:00Z", Some("yyyy-mm-dd and time")),
            ("31/01/2013", Some("day, month, year with /")),
            ("31.1.2013", Some("dd.mm.yyyy")),
            ("2013/01/31", Some("yyyy/mm/dd")),
            ("10:15", None),
            ("1-2", None),
            ("2013-13-31", None),
            ("192.168.0.1", None),
        ] {
            assert_eq!(date_format(text), expected, "{text}");
        }
    }

    #[test]
    fn wrongly_decoded_texts_are_seen() {
        for bad in ["cafÃ©", "itâ€™s", "20 Â°C", "lost \u{fffd}", "Ãœber"] {
            assert!(is_mojibake(bad), "{bad}");
        }
        for good in [
            "café",
            "it’s",
            "20 °C",
            "SÃO PAULO",
            "Über",
            "château",
            "日本",
            "Ça €5",
        ] {
            assert!(!is_mojibake(good), "{good}");
        }
    }
}
