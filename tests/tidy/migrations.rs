//! Both databases have the same tables.

use std::collections::BTreeMap;

use super::{read, root};

#[derive(Debug, Default, PartialEq)]
struct Shape {
    /// Columns of each table, in order.
    tables: BTreeMap<String, Vec<String>>,
    indexes: Vec<String>,
    triggers: Vec<String>,
}

fn shape(sql: &str) -> Shape {
    let mut shape = Shape::default();
    let mut table: Option<String> = None;
    for line in sql.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["CREATE", "TABLE", name, ..] => {
                table = Some((*name).to_owned());
                shape.tables.insert((*name).to_owned(), Vec::new());
            }
            ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] => shape
                .tables
                .entry((*name).to_owned())
                .or_default()
                .push((*column).to_owned()),
            ["CREATE", "UNIQUE", "INDEX", name, rest @ ..] => shape
                .indexes
                .push(format!("unique {name} {}", rest.join(" "))),
            ["CREATE", "INDEX", name, rest @ ..] => {
                shape.indexes.push(format!("{name} {}", rest.join(" ")))
            }
            ["CREATE", "TRIGGER", name, when, what, "ON", on, ..] => {
                shape.triggers.push(format!("{name} {when} {what} {on}"))
            }
            [first, ..] if first.starts_with(')') => table = None,
            [column, _, ..]
                if column
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()) =>
            {
                if let Some(columns) = table.as_ref().and_then(|name| shape.tables.get_mut(name)) {
                    columns.push((*column).to_owned());
                }
            }
            _ => {}
        }
    }
    shape
}

fn migrations(database: &str) -> BTreeMap<String, Shape> {
    let folder = root().join("schema/migrations").join(database);
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            entry.path().join("down.sql").is_file(),
            "{name} cannot be undone"
        );
        found.insert(name, shape(&read(&entry.path().join("up.sql"))));
    }
    found
}

#[test]
fn both_databases_have_the_same_tables_columns_indexes_and_triggers() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert_eq!(
        sqlite.keys().collect::<Vec<_>>(),
        postgres.keys().collect::<Vec<_>>()
    );
    for (name, here) in &sqlite {
        assert_eq!(here, &postgres[name], "{name}");
    }
}

/// The text of every file that names tables.
fn tables() -> String {
    let mut code = read(&root().join("schema/src/tables.rs"));
    for entry in std::fs::read_dir(root().join("schema/src/tables")).unwrap() {
        code.push_str(&read(&entry.unwrap().path()));
    }
    code
}

#[test]
fn every_table_of_the_migrations_is_known_to_the_queries_in_the_same_order() {
    let code = tables();
    let mut shapes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, columns) in migrations("sqlite")
        .into_values()
        .flat_map(|shape| shape.tables)
    {
        shapes.entry(table).or_default().extend(columns);
    }
    for (table, columns) in shapes {
        let head = format!("    {table} (");
        let start = code
            .find(&head)
            .unwrap_or_else(|| panic!("{table} is not in tables.rs"));
        let body = &code[start + code[start..].find('{').unwrap() + 1..];
        let body = &body[..body.find('}').unwrap()];
        let known: Vec<&str> = body
            .lines()
            .filter_map(|line| line.trim().split_once(" ->"))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(known, columns, "{table}");
    }
}

#[test]
fn the_check_reads_sql() {
    let here = shape(
        "CREATE TABLE a (\n  id BLOB PRIMARY KEY,\n  b TEXT,\n  CHECK (b > ''),\n  PRIMARY KEY (id, b)\n);\nCREATE INDEX a_b ON a (b);\nCREATE TRIGGER t BEFORE UPDATE ON a\nBEGIN x; END;",
    );
    assert_eq!(here.tables["a"], ["id", "b"]);
    assert_eq!(here.indexes, ["a_b ON a (b);"]);
    assert_eq!(here.triggers, ["t BEFORE UPDATE a"]);
    let added = shape("ALTER TABLE a ADD COLUMN c TEXT;\n");
    assert_eq!(added.tables["a"], ["c"]);
    assert_ne!(
        here,
        shape("CREATE TABLE a (\n  b TEXT,\n  id UUID PRIMARY KEY\n);")
    );
}
