//! The right label, when people disagree and err in ways of their own.

use std::collections::BTreeMap;

use super::answers::{Answers, Unit};
use super::{Annotation, Kind, LabelError, Span};
use crate::weigh::{self, ONE};

/// Most rounds of the estimation.
const ROUNDS: usize = 1_000;
/// It ends when no probability of a label moves by more than this.
const STILL: f64 = 1e-10;

/// Estimated labels and errors of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Consensus {
    /// Labels, in the order of every list below.
    pub labels: Vec<String>,
    /// Annotators, in the order of `errors`.
    pub annotators: Vec<String>,
    /// Share of every label among all units.
    pub priors: Vec<f64>,
    /// By annotator and true label: how often each label is given, each line adding up to 1;
    /// all 0 where the annotator met no such unit.
    pub errors: Vec<Vec<Vec<f64>>>,
    /// What was labelled, with the estimate.
    pub units: Vec<Estimate>,
    /// Rounds until nothing moved any more.
    pub rounds: usize,
}

/// The estimate for one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The item.
    pub item: String,
    /// The stretch of it, for marked passages.
    pub span: Option<Span>,
    /// 1, or the number of characters of the stretch.
    pub size: u64,
    /// Probability of every label.
    pub probabilities: Vec<f64>,
    /// Who said what: positions of annotator and label, latest answers.
    pub said: Vec<(usize, usize)>,
}

impl Estimate {
    /// The most probable label, the first of equal ones, and its probability.
    #[must_use]
    pub fn best(&self) -> (usize, f64) {
        let mut best = (0, 0.0);
        for (label, probability) in self.probabilities.iter().enumerate() {
            if *probability > best.1 {
                best = (label, *probability);
            }
        }
        best
    }
}

/// Estimates true labels and everybody's errors by expectation maximisation.
///
/// Start: the probability of a label is its share of the answers to the unit. Then in turn:
/// priors p_j = mean probability of j; errors π_a(j, l) = answers l of annotator a to units of j,
/// weighted by their probability, in proportion; probabilities T_ij ∝ p_j Π_a Π_l π_a(j,l)^n(i,a,l),
/// until nothing moves. All answers count, repeated ones too. Source: A. P. Dawid and A. M. Skene,
/// *Maximum likelihood estimation of observer error-rates using the EM algorithm*, Applied
/// Statistics 28(1), 1979. There is no randomness: the same table gives the same bits.
///
/// # Errors
/// [`LabelError::NotDefined`] for numbers, which have no common list of labels.
pub fn dawid_skene(answers: &Answers) -> Result<Consensus, LabelError> {
    if answers.kind == Kind::Number {
        let what = "a consensus needs labels out of a list; for numbers take the median";
        return Err(LabelError::NotDefined(what.to_owned()));
    }
    let mut model = Model::new(answers);
    let mut rounds = 0;
    while rounds < ROUNDS {
        rounds += 1;
        model.learn();
        if model.estimate() < STILL {
            break;
        }
    }
    let labels = answers.labels.len();
    let units = answers.units.iter().zip(model.truth.chunks(labels.max(1)));
    Ok(Consensus {
        units: units
            .map(|(unit, probabilities)| Estimate {
                item: unit.item.clone(),
                span: unit.span,
                size: unit.size,
                probabilities: probabilities.to_vec(),
                said: answers
                    .latest(unit)
                    .iter()
                    .map(|answer| (answer.annotator, answer.label))
                    .collect(),
            })
            .collect(),
        labels: answers.labels.clone(),
        annotators: answers.annotators.clone(),
        errors: model
            .errors
            .chunks(labels * labels)
            .map(|of| of.chunks(labels).map(<[f64]>::to_vec).collect())
            .collect(),
        priors: model.priors,
        rounds,
    })
}

struct Model<'a> {
    units: &'a [Unit],
    labels: usize,
    /// Unit × label.
    truth: Vec<f64>,
    priors: Vec<f64>,
    /// Annotator × true label × given label.
    errors: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(answers: &'a Answers) -> Self {
        let labels = answers.labels.len();
        let mut truth = vec![0.0; answers.units.len() * labels];
        for (unit, shares) in answers.units.iter().zip(truth.chunks_mut(labels.max(1))) {
            for answer in &unit.answers {
                shares[answer.label] += 1.0 / unit.answers.len() as f64;
            }
        }
        Self {
            units: &answers.units,
            labels,
            truth,
            priors: vec![0.0; labels],
            errors: vec![0.0; answers.annotators.len() * labels * labels],
        }
    }

    /// Priors and errors from the probabilities.
    fn learn(&mut self) {
        let labels = self.labels;
        self.priors.fill(0.0);
        self.errors.fill(0.0);
        let mut total = 0.0;
        for (unit, truth) in self.units.iter().zip(self.truth.chunks(labels)) {
            let size = unit.size as f64;
            total += size;
            for (label, probability) in truth.iter().enumerate() {
                self.priors[label] += size * probability;
                for answer in &unit.answers {
                    let line = (answer.annotator * labels + label) * labels;
                    self.errors[line + answer.label] += size * probability;
                }
            }
        }
        self.priors.iter_mut().for_each(|prior| *prior /= total);
        for line in self.errors.chunks_mut(labels) {
            let sum: f64 = line.iter().sum();
            if sum > 0.0 {
                line.iter_mut().for_each(|rate| *rate /= sum);
            }
        }
    }

    /// Probabilities from priors and errors; answers the largest move.
    fn estimate(&mut self) -> f64 {
        let labels = self.labels;
        let mut moved: f64 = 0.0;
        let mut likelihood = vec![0.0; labels];
        for (unit, truth) in self.units.iter().zip(self.truth.chunks_mut(labels)) {
            for (label, of_label) in likelihood.iter_mut().enumerate() {
                *of_label = libm::log(self.priors[label]);
                for answer in &unit.answers {
                    let line = (answer.annotator * labels + label) * labels;
                    *of_label += libm::log(self.errors[line + answer.label]);
                }
            }
            let most = likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if most == f64::NEG_INFINITY {
                continue;
            }
            likelihood
                .iter_mut()
                .for_each(|of_label| *of_label = libm::exp(*of_label - most));
            let sum: f64 = likelihood.iter().sum();
            for (old, new) in truth.iter_mut().zip(&likelihood) {
                moved = moved.max((new / sum - *old).abs());
                *old = new / sum;
            }
        }
        moved
    }
}

impl Consensus {
    /// Raw weight of every annotator, units of 2⁻³²: what they are to be paid by.
    ///
    /// The rule of contributions, read for labels: a unit is a cluster, whoever labelled it
    /// holds a copy, and the quality of the copy is the probability that its label is right. The
    /// holders share the best quality as in [`weigh`]: equally good answers equally, better ones
    /// more, answers that are right with less than .2 nothing. A stretch of a text counts by its
    /// length.
    #[must_use]
    pub fn weights(&self) -> BTreeMap<String, u128> {
        let mut weights = BTreeMap::new();
        for unit in &self.units {
            let probability = |label: usize| unit.probabilities.get(label).copied().unwrap_or(0.0);
            let quality = |label| libm::round(probability(label) * ONE as f64) as u64;
            let mut said: Vec<(u64, usize)> = unit
                .said
                .iter()
                .map(|(annotator, label)| (quality(*label), *annotator))
                .collect();
            said.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            let qualities: Vec<u64> = said.iter().map(|(quality, _)| *quality).collect();
            for ((_, annotator), mass) in said.iter().zip(weigh::quotient(&qualities)) {
                let Some(name) = self.annotators.get(*annotator) else {
                    continue;
                };
                *weights.entry(name.clone()).or_default() += u128::from(mass * unit.size);
            }
        }
        weights
    }

    /// How often an annotator's latest answer is the right one, by the estimate.
    #[must_use]
    pub fn accuracy(&self, annotator: usize) -> f64 {
        let (mut right, mut all) = (0.0, 0.0);
        for unit in &self.units {
            let said = unit.said.iter().find(|(who, _)| *who == annotator);
            if let Some((_, label)) = said {
                let size = unit.size as f64;
                right += size * unit.probabilities.get(*label).copied().unwrap_or(0.0);
                all += size;
            }
        }
        if all > 0.0 { right / all } else { 0.0 }
    }

    /// The consensus as a table of annotations by `annotator`; neighbouring stretches of one
    /// label are one passage again.
    #[must_use]
    pub fn table(&self, question: &str, kind: Kind, annotator: &str) -> Vec<Annotation> {
        let mut table: Vec<Annotation> = Vec::new();
        for unit in &self.units {
            let label = self.labels.get(unit.best().0).cloned().unwrap_or_default();
            if unit.span.is_some() && label.is_empty() {
                continue;
            }
            let joined = table.last_mut().filter(|last| {
                let meet = last
                    .span
                    .zip(unit.span)
                    .is_some_and(|(a, b)| a.end == b.start);
                meet && last.item == unit.item && last.label == label
            });
            if let Some((last, span)) = joined.zip(unit.span) {
                last.span = last.span.map(|own| Span {
                    end: span.end,
                    ..own
                });
                continue;
            }
            table.push(Annotation {
                kind,
                span: unit.span,
                ..Annotation::choice(&unit.item, annotator, question, label)
            });
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    /// Dawid and Skene 1979, table 1: 45 patients, the first anaesthetist three times, then the
    /// four others, each giving one of four classes of fitness.
    const PATIENTS: &str = "\
        1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 \
        2322223 4444444 2223343 1111111 2223212 1211111 1112111 1111111 1111111 \
        2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 \
        1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 \
        2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222";

    fn patients() -> Vec<Annotation> {
        let mut table = Vec::new();
        for (patient, line) in PATIENTS.split_whitespace().enumerate() {
            for (at, label) in line.chars().enumerate() {
                let observer = at.saturating_sub(2) + 1;
                table.push(Annotation {
                    time: DateTime::from_timestamp(at as i64, 0),
                    ..Annotation::choice(
                        format!("{patient:02}"),
                        observer.to_string(),
                        "fitness",
                        label,
                    )
                });
            }
        }
        table
    }

    #[test]
    fn anaesthetists_err_as_published() {
        let answers = Answers::new(&patients(), "fitness", None).expect("answers");
        assert_eq!((answers.units.len(), answers.annotators.len()), (45, 5));
        let found = dawid_skene(&answers).expect("choices");
        for (prior, published) in found.priors.iter().zip([0.40, 0.42, 0.11, 0.07]) {
            assert!((prior - published).abs() < 0.005, "{:?}", found.priors);
        }
        // Table 2: observer 1 calls a true 1 a 1 with .89 and a 2 with .11.
        let line = &found.errors[0][0];
        assert!(
            (line[0] - 0.89).abs() < 0.005 && (line[1] - 0.11).abs() < 0.005,
            "{line:?}"
        );
        // Table 4: patient 3 is a 2, patient 36 is a 4.
        assert_eq!((found.units[2].best().0, found.units[35].best().0), (1, 3));
        assert!(found.rounds < ROUNDS);
    }

    #[test]
    fn who_errs_by_rule_is_understood() {
        // Two careful annotators, one who always swaps.
        let mut table = Vec::new();
        for item in 0..40 {
            let label = if item % 3 == 0 { "yes" } else { "no" };
            let swapped = if item % 3 == 0 { "no" } else { "yes" };
            let item = format!("{item:02}");
            table.push(Annotation::choice(&item, "ada", "q", label));
            table.push(Annotation::choice(&item, "ben", "q", label));
            table.push(Annotation::choice(&item, "cai", "q", swapped));
        }
        let answers = Answers::new(&table, "q", None).expect("answers");
        let found = dawid_skene(&answers).expect("choices");
        assert!(found.accuracy(0) > 0.999 && found.accuracy(2) < 0.001);
        let weights = found.weights();
        assert_eq!(weights.get("ada"), weights.get("ben"));
        assert_eq!(weights.get("cai"), Some(&0));
        let sum: u128 = weights.values().sum();
        assert!(40 * u128::from(ONE) - sum <= 40 * 3);
        let table = found.table("q", Kind::Choice, "consensus");
        assert_eq!(
            (
                table.len(),
                table[0].label.as_str(),
                table[1].label.as_str()
            ),
            (40, "yes", "no")
        );
    }

    #[test]
    fn passages_come_back_in_one_piece() {
        let span = |who: &str, start, end| Annotation {
            kind: Kind::Span,
            span: Some(Span { start, end }),
            ..Annotation::choice("t", who, "q", "NAME")
        };
        let table = [
            span("a", 0, 10),
            span("b", 0, 10),
            span("c", 0, 4),
            span("c", 4, 10),
        ];
        let answers = Answers::new(&table, "q", None).expect("answers");
        let found = dawid_skene(&answers).expect("spans");
        let table = found.table("q", Kind::Span, "consensus");
        assert_eq!(table.len(), 1);
        assert_eq!(table[0].span, Some(Span { start: 0, end: 10 }));
    }

    #[test]
    fn numbers_have_no_consensus() {
        let row = Annotation {
            kind: Kind::Number,
            ..Annotation::choice("1", "a", "q", "3")
        };
        let answers = Answers::new(&[row], "q", None).expect("answers");
        assert!(matches!(
            dawid_skene(&answers),
            Err(LabelError::NotDefined(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

        #[test]
        fn probabilities_add_up_and_repeat(said in prop::collection::vec((0u8..12, 0u8..5, 0u8..4), 1..80)) {
            let row = |(item, who, label): &(u8, u8, u8)| {
                Annotation::choice(item.to_string(), who.to_string(), "q", label.to_string())
            };
            let mut table: Vec<Annotation> = said.iter().map(row).collect();
            let of = |table: &[Annotation]| {
                dawid_skene(&Answers::new(table, "q", None).expect("answers")).expect("choices")
            };
            let found = of(&table);
            table.reverse();
            prop_assert_eq!(&found, &of(&table));
            for unit in &found.units {
                prop_assert!((unit.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
            // Nobody can earn more than one unit of mass per item, all together.
            let sum: u128 = found.weights().values().sum();
            prop_assert!(sum <= found.units.len() as u128 * u128::from(ONE));
        }
    }
}
