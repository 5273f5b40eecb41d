//! Documents lead somewhere.

use super::{files, name, none, read, root};

#[test]
fn links_in_documents_lead_to_files() {
    let mut findings = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "md"))
    {
        let text = read(file);
        for target in targets(&text) {
            let path = target.split('#').next().unwrap_or_default();
            let here = file.parent().unwrap().join(path);
            if !path.is_empty() && !here.exists() {
                findings.push(format!("{} links to {target}", name(file)));
            }
        }
    }
    none("a link that leads nowhere", &findings);
}

/// Targets of links and pictures within the project.
fn targets(text: &str) -> Vec<&str> {
    let ends = text.match_indices("](").map(|(at, _)| &text[at + 2..]);
    let links = ends.filter_map(|rest| rest.split([')', ' ', '\n']).next());
    let pictures = text
        .match_indices("src=\"")
        .filter_map(|(at, _)| text[at + 5..].split('"').next());
    links
        .chain(pictures)
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn the_check_finds_links() {
    let text = "[a](docs/a.md#x) ![b](b.png \"t\") [c](https://c) <img src=\"d.png\">";
    assert_eq!(targets(text), ["docs/a.md#x", "b.png", "d.png"]);
}

#[test]
fn the_readme_shows_the_two_commands() {
    let text = read(&root().join("README.md"));
    for command in ["cargo run -- demo", "cargo test"] {
        assert!(
            text.lines().any(|line| line.starts_with(command)),
            "README.md does not show {command}"
        );
    }
}
