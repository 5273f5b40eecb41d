//! `GET /statements/{id}`: rendered from the one signed document, so that page and file
//! can never disagree.

use actix_web::web::Path;
use askama::Template;
use ledger::money::Money;
use ledger::statement::{Line, Statement};
use serde::Deserialize;
use uuid::Uuid;

use super::chart::{self, Strip};
use super::shell::{Page, Shell, Visit, show};
use super::words;
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    shell: Shell,
    s: Statement,
    key: String,
    more: usize,
}

/// The file: the document in its signed envelope.
#[derive(Deserialize)]
struct Envelope {
    signature: Signature,
    statement: Statement,
}

#[derive(Deserialize)]
struct Signature {
    key: String,
}

/// Lines shown on the page; the file holds all of them.
const SHOWN: usize = 12;

impl StatementPage {
    fn read(shell: Shell, document: &str) -> Result<Self, Fault> {
        let Envelope {
            signature,
            statement: mut s,
        } = serde_json::from_str(document).map_err(Fault::internal)?;
        let more = s.lines.len().saturating_sub(SHOWN);
        s.lines.truncate(SHOWN);
        Ok(Self {
            shell,
            s,
            key: published_form(&signature.key),
            more,
        })
    }

    /// An amount of this statement's currency.
    fn money(&self, minor: &i64) -> String {
        let money = Money::new(*minor, self.s.head.currency);
        words::minor(&money.minor, money.currency.code())
    }

    /// The same with its sign turned: what is taken away.
    fn less(&self, minor: &i64) -> String {
        self.money(&minor.saturating_neg())
    }

    /// A movement of the bridge that is not there yet stays out of it.
    fn moves(&self) -> Vec<(&'static str, i64)> {
        let b = &self.s.bridge;
        [
            ("Released from reserve", b.released),
            ("Held in reserve", -b.held),
            ("Drawn from reserve", b.drawn),
            (
                if b.paid < 0 {
                    "Payouts that came back"
                } else {
                    "Paid out"
                },
                -b.paid,
            ),
        ]
        .into_iter()
        .filter(|(_, minor)| *minor != 0)
        .collect()
    }

    fn strip(&self) -> Strip {
        let named = |l: &Line| {
            (
                format!("{} revision {}", l.dataset_title, l.revision_number),
                l.amount,
            )
        };
        Strip::new(
            "Earned per dataset and revision; the lines below hold the numbers",
            self.s.lines.iter().map(named),
        )
    }
}

/// A public key as the node publishes it and the command line takes it: base64url, no padding.
fn published_form(standard: &str) -> String {
    standard
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

/// The page.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    let document = flows::statements::document(&visit.ctx, visit.signed()?, *id).await?;
    show(&StatementPage::read(visit.shell("statements"), &document)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn the_bridge_and_every_line_add_up_on_the_page() {
        let page = StatementPage::read(samples::member(), &samples::statement_file()).unwrap();
        samples::check(
            &page,
            &[
                "2026-11",
                "Opening balance",
                "17.91 EUR",
                "615384615384",
                "11.02 EUR",
                "granary statement verify",
                "class=\"ticket statement\"",
                "no payouts yet",
                "Late copies",
            ],
        );
    }
}
