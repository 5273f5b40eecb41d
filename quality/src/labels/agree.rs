//! Do annotators agree, beyond what chance would give?
//!
//! Every coefficient is 1 for perfect agreement, 0 for what chance gives and less when people
//! agree less often than that. Where everybody always gave one and the same label, chance would
//! agree perfectly too: the coefficient says nothing and is `None`.

use super::answers::as_number;
use super::{Answers, LabelError, Scale};

/// Krippendorff's α over any number of annotators, with gaps.
///
/// α = 1 − D_o / D_e. Of a unit with m answers, each ordered pair of answers by two different
/// people adds 1/(m − 1) to the matrix o of coincidences (times the size of the unit);
/// n_c = Σ_k o_ck, n = Σ_c n_c. D_o = Σ o_ck δ²_ck / n, D_e = Σ n_c n_k δ²_ck / (n (n − 1)), with
/// δ² by scale: nominal 0 or 1; ordinal (Σ_{g=c..k} n_g − (n_c + n_k)/2)²; interval (c − k)²;
/// ratio ((c − k)/(c + k))². Source: K. Krippendorff, *Computing Krippendorff's
/// Alpha-Reliability*, University of Pennsylvania, 2011.
///
/// Of several answers of one annotator to one unit the latest counts.
///
/// # Errors
/// [`LabelError::Mixed`] when the interval or ratio scale meets a label that is not a number.
pub fn alpha(answers: &Answers, scale: Scale) -> Result<Option<f64>, LabelError> {
    let labels = answers.labels.len();
    let mut coincidences = vec![0.0; labels * labels];
    for unit in &answers.units {
        let said = answers.latest(unit);
        if said.len() < 2 {
            continue;
        }
        let part = unit.size as f64 / (said.len() - 1) as f64;
        for (place, one) in said.iter().enumerate() {
            for (_, other) in said.iter().enumerate().filter(|(at, _)| *at != place) {
                coincidences[one.label * labels + other.label] += part;
            }
        }
    }
    let counts: Vec<f64> = coincidences
        .chunks(labels.max(1))
        .map(|row| row.iter().sum())
        .collect();
    let distance = distances(answers, scale, &counts)?;
    let total: f64 = counts.iter().sum();
    let (mut observed, mut expected) = (0.0, 0.0);
    for c in 0..labels {
        for k in 0..labels {
            let apart = distance(c, k);
            observed += coincidences[c * labels + k] * apart;
            expected += counts[c] * counts[k] * apart;
        }
    }
    let expected = expected / (total - 1.0);
    Ok((total > 1.0 && expected > 0.0).then(|| 1.0 - observed / expected))
}

/// Squared distance of two labels, by their places.
fn distances<'a>(
    answers: &'a Answers,
    scale: Scale,
    counts: &'a [f64],
) -> Result<Box<dyn Fn(usize, usize) -> f64 + 'a>, LabelError> {
    let numbers = || numbers(answers);
    Ok(match scale {
        Scale::Nominal => Box::new(|c, k| f64::from(u8::from(c != k))),
        Scale::Ordinal => Box::new(|c, k| {
            let between: f64 = counts[c.min(k)..=c.max(k)].iter().sum();
            let steps = between - (counts[c] + counts[k]) / 2.0;
            steps * steps
        }),
        Scale::Interval => {
            let numbers = numbers()?;
            Box::new(move |c, k| (numbers[c] - numbers[k]) * (numbers[c] - numbers[k]))
        }
        Scale::Ratio => {
            let numbers = numbers()?;
            Box::new(move |c, k| {
                let (apart, sum) = (numbers[c] - numbers[k], numbers[c] + numbers[k]);
                if sum == 0.0 {
                    0.0
                } else {
                    apart / sum * (apart / sum)
                }
            })
        }
    })
}

fn numbers(answers: &Answers) -> Result<Vec<f64>, LabelError> {
    let number = |label: &String| {
        as_number(label).ok_or_else(|| LabelError::Mixed {
            question: answers.question.clone(),
            reason: format!("{label:?} is not a number, so they have no distances"),
        })
    };
    answers.labels.iter().map(number).collect()
}

/// Cohen's κ of two annotators, over the units that both labelled.
///
/// κ = 1 − Σ w_ij p_ij / Σ w_ij p_i· p_·j with the weight of a disagreement w_ij = 1 for i ≠ j, or
/// (i − j)² over the order of the labels when `squared`. Sources: J. Cohen, *A coefficient of
/// agreement for nominal scales*, Educational and Psychological Measurement 20(1), 1960, and
/// *Weighted kappa*, Psychological Bulletin 70(4), 1968.
///
/// Answers `None` when they share no unit or chance would agree perfectly.
#[must_use]
pub fn cohen(answers: &Answers, one: usize, other: usize, squared: bool) -> Option<f64> {
    let labels = answers.labels.len();
    let mut table = vec![0.0; labels * labels];
    for unit in &answers.units {
        let said = answers.latest(unit);
        let label = |of| said.iter().find(|a| a.annotator == of).map(|a| a.label);
        if let (Some(a), Some(b)) = (label(one), label(other)) {
            table[a * labels + b] += unit.size as f64;
        }
    }
    let total: f64 = table.iter().sum();
    let row = |i: usize| (0..labels).map(|j| table[i * labels + j]).sum::<f64>() / total;
    let column = |j: usize| (0..labels).map(|i| table[i * labels + j]).sum::<f64>() / total;
    let columns: Vec<f64> = (0..labels).map(column).collect();
    let (mut observed, mut expected) = (0.0, 0.0);
    for i in 0..labels {
        let of_row = row(i);
        for (j, of_column) in columns.iter().enumerate() {
            let off = i.abs_diff(j) as f64;
            let weight = if squared { off * off } else { off.min(1.0) };
            observed += weight * table[i * labels + j] / total;
            expected += weight * of_row * of_column;
        }
    }
    (total > 0.0 && expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Number of units that both annotators labelled.
#[must_use]
pub fn shared(answers: &Answers, one: usize, other: usize) -> usize {
    let both = |unit: &&super::Unit| {
        let has = |of| unit.answers.iter().any(|a| a.annotator == of);
        has(one) && has(other)
    };
    answers.units.iter().filter(both).count()
}

/// Fleiss' κ: every unit labelled by the same number of people, who may differ from unit to unit.
///
/// κ = (P̄ − P_e) / (1 − P_e) with P_i = (Σ_j n_ij² − n) / (n (n − 1)) and P_e = Σ_j p_j². Source:
/// J. L. Fleiss, *Measuring nominal scale agreement among many raters*, Psychological Bulletin
/// 76(5), 1971.
///
/// # Errors
/// [`LabelError::NotDefined`] when units have different numbers of answers, or fewer than two.
pub fn fleiss(answers: &Answers) -> Result<Option<f64>, LabelError> {
    let said: Vec<(f64, Vec<usize>)> = answers
        .units
        .iter()
        .map(|unit| {
            let labels = answers.latest(unit).into_iter().map(|a| a.label).collect();
            (unit.size as f64, labels)
        })
        .collect();
    let raters = said.first().map_or(0, |(_, labels)| labels.len());
    if raters < 2 || said.iter().any(|(_, labels)| labels.len() != raters) {
        let what = "Fleiss' kappa needs the same number of answers, at least two, for every item; \
                    Krippendorff's alpha allows gaps";
        return Err(LabelError::NotDefined(what.to_owned()));
    }
    let n = raters as f64;
    let mut overall = vec![0.0; answers.labels.len()];
    let (mut agreement, mut total) = (0.0, 0.0);
    for (size, labels) in &said {
        let mut counts = vec![0.0; answers.labels.len()];
        for label in labels {
            counts[*label] += 1.0;
            overall[*label] += size;
        }
        let pairs: f64 = counts.iter().map(|count| count * count).sum();
        agreement += size * (pairs - n) / (n * (n - 1.0));
        total += size;
    }
    let observed = agreement / total;
    let share = |count: &f64| count / (total * n) * (count / (total * n));
    let expected: f64 = overall.iter().map(share).sum();
    Ok((expected < 1.0).then(|| (observed - expected) / (1.0 - expected)))
}

#[cfg(test)]
mod tests {
    use super::super::Annotation;
    use super::*;

    /// A table from one line per annotator, `.` for a gap.
    fn lines(lines: &[&str]) -> Answers {
        let mut table = Vec::new();
        for (line, who) in lines.iter().zip('A'..) {
            for (label, item) in line.split_whitespace().zip(10..) {
                if label != "." {
                    table.push(Annotation::choice(item.to_string(), who, "q", label));
                }
            }
        }
        Answers::new(&table, "q", None).expect("answers")
    }

    fn close(found: Option<f64>, published: f64) {
        let found = found.expect("defined");
        assert!((found - published).abs() < 5e-4, "{found}, not {published}");
    }

    /// Krippendorff 2011, section D: four observers, twelve units, seven gaps.
    #[test]
    fn alpha_has_the_published_values() {
        let answers = lines(&[
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ]);
        for (scale, published) in [
            (Scale::Nominal, 0.743),
            (Scale::Ordinal, 0.815),
            (Scale::Interval, 0.849),
            (Scale::Ratio, 0.797),
        ] {
            close(alpha(&answers, scale).expect("numbers"), published);
        }
    }

    /// Krippendorff 2011, sections A and B: two observers; binary, then nominal with five labels.
    #[test]
    fn alpha_of_two_observers_has_the_published_values() {
        let binary = lines(&["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"]);
        close(alpha(&binary, Scale::Nominal).expect("nominal"), 0.095);
        let nominal = lines(&["a a b b d c c c e d d a", "b a b b b c c c e d d d"]);
        close(alpha(&nominal, Scale::Nominal).expect("nominal"), 0.692);
    }

    fn pairs(table: &[&[usize]]) -> Answers {
        let mut rows = Vec::new();
        let mut item = 0;
        for (i, row) in table.iter().enumerate() {
            for (j, count) in row.iter().enumerate() {
                for _ in 0..*count {
                    item += 1;
                    let said = |who, label: usize| {
                        Annotation::choice(item.to_string(), who, "q", label.to_string())
                    };
                    rows.extend([said("a", i), said("b", j)]);
                }
            }
        }
        Answers::new(&rows, "q", None).expect("answers")
    }

    /// Cohen 1968: two judges, 200 cases of three diagnoses.
    #[test]
    fn kappa_of_cohen_has_the_published_value() {
        let answers = pairs(&[&[88, 14, 18], &[10, 40, 10], &[2, 6, 12]]);
        close(cohen(&answers, 0, 1, false), 0.492);
        assert_eq!(shared(&answers, 0, 1), 200);
        // Squared weights: 1 − (Σ (i−j)² n_ij / N) / (Σ (i−j)² p_i· p_·j), by hand.
        let observed = (14.0 + 10.0 + 10.0 + 6.0 + 4.0 * (18.0 + 2.0)) / 200.0;
        let expected =
            0.6 * 0.3 + 0.3 * 0.5 + 0.3 * 0.2 + 0.1 * 0.3 + 4.0 * (0.6 * 0.2 + 0.1 * 0.5);
        close(cohen(&answers, 0, 1, true), 1.0 - observed / expected);
    }

    /// The worked example of many textbooks: 14 raters, 10 subjects, 5 labels.
    #[test]
    fn kappa_of_fleiss_has_the_published_value() {
        let counts = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];
        let mut rows = Vec::new();
        for (item, counts) in counts.iter().enumerate() {
            let labels = counts.iter().enumerate();
            let labels = labels.flat_map(|(label, count)| std::iter::repeat_n(label, *count));
            for (who, label) in labels.enumerate() {
                let (item, who, label) = (item.to_string(), who.to_string(), label.to_string());
                rows.push(Annotation::choice(item, who, "q", label));
            }
        }
        let answers = Answers::new(&rows, "q", None).expect("answers");
        close(fleiss(&answers).expect("14 each"), 0.210);
        let gaps = Answers::new(&rows[1..], "q", None).expect("answers");
        assert!(matches!(fleiss(&gaps), Err(LabelError::NotDefined(_))));
    }

    #[test]
    fn one_label_alone_says_nothing() {
        let answers = lines(&["x x x", "x x x"]);
        assert_eq!(alpha(&answers, Scale::Nominal), Ok(None));
        assert_eq!(cohen(&answers, 0, 1, false), None);
        assert_eq!(fleiss(&answers), Ok(None));
        assert!(alpha(&answers, Scale::Ratio).is_err(), "x is no number");
        let lonely = lines(&["x y", ". ."]);
        assert_eq!(
            alpha(&lonely, Scale::Nominal),
            Ok(None),
            "nobody to agree with"
        );
    }
}
