//! What each crate must never contain, read from cargo's own resolution.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use super::{none, root};

/// Crates that the normal-dependency closure of a leaf must not reach. `x` also bans `x-…`.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "ledger",
        &[
            "actix",
            "diesel",
            "polars",
            "arrow",
            "age",
            "tokio",
            "dataset-core",
            "quality",
            "schema",
            "server",
        ],
    ),
    (
        "quality",
        &[
            "actix",
            "diesel",
            "age",
            "dataset-core",
            "ledger",
            "schema",
            "server",
        ],
    ),
    (
        "dataset-core",
        &[
            "actix", "diesel", "polars", "ledger", "quality", "schema", "server",
        ],
    ),
    (
        "schema",
        &[
            "actix",
            "polars",
            "arrow",
            "age",
            "dataset-core",
            "ledger",
            "quality",
            "server",
        ],
    ),
];

/// Crates that must not be named by `server` itself.
const NOT_DIRECTLY: &[&str] = &["polars", "libsqlite3-sys", "pq-sys"];

/// Crates that nobody may bring in: known holes, or a second provider of the same thing.
const NOWHERE: &[&str] = &[
    "h2-0.3",
    "aws-lc-rs",
    "aws-lc-sys",
    "openssl",
    "openssl-sys",
    "rsa",
];

/// Names of the packages and what each needs to be built, by package id.
struct Graph {
    names: BTreeMap<String, (String, String)>,
    needs: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let names = list(&metadata["packages"])
            .iter()
            .map(|package| {
                (
                    text(&package["id"]),
                    (text(&package["name"]), text(&package["version"])),
                )
            })
            .collect();
        let normal = |dep: &Value| {
            list(&dep["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"].is_null())
        };
        let needs = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let deps = list(&node["deps"])
                    .iter()
                    .filter(|dep| normal(dep))
                    .map(|dep| text(&dep["pkg"]))
                    .collect();
                (text(&node["id"]), deps)
            })
            .collect();
        Self { names, needs }
    }

    fn id(&self, name: &str) -> String {
        let found = self.names.iter().find(|(_, (known, _))| known == name);
        found
            .unwrap_or_else(|| panic!("{name} is not a package"))
            .0
            .clone()
    }

    /// Everything a package is built from, each with the way to it.
    fn closure(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let start = self.id(name);
        let mut ways = BTreeMap::from([(start.clone(), vec![name.to_owned()])]);
        let mut queue = vec![start];
        while let Some(at) = queue.pop() {
            for need in self.needs.get(&at).into_iter().flatten() {
                if !ways.contains_key(need) {
                    let mut way = ways[&at].clone();
                    way.push(self.names[need].0.clone());
                    ways.insert(need.clone(), way);
                    queue.push(need.clone());
                }
            }
        }
        ways
    }
}

fn banned(name: &str, list: &[&str]) -> bool {
    list.iter().any(|ban| {
        name == *ban
            || name
                .strip_prefix(ban)
                .is_some_and(|rest| rest.starts_with('-'))
    })
}

fn leaves_that_reach_too_far(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for (leaf, list) in FORBIDDEN {
        let ways = graph.closure(leaf);
        let far = ways
            .values()
            .filter(|way| way.len() > 1 && banned(way.last().unwrap(), list));
        findings.extend(far.map(|way| way.join(" → ")));
    }
    findings
}

fn metadata() -> Value {
    let rustc = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let about = String::from_utf8(rustc.stdout).unwrap();
    let host = about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args([
            "metadata",
            "--offline",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            host,
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn leaves_stay_leaves() {
    none(
        "a leaf reaches what it must not contain",
        &leaves_that_reach_too_far(&Graph::read(&metadata())),
    );
}

#[test]
fn the_server_leaves_tables_of_numbers_to_the_leaf() {
    let graph = Graph::read(&metadata());
    let direct = graph.needs[&graph.id("server")]
        .iter()
        .map(|id| &graph.names[id].0);
    let findings: Vec<String> = direct
        .filter(|name| banned(name, NOT_DIRECTLY))
        .cloned()
        .collect();
    none("server must not name", &findings);
}

#[test]
fn nothing_known_to_be_unsafe_is_built_in() {
    let graph = Graph::read(&metadata());
    let reached = graph.closure("server");
    let known: BTreeSet<String> = reached
        .keys()
        .flat_map(|id| {
            let (name, version) = &graph.names[id];
            let short = version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
            [name.clone(), format!("{name}-{short}")]
        })
        .collect();
    let findings: Vec<String> = NOWHERE
        .iter()
        .filter(|ban| known.contains(**ban))
        .map(|ban| (*ban).to_owned())
        .collect();
    none("see docs/decisions for why not", &findings);
}

#[test]
fn the_check_follows_normal_dependencies_only() {
    let package = |name: &str| json!({"id": name, "name": name, "version": "1.0.0"});
    let need = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
    let node = |id: &str, deps: Value| json!({"id": id, "deps": deps});
    let names = [
        "ledger",
        "quality",
        "dataset-core",
        "schema",
        "chrono",
        "tokio",
        "tokio-util",
        "agenda",
    ];
    let fixture = |kind: Value| {
        json!({
            "packages": names.map(package),
            "resolve": {"nodes": [
                node("ledger", json!([need("chrono", json!(null)), need("agenda", json!(null))])),
                node("chrono", json!([need("tokio-util", kind)])),
                node("quality", json!([])), node("dataset-core", json!([])), node("schema", json!([])),
            ]}
        })
    };
    let reached = leaves_that_reach_too_far(&Graph::read(&fixture(json!(null))));
    assert_eq!(reached, ["ledger → chrono → tokio-util"]);
    assert!(leaves_that_reach_too_far(&Graph::read(&fixture(json!("dev")))).is_empty());
    assert!(leaves_that_reach_too_far(&Graph::read(&fixture(json!("build")))).is_empty());
}
