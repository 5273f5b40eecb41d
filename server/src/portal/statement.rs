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
    /// The issue that took the place of this one.
    next: Option<Uuid>,
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

/// Formats to take along, by the end of their address.
const FORMATS: [(&str, &str); 5] = [
    ("pdf", "PDF"),
    ("csv", "CSV"),
    ("parquet", "Parquet"),
    ("hledger", "hledger and ledger"),
    ("beancount", "beancount"),
];

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
            next: None,
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

    fn formats(&self) -> [(&'static str, &'static str); 5] {
        FORMATS
    }

    /// The bridge as one sum.
    fn bridge_sum(&self) -> String {
        let b = &self.s.bridge;
        let mut sum = self.money(&b.opening);
        let moves = self.moves();
        for minor in [b.earned]
            .iter()
            .chain(moves.iter().map(|(_, minor)| minor))
        {
            let sign = if *minor < 0 { "−" } else { "+" };
            let amount = self.money(&minor.saturating_abs());
            sum.push_str(&format!(" {sign} {amount}"));
        }
        format!("{sum} = {}", self.money(&b.closing))
    }

    /// A line's arithmetic, step by step, in integers.
    fn steps(&self, l: &Line) -> Vec<String> {
        let mut into = format!("{} − {} − {} − {}", l.gross, l.tax, l.fee, l.commission);
        for refund in &l.refunds {
            into.push_str(&format!(" − {}", refund.net));
        }
        if let Some(part) = &l.subscriptions {
            into.push_str(&format!(" + {} + {}", part.by_use, part.by_list_price));
        }
        vec![
            format!("pool = {into} = {}", l.pool_delta),
            format!(
                "share = 10¹² × {} ÷ {} = {} (rounded by largest remainders)",
                l.weight, l.weight_total, l.share_ppt
            ),
            format!(
                "({} + {} × {}) ÷ 10¹² = {}, rest {}",
                l.carry_before, l.pool_delta, l.share_ppt, l.amount, l.carry_after
            ),
        ]
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
    let me = visit.signed()?;
    let document = flows::statements::document(&visit.ctx, me, *id).await?;
    let next = flows::statements::superseded_by(&visit.ctx, me, *id).await?;
    show(&StatementPage {
        next,
        ..StatementPage::read(visit.shell("statements"), &document)?
    })
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
                "0.00 EUR + 11.02 EUR = 11.02 EUR",
                "pool = 1990 − 0 − 199 − 0 = 1791",
                "(0 + 1791 × 615384615384) ÷ 10¹² = 1102, rest 153846152744",
                ".beancount\"",
                "class=\"ticket statement\"",
                "no payouts yet",
                "Late copies",
            ],
        );
    }

    #[test]
    fn an_issue_that_was_replaced_leads_to_the_one_in_force() {
        let page = StatementPage::read(samples::member(), &samples::statement_file()).unwrap();
        let html = samples::check(&page, &[]);
        assert!(!html.contains("took the place"), "{html}");
        let next = Some(Uuid::from_u128(77));
        let words = format!("href=\"/statements/{}\"", Uuid::from_u128(77));
        samples::check(&StatementPage { next, ..page }, &["took the place", &words]);
    }
}
