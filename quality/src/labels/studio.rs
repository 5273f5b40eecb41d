//! Label Studio's JSON: the list of annotated tasks that it exports and imports.
//!
//! What is read of a task (field by field as its documentation of the task format has them):
//! `id`, `inner_id`; from each of its `annotations` (older exports: `completions`)
//! `completed_by` (a number, an e-mail address, or an object with either), `created_at` or
//! `updated_at`, `was_cancelled`, and of `result` the entries of these types:
//!
//! | type | value | kind |
//! |---|---|---|
//! | `choices` | `choices: [..]` | [`Kind::Choice`], one row per choice |
//! | `taxonomy` | `taxonomy: [[..], ..]` | [`Kind::Choice`], levels joined by ` / ` |
//! | `rating` | `rating: n` | [`Kind::Rating`] |
//! | `number` | `number: x` | [`Kind::Number`] |
//! | `labels` with numbers as borders | `start, end, labels: [..]` | [`Kind::Span`], one row per label |
//!
//! Whoever submitted an annotation without any passage, where others marked some, looked and
//! found nothing: that is an answer too. Skipped annotations, drafts and predictions are left
//! out. Everything else (boxes, brushes, free text, relations) is counted and reported, never
//! guessed at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Annotation, Kind, LabelError, Span};

/// Between the levels of a taxonomy.
const LEVELS: &str = " / ";

/// A read export.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// One row per label.
    pub table: Vec<Annotation>,
    /// Number of tasks.
    pub tasks: usize,
    /// Annotations that were skipped by their annotator.
    pub cancelled: usize,
    /// Results of types that have no place in the table, by type.
    pub left_out: BTreeMap<String, usize>,
}

/// Reads an export. The item of a row is the field `item` of the task's data where that names
/// one (a text or a number), else the task's `id`.
///
/// # Errors
/// [`LabelError::NotStudio`] naming the place, when it is not a list of tasks, or a task or
/// annotation lacks what it cannot do without.
///
/// ```
/// let json = br#"[{"id": 7, "data": {"text": "rye"}, "annotations": [{
///     "completed_by": {"id": 3, "email": "ada@example.org"},
///     "created_at": "2026-01-31T12:00:00.5Z",
///     "result": [{"from_name": "grain", "to_name": "text", "type": "choices",
///                 "value": {"choices": ["cereal"]}}]}]}]"#;
/// let read = quality::labels::studio::import(json, "id")?;
/// assert_eq!((read.table[0].item.as_str(), read.table[0].label.as_str()), ("7", "cereal"));
/// assert_eq!(read.table[0].annotator, "ada@example.org");
/// # Ok::<(), quality::labels::LabelError>(())
/// ```
pub fn import(json: &[u8], item: &str) -> Result<Import, LabelError> {
    let tasks: Value = serde_json::from_slice(json).map_err(|error| not(&error.to_string()))?;
    let tasks = match tasks {
        Value::Array(tasks) => tasks,
        task @ Value::Object(_) => vec![task],
        _ => return Err(not("the file is not a list of tasks")),
    };
    let mut found = Import {
        tasks: tasks.len(),
        ..Import::default()
    };
    for (number, task) in tasks.iter().enumerate() {
        let place = format!("task {}", number + 1);
        found.task(task, item, &place)?;
    }
    Ok(found)
}

fn not(what: &str) -> LabelError {
    LabelError::NotStudio(what.to_owned())
}

impl Import {
    fn task(&mut self, task: &Value, item: &str, place: &str) -> Result<(), LabelError> {
        let named = task["data"].get(item).and_then(plain);
        let item = named
            .or_else(|| task.get("id").and_then(plain))
            .or_else(|| task.get("inner_id").and_then(plain))
            .ok_or_else(|| not(&format!("{place} has no id")))?;
        let annotations = task.get("annotations").or_else(|| task.get("completions"));
        let annotations = match annotations {
            Some(Value::Array(annotations)) => annotations,
            // A task that nobody has worked on yet.
            None | Some(Value::Null) => return Ok(()),
            Some(_) => return Err(not(&format!("the annotations of {place} are not a list"))),
        };
        let first = self.table.len();
        let mut submitted = Vec::new();
        for annotation in annotations {
            if annotation["was_cancelled"].as_bool() == Some(true) {
                self.cancelled += 1;
                continue;
            }
            let who = annotator(annotation)
                .ok_or_else(|| not(&format!("an annotation of {place} names nobody")))?;
            let time = time(annotation, place)?;
            let Some(results) = annotation["result"].as_array() else {
                return Err(not(&format!("an annotation of {place} has no result")));
            };
            for result in results {
                self.result(result, (&item, &who, time), place)?;
            }
            submitted.push((who, time));
        }
        self.nothing_marked(&item, first, &submitted);
        Ok(())
    }

    fn result(
        &mut self,
        result: &Value,
        (item, who, time): (&str, &str, Option<DateTime<Utc>>),
        place: &str,
    ) -> Result<(), LabelError> {
        let kind_name = result["type"].as_str().unwrap_or("unknown");
        let Some((kind, labels)) = labels(kind_name, &result["value"]) else {
            *self.left_out.entry(kind_name.to_owned()).or_default() += 1;
            return Ok(());
        };
        let question = result["from_name"]
            .as_str()
            .ok_or_else(|| not(&format!("a result of {place} has no from_name")))?;
        let span = match kind {
            Kind::Span => Some(span(&result["value"], place)?),
            _ => None,
        };
        self.table
            .extend(labels.into_iter().map(|label| Annotation {
                kind,
                span,
                time,
                ..Annotation::choice(item, who, question, label)
            }));
        Ok(())
    }

    /// An answer for everybody who marked nothing where somebody marked something.
    fn nothing_marked(
        &mut self,
        item: &str,
        first: usize,
        submitted: &[(String, Option<DateTime<Utc>>)],
    ) {
        let rows = self.table.get(first..).unwrap_or_default();
        let marked = rows.iter().filter(|row| row.kind == Kind::Span);
        let questions: BTreeSet<String> = marked.map(|row| row.question.clone()).collect();
        for question in questions {
            for (who, time) in submitted {
                let rows = self.table.get(first..).unwrap_or_default();
                let answered = |row: &Annotation| row.annotator == *who && row.question == question;
                if !rows.iter().any(answered) {
                    self.table.push(Annotation {
                        kind: Kind::Span,
                        time: *time,
                        ..Annotation::choice(item, who, &question, "")
                    });
                }
            }
        }
    }
}

/// A text or number as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn annotator(annotation: &Value) -> Option<String> {
    let by = &annotation["completed_by"];
    plain(by)
        .or_else(|| by.get("email").and_then(plain))
        .or_else(|| by.get("id").and_then(plain))
}

fn time(annotation: &Value, place: &str) -> Result<Option<DateTime<Utc>>, LabelError> {
    let written = ["updated_at", "created_at"]
        .iter()
        .find_map(|name| annotation[*name].as_str());
    let Some(text) = written else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Ok(Some(time.to_utc())),
        Err(error) => Err(not(&format!("{place}: {text:?} is not a time: {error}"))),
    }
}

/// Kind and labels of a result; `None` for what has no place in the table.
fn labels(kind: &str, value: &Value) -> Option<(Kind, Vec<String>)> {
    let texts =
        |list: &Value| -> Option<Vec<String>> { list.as_array()?.iter().map(plain).collect() };
    match kind {
        "choices" => Some((Kind::Choice, texts(&value["choices"])?)),
        "taxonomy" => {
            let paths = value["taxonomy"].as_array()?.iter();
            let paths = paths.map(|path| texts(path).map(|levels| levels.join(LEVELS)));
            Some((Kind::Choice, paths.collect::<Option<_>>()?))
        }
        "rating" => Some((Kind::Rating, vec![plain(&value["rating"])?])),
        "number" => Some((Kind::Number, vec![plain(&value["number"])?])),
        "labels" if value["start"].is_number() => Some((Kind::Span, texts(&value["labels"])?)),
        _ => None,
    }
}

fn span(value: &Value, place: &str) -> Result<Span, LabelError> {
    let border = |name: &str| value[name].as_u64();
    match border("start").zip(border("end")) {
        Some((start, end)) if start < end => Ok(Span { start, end }),
        _ => Err(not(&format!(
            "a passage of {place} does not start before it ends, in whole characters"
        ))),
    }
}

/// Writes annotations as a list of tasks that Label Studio imports, every row as an annotation
/// of its annotator, questions as `from_name`s of one object `to_name`. The item goes into the
/// field `item` of the data: import with that field gives the same table again.
///
/// # Errors
/// [`LabelError::Mixed`] for a rating or number that is none.
pub fn export(table: &[Annotation], to_name: &str) -> Result<Vec<u8>, LabelError> {
    type ByPerson<'a> = BTreeMap<(&'a str, Option<DateTime<Utc>>), Vec<&'a Annotation>>;
    let mut items: Vec<(&str, ByPerson<'_>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for row in table {
        let place = *places.entry(&row.item).or_insert(items.len());
        if place == items.len() {
            items.push((&row.item, BTreeMap::new()));
        }
        if let Some((_, people)) = items.get_mut(place) {
            let said = people.entry((row.annotator.as_str(), row.time));
            said.or_default().push(row);
        }
    }
    let mut tasks = Vec::with_capacity(items.len());
    for (number, (item, people)) in items.iter().enumerate() {
        let mut annotations = Vec::new();
        for ((who, time), rows) in people {
            let mut annotation = Map::new();
            annotation.insert("completed_by".into(), json!({ "email": who }));
            if let Some(time) = time {
                let text = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                annotation.insert("created_at".into(), json!(text));
            }
            annotation.insert("was_cancelled".into(), json!(false));
            annotation.insert("result".into(), Value::Array(results(rows, to_name)?));
            annotations.push(Value::Object(annotation));
        }
        tasks.push(json!({
            "id": number + 1,
            "data": { "item": item },
            "annotations": annotations,
        }));
    }
    serde_json::to_vec_pretty(&tasks).map_err(|error| not(&error.to_string()))
}

/// Results of one annotation: labels of one question and passage stand in one list.
fn results(rows: &[&Annotation], to_name: &str) -> Result<Vec<Value>, LabelError> {
    let mut grouped: Vec<(&Annotation, Vec<&str>)> = Vec::new();
    for row in rows.iter().filter(|row| !row.label.is_empty()) {
        let listed = matches!(row.kind, Kind::Choice | Kind::Span);
        let same = |(first, _): &&mut (&Annotation, Vec<&str>)| {
            listed && first.question == row.question && first.span == row.span
        };
        match grouped.iter_mut().find(same) {
            Some((_, labels)) => labels.push(&row.label),
            None => grouped.push((row, vec![&row.label])),
        }
    }
    let mut results = Vec::with_capacity(grouped.len());
    for (number, (row, labels)) in grouped.iter().enumerate() {
        let (kind, value) = match row.kind {
            Kind::Choice => ("choices", json!({ "choices": labels })),
            Kind::Rating => ("rating", json!({ "rating": figure(row)? })),
            Kind::Number => ("number", json!({ "number": figure(row)? })),
            Kind::Span => {
                let Span { start, end } = row.span.unwrap_or(Span { start: 0, end: 0 });
                (
                    "labels",
                    json!({ "start": start, "end": end, "labels": labels }),
                )
            }
        };
        results.push(json!({
            "id": format!("r{}", number + 1),
            "from_name": row.question,
            "to_name": to_name,
            "type": kind,
            "value": value,
        }));
    }
    Ok(results)
}

fn figure(row: &Annotation) -> Result<Value, LabelError> {
    match serde_json::from_str::<Value>(row.label.trim()) {
        Ok(number @ Value::Number(_)) => Ok(number),
        _ => Err(LabelError::Mixed {
            question: row.question.clone(),
            reason: format!("{:?} is not a number", row.label),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = r#"[
      {"id": 12, "inner_id": 1, "project": 4, "data": {"text": "Ada met Ben.", "row": "r-1"},
       "predictions": [{"result": [{"type": "choices", "from_name": "mood", "value": {"choices": ["sad"]}}]}],
       "drafts": [], "annotations": [
        {"id": 1, "completed_by": 3, "was_cancelled": false, "created_at": "2026-02-03T04:05:06.789012Z",
         "result": [
          {"id": "a", "from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": ["glad", "calm"]}},
          {"id": "b", "from_name": "stars", "to_name": "text", "type": "rating", "value": {"rating": 4}},
          {"id": "c", "from_name": "who", "to_name": "text", "type": "labels",
           "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PERSON"]}},
          {"id": "d", "from_name": "box", "to_name": "img", "type": "rectanglelabels", "value": {}},
          {"id": "e", "from_name": "area", "to_name": "text", "type": "taxonomy", "value": {"taxonomy": [["news", "local"]]}},
          {"id": "f", "from_name": "age", "to_name": "text", "type": "number", "value": {"number": 2.5}}]},
        {"id": 2, "completed_by": {"id": 5, "email": "b@example.org"}, "was_cancelled": false,
         "created_at": "2026-02-03T05:05:06Z", "result": []},
        {"id": 3, "completed_by": 6, "was_cancelled": true, "result": []}]},
      {"id": 13, "data": {"text": "…"}}
    ]"#;

    #[test]
    fn an_export_is_read_field_by_field() {
        let read = import(EXPORT.as_bytes(), "row").expect("an export");
        assert_eq!((read.tasks, read.cancelled), (2, 1));
        assert_eq!(
            read.left_out,
            BTreeMap::from([("rectanglelabels".to_owned(), 1)])
        );
        let short: Vec<(&str, &str, &str, &str)> = read
            .table
            .iter()
            .map(|r| {
                (
                    r.annotator.as_str(),
                    r.question.as_str(),
                    r.kind.name(),
                    r.label.as_str(),
                )
            })
            .collect();
        let expected = [
            ("3", "mood", "choice", "glad"),
            ("3", "mood", "choice", "calm"),
            ("3", "stars", "rating", "4"),
            ("3", "who", "span", "PERSON"),
            ("3", "area", "choice", "news / local"),
            ("3", "age", "number", "2.5"),
            ("b@example.org", "who", "span", ""),
        ];
        assert_eq!(short, expected);
        assert!(read.table.iter().all(|row| row.item == "r-1"));
        assert_eq!(read.table[3].span, Some(Span { start: 0, end: 3 }));
        let time = read.table[0].time.expect("a time");
        assert_eq!(time.to_rfc3339(), "2026-02-03T04:05:06.789012+00:00");
    }

    #[test]
    fn what_is_written_is_read_as_the_same_table() {
        let mut table = import(EXPORT.as_bytes(), "row").expect("an export").table;
        let written = export(&table, "text").expect("numbers are numbers");
        let mut again = import(&written, "item").expect("our own").table;
        let key = |row: &Annotation| format!("{row:?}");
        table.sort_by_key(key);
        again.sort_by_key(key);
        assert_eq!(table, again);
    }

    #[test]
    fn what_is_not_an_export_is_refused_with_its_place() {
        for (wrong, says) in [
            ("{", "EOF"),
            ("3", "list of tasks"),
            (r#"[{"data": {}}]"#, "task 1 has no id"),
            (r#"[{"id": 1, "annotations": 3}]"#, "not a list"),
            (
                r#"[{"id": 1, "annotations": [{"result": []}]}]"#,
                "names nobody",
            ),
            (
                r#"[{"id": 1, "annotations": [{"completed_by": 1}]}]"#,
                "no result",
            ),
            (
                r#"[{"id": 1, "annotations": [{"completed_by": 1, "created_at": "x", "result": []}]}]"#,
                "not a time",
            ),
            (
                r#"[{"id": 1, "annotations": [{"completed_by": 1, "result": [
                    {"type": "labels", "from_name": "a", "value": {"start": 5, "end": 5, "labels": ["x"]}}]}]}]"#,
                "start before it ends",
            ),
        ] {
            let error = import(wrong.as_bytes(), "id").expect_err(wrong).to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
