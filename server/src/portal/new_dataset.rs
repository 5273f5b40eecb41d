//! `/datasets/new`: title, description, who contributes, and the column contract if it is known.

use actix_web::web::Form;
use askama::Template;
use schema::wire::{Admission, NewDataset};
use serde::Deserialize;

use super::fail;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "new_dataset.html")]
struct New {
    shell: Shell,
    typed: Typed,
    wrong: Option<Wrong>,
}

/// The form as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    title: String,
    description: String,
    slug: String,
    admission: String,
    commission: String,
    contract: String,
}

impl Typed {
    fn wire(&self) -> Result<NewDataset, Fault> {
        let contract = match self.contract.trim() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|e| {
                Fault::invalid("contract", format!("The column contract is not JSON: {e}."))
            })?),
        };
        Ok(NewDataset {
            title: self.title.trim().to_owned(),
            description: self.description.trim().to_owned(),
            slug: Some(self.slug.trim().to_owned()).filter(|s| !s.is_empty()),
            contract,
            admission: Some(admission(&self.admission)),
            commission_bps: percent("commission", &self.commission)?,
        })
    }
}

/// Reads the choice of who contributes; the narrowest when nothing known was sent.
pub fn admission(choice: &str) -> Admission {
    match choice {
        "open" => Admission::Open,
        "invited" => Admission::Invited,
        _ => Admission::Owner,
    }
}

/// Reads a percentage with up to two decimals as basis points.
fn percent(field: &str, typed: &str) -> Result<u16, Fault> {
    let wrong = || {
        Fault::invalid(
            field,
            "Write a percentage between 0 and 100, such as 5 or 2.5.",
        )
    };
    let typed = typed.trim().trim_end_matches('%').trim_end();
    let (whole, part) = typed.split_once('.').unwrap_or((typed, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    match (whole.len(), part.len()) {
        (0, 0) => Ok(0),
        (1..=3, 0..=2) if digits(whole) && digits(part) => {
            let bps: u16 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
            if bps <= 10_000 { Ok(bps) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

/// The empty form.
pub async fn page(visit: Visit) -> Page {
    visit.signed()?;
    render(&visit, Typed::default(), None)
}

/// Creates the dataset.
pub async fn create(visit: Visit, form: Form<Typed>) -> Page {
    let (me, typed) = (visit.signed()?, form.into_inner());
    let made = match typed.wire() {
        Ok(new) => flows::create_dataset::run(&visit.ctx, me, new).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(d) => Ok(see_other(format!(
            "/datasets/{}/manage?done=dataset",
            d.slug
        ))),
        Err(fault) => render(&visit, typed, Some(Wrong::of(fault)?)),
    }
}

fn render(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Page {
    let page = New {
        shell: visit.shell("datasets"),
        typed,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn percentages_become_basis_points() {
        for (typed, bps) in [
            ("", 0),
            ("5", 500),
            ("2.5", 250),
            ("2.05 %", 205),
            ("100", 10_000),
            ("0.01", 1),
        ] {
            assert_eq!(percent("c", typed).unwrap(), bps, "{typed}");
        }
        for wrong in ["-1", "100.01", "1.234", "x", "1,5", "1e2", ".5"] {
            assert!(percent("c", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_contract_that_is_not_json_keeps_what_was_typed() {
        let typed = Typed {
            title: "Harvest".into(),
            contract: "{oops".into(),
            ..Typed::default()
        };
        let fault = typed.wire().unwrap_err();
        let page = New {
            shell: samples::member(),
            wrong: Wrong::of(fault).ok(),
            typed,
        };
        samples::check(
            &page,
            &[
                "value=\"Harvest\"",
                "{oops",
                "not JSON",
                "aria-invalid=\"true\"",
            ],
        );
    }
}
