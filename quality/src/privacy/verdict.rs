//! From what cells could be to what a column is.
//!
//! Shares are of the cells with a value. What chance produces (one of ten random numbers has a
//! right Luhn digit) must be right in four of five cells that have the form; what chance does
//! not produce (an e-mail address, a private key) is found once.

use super::hint::Hint;
use super::national::SCHEMES;
use super::text::Signal;
use super::watch::{Tally, Watch};
use super::{PersonalFinding, PersonalKind};

/// The name of the column decided, and the cells do not speak against it.
const BY_NAME: &str = "by_name";

/// What the column holds, most cells first.
pub(super) fn of(watch: &Watch) -> Vec<PersonalFinding> {
    if watch.present == 0 {
        return Vec::new();
    }
    let column = Column(watch);
    let national = column.national();
    let mut found: Vec<PersonalFinding> = [
        column.email(),
        column.phone(national.is_some()),
        column.card(),
        column.any(PersonalKind::Iban, &[Signal::Iban]),
        column.ip(),
        column.mac(),
        column.secret(),
        column.birth(),
        column.name(),
        column.address(),
        column.coordinates(),
        national,
    ]
    .into_iter()
    .flatten()
    .collect();
    found.sort_by_key(|finding| (std::cmp::Reverse(finding.count), finding.kind));
    found
}

struct Column<'a>(&'a Watch);

impl Column<'_> {
    fn hint(&self) -> Hint {
        self.0.hint
    }

    fn tally(&self, signal: Signal) -> &Tally {
        &self.0.signals[signal as usize]
    }

    fn count(&self, signal: Signal) -> u64 {
        self.tally(signal).cells.count
    }

    /// Share of the cells with a value.
    fn share(&self, signal: Signal) -> f64 {
        self.count(signal) as f64 / self.0.present as f64
    }

    fn finding(&self, kind: PersonalKind, detail: Option<&str>, tally: &Tally) -> PersonalFinding {
        let count = tally.cells.count;
        PersonalFinding {
            kind,
            detail: detail.map(str::to_owned),
            count,
            share_ppm: (u128::from(count) * 1_000_000 / u128::from(self.0.present)) as u32,
            rows: tally.cells.rows.clone(),
        }
    }

    /// The most frequent of these signals, if any was seen.
    fn any(&self, kind: PersonalKind, signals: &[Signal]) -> Option<PersonalFinding> {
        let tallies = signals.iter().map(|signal| self.tally(*signal));
        let most = tallies.max_by_key(|tally| tally.cells.count)?;
        (most.cells.count > 0).then(|| self.finding(kind, None, most))
    }

    fn email(&self) -> Option<PersonalFinding> {
        self.any(PersonalKind::Email, &[Signal::Email])
    }

    fn phone(&self, is_national_id: bool) -> Option<PersonalFinding> {
        use Signal::{PhoneAbroad, PhoneDigits, PhoneHere};
        let kind = PersonalKind::Phone;
        if self.hint().phone && self.share(PhoneDigits) >= 0.5 {
            return self.any(kind, &[PhoneDigits]);
        }
        let here =
            !is_national_id && self.share(PhoneHere) >= if self.hint().phone { 0.01 } else { 0.5 };
        match here {
            true => self.any(kind, &[PhoneHere, PhoneAbroad]),
            false => self.any(kind, &[PhoneAbroad]),
        }
    }

    fn card(&self) -> Option<PersonalFinding> {
        let (shaped, valid) = (self.count(Signal::CardShaped), self.tally(Signal::Card));
        let mostly = valid.cells.count * 5 >= shaped * 3;
        let enough = valid.distinct() >= 2 || self.hint().card && valid.distinct() >= 1;
        (mostly && enough).then(|| self.finding(PersonalKind::PaymentCard, None, valid))
    }

    fn national(&self) -> Option<PersonalFinding> {
        let kind = PersonalKind::NationalId;
        let hint = self.hint().id;
        let mut best: Option<(&str, &Tally)> = None;
        for (place, scheme) in SCHEMES.iter().enumerate() {
            let (shaped, valid) = (self.0.shaped[place], &self.0.valid[place]);
            let (count, distinct) = (valid.cells.count, valid.distinct());
            let share = count as f64 / self.0.present as f64;
            let enough = match (hint, scheme.peculiar) {
                (true, _) => count * 2 >= shaped && distinct >= 1,
                (false, true) => count * 5 >= shaped * 4 && distinct >= 2 && share >= 0.1,
                (false, false) => count * 5 >= shaped * 4 && distinct >= 5 && share >= 0.3,
            };
            if enough && best.is_none_or(|(_, most)| count > most.cells.count) {
                best = Some((scheme.name, valid));
            }
        }
        if let Some((name, tally)) = best {
            return Some(self.finding(kind, Some(name), tally));
        }
        let shaped = self.tally(Signal::IdShaped);
        (hint && self.share(Signal::IdShaped) >= 0.5)
            .then(|| self.finding(kind, Some(BY_NAME), shaped))
    }

    fn ip(&self) -> Option<PersonalFinding> {
        let (four, six) = (self.share(Signal::IpV4), self.share(Signal::IpV6));
        let by_name = self.hint().ip && four + six > 0.0;
        let by_share = !self.hint().version && four >= 0.1 || six >= 0.01;
        match by_name || by_share {
            true => self.any(PersonalKind::IpAddress, &[Signal::IpV4, Signal::IpV6]),
            false => None,
        }
    }

    fn mac(&self) -> Option<PersonalFinding> {
        let found = self.any(PersonalKind::MacAddress, &[Signal::Mac]);
        found.filter(|found| found.share_ppm >= 1_000)
    }

    fn secret(&self) -> Option<PersonalFinding> {
        use Signal::{AwsKey, GitToken, Jwt, Opaque, PrivateKey, Random, ServiceToken};
        let kind = PersonalKind::Secret;
        let named = [
            (AwsKey, "aws_access_key"),
            (Jwt, "json_web_token"),
            (PrivateKey, "private_key"),
            (GitToken, "git_token"),
            (ServiceToken, "service_token"),
        ];
        let most = named.iter().max_by_key(|(signal, _)| self.count(*signal));
        if let Some((signal, name)) = most.filter(|(signal, _)| self.count(*signal) > 0) {
            return Some(self.finding(kind, Some(name), self.tally(*signal)));
        }
        if self.share(Random) >= 0.5 && self.tally(Random).distinct() >= 2 {
            return Some(self.finding(kind, Some("high_entropy"), self.tally(Random)));
        }
        let by_name = self.hint().secret && self.0.is_text && self.share(Opaque) >= 0.5;
        by_name.then(|| self.finding(kind, Some(BY_NAME), self.tally(Opaque)))
    }

    fn birth(&self) -> Option<PersonalFinding> {
        let days = self.hint().birth && self.share(Signal::Day) >= 0.5;
        days.then(|| self.finding(PersonalKind::BirthDate, None, self.tally(Signal::Day)))
    }

    fn name(&self) -> Option<PersonalFinding> {
        use Signal::{CommonName, FullName, NameShaped, Way};
        let kind = PersonalKind::PersonName;
        let hint = self.hint();
        let common = self.share(CommonName) + self.share(FullName);
        if hint.address || self.share(Way) >= common.max(0.1) {
            return None;
        }
        if hint.person && self.share(NameShaped) >= 0.5 {
            return Some(self.finding(kind, Some(BY_NAME), self.tally(NameShaped)));
        }
        let needed = if hint.perhaps_person { 0.15 } else { 0.5 };
        let values = self.tally(CommonName).distinct() + self.tally(FullName).distinct();
        let enough = self.share(NameShaped) >= 0.6 && common >= needed && values >= 3;
        match enough {
            true => self.any(kind, &[CommonName, FullName]),
            false => None,
        }
    }

    fn address(&self) -> Option<PersonalFinding> {
        use Signal::{NameShaped, StreetAddress, Way};
        let kind = PersonalKind::Address;
        if self.share(StreetAddress) >= 0.3 || self.share(Way) >= 0.5 {
            return self.any(kind, &[StreetAddress, Way]);
        }
        if !self.hint().address || !self.0.is_text {
            return None;
        }
        let seen = self.any(kind, &[StreetAddress, Way, NameShaped]);
        // House numbers have no sign of their own.
        let finding = seen.unwrap_or_else(|| PersonalFinding {
            count: self.0.present,
            share_ppm: 1_000_000,
            ..self.finding(kind, None, self.tally(Way))
        });
        Some(PersonalFinding {
            detail: Some(BY_NAME.to_owned()),
            ..finding
        })
    }

    fn coordinates(&self) -> Option<PersonalFinding> {
        let kind = PersonalKind::Coordinates;
        if self.share(Signal::Coordinates) >= 0.1 {
            return self.any(kind, &[Signal::Coordinates]);
        }
        let fine = self.hint().coordinate && self.share(Signal::FineNumber) >= 0.5;
        fine.then(|| self.finding(kind, None, self.tally(Signal::FineNumber)))
    }
}
