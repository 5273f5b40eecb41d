//! `granary labels`: agreement, consensus, import and export. No node, no network.

use std::fs;
use std::path::{Path, PathBuf};

use quality::Source;
use quality::labels::consensus::{Consensus, dawid_skene};
use quality::labels::{
    Annotation, Answers, Kind, LabelError, Scale, agree, questions, studio, table,
};
use serde::Serialize;

use super::args::{LabelInput, Labels, LabelsAction, ReadingArgs, ScaleArg};
use super::assess::open;
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, grouped};
use super::{print_json, print_text};

/// Most lines of a list; the whole is one `--json` or `--out` away.
const MOST: usize = 20;

pub fn run(args: Labels) -> Outcome {
    match args.action {
        LabelsAction::Agree {
            input,
            scale,
            print,
        } => {
            let found = each(&input, |answers| Agreement::of(&answers, scale))?;
            if print.json {
                return print_json(&found);
            }
            let text: Vec<String> = found.iter().map(Agreement::text).collect();
            print_text(&text.join("\n"))
        }
        LabelsAction::Consensus { input, out, print } => {
            let found = each(&input, |answers| {
                let kind = answers.kind;
                Ok((answers.question.clone(), kind, dawid_skene(&answers)?))
            })?;
            if let Some(out) = out {
                let tables = found.iter().flat_map(|(question, kind, consensus)| {
                    consensus.table(question, *kind, "consensus")
                });
                write(&out, &tables.collect::<Vec<_>>(), "text")?;
            }
            let views: Vec<View> = found.iter().map(View::of).collect();
            if print.json {
                return print_json(&views);
            }
            let text: Vec<String> = views.iter().map(View::text).collect();
            print_text(&text.join("\n"))
        }
        LabelsAction::Import { files, item, out } => import(&files, &item, &out),
        LabelsAction::Export {
            files,
            to_name,
            out,
        } => {
            let json = studio::export(&read_all(&files, "item")?, &to_name).map_err(wrong)?;
            match out {
                Some(out) => fs::write(&out, json).map_err(Stop::file(&out)),
                None => print_text(&format!("{}\n", String::from_utf8_lossy(&json))),
            }
        }
    }
}

fn wrong(error: LabelError) -> Stop {
    Stop::new(Exit::Wrong, error.to_string())
}

fn import(files: &[PathBuf], item: &str, out: &Path) -> Outcome {
    let mut rows = Vec::new();
    let mut text = String::new();
    for file in files {
        let json = fs::read(file).map_err(Stop::file(file))?;
        let read = studio::import(&json, item).map_err(|error| about(file, &error))?;
        text.push_str(&format!(
            "{}: {} tasks, {} labels, {} annotations skipped by their annotator\n",
            file.display(),
            read.tasks,
            read.table.len(),
            read.cancelled
        ));
        for (kind, count) in &read.left_out {
            text.push_str(&format!("  left out: {count} results of type {kind}\n"));
        }
        rows.extend(read.table);
    }
    write(out, &rows, "text")?;
    print_text(&text)
}

fn about(file: &Path, error: &LabelError) -> Stop {
    Stop::new(Exit::Wrong, format!("{}: {error}", file.display()))
}

/// Does something with the answers to each question.
fn each<T>(input: &LabelInput, work: impl Fn(Answers) -> Result<T, LabelError>) -> Outcome<Vec<T>> {
    let rows = read_all(&input.files, "item")?;
    let names: Vec<String> = match &input.question {
        Some(question) => vec![question.clone()],
        None => questions(&rows).into_iter().map(|(name, _)| name).collect(),
    };
    if names.is_empty() {
        return Err(Stop::new(
            Exit::Wrong,
            "there are no annotations in these files",
        ));
    }
    let order = input.order.as_deref();
    let found = names.iter().map(|question| {
        let answers = Answers::new(&rows, question, order)?;
        work(answers)
    });
    found.collect::<Result<_, _>>().map_err(wrong)
}

fn read_all(files: &[PathBuf], item: &str) -> Outcome<Vec<Annotation>> {
    let mut rows = Vec::new();
    for file in files {
        let is_json = file
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if is_json {
            let json = fs::read(file).map_err(Stop::file(file))?;
            rows.extend(
                studio::import(&json, item)
                    .map_err(|error| about(file, &error))?
                    .table,
            );
        } else {
            let mut opened = open::open(file, &ReadingArgs::default(), false)?;
            let table = table::read(opened.source.as_mut());
            rows.extend(table.map_err(|error| about(file, &error))?);
            proper(file, opened.source.as_ref())?;
        }
    }
    Ok(rows)
}

/// Answers are read whole or not at all.
fn proper(file: &Path, source: &dyn Source) -> Outcome {
    let faults = source.faults();
    let Some(fault) = faults.first() else {
        return Ok(());
    };
    let why = match fault.rule {
        "not_utf8" => "is not UTF-8",
        _ => "has another number of fields than the header",
    };
    let row = fault.rows.first().copied().unwrap_or_default();
    let words = format!("{}: row {row} (from 0) {why}; correct it", file.display());
    Err(Stop::new(Exit::Wrong, words))
}

fn write(out: &Path, rows: &[Annotation], to_name: &str) -> Outcome {
    let ending = out.extension().and_then(|ending| ending.to_str());
    let bytes = match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "parquet" => table::parquet(rows).map_err(wrong)?,
        "csv" => table::csv(rows).into_bytes(),
        "json" => studio::export(rows, to_name).map_err(wrong)?,
        _ => {
            let what = format!("{}: name it .parquet, .csv or .json", out.display());
            return Err(Stop::new(Exit::Usage, what));
        }
    };
    fs::write(out, bytes).map_err(Stop::file(out))
}

/// Agreement on one question.
#[derive(Serialize)]
struct Agreement {
    question: String,
    kind: Kind,
    scale: Scale,
    units: usize,
    annotators: usize,
    answers: usize,
    krippendorff_alpha: Option<f64>,
    fleiss_kappa: Option<f64>,
    /// Why there is no Fleiss' kappa.
    #[serde(skip_serializing_if = "Option::is_none")]
    fleiss_note: Option<String>,
    cohen_kappa: Vec<Pair>,
}

/// Two annotators.
#[derive(Serialize)]
struct Pair {
    one: String,
    other: String,
    units: usize,
    kappa: Option<f64>,
}

impl Agreement {
    fn of(answers: &Answers, scale: Option<ScaleArg>) -> Result<Self, LabelError> {
        let scale = match scale {
            None => answers.kind.scale(),
            Some(ScaleArg::Nominal) => Scale::Nominal,
            Some(ScaleArg::Ordinal) => Scale::Ordinal,
            Some(ScaleArg::Interval) => Scale::Interval,
            Some(ScaleArg::Ratio) => Scale::Ratio,
        };
        let (fleiss_kappa, fleiss_note) = match agree::fleiss(answers) {
            Ok(kappa) => (kappa, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let squared = scale != Scale::Nominal;
        let mut cohen_kappa = Vec::new();
        for (one, name) in answers.annotators.iter().enumerate() {
            for (other, other_name) in answers.annotators.iter().enumerate().skip(one + 1) {
                let units = agree::shared(answers, one, other);
                if units > 0 {
                    cohen_kappa.push(Pair {
                        one: name.clone(),
                        other: other_name.clone(),
                        units,
                        kappa: agree::cohen(answers, one, other, squared),
                    });
                }
            }
        }
        Ok(Self {
            question: answers.question.clone(),
            kind: answers.kind,
            scale,
            units: answers.units.len(),
            annotators: answers.annotators.len(),
            answers: answers.units.iter().map(|unit| unit.answers.len()).sum(),
            krippendorff_alpha: agree::alpha(answers, scale)?,
            fleiss_kappa,
            fleiss_note,
            cohen_kappa,
        })
    }

    fn text(&self) -> String {
        let alpha = self.krippendorff_alpha;
        let mut text = format!(
            "{} ({}, {} scale): {} units, {} annotators, {} answers\n  Krippendorff's alpha  {}{}\n",
            self.question,
            self.kind.name(),
            format!("{:?}", self.scale).to_lowercase(),
            grouped(self.units as i64),
            self.annotators,
            grouped(self.answers as i64),
            figure(alpha),
            alpha.map_or("", reading),
        );
        match &self.fleiss_note {
            Some(note) => text.push_str(&format!("  Fleiss' kappa         – {note}\n")),
            None => text.push_str(&format!(
                "  Fleiss' kappa         {}\n",
                figure(self.fleiss_kappa)
            )),
        }
        let mut pairs = Table::new(&["one", "other", ">units", ">Cohen's kappa"]).indented(2);
        for pair in self.cohen_kappa.iter().take(MOST) {
            pairs.row([
                pair.one.clone(),
                pair.other.clone(),
                grouped(pair.units as i64),
                figure(pair.kappa),
            ]);
        }
        if !pairs.is_empty() {
            text.push_str(&pairs.to_string());
        }
        text
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(
        || "– (one label alone)".to_owned(),
        |value| format!("{value:.3}"),
    )
}

/// Krippendorff's customary bounds.
fn reading(alpha: f64) -> &'static str {
    match alpha {
        0.8.. => "  reliable (0.800 or more)",
        0.667.. => "  for tentative conclusions (0.667 to 0.800)",
        _ => "  not reliable (below 0.667)",
    }
}

/// Consensus on one question.
#[derive(Serialize)]
struct View {
    question: String,
    rounds: usize,
    classes: Vec<Class>,
    annotators: Vec<Person>,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Class {
    label: String,
    share: f64,
}

#[derive(Serialize)]
struct Person {
    annotator: String,
    accuracy: f64,
    /// Units of 2^-32, as a text because it may be longer than a JSON number.
    weight: String,
    share: f64,
    /// Lines by true label, in the order of the classes.
    errors: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Item {
    item: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    label: String,
    probability: f64,
}

impl View {
    fn of((question, _, consensus): &(String, Kind, Consensus)) -> Self {
        let weights = consensus.weights();
        let total: u128 = weights.values().sum();
        let people = consensus
            .annotators
            .iter()
            .zip(&consensus.errors)
            .enumerate();
        let classes = consensus.labels.iter().zip(&consensus.priors);
        let items = consensus.units.iter().map(|unit| {
            let (label, probability) = unit.best();
            Item {
                item: unit.item.clone(),
                start: unit.span.map(|span| span.start),
                end: unit.span.map(|span| span.end),
                label: consensus.labels.get(label).cloned().unwrap_or_default(),
                probability,
            }
        });
        Self {
            question: question.clone(),
            rounds: consensus.rounds,
            classes: classes
                .map(|(label, share)| Class {
                    label: label.clone(),
                    share: *share,
                })
                .collect(),
            annotators: people
                .map(|(place, (annotator, errors))| {
                    let weight = weights.get(annotator).copied().unwrap_or(0);
                    Person {
                        annotator: annotator.clone(),
                        accuracy: consensus.accuracy(place),
                        weight: weight.to_string(),
                        share: weight as f64 / total.max(1) as f64,
                        errors: errors.clone(),
                    }
                })
                .collect(),
            items: items.collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} units, {} labels, {} annotators, {} rounds\n",
            self.question,
            grouped(self.items.len() as i64),
            self.classes.len(),
            self.annotators.len(),
            self.rounds
        );
        let mut people = Table::new(&["annotator", ">right", ">share of the pay"]).indented(2);
        for person in self.annotators.iter().take(MOST) {
            people.row([
                person.annotator.clone(),
                format!("{:.1} %", person.accuracy * 100.0),
                format!("{:.2} %", person.share * 100.0),
            ]);
        }
        let mut unsure: Vec<&Item> = self.items.iter().collect();
        unsure.sort_by(|a, b| a.probability.total_cmp(&b.probability));
        let mut items = Table::new(&["least certain", "label", ">probability"]).indented(2);
        for item in unsure.iter().take(MOST / 2) {
            let place = match item.start.zip(item.end) {
                Some((start, end)) => format!("{} [{start}, {end})", item.item),
                None => item.item.clone(),
            };
            items.row([
                place,
                item.label.clone(),
                format!("{:.3}", item.probability),
            ]);
        }
        text.push_str(&format!("{people}\n{items}"));
        text
    }
}
