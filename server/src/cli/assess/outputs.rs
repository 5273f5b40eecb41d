//! What is shown and written.

use std::path::{Path, PathBuf};

use quality::Inspection;

use super::signed;
use crate::cli::args::Assess;
use crate::cli::stop::{Exit, Outcome, Stop};

/// Where the name of the assessed file goes.
const NAME: &str = "{}";

/// The forms of a report, by ending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Html,
    Markdown,
    Dqv,
    Croissant,
}

const FORMS: [(&str, Form); 6] = [
    (".dqv.jsonld", Form::Dqv),
    (".croissant.json", Form::Croissant),
    (".json", Form::Json),
    (".html", Form::Html),
    (".htm", Form::Html),
    (".md", Form::Markdown),
];

fn form(path: &Path) -> Outcome<Form> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let found = FORMS.iter().find(|(ending, _)| name.ends_with(ending));
    found.map(|(_, form)| *form).ok_or_else(|| {
        let known = FORMS.map(|(ending, _)| ending).join(", ");
        Stop::new(
            Exit::Usage,
            format!(
                "{}: the ending of a report is one of {known}",
                path.display()
            ),
        )
    })
}

/// Refuses what cannot be written before anything is read.
pub fn check(args: &Assess) -> Outcome {
    for report in &args.report {
        form(report)?;
    }
    let several = args.files.len() > 1;
    let outputs = args.report.iter().chain(&args.cleaning.clean);
    for output in outputs {
        if several && !output.to_string_lossy().contains(NAME) {
            return Err(Stop::new(
                Exit::Usage,
                format!(
                    "{}: with several files, write {NAME} where the name of each goes",
                    output.display()
                ),
            ));
        }
    }
    Ok(())
}

/// A path with the name of the assessed file in its place.
pub fn place(pattern: &Path, file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(pattern.to_string_lossy().replace(NAME, &stem))
}

/// The report for a terminal.
pub fn summary(file: &Path, inspection: &Inspection) -> String {
    let encoding = inspection.encoding.as_ref();
    let encoding = encoding.map_or(String::new(), |encoding| format!(" ({encoding})"));
    let text = inspection.report.render_text();
    format!("{}{encoding}\n{text}", file.display())
}

/// Writes every report that was asked for.
pub fn write(file: &Path, args: &Assess, inspection: &Inspection) -> Outcome {
    let report = &inspection.report;
    let title = file.file_name().unwrap_or_default().to_string_lossy();
    for pattern in &args.report {
        let path = place(pattern, file);
        let values = args.values.then_some(&inspection.preview);
        let bytes = match form(&path)? {
            Form::Json => signed::json(report, args.sign.as_deref())?,
            Form::Html => report.to_html(&title, values).into_bytes(),
            Form::Markdown => report.to_markdown(&title).into_bytes(),
            Form::Dqv => pretty(&report.to_dqv(&title))?,
            Form::Croissant => pretty(&report.to_croissant(&title))?,
        };
        std::fs::write(&path, bytes).map_err(Stop::file(&path))?;
    }
    Ok(())
}

fn pretty(value: &serde_json::Value) -> Outcome<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
    bytes.push(b'\n');
    Ok(bytes)
}
