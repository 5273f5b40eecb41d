//! Magpie buys, disguises, and offers it as new: paid for what is new, and for nothing else.

use schema::wire::PartLine;

use super::begin::{accepted, losses, parts_table, publish};
use super::{Market, sell};
use crate::cli::table::{Table, grade, grouped, share};
use crate::demo::data::{self, OWN_ROWS, Packing};
use crate::demo::tell::{Slip, Step, equal, hold};
use crate::demo::world::World;

/// Magpie's file is accepted like any other: inside one dataset overlap is priced, not refused.
pub async fn copies(world: &mut World, market: &mut Market) -> Step {
    world.later(1, 0);
    world.chapter("Magpie copies")?;
    sell::top_up_magpie(market).await?;
    let order = sell::buy(market, |m| &m.magpie, market.price).await?;
    let opened = world
        .open(&market.magpie, order.licence_id, "bought.parquet")
        .await?;
    let bought = std::fs::read(&opened.path)?;
    let disguised = data::disguise(bought, &world.cut.own, &mut world.dice)?;
    let file = world.file("magpie.parquet");
    std::fs::write(&file, data::write(&disguised, Packing::Snappy)?)?;
    world.later(1, 0);
    let verdict = world.send(&market.magpie, &market.dataset, &file).await?;
    accepted(&verdict, disguised.num_rows())?;
    world.tell.text(&format!(
        "Magpie buys the revision, opens it, shuffles the rows, turns the columns round, pads \
         every text with blanks, adds {OWN_ROWS} flights that really are new, compresses it \
         another way and uploads the whole as its own. No byte of the file is the same. Receipt \
         {}, {} rows, grade {}.",
        verdict.receipt_no.unwrap_or_default(),
        grouped(verdict.rows.unwrap_or_default()),
        grade(verdict.grade, verdict.letter.as_deref())
    ))?;
    losses(world, &market.magpie, &verdict).await
}

/// Revision 2 pays Magpie for the new rows and names who had the others first.
pub async fn second_revision(world: &mut World, market: &mut Market) -> Step {
    world.later(1, 0);
    world.chapter("Revision 2")?;
    let (revision, shares) = publish(market, "with Magpie's flights of 18 January").await?;
    world.tell.block(parts_table(&shares))?;
    let part = shares
        .parts
        .iter()
        .find(|part| part.party.id == market.magpie.id);
    let part = part.ok_or_else(|| Slip("Magpie is not in revision 2".to_owned()))?;
    let count = |n: usize| i64::try_from(n).unwrap_or(-1);
    equal(
        part.rows_unique,
        count(OWN_ROWS),
        "rows that only Magpie has",
    )?;
    equal(part.rows_shared, 0, "rows Magpie shares")?;
    let (before, _) = market
        .revisions
        .first()
        .ok_or_else(|| Slip("no revision".to_owned()))?;
    equal(
        Some(part.rows_late),
        before.rows,
        "rows Magpie brought late",
    )?;
    equal(
        part.rows_kept,
        count(OWN_ROWS),
        "rows kept of Magpie's file",
    )?;
    paid_for_own_rows(part)?;
    others_are_unchanged(market, &shares)?;
    let line = shares
        .shares
        .iter()
        .find(|line| line.party.id == market.magpie.id);
    world.tell.text(&format!(
        "Magpie is paid for exactly {OWN_ROWS} rows, a share of {}. The other {} were on the \
         market before; the report names who had them first:",
        line.map_or("–".into(), |line| share(line.share)),
        grouped(part.rows_late)
    ))?;
    world.tell.block(late_table(market, part)?)?;
    market.revisions.push((revision, shares));
    Ok(())
}

/// The weight is that of 500 rows: not more than 500, not less than 450 of full quality.
fn paid_for_own_rows(part: &PartLine) -> Step {
    let mass: u128 = part
        .mass
        .parse()
        .map_err(|_| Slip(format!("mass {}", part.mass)))?;
    let most = u128::try_from(OWN_ROWS).unwrap_or(0) << 32;
    hold(
        mass <= most && mass * 10 >= most * 9,
        "Magpie's weight is that of the new rows",
    )
}

/// The copies take nothing from those who had the rows first.
fn others_are_unchanged(market: &Market, now: &schema::wire::SharesView) -> Step {
    for before in &sell::shares_of(market, 1)?.shares {
        let after = now
            .shares
            .iter()
            .find(|line| line.party.id == before.party.id);
        let weight = after.map(|line| line.weight.as_str());
        let what = format!("weight of {} after the copy", before.party.display_name);
        equal(weight, Some(before.weight.as_str()), what)?;
    }
    Ok(())
}

fn late_table(market: &Market, part: &PartLine) -> Step<Table> {
    let mut table = Table::new(&["first holder", ">receipt", "received", ">rows of Magpie's"]);
    let mut sum = 0;
    for late in &part.late_copies {
        hold(
            late.receipt_no < part.receipt_no,
            "the first holder was earlier",
        )?;
        hold(
            late.holder.id != market.magpie.id,
            "the first holder is somebody else",
        )?;
        sum += late.rows;
        table.row([
            late.holder.display_name.clone(),
            late.receipt_no.to_string(),
            late.received_at.format("%-d %B %Y, %H:%M").to_string(),
            grouped(late.rows),
        ]);
    }
    equal(sum, part.rows_late, "late rows by holder")?;
    Ok(table)
}
