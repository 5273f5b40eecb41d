//! Catalogues read what a report exports: mlcroissant loads the Croissant form and reads the
//! rows through it, rdflib the Data Quality Vocabulary.

use std::path::Path;
use std::process::Command;

use crate::support::granary;
use crate::support::outside::{python, run};

/// Loads the description, prints its fields and rows; an error of mlcroissant's is ours.
const CROISSANT: &str = r#"
import logging, sys
logging.disable(logging.CRITICAL)
import mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
assert not dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.report()
for field in dataset.metadata.record_sets[0].fields:
    print(field.id, *field.data_types)
for row in dataset.records(record_set="rows"):
    print([row["rows/city"], int(row["rows/visits"])])
"#;

/// Prints every measurement's metric and value, after checking the terms against their use.
const DQV: &str = r#"
import sys
from rdflib import Graph, Namespace, RDF
DQV = Namespace("http://www.w3.org/ns/dqv#")
graph = Graph().parse(sys.argv[1], format="json-ld")
for one in graph.subjects(RDF.type, DQV.QualityMeasurement):
    assert list(graph.subjects(DQV.hasQualityMeasurement, one)), "a measurement of nothing"
    metric = graph.value(one, DQV.isMeasurementOf)
    assert (metric, RDF.type, DQV.Metric) in graph, metric
    value = graph.value(one, DQV.value)
    assert value is not None and value.datatype is not None, metric
    print(str(metric).rsplit(":", 1)[1], value)
"#;

fn assessed(folder: &Path) {
    let table = "city,visits\nRiga,3\nOslo,12\nBern,7\n";
    std::fs::write(folder.join("t.csv"), table).unwrap();
    let rules = "license = \"CC0-1.0\"\n[[columns]]\nname = \"city\"\ntype = \"string\"\n\
                 [[columns]]\nname = \"visits\"\ntype = \"int64\"\n";
    std::fs::write(folder.join("rules.toml"), rules).unwrap();
    let arguments = [
        "assess",
        "t.csv",
        "--rules",
        "rules.toml",
        "--report",
        "r.croissant.json",
        "--report",
        "r.dqv.jsonld",
        "--report",
        "r.json",
    ];
    run(Command::new(granary()).args(arguments).current_dir(folder));
}

#[test]
fn mlcroissant_reads_the_rows_through_a_report() {
    let Some(python) = python("mlcroissant", "pip install mlcroissant") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    assessed(folder.path());
    let mut load = Command::new(python);
    let load = load.args(["-c", CROISSANT, "r.croissant.json"]);
    let said = run(load.current_dir(folder.path()));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    assert!(
        lines[0].starts_with("rows/city ") && lines[0].ends_with("Text"),
        "{said}"
    );
    assert!(lines[1].starts_with("rows/visits "), "{said}");
    assert_eq!(
        lines[2..],
        ["[b'Riga', 3]", "[b'Oslo', 12]", "[b'Bern', 7]"]
    );
}

#[test]
fn rdflib_finds_every_measurement() {
    let Some(python) = python("rdflib", "pip install rdflib") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    assessed(folder.path());
    let mut parse = Command::new(python);
    let parse = parse.args(["-c", DQV, "r.dqv.jsonld"]);
    let said = run(parse.current_dir(folder.path()));
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let score = report["q_hundredths"].as_i64().unwrap();
    for metric in [
        "score",
        "metric-validity",
        "metric-completeness",
        "metric-uniqueness",
    ] {
        assert!(
            said.lines()
                .any(|line| line.starts_with(&format!("{metric} "))),
            "{said}"
        );
    }
    let line = format!("score {}.{:02}", score / 100, score % 100);
    assert!(said.lines().any(|found| found == line), "{line}\n{said}");
}
