//! `/operator/tax`: rates of sales tax, the report of a month, the latest invoices.

use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::{InvoiceView, NewTaxRate, PageQuery, TaxRateView, TaxReport};
use serde::Deserialize;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

/// Invoices that are shown.
const LATEST: u16 = 20;

#[derive(Template)]
#[template(path = "operator_tax.html")]
struct Taxes {
    shell: Shell,
    /// Basis points where the table has none.
    default_bps: i32,
    /// Where the node itself is taxed.
    own: Option<String>,
    rates: Vec<TaxRateView>,
    report: TaxReport,
    documents: Vec<InvoiceView>,
    /// Whether each is shown with its buyer.
    buyers: bool,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// Which month to report.
#[derive(Debug, Default, Deserialize)]
pub struct Month {
    period: Option<String>,
}

/// The form as typed.
#[derive(Debug, Default, Deserialize)]
pub struct Typed {
    jurisdiction: String,
    name: String,
    bps: String,
    #[serde(default)]
    reverse_charge: Option<String>,
    from: String,
}

impl Typed {
    fn wire(&self) -> Result<NewTaxRate, Fault> {
        let bps = self
            .bps
            .trim()
            .parse()
            .map_err(|_| Fault::invalid("bps", "Write a whole number, 0 to 10000."))?;
        let valid_from = match self.from.trim() {
            "" => None,
            day => Some(
                format!("{day}T00:00:00Z")
                    .parse()
                    .map_err(|_| Fault::invalid("from", "Write a day, such as 2027-01-01."))?,
            ),
        };
        Ok(NewTaxRate {
            jurisdiction: self.jurisdiction.clone(),
            name: self.name.clone(),
            bps,
            reverse_charge: self.reverse_charge.is_some(),
            valid_from,
            valid_until: None,
        })
    }
}

/// The page.
pub async fn page(visit: Visit, query: Query<Month>) -> Page {
    render(&visit, query.period.as_deref(), Typed::default(), None).await
}

/// Sets a rate.
pub async fn set(visit: Visit, form: Form<Typed>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let done = match typed.wire() {
        Ok(new) => flows::taxes::add(&visit.ctx, me, new).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(_) => Ok(see_other("/operator/tax?done=saved")),
        Err(fault) => render(&visit, None, typed, Some(Wrong::of(on_the_form(fault))?)).await,
    }
}

/// The form asks for a day alone.
fn on_the_form(fault: Fault) -> Fault {
    match fault.clause.as_deref() {
        Some("valid_from") => fault.about("from"),
        _ => fault,
    }
}

async fn render(visit: &Visit, period: Option<&str>, typed: Typed, wrong: Option<Wrong>) -> Page {
    let me = visit.signed()?;
    let period = period.map(str::trim).filter(|name| !name.is_empty());
    let latest = PageQuery {
        cursor: None,
        limit: Some(LATEST),
    };
    let page = Taxes {
        shell: visit.shell("operator"),
        default_bps: visit.ctx.config.tax_bps.into(),
        own: visit.ctx.config.seller.seller_jurisdiction.clone(),
        rates: flows::taxes::list(&visit.ctx, me).await?.items,
        report: flows::tax_report::run(&visit.ctx, me, period).await?,
        documents: flows::invoices::all(&visit.ctx, me, latest).await?.items,
        buyers: true,
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample() -> Taxes {
        Taxes {
            shell: samples::operator(),
            default_bps: 700,
            own: Some("DE".into()),
            rates: samples::tax_rates(),
            report: samples::tax_report(),
            documents: vec![samples::credit_note(), samples::invoice()],
            buyers: true,
            typed: Typed::default(),
            wrong: None,
        }
    }

    #[test]
    fn shows_rates_report_and_invoices() {
        samples::check(
            &sample(),
            &[
                "VAT DE",
                "19 %",
                "Reverse charge",
                "In force",
                "Superseded",
                "tax-report.csv?period=2026-11",
                "2026-000007",
                "1.20 EUR of it are corrections",
            ],
        );
        let empty = Taxes {
            rates: vec![],
            documents: vec![],
            own: None,
            report: TaxReport {
                period: "2026-11".into(),
                lines: vec![],
                accounts: vec![],
            },
            ..sample()
        };
        samples::check(
            &empty,
            &["applies: 7 %.", "Nothing was sold", "--seller-jurisdiction"],
        );
    }

    #[test]
    fn a_wrong_rate_keeps_what_was_typed() {
        let typed = Typed {
            jurisdiction: "DE".into(),
            name: "VAT".into(),
            bps: "lots".into(),
            reverse_charge: Some("on".into()),
            from: "2027-01-01".into(),
        };
        let problem = typed.wire().expect_err("bps is no number");
        let page = Taxes {
            typed,
            wrong: Some(Wrong::of(problem).expect("can be mended")),
            ..sample()
        };
        samples::check(
            &page,
            &[
                "value=\"lots\"",
                "value=\"2027-01-01\"",
                "checked",
                "aria-invalid",
            ],
        );
    }
}
