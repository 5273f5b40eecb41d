//! Accounting periods: calendar months in UTC. The period an entry is booked in
//! and the time of its event are two things (I14).

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A calendar month, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: u16,
    month: u8,
}

/// The text is not `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad period {0:?}: write it like 2026-11")]
pub struct PeriodError(String);

impl Period {
    /// The month a moment falls in, for years 0 to 9999; outside it is clamped.
    pub fn of(moment: DateTime<Utc>) -> Period {
        let year = moment.year().clamp(0, 9999);
        Period {
            year: u16::try_from(year).unwrap_or(9999),
            month: u8::try_from(moment.month()).unwrap_or(12),
        }
    }

    /// The month after this one; `None` after 9999-12.
    pub fn next(self) -> Option<Period> {
        match (self.year, self.month) {
            (9999, 12) => None,
            (year, 12) => Some(Period {
                year: year + 1,
                month: 1,
            }),
            (year, month) => Some(Period {
                year,
                month: month + 1,
            }),
        }
    }

    /// The month `months` after this one; `None` beyond 9999-12.
    pub fn plus(self, months: u32) -> Option<Period> {
        let number = self.number().checked_add(months)?;
        let year = u16::try_from(number / 12).ok().filter(|y| *y <= 9999)?;
        let month = u8::try_from(number % 12).ok()? + 1;
        Some(Period { year, month })
    }

    /// Months since the year 0: consecutive periods have consecutive numbers.
    pub fn number(self) -> u32 {
        u32::from(self.year) * 12 + u32::from(self.month) - 1
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(i32::from(self.year), u32::from(self.month), 1).unwrap_or_default()
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        let next = self.first_day().checked_add_months(chrono::Months::new(1));
        next.and_then(|d| d.pred_opt()).unwrap_or_default()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
            if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
                return None;
            }
            let period = Period {
                year: year.parse().ok()?,
                month: month.parse().ok()?,
            };
            (1..=12).contains(&period.month).then_some(period)
        };
        parse().ok_or_else(|| PeriodError(text.chars().take(32).collect()))
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_read_write_and_follow_each_other() {
        let november: Period = "2026-11".parse().unwrap();
        assert_eq!(november.to_string(), "2026-11");
        assert_eq!(
            november.next().unwrap().next().unwrap().to_string(),
            "2027-01"
        );
        assert_eq!(november.last_day().to_string(), "2026-11-30");
        assert_eq!(
            "2024-02".parse::<Period>().unwrap().last_day().to_string(),
            "2024-02-29"
        );
        let moment = "2026-11-30T23:59:59Z".parse().unwrap();
        assert_eq!(Period::of(moment), november);
        for bad in [
            "2026-13", "2026-00", "2026-1", "26-11", "2026/11", "", "+026-11",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
        assert!("9999-12".parse::<Period>().unwrap().next().is_none());
        assert_eq!(november.plus(14).unwrap().to_string(), "2028-01");
        assert_eq!(november.plus(0), Some(november));
        assert_eq!(november.plus(1), november.next());
        assert_eq!(november.next().unwrap().number(), november.number() + 1);
        assert!(november.plus(100_000).is_none());
        assert!(november.plus(u32::MAX).is_none());
    }
}
