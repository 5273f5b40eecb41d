//! The answers to one question, in the shape that agreement and consensus are computed on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Annotation, Kind, LabelError, Span};

/// Between the labels of somebody who chose several.
const AND: &str = " + ";

/// Answers to one question: units × annotators → labels, with gaps.
///
/// A unit is an item; for marked passages it is a stretch of an item between two borders that
/// anybody drew, and counts by its length. Whoever chose several labels gave one answer, the
/// set of them. Units, annotators and labels are in a fixed order, whatever that of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The question.
    pub question: String,
    /// What sort of answers they are.
    pub kind: Kind,
    /// Annotators, alphabetical.
    pub annotators: Vec<String>,
    /// Labels: by number where all are numbers, as given with `order`, else alphabetical.
    pub labels: Vec<String>,
    /// What was labelled.
    pub units: Vec<Unit>,
}

/// Something that was labelled.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The item.
    pub item: String,
    /// The stretch of it, for marked passages.
    pub span: Option<Span>,
    /// 1, or the number of characters of the stretch.
    pub size: u64,
    /// All answers, oldest first; somebody may have answered again later.
    pub answers: Vec<Answer>,
}

/// An answer: positions in [`Answers::annotators`] and [`Answers::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// Who.
    pub annotator: usize,
    /// What.
    pub label: usize,
}

/// What somebody said at one time about one item.
type Said<'a> = BTreeMap<(&'a str, Option<DateTime<Utc>>), Vec<&'a Annotation>>;

impl Answers {
    /// Collects the answers to a question. `order` lists the labels from low to high for the
    /// ordinal scale; labels that it lacks are refused.
    ///
    /// # Errors
    /// [`LabelError::NoAnswers`] when there are none, [`LabelError::Mixed`] when spans and other
    /// answers stand together or a label is not in `order`.
    pub fn new(
        table: &[Annotation],
        question: &str,
        order: Option<&[String]>,
    ) -> Result<Self, LabelError> {
        let rows: Vec<&Annotation> = table.iter().filter(|r| r.question == question).collect();
        let kind = match rows.first() {
            Some(first) => first.kind,
            None => return Err(LabelError::NoAnswers(question.to_owned())),
        };
        let mixed = |reason: &str| LabelError::Mixed {
            question: question.to_owned(),
            reason: reason.to_owned(),
        };
        if rows.iter().any(|row| row.kind != kind) {
            return Err(mixed("they are of different kinds"));
        }
        let mut items: BTreeMap<&str, Said<'_>> = BTreeMap::new();
        for row in &rows {
            let said = items.entry(row.item.as_str()).or_default();
            let by = (row.annotator.as_str(), row.time);
            said.entry(by).or_default().push(row);
        }
        let named: Vec<NamedUnit> = items
            .iter()
            .flat_map(|(item, said)| match kind {
                Kind::Span => stretches(item, said),
                _ => vec![whole(item, said)],
            })
            .collect();
        let labels = ordered(&named, order).map_err(|label| mixed(&label))?;
        let annotators: BTreeSet<&str> = rows.iter().map(|row| row.annotator.as_str()).collect();
        let annotators: Vec<String> = annotators.into_iter().map(str::to_owned).collect();
        let units = number(named, &annotators, &labels);
        Ok(Self {
            question: question.to_owned(),
            kind,
            annotators,
            labels,
            units,
        })
    }

    /// The latest answer of everybody to a unit, by annotator.
    pub(super) fn latest(&self, unit: &Unit) -> Vec<Answer> {
        let mut latest = BTreeMap::new();
        for answer in &unit.answers {
            latest.insert(answer.annotator, *answer);
        }
        latest.into_values().collect()
    }
}

/// A unit with names instead of numbers.
struct NamedUnit {
    item: String,
    span: Option<Span>,
    size: u64,
    /// By time, then annotator.
    answers: Vec<(Option<DateTime<Utc>>, String, String)>,
}

fn whole(item: &str, said: &Said<'_>) -> NamedUnit {
    let answers = said.iter().map(|((annotator, time), rows)| {
        let labels = rows.iter().map(|row| row.label.as_str());
        (*time, (*annotator).to_owned(), set(labels))
    });
    let mut answers: Vec<_> = answers.collect();
    answers.sort();
    NamedUnit {
        item: item.to_owned(),
        span: None,
        size: 1,
        answers,
    }
}

fn set<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let labels: BTreeSet<&str> = labels.filter(|label| !label.is_empty()).collect();
    labels.into_iter().collect::<Vec<_>>().join(AND)
}

/// Cuts an item at every border of a marked passage; what nobody marked at either end is not
/// known to exist.
fn stretches(item: &str, said: &Said<'_>) -> Vec<NamedUnit> {
    let spans = said.values().flatten().filter_map(|row| row.span);
    let borders: BTreeSet<u64> = spans.flat_map(|span| [span.start, span.end]).collect();
    let borders: Vec<u64> = borders.into_iter().collect();
    let cut = borders.windows(2).map(|pair| {
        let stretch = Span {
            start: pair[0],
            end: pair[1],
        };
        let covers = |row: &&&Annotation| {
            row.span
                .is_some_and(|span| span.start <= stretch.start && stretch.end <= span.end)
        };
        let mut answers: Vec<_> = said
            .iter()
            .map(|((annotator, time), rows)| {
                let marked = rows.iter().filter(covers).map(|row| row.label.as_str());
                (*time, (*annotator).to_owned(), set(marked))
            })
            .collect();
        answers.sort();
        NamedUnit {
            item: item.to_owned(),
            span: Some(stretch),
            size: stretch.end - stretch.start,
            answers,
        }
    });
    cut.collect()
}

/// All labels in their order; `Err` names one that the given order lacks.
fn ordered(units: &[NamedUnit], order: Option<&[String]>) -> Result<Vec<String>, String> {
    let found: BTreeSet<&str> = units
        .iter()
        .flat_map(|unit| unit.answers.iter().map(|(_, _, label)| label.as_str()))
        .collect();
    if let Some(order) = order {
        let missing = found
            .iter()
            .find(|label| !order.iter().any(|o| o == *label));
        return match missing {
            Some(label) => Err(format!("the given order of labels lacks {label:?}")),
            None => Ok(order.to_vec()),
        };
    }
    let mut labels: Vec<String> = found.into_iter().map(str::to_owned).collect();
    let numbers: Option<Vec<f64>> = labels.iter().map(|label| as_number(label)).collect();
    if numbers.is_some() {
        labels.sort_by(|a, b| {
            let value = |label: &str| as_number(label).unwrap_or(0.0);
            value(a).total_cmp(&value(b)).then_with(|| a.cmp(b))
        });
    }
    Ok(labels)
}

/// The finite number that a label is.
pub(super) fn as_number(label: &str) -> Option<f64> {
    label.trim().parse::<f64>().ok().filter(|n| n.is_finite())
}

fn number(named: Vec<NamedUnit>, annotators: &[String], labels: &[String]) -> Vec<Unit> {
    let places: BTreeMap<&str, usize> = places(labels);
    let people: BTreeMap<&str, usize> = self::places(annotators);
    named
        .into_iter()
        .map(|unit| Unit {
            item: unit.item,
            span: unit.span,
            size: unit.size,
            answers: unit
                .answers
                .iter()
                .filter_map(|(_, annotator, label)| {
                    Some(Answer {
                        annotator: *people.get(annotator.as_str())?,
                        label: *places.get(label.as_str())?,
                    })
                })
                .collect(),
        })
        .collect()
}

fn places(names: &[String]) -> BTreeMap<&str, usize> {
    names.iter().map(String::as_str).zip(0..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(second, 0)
    }

    fn span(item: &str, who: &str, label: &str, start: u64, end: u64) -> Annotation {
        Annotation {
            kind: Kind::Span,
            span: (end > start).then_some(Span { start, end }),
            ..Annotation::choice(item, who, "q", label)
        }
    }

    #[test]
    fn order_of_the_table_changes_nothing_and_the_latest_answer_counts() {
        let row = |who: &str, label: &str, second| Annotation {
            time: at(second),
            ..Annotation::choice("1", who, "q", label)
        };
        let mut table = vec![
            row("b", "2", 7),
            row("a", "10", 5),
            row("a", "2", 9),
            row("a", "x", 1),
        ];
        table[3].question = "other".into();
        let one = Answers::new(&table, "q", None).expect("answers");
        table.reverse();
        assert_eq!(one, Answers::new(&table, "q", None).expect("answers"));
        assert_eq!(one.labels, ["2", "10"], "by number");
        assert_eq!(one.units[0].answers.len(), 3);
        let latest = one.latest(&one.units[0]);
        let expected = [(0, 0), (1, 0)].map(|(annotator, label)| Answer { annotator, label });
        assert_eq!(latest, expected);
    }

    #[test]
    fn several_choices_are_one_answer() {
        let row = |who: &str, label: &str| Annotation::choice("1", who, "q", label);
        let table = [
            row("a", "red"),
            row("a", "blue"),
            row("b", "blue"),
            row("b", "red"),
        ];
        let answers = Answers::new(&table, "q", None).expect("answers");
        assert_eq!(answers.labels, ["blue + red"]);
    }

    #[test]
    fn passages_are_cut_at_every_border() {
        let table = [
            span("t", "a", "NAME", 0, 10),
            span("t", "b", "NAME", 4, 10),
            span("t", "b", "PLACE", 12, 15),
            span("t", "c", "", 0, 0),
        ];
        let answers = Answers::new(&table, "q", None).expect("answers");
        let sizes: Vec<u64> = answers.units.iter().map(|unit| unit.size).collect();
        assert_eq!(sizes, [4, 6, 2, 3]);
        let said = |unit: usize| -> Vec<&str> {
            let answers_of = answers.units[unit].answers.iter();
            answers_of
                .map(|a| answers.labels[a.label].as_str())
                .collect()
        };
        assert_eq!(said(0), ["NAME", "", ""]);
        assert_eq!(said(1), ["NAME", "NAME", ""]);
        assert_eq!(said(3), ["", "PLACE", ""]);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let table = [
            Annotation::choice("1", "a", "q", "x"),
            span("1", "a", "y", 0, 1),
        ];
        assert!(matches!(
            Answers::new(&table, "q", None),
            Err(LabelError::Mixed { .. })
        ));
        assert!(matches!(
            Answers::new(&table, "p", None),
            Err(LabelError::NoAnswers(_))
        ));
        let order = ["y".to_owned()];
        let lacking = Answers::new(&table[..1], "q", Some(&order));
        assert!(lacking.is_err_and(|e| e.to_string().contains("lacks \"x\"")));
    }
}
