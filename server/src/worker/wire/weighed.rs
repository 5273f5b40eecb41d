//! What a child says of weights, and what of it is believed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::HoldingTask;

/// Who brought what to a revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weighed {
    /// One per standing contribution.
    pub parts: Vec<WeighedPart>,
    /// Raw weight by party, decimal.
    pub weights: BTreeMap<Uuid, String>,
    /// Rows of the revision.
    pub rows: u64,
    /// SHA-256 of everything that was weighed, hexadecimal: who, receipt, grade, marks.
    pub inputs: String,
    /// What was learned from the rows; absent in what is said before any is read.
    pub learned: Option<LearnedPart>,
}

/// What strata and utility were measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedPart {
    /// Declared strata were taken into account.
    pub strata: bool,
    /// Rows that trained.
    pub train: u64,
    /// Held-out rows that could judge.
    pub tests: u64,
    /// Those of them that did; 0 = utility was not measured.
    pub tests_used: u64,
}

impl Weighed {
    /// Whether this is about these contributions and adds up: one part for each standing one, in
    /// their order, every row of it unique, shared or late; and every party is paid exactly
    /// what its own contributions weigh.
    #[must_use]
    pub fn adds_up(&self, holdings: &[HoldingTask]) -> bool {
        let standing: Vec<&HoldingTask> = holdings.iter().filter(|of| of.standing).collect();
        // Saturating sums never fit what was said, so they are never believed.
        let mut owed: BTreeMap<Uuid, u128> = BTreeMap::new();
        let mut sound = standing.len() == self.parts.len();
        let mut kept: u128 = 0;
        for (part, of) in self.parts.iter().zip(&standing) {
            let late = part.late.iter().map(|late| &late.rows);
            let rows = late
                .chain(part.shared.values())
                .map(|rows| u128::from(*rows));
            let rows = rows.sum::<u128>() + u128::from(part.unique);
            let known = |late: &LatePart| {
                let first = holdings
                    .iter()
                    .find(|of| of.contribution == late.contribution);
                first.is_some_and(|of| (of.party, of.receipt_no) == (late.party, late.receipt_no))
            };
            // A row weighs its quality times its utility, at most one and a half.
            let most = (u128::from(part.rows) << 32) * 3 / 2;
            let masses = part.masses(of.party);
            let sum = masses.iter().flatten().map(|(_, mass)| *mass);
            let within = sum.fold(0u128, u128::saturating_add) <= most;
            sound &= part.contribution == of.contribution
                && rows == u128::from(part.rows)
                && part.kept <= part.rows
                && part.late.iter().all(known)
                && part
                    .claimed
                    .keys()
                    .all(|payee| claims(holdings, of, *payee))
                && masses.is_some()
                && within;
            kept += u128::from(part.kept);
            for (payee, mass) in masses.into_iter().flatten() {
                let sum = owed.entry(payee).or_default();
                *sum = sum.saturating_add(mass);
            }
        }
        let owed: BTreeMap<Uuid, String> = owed
            .into_iter()
            .map(|(party, mass)| (party, mass.to_string()))
            .collect();
        sound && kept == u128::from(self.rows) && owed == self.weights
    }

    /// Whether this follows from what was said before any cleaned file was opened: the same rows
    /// of the same contributions, no mass grown beyond what utility can add or shrunk beyond what
    /// utility and `crowded` strata can take, nobody paid who had no mass.
    #[must_use]
    pub fn refines(&self, plain: &Self, crowded: bool) -> bool {
        let rows = plain.parts.iter().map(|part| u128::from(part.rows));
        let least = Shrunk::by(rows.sum(), crowded);
        let mass = |text: &str| text.parse::<u128>().ok();
        let in_reach = |now: &str, was: &str, rows| match (mass(now), mass(was)) {
            (Some(now), Some(was)) => {
                now <= was.saturating_add(was / 2) && now >= least.of(was, rows)
            }
            _ => false,
        };
        let same = |(new, old): (&WeighedPart, &WeighedPart)| {
            let alike = WeighedPart {
                mass: old.mass.clone(),
                mean_utility_ppm: old.mean_utility_ppm,
                claimed: old.claimed.clone(),
                ..new.clone()
            };
            let same_claims =
                new.claimed
                    .iter()
                    .zip(&old.claimed)
                    .all(|((to, now), (from, was))| {
                        to == from
                            && now.rows == was.rows
                            && in_reach(&now.mass, &was.mass, was.rows)
                    });
            alike == *old
                && in_reach(&new.mass, &old.mass, old.rows)
                && new.claimed.len() == old.claimed.len()
                && same_claims
        };
        let sum = |masses: &mut dyn Iterator<Item = &String>| -> Option<u128> {
            let mut masses = masses.map(|text| mass(text));
            masses.try_fold(0u128, |sum, mass| sum.checked_add(mass?))
        };
        let of_part = |part: &'_ WeighedPart| -> Vec<String> {
            let claimed = part.claimed.values().map(|claimed| claimed.mass.clone());
            claimed.chain([part.mass.clone()]).collect()
        };
        let of_parts: Vec<String> = self.parts.iter().flat_map(of_part).collect();
        self.rows == plain.rows
            && self.inputs == plain.inputs
            && self.parts.len() == plain.parts.len()
            && self.parts.iter().zip(&plain.parts).all(same)
            && self
                .weights
                .keys()
                .all(|party| plain.weights.contains_key(party))
            && sum(&mut self.weights.values()) == sum(&mut of_parts.iter())
    }
}

/// How little of a mass factors can leave: utility takes half at most, and a stratum of n clusters
/// leaves n^−0.2 of the rest.
struct Shrunk {
    halvings: u32,
}

impl Shrunk {
    fn by(rows: u128, crowded: bool) -> Self {
        let bits = u128::BITS - rows.leading_zeros();
        Self {
            halvings: 1 + if crowded { bits.div_ceil(5) } else { 0 },
        }
    }

    /// Each of the two factors rounds down once for each row.
    fn of(&self, mass: u128, rows: u64) -> u128 {
        (mass >> self.halvings).saturating_sub(2 * u128::from(rows))
    }
}

/// What one contribution brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeighedPart {
    /// The contribution.
    pub contribution: Uuid,
    /// Rows it has.
    pub rows: u64,
    /// Rows of it that the revision delivers.
    pub kept: u64,
    /// Rows nobody else holds.
    pub unique: u64,
    /// Rows by number of independent holders.
    pub shared: BTreeMap<u32, u64>,
    /// Rows that were published before, by first holder.
    pub late: Vec<LatePart>,
    /// Weight mass, decimal.
    pub mass: String,
    /// What is not in it, since others claim the rows, by who gets it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claimed: BTreeMap<Uuid, ClaimedPart>,
    /// Average quality of what was weighed, parts per million.
    pub mean_quality_ppm: u64,
    /// Average utility of it, parts per million; 10⁶ where none was measured.
    pub mean_utility_ppm: u64,
}

/// What a claim takes out of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedPart {
    /// Different rows.
    pub rows: u64,
    /// Their weight mass, decimal.
    pub mass: String,
}

/// Rows that somebody else had brought to market before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatePart {
    /// First holder's contribution.
    pub contribution: Uuid,
    /// First holder.
    pub party: Uuid,
    /// First holder's receipt.
    pub receipt_no: u64,
    /// Rows.
    pub rows: u64,
}

impl WeighedPart {
    /// Who is owed what of it; `None` when a figure is none. Of whom somebody claims rows is
    /// owed something too, be it nothing: it stays in the epoch, and is told why.
    fn masses(&self, party: Uuid) -> Option<Vec<(Uuid, u128)>> {
        let own: u128 = self.mass.parse().ok()?;
        let mut masses = Vec::new();
        if own > 0 || !self.claimed.is_empty() {
            masses.push((party, own));
        }
        for (payee, claimed) in &self.claimed {
            masses.push((*payee, claimed.mass.parse().ok()?));
        }
        Some(masses)
    }
}

/// Whether a claim on a contribution of the same entity is paid to `payee`.
fn claims(holdings: &[HoldingTask], of: &HoldingTask, payee: Uuid) -> bool {
    let same = holdings.iter().filter(|other| other.entity == of.entity);
    same.flat_map(|other| &other.claims)
        .any(|claim| claim.payee == payee)
}

#[cfg(test)]
mod tests {
    use super::super::{ClaimTask, KeyText};
    use super::*;

    fn lie(change: impl FnOnce(&mut Weighed)) -> bool {
        let holding = |number: u128| HoldingTask {
            contribution: Uuid::from_u128(number),
            party: Uuid::from_u128(10 + number),
            entity: Uuid::from_u128(10 + number),
            receipt_no: number as u64,
            published_mark: None,
            grade: 9_000,
            judges: false,
            standing: true,
            marks_key: KeyText(String::new()),
            items_key: None,
            claims: match number {
                1 => vec![ClaimTask {
                    payee: Uuid::from_u128(50),
                    key: KeyText(String::new()),
                }],
                _ => Vec::new(),
            },
            part_key: Some(KeyText(String::new())),
        };
        let part = |number: u128| WeighedPart {
            contribution: Uuid::from_u128(number),
            rows: 9,
            kept: 7,
            unique: 5,
            shared: BTreeMap::from([(2, 2)]),
            late: vec![LatePart {
                contribution: Uuid::from_u128(3 - number),
                party: Uuid::from_u128(13 - number),
                receipt_no: 3 - number as u64,
                rows: 2,
            }],
            mass: "700".to_owned(),
            claimed: BTreeMap::new(),
            mean_quality_ppm: 5,
            mean_utility_ppm: 1_000_000,
        };
        let mass = |number: u128| (Uuid::from_u128(10 + number), "700".to_owned());
        let mut weighed = Weighed {
            parts: vec![part(1), part(2)],
            weights: BTreeMap::from([mass(1), mass(2)]),
            rows: 14,
            inputs: "ab".to_owned(),
            learned: None,
        };
        change(&mut weighed);
        weighed.adds_up(&[holding(1), holding(2)])
    }

    #[test]
    fn a_child_cannot_pay_somebody_else() {
        assert!(lie(|_| {}));
        let weights = |of: &[(u128, &str)]| -> BTreeMap<Uuid, String> {
            let of = of.iter();
            of.map(|(number, mass)| (Uuid::from_u128(*number), (*mass).to_owned()))
                .collect()
        };
        let (moved, stranger) = (
            weights(&[(11, "1"), (12, "1399")]),
            weights(&[(11, "700"), (99, "700")]),
        );
        assert!(!lie(|of| of.weights = moved), "the same sum, moved");
        assert!(!lie(|of| of.weights = stranger));
        assert!(!lie(|of| drop(of.weights.pop_first())));
        assert!(!lie(|of| of.parts[0].contribution = Uuid::from_u128(7)));
        assert!(!lie(|of| of.parts.swap(0, 1)));
        assert!(!lie(|of| drop(of.parts.pop())));
        assert!(!lie(|of| of.parts[0].unique += 1), "a row too many");
        assert!(
            !lie(|of| of.parts[0].late[0].receipt_no = 9),
            "no such receipt"
        );
        assert!(!lie(|of| of.rows += 1));
        let more = |of: &mut Weighed| {
            let mass = ((9u128 << 32) * 3 / 2 + 1).to_string();
            of.parts[0].mass.clone_from(&mass);
            of.weights.insert(Uuid::from_u128(11), mass);
        };
        assert!(!lie(more), "more than its rows can weigh");
    }

    #[test]
    fn claimed_mass_goes_where_the_claim_says() {
        let claim = |at: usize, payee: u128, own: &'static str| {
            move |of: &mut Weighed| {
                let claimed = ClaimedPart {
                    rows: 3,
                    mass: "200".to_owned(),
                };
                let payee = Uuid::from_u128(payee);
                of.parts[at].claimed.insert(payee, claimed);
                own.clone_into(&mut of.parts[at].mass);
                let party = Uuid::from_u128(11 + at as u128);
                of.weights.insert(party, own.to_owned());
                of.weights.insert(payee, "200".to_owned());
            }
        };
        assert!(lie(claim(0, 50, "500")));
        assert!(lie(claim(0, 50, "0")), "all of it; the party stays with 0");
        assert!(!lie(claim(1, 50, "500")), "the claim is on another entity");
        assert!(!lie(claim(0, 51, "500")), "nobody claims for them");
        let gone = |of: &mut Weighed| {
            claim(0, 50, "0")(of);
            of.weights.remove(&Uuid::from_u128(11));
        };
        assert!(!lie(gone), "whose rows are claimed is told");
    }

    #[test]
    fn factors_may_not_change_what_was_weighed() {
        let part = |number: u128, mass: &str| WeighedPart {
            contribution: Uuid::from_u128(number),
            rows: 9,
            kept: 8,
            unique: 7,
            shared: BTreeMap::from([(2, 2)]),
            late: Vec::new(),
            mass: mass.to_owned(),
            claimed: BTreeMap::new(),
            mean_quality_ppm: 5,
            mean_utility_ppm: 1_000_000,
        };
        let weighed = |one: &str, two: &str| Weighed {
            parts: vec![part(1, one), part(2, two)],
            weights: BTreeMap::from([
                (Uuid::from_u128(1), one.to_owned()),
                (Uuid::from_u128(2), two.to_owned()),
            ]),
            rows: 16,
            inputs: "ab".to_owned(),
            learned: None,
        };
        let plain = weighed("100", "200");
        assert!(weighed("150", "100").refines(&plain, false));
        assert!(
            !weighed("150", "1").refines(&plain, false),
            "less than utility leaves"
        );
        assert!(
            weighed("150", "40").refines(&plain, true),
            "a crowded stratum"
        );
        assert!(
            !weighed("150", "1").refines(&plain, true),
            "18 rows leave more"
        );
        assert!(
            !weighed("151", "200").refines(&plain, false),
            "more than utility adds"
        );
        assert!(!weighed("-1", "200").refines(&plain, false));
        let mut other = weighed("100", "200");
        other.parts[0].kept = 9;
        assert!(!other.refines(&plain, false), "other rows");
        let mut other = weighed("100", "200");
        other.weights.insert(Uuid::from_u128(3), "50".to_owned());
        assert!(!other.refines(&plain, false), "somebody else");
        let mut other = weighed("100", "200");
        other.weights.insert(Uuid::from_u128(1), "120".to_owned());
        assert!(!other.refines(&plain, false), "paid more than the parts");
    }
}
