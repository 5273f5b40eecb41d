//! Rows that are unusual as a whole, by us and by scikit-learn's robust covariance.

use std::process::Command;

use serde_json::Value;

use crate::support::granary;
use crate::support::outside::{python, run};

const INSTALL: &str = "pip install scikit-learn, and GRANARY_TEST_PYTHON set to that python";

/// 4,000 correlated rows of five columns, every 40th drawn away; answers the 20 farthest.
const FARTHEST: &str = r#"
import json, sys, numpy as np
from sklearn.covariance import MinCovDet
rng = np.random.default_rng(5)
rows = rng.normal(size=(4000, 5)) @ rng.normal(size=(5, 5)) + [10, 20, 0, -5, 100]
rows[::40] += rng.normal(size=(100, 5)) * 6
lines = ["a,b,c,d,e"] + [",".join(map(repr, row)) for row in rows.tolist()]
open(sys.argv[1], "w").write("\n".join(lines) + "\n")
far = np.sqrt(MinCovDet(support_fraction=.75, random_state=0).fit(rows).mahalanobis(rows))
print(json.dumps([[int(row), far[row]] for row in np.argsort(-far)[:20]]))
"#;

#[test]
fn the_farthest_rows_are_those_of_scikit_learn() {
    let Some(python) = python("sklearn.covariance", INSTALL) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    let theirs = run(Command::new(python).args(["-c", FARTHEST]).arg(&file));
    let theirs: Vec<(u64, f64)> = serde_json::from_str(&theirs).unwrap();
    let report = run(Command::new(granary())
        .arg("assess")
        .arg(&file)
        .arg("--json"));
    let report: Value = serde_json::from_str(&report).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let found = sections
        .iter()
        .find(|section| section["name"] == "joint_outliers");
    let lines = found.unwrap()["rows"].as_array().unwrap();
    let ours = lines.iter().map(|line| {
        let distance = line[1]["millionths"].as_i64().unwrap() as f64 / 1e6;
        (line[0]["count"].as_u64().unwrap(), distance)
    });
    let ours: Vec<(u64, f64)> = ours.collect();
    assert_eq!(ours.len(), theirs.len());
    for (row, distance) in theirs {
        let found = ours.iter().find(|(ours, _)| *ours == row);
        let ours = found
            .unwrap_or_else(|| panic!("row {row} is among the farthest"))
            .1;
        assert!(
            (ours / distance - 1.0).abs() < 0.03,
            "row {row}: {ours}, {distance}"
        );
    }
}
