//! catalog, terms, buy, orders, download, licence.

use std::path::{Path, PathBuf};

use dataset_core::licence::SignedLicence;
use dataset_core::seal::Identity;
use dataset_core::sign::VerifyKey;
use schema::wire::{
    ClauseView, DatasetView, DownloadRequest, LicenceView, NewOrder, NewPayment, NewRecipient,
    OfferView, OrderView, PayWay, RecipientView,
};
use serde_json::json;
use uuid::Uuid;

use super::amount::show;
use super::args::{Buy, Catalog, Download, Licence, LicenceAction, Orders, Terms};
use super::pay::payment_text;
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, bytes, folded, grade, grouped};
use super::{ask, bars, block_on, print_json, print_text, settings};
use crate::client::{Client, download as fetching};

const TRIES: u32 = 3;
/// Clauses in words are folded to this.
const TEXT_WIDTH: usize = 64;

pub async fn catalog(args: &Catalog) -> Outcome {
    let mut datasets = settings::visitor(&args.remote)?
        .datasets(args.search.as_deref())
        .await?;
    datasets.retain(|dataset| !dataset.offers.is_empty());
    if args.print.json {
        return print_json(&datasets);
    }
    if datasets.is_empty() {
        return print_text("Nothing is on offer.\n");
    }
    let mut table = Table::new(&["dataset", ">rows", ">grade", ">price", "owner", "title"]);
    for dataset in &datasets {
        let revision = dataset.revision.as_ref();
        for offer in &dataset.offers {
            table.row([
                dataset.slug.clone(),
                revision.and_then(|r| r.rows).map_or("–".into(), grouped),
                revision.map_or("–".into(), |r| grade(r.grade, r.letter.as_deref())),
                show(&offer.price),
                dataset.owner.handle.clone(),
                dataset.title.clone(),
            ]);
        }
    }
    print_text(&table.to_string())
}

pub async fn terms(args: &Terms) -> Outcome {
    let dataset = settings::visitor(&args.remote)?
        .dataset(&args.dataset)
        .await?;
    if args.print.json {
        return print_json(&dataset.offers);
    }
    if dataset.offers.is_empty() {
        return print_text("There is no offer on this dataset.\n");
    }
    for offer in &dataset.offers {
        print_text(&format!("{}\n", offer_text(&dataset, offer)))?;
    }
    Ok(())
}

fn offer_text(dataset: &DatasetView, offer: &OfferView) -> String {
    format!(
        "{} for {}\n\n{}",
        dataset.title,
        show(&offer.price),
        clauses(&offer.clauses)
    )
}

/// Clauses in plain words, each with how strongly it is held.
pub fn clauses(clauses: &[ClauseView]) -> String {
    let mut table = Table::new(&["clause", "held by", "in words"]);
    for clause in clauses {
        let mut lines = folded(&clause.text, TEXT_WIDTH).into_iter();
        table.row([
            clause.clause.clone(),
            clause.strength.clone(),
            lines.next().unwrap_or_default(),
        ]);
        for line in lines {
            table.row([String::new(), String::new(), line]);
        }
    }
    table.to_string()
}

pub async fn buy(args: &Buy) -> Outcome {
    let client = settings::party(&args.remote)?;
    let dataset = client.dataset(&args.dataset).await?;
    let offer = choose(&dataset, args.offer)?;
    if !args.yes {
        print_text(&format!("{}\n", offer_text(&dataset, offer)))?;
        ask::confirm(&format!("Buy for {}?", show(&offer.price)))?;
    }
    let order = NewOrder {
        offer_id: offer.id,
        terms_sha256: offer.terms_sha256.clone(),
        price: offer.price.clone(),
    };
    let key = ask::once(args.once.as_deref());
    if args.card {
        let new = NewPayment {
            amount: None,
            order: Some(order),
            way: Some(PayWay::Card),
        };
        let payment = client.pay(&key, &new).await?;
        return if args.print.json {
            print_json(&payment)
        } else {
            print_text(&payment_text(&payment))
        };
    }
    let paid = pay(&client, &key, &order).await?;
    if args.print.json {
        print_json(&paid)
    } else {
        print_text(&receipt(&paid))
    }
}

fn choose(dataset: &DatasetView, wanted: Option<Uuid>) -> Outcome<&OfferView> {
    let found = match (wanted, dataset.offers.as_slice()) {
        (Some(id), offers) => offers.iter().find(|offer| offer.id == id),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, several) => {
            let listed: Vec<String> = several
                .iter()
                .map(|offer| format!("  --offer {}  {}", offer.id, show(&offer.price)))
                .collect();
            let words = format!(
                "there are several offers, choose one:\n{}",
                listed.join("\n")
            );
            return Err(Stop::new(Exit::Usage, words));
        }
    };
    found.ok_or_else(|| Stop::new(Exit::Refused, "there is no such offer on this dataset"))
}

/// Pays; when the connection breaks, asks again under the same key, which pays once.
async fn pay(client: &Client, key: &str, order: &NewOrder) -> Outcome<OrderView> {
    let mut tries = 1;
    loop {
        match client.buy(key, order).await {
            Err(error) if error.is_passing() && tries < TRIES => tries += 1,
            Err(error) => {
                let mut stop = Stop::from(error);
                if stop.exit == Exit::Away {
                    stop.words.push_str(&format!(
                        "\nIt may have gone through. Repeating with --once {key} never buys twice."
                    ));
                }
                return Err(stop);
            }
            Ok(order) => return Ok(order),
        }
    }
}

/// The receipt of an order.
#[must_use]
pub fn receipt(order: &OrderView) -> String {
    let mut table = Table::pairs();
    table.row(["order".to_owned(), order.id.to_string()]);
    table.row([
        "dataset".to_owned(),
        format!("{}, revision {}", order.dataset, order.revision),
    ]);
    table.row(["licence".to_owned(), order.licence_id.to_string()]);
    table.row(["paid".to_owned(), show(&order.gross)]);
    table.row(["  platform fee".to_owned(), show(&order.fee)]);
    if order.tax.minor != 0 {
        table.row(["  sales tax".to_owned(), show(&order.tax)]);
    }
    if order.commission.minor != 0 {
        table.row(["  owner".to_owned(), show(&order.commission)]);
    }
    table.row(["  contributors".to_owned(), show(&order.net)]);
    table.row(["journal entry", &order.entry]);
    table.row([
        "when".to_owned(),
        order.created_at.format("%Y-%m-%d %H:%M UTC").to_string(),
    ]);
    format!("{table}\nNext: granary download {}\n", order.dataset)
}

pub async fn orders(args: &Orders) -> Outcome {
    let orders = settings::party(&args.remote)?.orders().await?;
    if args.print.json {
        return print_json(&orders);
    }
    if orders.is_empty() {
        return print_text("No purchases yet.\n");
    }
    let mut table = Table::new(&[
        "when",
        "dataset",
        ">revision",
        ">paid",
        ">refunded",
        "licence",
        "order",
    ]);
    for order in &orders {
        table.row([
            order.created_at.format("%Y-%m-%d %H:%M").to_string(),
            order.dataset.clone(),
            order.revision.to_string(),
            show(&order.gross),
            show(&order.refunded),
            order.licence_id.to_string(),
            order.id.to_string(),
        ]);
    }
    print_text(&table.to_string())
}

pub async fn download(args: &Download) -> Outcome {
    let client = settings::party(&args.remote)?;
    let identity = settings::read_key(&settings::key_path(args.key.key.as_deref())?)?;
    let licence = licence_of(&client, &args.licence).await?;
    let node = client.node_info().await?;
    let recipient = register(&client, &identity).await?;
    let ask = DownloadRequest {
        recipient_id: recipient.id,
        revision_id: args.revision,
    };
    let from = client.download_url(licence, &ask).await?;
    let out = match &args.out {
        Some(path) => path.clone(),
        None => suggested(&from.file_name),
    };
    let bar = bars::counting("downloading");
    let opened = fetching::fetch(&client, &node, &from, &identity, &out, &bar).await?;
    bar.finish_and_clear();
    if args.print.json {
        return print_json(&json!({
            "file": opened.path, "bytes": opened.bytes, "sha256": opened.sha256,
            "resumed_at": opened.resumed_at, "manifest": opened.manifest,
        }));
    }
    let went_on = match opened.resumed_at {
        0 => String::new(),
        at => format!(", went on at {}", bytes(at)),
    };
    print_text(&format!(
        "{} ({}{went_on})\nOpened with your key; its digest is the one the node signed:\n{}\n",
        opened.path.display(),
        bytes(opened.bytes),
        opened.sha256
    ))
}

/// A name the node suggests is a name, never a path.
fn suggested(name: &str) -> PathBuf {
    let name = Path::new(name)
        .file_name()
        .filter(|name| !name.as_encoded_bytes().starts_with(b"."));
    let name = PathBuf::from(name.unwrap_or("dataset.parquet".as_ref()));
    if name.extension().is_some_and(|ending| ending == "age") {
        name.with_extension("")
    } else {
        name
    }
}

/// A licence by its id, or the newest active one of a dataset.
async fn licence_of(client: &Client, named: &str) -> Outcome<Uuid> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let licences = client.licences().await?;
    let mine = || licences.iter().filter(|licence| licence.dataset == named);
    mine()
        .find(|licence| licence.state == "active")
        .or(mine().next())
        .map(|l| l.id)
        .ok_or_else(|| {
            let words =
                format!("you hold no licence of {named:?}; buy one with `granary buy {named}`");
            Stop::new(Exit::Refused, words)
        })
}

/// The node's record of this key; registers it when it is new.
pub async fn register(client: &Client, identity: &Identity) -> Outcome<RecipientView> {
    let recipient = identity.to_recipient().to_string();
    let known = client.recipients().await?;
    if let Some(known) = known.into_iter().find(|known| known.recipient == recipient) {
        return Ok(known);
    }
    let new = NewRecipient {
        recipient,
        label: "granary command line".to_owned(),
    };
    Ok(client.add_recipient(&new).await?)
}

pub fn licence(args: Licence) -> Outcome {
    match args.action {
        LicenceAction::Verify { file, node_key } => verify(&file, &node_key.key),
        LicenceAction::List { print, remote } => block_on(async {
            let licences = settings::party(&remote)?.licences().await?;
            if print.json {
                print_json(&licences)
            } else {
                print_text(&licence_list(&licences))
            }
        }),
        LicenceAction::Show {
            id,
            out,
            print,
            remote,
        } => block_on(async {
            let licence = settings::party(&remote)?.licence(id).await?;
            if let Some(path) = &out {
                std::fs::write(path, &licence.document).map_err(Stop::file(path))?;
            }
            if print.json {
                print_json(&licence)
            } else {
                print_text(&licence_text(&licence))
            }
        }),
        // The key file decides whom the file is sealed to, so a new key is all it takes.
        LicenceAction::Reissue(args) => block_on(download(&args)),
    }
}

fn licence_list(licences: &[LicenceView]) -> String {
    if licences.is_empty() {
        return "No licences.\n".to_owned();
    }
    let mut table = Table::new(&[
        "dataset",
        ">revision",
        "state",
        "until",
        ">downloads",
        "licence",
    ]);
    for licence in licences {
        table.row([
            licence.dataset.clone(),
            licence.revision.to_string(),
            licence.state.clone(),
            licence
                .valid_until
                .map_or("open-ended".into(), |t| t.format("%Y-%m-%d").to_string()),
            licence.downloads_used.to_string(),
            licence.id.to_string(),
        ]);
    }
    table.to_string()
}

fn licence_text(licence: &LicenceView) -> String {
    let mut facts = Table::pairs();
    facts.row(["holder", &licence.holder.handle]);
    facts.row([
        "dataset".to_owned(),
        format!("{}, revision {}", licence.title, licence.revision),
    ]);
    facts.row(["state", &licence.state]);
    if let Some(reason) = &licence.revoked_reason {
        facts.row(["revoked", reason]);
    }
    let until = licence
        .valid_until
        .map_or("open-ended".into(), |t| t.format("%Y-%m-%d").to_string());
    facts.row([
        "term".to_owned(),
        format!("{} to {until}", licence.valid_from.format("%Y-%m-%d")),
    ]);
    format!("{facts}\n{}", clauses(&licence.clauses))
}

/// The node's public key, given as text or as a file that holds it.
pub(super) fn node_key(given: &str) -> Outcome<VerifyKey> {
    let text = match std::fs::read_to_string(given) {
        Ok(text) => text,
        Err(_) => given.to_owned(),
    };
    text.trim().parse().map_err(|_| {
        let words = "--key is neither a node's public key nor a file that holds one; \
                     the node shows it under /.well-known/granary.json";
        Stop::new(Exit::Usage, words)
    })
}

fn verify(file: &Path, key: &str) -> Outcome {
    let key = node_key(key)?;
    let text = std::fs::read_to_string(file).map_err(Stop::file(file))?;
    let signed = SignedLicence::verify(text.trim(), &key)
        .map_err(|error| Stop::new(Exit::Wrong, format!("{}: {error}", file.display())))?;
    let doc = signed.doc();
    let until = doc
        .valid_until
        .map_or("open-ended".into(), |t| t.format("%Y-%m-%d").to_string());
    print_text(&format!(
        "Genuine: signed by this node and unchanged.\n\
         Licence {} of {}, revision {}, for party {}\nTerm {} to {until}\n\
         Whether it was revoked since, only the node knows.\n",
        doc.licence,
        doc.dataset_title,
        doc.revision_number,
        doc.assignee,
        doc.valid_from.format("%Y-%m-%d")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_cannot_leave_the_folder() {
        for (name, file) in [
            ("flights-r1.parquet.age", "flights-r1.parquet"),
            ("/etc/passwd", "passwd"),
            ("../../x.parquet", "x.parquet"),
            (".bashrc", "dataset.parquet"),
            ("..", "dataset.parquet"),
            ("", "dataset.parquet"),
        ] {
            assert_eq!(suggested(name), PathBuf::from(file), "{name}");
        }
    }
}
