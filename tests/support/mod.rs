//! A node under test, the people around it, and the files they hold.

pub mod app;
pub mod bank;
pub mod browser;
pub mod cards;
pub mod database;
pub mod files;
pub mod market;
pub mod outside;
pub mod people;
pub mod process;

pub use app::TestApp;
pub use database::Database;
pub use files::{Rows, readings};
pub use market::Market;
pub use people::Person;

use std::path::PathBuf;

/// Makes a test per database of each story `async fn(app: &mut TestApp)`.
macro_rules! journeys {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            use crate::support::{Database, app};

            #[test]
            fn on_sqlite() {
                app::run(Database::sqlite(), async |app| super::$story(app).await);
            }

            #[test]
            fn on_postgres() {
                if let Some(database) = Database::postgres() {
                    app::run(database, async |app| super::$story(app).await);
                }
            }
        }
    )+};
}
pub(crate) use journeys;

/// The same for stories `async fn(app: &mut TestApp, provider: &Provider)` on a node that takes
/// cards.
macro_rules! card_journeys {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            use crate::support::cards::Provider;
            use crate::support::{Database, app};

            fn on(database: Database) {
                let provider = Provider::start();
                app::run_with(
                    database,
                    |config| provider.set(config),
                    async |app| super::$story(app, &provider).await,
                );
            }

            #[test]
            fn on_sqlite() {
                on(Database::sqlite());
            }

            #[test]
            fn on_postgres() {
                if let Some(database) = Database::postgres() {
                    on(database);
                }
            }
        }
    )+};
}
pub(crate) use card_journeys;

/// The program under test, built beside the tests.
pub fn granary() -> PathBuf {
    let here = std::env::current_exe().expect("a test knows where it is");
    let folder = here
        .parent()
        .and_then(std::path::Path::parent)
        .expect("tests lie in target/PROFILE/deps");
    let program = folder.join("granary");
    assert!(
        program.is_file(),
        "{} is not built; `cargo test` in the workspace builds it",
        program.display()
    );
    program
}
