//! Offers, purchases, refunds: what a sale splits into.

use dataset_core::licence::SignedLicence;
use schema::wire::{Amount, NewOffer, NewOrder, NewRefund, NewTopUp, OrderView, SharesView};

use super::Market;
use crate::cli::amount::{number, show};
use crate::cli::table::{Table, bytes, grouped};
use crate::cli::{clauses, split};
use crate::demo::data;
use crate::demo::tell::{Slip, Step, equal, hold};
use crate::demo::world::{Person, World, offer_at};

/// One whole in the unit of shares.
const WHOLE: i128 = 1_000_000_000_000;

fn euros(minor: i64) -> Amount {
    Amount {
        minor,
        currency: "EUR".to_owned(),
    }
}

/// Alder sees what a sale would bring whom, then puts two prices on the dataset.
pub async fn offers(world: &mut World, market: &mut Market) -> Step {
    world.later(0, 2);
    world.chapter("Two offers")?;
    let owner = &market.alder.client;
    let wanted = |minor: i64, template: &str, dry_run| NewOffer {
        price: euros(minor),
        template: Some(template.to_owned()),
        terms: None,
        dry_run,
    };
    let preview = owner
        .offer(market.dataset.id, &wanted(market.price, COMMERCIAL, true))
        .await?;
    hold(preview.offer.is_none(), "a preview puts nothing on sale")?;
    world.tell.text(&format!(
        "Before an offer goes live, its owner sees what one sale would bring whom. For {}:",
        show(&preview.split.gross)
    ))?;
    world.tell.block(split(&preview.split))?;
    let legs = &preview.split;
    equal(
        legs.fee.minor + legs.tax.minor + legs.commission.minor + legs.net.minor,
        legs.gross.minor,
        "the legs of a sale",
    )?;
    owner
        .offer(market.dataset.id, &wanted(market.price, COMMERCIAL, false))
        .await?;
    owner
        .offer(market.dataset.id, &wanted(market.research, RESEARCH, false))
        .await?;
    market.dataset = owner.dataset(&market.dataset.slug).await?;
    world.tell.text(&format!(
        "Two offers go live: commercial use inside a company for {}, research for {}. What is \
         left of a cent is carried to the contributor's next settlement, never lost.",
        show(&euros(market.price)),
        show(&euros(market.research))
    ))
}

const COMMERCIAL: &str = "commercial-internal";
const RESEARCH: &str = "research";

/// The operator confirms a transfer.
async fn top_up(market: &Market, who: &Person, minor: i64) -> Step {
    let new = NewTopUp {
        party: who.handle.clone(),
        amount: euros(minor),
        reference: format!("transfer of {}", who.name),
    };
    let key = format!("top-up-{}", who.handle);
    let done = market.miller.client.top_up(&key, &new).await?;
    equal(done.balance.minor, minor, "balance after the top-up")
}

/// Magpie has money too.
pub(super) async fn top_up_magpie(market: &Market) -> Step {
    top_up(market, &market.magpie, 5_000).await
}

/// Buys at the price that is asked, having read the terms.
pub(super) async fn buy(
    market: &mut Market,
    who: fn(&Market) -> &Person,
    minor: i64,
) -> Step<OrderView> {
    let person = who(market);
    let dataset = person.client.dataset(&market.dataset.slug).await?;
    let offer = offer_at(&dataset, minor)?;
    let order = NewOrder {
        offer_id: offer.id,
        terms_sha256: offer.terms_sha256.clone(),
        price: offer.price.clone(),
    };
    let key = format!("{}-buys", person.handle);
    let paid = person.client.buy(&key, &order).await?;
    // The same request again, as after a lost answer: one purchase all the same.
    let again = person.client.buy(&key, &order).await?;
    equal(again.id, paid.id, "the order when the request is repeated")?;
    market.sales.push(paid.clone());
    Ok(paid)
}

/// Quill tops up, reads, buys, downloads, opens, checks.
pub async fn first_buyer(world: &mut World, market: &mut Market) -> Step {
    world.later(1, 0);
    world.chapter("Quill buys")?;
    top_up(market, &market.quill, 10_000).await?;
    world
        .tell
        .text("Quill transfers 100.00 EUR; Miller confirms it. Quill reads the terms:")?;
    let offer = offer_at(&market.dataset, market.price)?;
    world.tell.block(clauses(&offer.clauses))?;
    let order = buy(market, |m| &m.quill, market.price).await?;
    let mut receipt = Table::pairs();
    receipt.row(["paid".to_owned(), show(&order.gross)]);
    receipt.row(["platform fee".to_owned(), show(&order.fee)]);
    receipt.row(["to the contributors".to_owned(), show(&order.net)]);
    receipt.row(["journal entry", &order.entry]);
    world.tell.text("and buys. The receipt:")?;
    world.tell.block(receipt)?;
    let licence = market.quill.client.licence(order.licence_id).await?;
    let signed = SignedLicence::verify(&licence.document, &world.verify_key()?)?;
    equal(
        *signed.doc().assignee.as_uuid(),
        market.quill.id,
        "holder named in the licence",
    )?;
    let opened = world
        .open(&market.quill, order.licence_id, "quill.parquet")
        .await?;
    let rows = data::read(std::fs::read(&opened.path)?.into())?.num_rows();
    let (revision, _) = market
        .revisions
        .first()
        .ok_or_else(|| Slip("no revision".to_owned()))?;
    equal(
        i64::try_from(rows).ok(),
        revision.rows,
        "rows in the opened file",
    )?;
    equal(
        Some(opened.sha256.to_string()),
        revision.sha256.clone(),
        "digest of the opened file",
    )?;
    world.tell.text(&format!(
        "The licence is a signed document that verifies offline. The file comes sealed to Quill's \
         own key; opened, it is a Parquet file of {} with {} rows, and its SHA-256 is the one the \
         node signed:",
        bytes(opened.bytes),
        grouped(i64::try_from(rows).unwrap_or_default())
    ))?;
    world.tell.block(opened.sha256)?;
    let wallet = market.quill.client.wallet().await?;
    let left = wallet.balances.first().map(|balance| balance.minor);
    equal(
        left,
        Some(10_000 - market.price),
        "what is left in the wallet",
    )
}

/// Three more sales of revision 2; one buyer gets something back.
pub async fn more_sales(world: &mut World, market: &mut Market) -> Step {
    world.later(2, 0);
    world.chapter("More sales, one refund")?;
    top_up(market, &market.heron, 5_000).await?;
    top_up(market, &market.wren, 5_000).await?;
    buy(market, |m| &m.heron, market.price).await?;
    world.later(0, 5);
    let refundable = buy(market, |m| &m.wren, market.price).await?;
    world.later(0, 5);
    buy_again(market).await?;
    world.tell.text(
        "Each sale is one journal entry, whatever the number of contributors: fee and net, and \
         the net waits in the pool of the revision that was current. This is what the sales so far \
         split into (euros; six decimals of what is exact to the last part):",
    )?;
    world.tell.block(sales_table(market)?)?;
    refund(world, market, &refundable).await
}

/// Heron, content with research, buys that licence too.
async fn buy_again(market: &mut Market) -> Step {
    let offer = offer_at(&market.dataset, market.research)?;
    let order = NewOrder {
        offer_id: offer.id,
        terms_sha256: offer.terms_sha256.clone(),
        price: offer.price.clone(),
    };
    let paid = market
        .heron
        .client
        .buy("heron-buys-for-research", &order)
        .await?;
    market.sales.push(paid);
    Ok(())
}

fn sales_table(market: &Market) -> Step<Table> {
    let contributors = market.contributors();
    let mut heads = vec!["buyer", ">rev", ">paid", ">fee", ">net"];
    let names: Vec<String> = contributors
        .iter()
        .map(|p| format!(">{}", p.name))
        .collect();
    heads.extend(names.iter().map(String::as_str));
    let mut table = Table::new(&heads);
    for sale in &market.sales {
        let shares = shares_of(market, sale.revision)?;
        let mut row = vec![
            sale.buyer.display_name.clone(),
            sale.revision.to_string(),
            number(sale.gross.minor, "EUR"),
            number(sale.fee.minor, "EUR"),
            number(sale.net.minor, "EUR"),
        ];
        equal(
            sale.fee.minor + sale.tax.minor + sale.commission.minor + sale.net.minor,
            sale.gross.minor,
            "the legs of a sale",
        )?;
        equal(
            sale.fee.minor,
            sale.gross.minor * 1000 / 10_000,
            "the fee of a sale",
        )?;
        for person in &contributors {
            let share = shares.shares.iter().find(|line| line.party.id == person.id);
            row.push(share.map_or("–".into(), |line| exact(sale.net.minor, line.share)));
        }
        table.row(row);
    }
    Ok(table)
}

/// Shares of a revision by its number.
pub(super) fn shares_of(market: &Market, number: i32) -> Step<&SharesView> {
    let found = market
        .revisions
        .iter()
        .find(|(revision, _)| revision.number == number);
    found
        .map(|(_, shares)| shares)
        .ok_or_else(|| Slip(format!("no revision {number}")))
}

/// A share of some cents in euros, cut after six decimals.
fn exact(net: i64, share: i64) -> String {
    let millionths = i128::from(net) * i128::from(share) * 10_000 / WHOLE;
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

async fn refund(world: &World, market: &mut Market, order: &OrderView) -> Step {
    let minor = order.gross.minor / 4;
    let new = NewRefund {
        amount: euros(minor),
        reason: "a week of one airport was late".to_owned(),
    };
    let done = market
        .alder
        .client
        .refund(order.id, "wren-gets-something-back", &new)
        .await?;
    equal(
        done.fee.minor + done.tax.minor + done.commission.minor + done.net.minor,
        minor,
        "the legs of the refund",
    )?;
    hold(!done.licence_revoked, "a partial refund keeps the licence")?;
    market.refunded_net.push((order.revision, done.net.minor));
    world.tell.text(&format!(
        "Wren was promised more than came, so Alder gives {} of {} back: {} of it out of the \
         platform's fee, {} out of the pool, in the proportion of the sale. The licence stays.",
        show(&done.amount),
        show(&order.gross),
        show(&done.fee),
        show(&done.net)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_sale_is_cut_not_rounded() {
        assert_eq!(exact(1800, 333_333_333_333), "5.999999");
        assert_eq!(exact(1800, 1_000_000_000_000), "18.000000");
    }
}
