//! Every route is walked by a user story, or stands on the list of those that are not yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::source::all;
use super::{read, root};

/// Routes no journey calls yet; may only shrink.
const RATCHET: &str = "tests/uncovered-routes.txt";

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// `METHOD /path` of every operation of the API's description.
pub fn operations() -> BTreeSet<String> {
    let described: Value =
        serde_json::from_str(&read(&root().join("schema/openapi.json"))).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
        found.extend(methods.map(|method| format!("{} {}", method.to_uppercase(), plain(path))));
    }
    found
}

/// A path with every parameter written `{}`.
pub fn plain(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => (inside, out) = (true, out + "{}"),
            '}' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// The client's functions by the operation that their comment names first.
fn client_functions(code: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut operation = None;
    for line in code.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("/// `") {
            operation = rest
                .split('`')
                .next()
                .filter(|text| text.contains(" /"))
                .map(plain);
        } else if let Some(rest) = line.strip_prefix("pub async fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
            if let Some(operation) = operation.take() {
                found.entry(operation).or_default().push(name);
            }
        }
    }
    found
}

/// Operations that the texts of journeys call, by a client's function or by name.
fn walked(
    journeys: &str,
    functions: &BTreeMap<String, Vec<String>>,
    operations: &BTreeSet<String>,
) -> BTreeSet<String> {
    let called = |operation: &str| {
        let by_function = functions
            .get(operation)
            .into_iter()
            .flatten()
            .any(|name| journeys.contains(&format!(".{name}(")));
        by_function || journeys.contains(&format!("\"{operation}\""))
    };
    operations
        .iter()
        .filter(|operation| called(operation))
        .cloned()
        .collect()
}

#[test]
fn every_route_is_walked_by_a_journey_or_listed() {
    let journeys: String = all()
        .iter()
        .filter(|source| {
            ["tests/journeys/", "tests/support/"]
                .iter()
                .any(|room| source.name.starts_with(room))
        })
        .map(|source| source.text.as_str())
        .collect();
    let functions = client_functions(&read(&root().join("server/src/client/routes.rs")));
    let operations = operations();
    let walked = walked(&journeys, &functions, &operations);
    let left: String = operations
        .difference(&walked)
        .map(|operation| format!("{operation}\n"))
        .collect();
    let listed = read(&root().join(RATCHET));
    assert!(
        left == listed,
        "{RATCHET} differs. New here: walk it in a journey. Gone here: write this down:\n{left}"
    );
}

#[test]
fn the_check_knows_a_walked_route() {
    let functions = client_functions(
        "/// `GET /api/v1/a/{id}`; more\npub async fn a(&self) {}\n/// words\npub async fn b() {}",
    );
    let operations = BTreeSet::from([
        "GET /api/v1/a/{}".to_owned(),
        "POST /b".to_owned(),
        "PUT /c/{}".to_owned(),
    ]);
    let walked = walked("x.a(1); ask(\"PUT /c/{}\")", &functions, &operations);
    assert_eq!(
        walked.into_iter().collect::<Vec<_>>(),
        ["GET /api/v1/a/{}", "PUT /c/{}"]
    );
}
