//! dataset, upload, contribution, withdraw, publish, offer, sales.

use std::path::Path;

use schema::wire::{
    Admission, ContributionState, ContributionView, DatasetPatch, DatasetView, NewClearance,
    NewDataset, NewOffer, NewRevision, OverlapView, RevisionView, SalePreview,
};
use serde_json::Value;

use super::amount::{number, show};
use super::args::{
    AdmissionArg, Contribution, ContributionAction, CreateDataset, Dataset, DatasetAction,
    EditDataset, Offer, Publish, Sales, Upload, Withdraw,
};
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, grade, grouped, share};
use super::{ask, bars, print_json, print_text, report, settings};
use crate::client::{Client, upload as sending};

impl From<AdmissionArg> for Admission {
    fn from(arg: AdmissionArg) -> Self {
        match arg {
            AdmissionArg::Owner => Self::Owner,
            AdmissionArg::Invited => Self::Invited,
            AdmissionArg::Open => Self::Open,
        }
    }
}

pub async fn dataset(args: Dataset) -> Outcome {
    match args.action {
        DatasetAction::Create(args) => create(&args).await,
        DatasetAction::List {
            search,
            print,
            remote,
        } => {
            let datasets = settings::visitor(&remote)?
                .datasets(search.as_deref())
                .await?;
            if print.json {
                return print_json(&datasets);
            }
            print_text(&list(&datasets))
        }
        DatasetAction::Show {
            dataset,
            print,
            remote,
        } => {
            let dataset = settings::visitor(&remote)?.dataset(&dataset).await?;
            if print.json {
                print_json(&dataset)
            } else {
                print_text(&describe(&dataset))
            }
        }
        DatasetAction::Edit(args) => edit(&args).await,
        DatasetAction::Invite {
            dataset,
            handles,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let id = client.dataset(&dataset).await?.id;
            let patch = DatasetPatch {
                invite: handles.clone(),
                ..DatasetPatch::default()
            };
            client.edit_dataset(id, &patch).await?;
            print_text(&format!("Invited to {dataset}: {}\n", handles.join(", ")))
        }
    }
}

async fn create(args: &CreateDataset) -> Outcome {
    let contract = args.contract.as_deref().map(read_json).transpose()?;
    let made = settings::party(&args.remote)?
        .create_dataset(&NewDataset {
            title: args.title.clone(),
            description: args.description.clone(),
            slug: args.slug.clone(),
            contract,
            admission: Some(args.admission.into()),
            commission_bps: args.commission_bps,
        })
        .await?;
    if args.print.json {
        return print_json(&made);
    }
    print_text(&format!(
        "{} is open as {}.\nNext: granary upload FILE.parquet --dataset {}\n",
        made.title, made.slug, made.slug
    ))
}

async fn edit(args: &EditDataset) -> Outcome {
    let client = settings::party(&args.remote)?;
    let id = client.dataset(&args.dataset).await?.id;
    let patch = DatasetPatch {
        title: args.title.clone(),
        description: args.description.clone(),
        admission: args.admission.map(Into::into),
        contract: args.contract.as_deref().map(read_json).transpose()?,
        license: args.licence.clone(),
        personal: args.personal.iter().cloned().collect(),
        invite: Vec::new(),
    };
    let edited = client.edit_dataset(id, &patch).await?;
    if args.print.json {
        return print_json(&edited);
    }
    print_text(&describe(&edited))
}

pub(super) fn read_json(path: &Path) -> Outcome<Value> {
    let bytes = std::fs::read(path).map_err(Stop::file(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Stop::new(Exit::Machine, format!("{}: {error}", path.display())))
}

fn list(datasets: &[DatasetView]) -> String {
    if datasets.is_empty() {
        return "No datasets.\n".to_owned();
    }
    let mut table = Table::new(&["dataset", "owner", ">revision", ">rows", ">grade", "title"]);
    for dataset in datasets {
        let revision = dataset.revision.as_ref();
        table.row([
            dataset.slug.clone(),
            dataset.owner.handle.clone(),
            revision.map_or("–".into(), |r| r.number.to_string()),
            revision.and_then(|r| r.rows).map_or("–".into(), grouped),
            revision.map_or("–".into(), |r| grade(r.grade, r.letter.as_deref())),
            dataset.title.clone(),
        ]);
    }
    table.to_string()
}

fn describe(dataset: &DatasetView) -> String {
    let mut text = format!("{}\n", dataset.title);
    if !dataset.description.is_empty() {
        text.push_str(&format!("{}\n", dataset.description));
    }
    let mut facts = Table::pairs();
    facts
        .row(["slug", &dataset.slug])
        .row(["owner", &dataset.owner.handle]);
    facts.row([
        "admission".to_owned(),
        format!("{:?}", dataset.admission).to_lowercase(),
    ]);
    facts.row(["state", &dataset.state]);
    if dataset.commission_bps > 0 {
        facts.row([
            "owner's commission".to_owned(),
            basis_points(dataset.commission_bps),
        ]);
    }
    if let Some(class) = dataset
        .revision
        .as_ref()
        .and_then(|r| r.personal_data.clone())
    {
        facts.row(["personal data".to_owned(), class]);
    }
    match &dataset.revision {
        Some(revision) => facts.row(["revision".to_owned(), revision_line(revision)]),
        None => facts.row(["revision", "none yet"]),
    };
    for offer in &dataset.offers {
        facts.row([
            "offer".to_owned(),
            format!("{} ({})", show(&offer.price), offer.id),
        ]);
    }
    text.push_str(&format!("\n{facts}"));
    if let Some(contract) = &dataset.contract {
        text.push_str(&format!("\n{}", columns(contract)));
    }
    text
}

fn basis_points(bps: u16) -> String {
    format!("{}.{:02} %", bps / 100, bps % 100)
}

fn revision_line(revision: &RevisionView) -> String {
    format!(
        "{}: {} rows, grade {}",
        revision.number,
        revision.rows.map_or("no".into(), grouped),
        grade(revision.grade, revision.letter.as_deref())
    )
}

fn columns(contract: &Value) -> String {
    let mut table = Table::new(&["column", "type", "unit", "personal data", "description"]);
    let listed = contract.get("columns").and_then(Value::as_array);
    for column in listed.into_iter().flatten() {
        let text = |key: &str| column.get(key).and_then(Value::as_str).unwrap_or_default();
        let optional = column
            .get("optional")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let kind = format!("{}{}", text("type"), if optional { "?" } else { "" });
        table.row([
            text("name"),
            &kind,
            text("unit"),
            text("personal"),
            text("description"),
        ]);
    }
    table.to_string()
}

pub async fn upload(args: &Upload) -> Outcome {
    let client = settings::party(&args.remote)?;
    let dataset = client.dataset(&args.dataset).await?;
    let node = client.node_info().await?;
    let bar = bars::counting("sealing");
    let sealed = sending::seal(&args.file, &node, &bar)?;
    bar.set_message("sending");
    let sent = client.upload(dataset.id, &sealed, &bar).await?;
    bar.finish_and_clear();
    if sent.already_here {
        return already_here(&sent, args.print.json);
    }
    if args.no_wait {
        if args.print.json {
            return print_json(&sent);
        }
        return print_text(&format!(
            "Safe on the node{}. Verdict later: granary contribution show {}\n",
            sent.receipt_no
                .map_or(String::new(), |no| format!(" under receipt {no}")),
            sent.id
        ));
    }
    let bar = bars::waiting("checking");
    let verdict = client
        .wait_for_verdict(sent.id, |now| {
            bar.set_message(
                now.stage
                    .clone()
                    .unwrap_or_else(|| "waiting for a checker".into()),
            );
        })
        .await?;
    bar.finish_and_clear();
    verdict_of(&client, &verdict, args.print.json).await
}

fn already_here(standing: &ContributionView, json: bool) -> Outcome {
    if json {
        return print_json(standing);
    }
    print_text(&format!(
        "Already here: you contributed this very file to {} before ({}, receipt {}).\n",
        standing.dataset,
        state(standing),
        standing.receipt_no.map_or("–".into(), |no| no.to_string())
    ))
}

fn state(contribution: &ContributionView) -> String {
    format!("{:?}", contribution.state).to_lowercase()
}

/// Prints what became of an upload; a refusal is this command's failure.
async fn verdict_of(client: &Client, now: &ContributionView, json: bool) -> Outcome {
    if json {
        print_json(now)?;
    } else if now.state == ContributionState::Accepted {
        let losses = client.contribution_report(now.id).await?;
        print_text(&accepted(now, &losses))?;
    }
    match &now.verdict {
        Some(verdict) if now.state == ContributionState::Rejected => Err(Stop::new(
            Exit::Refused,
            format!("refused: {} ({})", verdict.message, verdict.code),
        )),
        _ => Ok(()),
    }
}

fn accepted(now: &ContributionView, losses: &Value) -> String {
    let mut text = format!(
        "Accepted: receipt {}, {} rows, grade {}\n",
        now.receipt_no.map_or("–".into(), |no| no.to_string()),
        now.rows.map_or("–".into(), grouped),
        grade(now.grade, now.letter.as_deref())
    );
    for overlap in &now.overlaps {
        text.push_str(&format!("{}\n", elsewhere(overlap)));
    }
    let lines = report::losses(losses);
    if !lines.is_empty() {
        text.push_str(&format!(
            "\nWhat cost points:\n{}",
            report::table(&lines, 2)
        ));
    }
    for gate in report::gates(losses) {
        text.push_str(&format!("\nBefore it is published: {gate}\n"));
    }
    text
}

/// What stands in another owner's dataset, and what follows from it.
fn elsewhere(overlap: &OverlapView) -> String {
    let follows = match (overlap.gate, overlap.cleared_at) {
        (true, None) => " It cannot be published here until an operator clears it.",
        (true, Some(_)) => " An operator cleared it.",
        (false, _) => "",
    };
    format!("{}{follows}", overlap.text)
}

pub async fn contribution(args: Contribution) -> Outcome {
    match args.action {
        ContributionAction::List {
            dataset,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let list = match dataset {
                Some(slug) => {
                    client
                        .contributions(client.dataset(&slug).await?.id)
                        .await?
                }
                None => client.my_contributions().await?,
            };
            if print.json {
                return print_json(&list);
            }
            print_text(&contributions(&list))
        }
        ContributionAction::Show { id, print, remote } => {
            let client = settings::party(&remote)?;
            let now = client.contribution(id).await?;
            if print.json || now.state == ContributionState::Accepted {
                return verdict_of(&client, &now, print.json).await;
            }
            let mut text = format!("{} in {}: {}\n", now.file_name, now.dataset, state(&now));
            if let Some(verdict) = &now.verdict {
                text.push_str(&format!("{} ({})\n", verdict.message, verdict.code));
            }
            print_text(&text)
        }
        ContributionAction::Clear { id, reason, remote } => {
            let client = settings::party(&remote)?;
            let now = client.clear(id, &NewClearance { reason }).await?;
            print_text(&format!(
                "Cleared: {} may be published in {}.\n",
                now.file_name, now.dataset
            ))
        }
    }
}

fn contributions(list: &[ContributionView]) -> String {
    if list.is_empty() {
        return "No contributions.\n".to_owned();
    }
    let mut table = Table::new(&[
        "id", ">receipt", "dataset", "by", "file", "state", ">rows", ">grade",
    ]);
    for one in list {
        table.row([
            one.id.to_string(),
            one.receipt_no.map_or("–".into(), |no| no.to_string()),
            one.dataset.clone(),
            one.party.handle.clone(),
            one.file_name.clone(),
            state(one),
            one.rows.map_or("–".into(), grouped),
            grade(one.grade, one.letter.as_deref()),
        ]);
    }
    table.to_string()
}

pub async fn withdraw(args: &Withdraw) -> Outcome {
    let gone = settings::party(&args.remote)?
        .withdraw(args.contribution)
        .await?;
    print_text(&format!(
        "{} is withdrawn from {}. Published revisions keep it; later ones are made without it.\n",
        gone.file_name, gone.dataset
    ))
}

pub async fn publish(args: &Publish) -> Outcome {
    let client = settings::party(&args.remote)?;
    let dataset = client.dataset(&args.dataset).await?;
    let asked = client
        .publish(
            dataset.id,
            &NewRevision {
                note: args.note.clone(),
            },
        )
        .await?;
    if args.no_wait {
        return print_text(&format!("Revision {} is being composed.\n", asked.number));
    }
    let bar = bars::waiting("composing");
    let made = client.wait_for_revision(asked.id).await?;
    bar.finish_and_clear();
    if args.print.json {
        print_json(&made)?;
    }
    if let Some(failure) = &made.failure {
        return Err(Stop::new(
            Exit::Refused,
            format!("not published: {failure}"),
        ));
    }
    if args.print.json {
        return Ok(());
    }
    let shares = client.shares(made.id).await?;
    let mut table = Table::new(&["contributor", ">share"]).indented(2);
    for line in &shares.shares {
        table.row([line.party.handle.clone(), share(line.share)]);
    }
    print_text(&format!(
        "Published revision {}\n\nWho is paid for it:\n{table}",
        revision_line(&made)
    ))
}

pub async fn offer(args: &Offer) -> Outcome {
    let client = settings::party(&args.remote)?;
    let dataset = client.dataset(&args.dataset).await?;
    let terms = args.terms.as_deref().map(read_json).transpose()?;
    if let Some(every) = &args.every {
        return super::subscribe::offer(args, &client, &dataset, every, terms).await;
    }
    let wanted = |dry_run| NewOffer {
        price: args.price.amount(),
        template: terms.is_none().then(|| args.template.clone()),
        terms: terms.clone(),
        dry_run,
    };
    let preview = client.offer(dataset.id, &wanted(true)).await?;
    if args.dry_run {
        return if args.print.json {
            print_json(&preview)
        } else {
            print_text(&split(&preview.split))
        };
    }
    if !args.yes {
        print_text(&split(&preview.split))?;
        ask::confirm("Put it on sale?")?;
    }
    let made = client.offer(dataset.id, &wanted(false)).await?;
    if args.print.json {
        return print_json(&made);
    }
    if args.yes {
        print_text(&split(&made.split))?;
    }
    print_text(&format!("On sale for {}.\n", show(&made.split.gross)))
}

/// What one sale splits into, down to each contributor.
pub fn split(preview: &SalePreview) -> String {
    let currency = &preview.gross.currency;
    let mut legs = Table::new(&["one sale", &format!(">{currency}")]);
    for (name, leg) in [
        ("buyer pays", &preview.gross),
        ("platform fee", &preview.fee),
        ("sales tax", &preview.tax),
        ("owner's commission", &preview.commission),
        ("to the contributors", &preview.net),
    ] {
        legs.row([name.to_owned(), number(leg.minor, currency)]);
    }
    let mut parts = Table::new(&[
        "contributor",
        ">share",
        &format!(">{currency}"),
        ">and carried",
    ]);
    for line in &preview.contributors {
        parts.row([
            line.party.handle.clone(),
            share(line.share),
            number(line.minor, currency),
            format!("0.{:012}", line.residue),
        ]);
    }
    format!("{legs}\n{parts}")
}

pub async fn sales(args: &Sales) -> Outcome {
    let client = settings::party(&args.remote)?;
    let sales = client
        .sales(client.dataset(&args.dataset).await?.id)
        .await?;
    if args.print.json {
        return print_json(&sales);
    }
    if sales.is_empty() {
        return print_text("No sales yet.\n");
    }
    let mut table = Table::new(&[
        "when",
        "buyer",
        ">revision",
        ">paid",
        ">net",
        ">refunded",
        "order",
    ]);
    for sale in &sales {
        table.row([
            sale.created_at.format("%Y-%m-%d %H:%M").to_string(),
            sale.buyer.handle.clone(),
            sale.revision.to_string(),
            show(&sale.gross),
            show(&sale.net),
            show(&sale.refunded),
            sale.order_id.to_string(),
        ]);
    }
    print_text(&table.to_string())
}
