//! A fresh database per node.

use std::sync::atomic::{AtomicU32, Ordering};

use schema::db::Pool;

use super::outside;

/// Where a node keeps its rows. A PostgreSQL database is dropped with this.
pub struct Database {
    made: Option<Made>,
}

struct Made {
    server: String,
    name: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// The embedded database in the node's own folder.
    pub fn sqlite() -> Self {
        Self { made: None }
    }

    /// A new database on the server of `TEST_DATABASE_URL`; none when there is no server.
    pub fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            outside::missing(
                "PostgreSQL",
                "TEST_DATABASE_URL=postgres://USER@HOST/NAME of a server that may be filled with databases",
            );
            return None;
        };
        let name = format!(
            "granary_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        execute(&server, &format!("CREATE DATABASE {name}"));
        Some(Self {
            made: Some(Made { server, name }),
        })
    }

    /// Both, or the embedded one alone.
    pub fn all() -> Vec<Self> {
        std::iter::once(Self::sqlite())
            .chain(Self::postgres())
            .collect()
    }

    pub fn is_postgres(&self) -> bool {
        self.made.is_some()
    }

    /// Address for `--database-url`; none for the default.
    pub fn url(&self) -> Option<String> {
        self.made.as_ref().map(|made| {
            let (host, query) = made.server.split_once('?').unwrap_or((&made.server, ""));
            let base = host.rsplit_once('/').map_or(host, |(base, _)| base);
            let query = if query.is_empty() {
                String::new()
            } else {
                format!("?{query}")
            };
            format!("{base}/{}{query}", made.name)
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            execute(
                &made.server,
                &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", made.name),
            );
        }
    }
}

fn execute(server: &str, sql: &str) {
    let pool = Pool::open(server, 1).expect("TEST_DATABASE_URL answers");
    pool.get()
        .expect("a connection")
        .execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}
