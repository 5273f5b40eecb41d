//! People arrive, three of them contribute, the first revision is published.

use schema::wire::{
    Admission, ContributionState, ContributionView, NewDataset, NewRevision, PartLine,
    RevisionView, SharesView,
};

use super::Market;
use crate::cli::table::{Table, grade, grouped, share};
use crate::cli::{bars, report};
use crate::demo::data::{CONTRACT, Packing};
use crate::demo::tell::{Slip, Step, equal, hold};
use crate::demo::world::{Person, World};

/// Eight parties sign up, one of them opens a dataset.
pub async fn people(world: &mut World) -> Step<Market> {
    world.chapter("The people")?;
    let miller = world.operator("miller", "Miller").await?;
    let alder = world.party("alder", "Alder").await?;
    let birch = world.party("birch", "Birch").await?;
    let cedar = world.party("cedar", "Cedar").await?;
    let quill = world.party("quill", "Quill").await?;
    let magpie = world.party("magpie", "Magpie").await?;
    let heron = world.party("heron", "Heron").await?;
    let wren = world.party("wren", "Wren").await?;
    let mut table = Table::new(&["party", "part in the story"]);
    table
        .row(["Alder", "provides data, and opens the dataset"])
        .row(["Birch", "provides data, some of it the same as Alder's"])
        .row(["Cedar", "provides data; the export was careless"])
        .row(["Quill", "buys first"])
        .row(["Magpie", "buys, and offers the bought rows as new ones"])
        .row(["Heron, Wren", "buy later"])
        .row(["Miller", "runs the node"]);
    world.tell.block(table)?;
    let dataset = alder
        .client
        .create_dataset(&NewDataset {
            title: "Flights from New York".to_owned(),
            description: "Departures from EWR, JFK and LGA, with their delays".to_owned(),
            slug: Some("flights".to_owned()),
            contract: Some(serde_json::from_str(CONTRACT)?),
            admission: Some(Admission::Open),
            commission_bps: 0,
        })
        .await?;
    world.tell.text(
        "Alder opens the dataset \"Flights from New York\": ten columns with types, ranges and \
         units, a key of five of them, source US DOT, licence CC0-1.0. Everybody may contribute.",
    )?;
    let price = i64::try_from(world.dice.between(12, 30)).unwrap_or(20) * 100 - 1;
    let research = i64::try_from(world.dice.between(3, 8)).unwrap_or(5) * 100;
    Ok(Market {
        miller,
        alder,
        birch,
        cedar,
        quill,
        magpie,
        heron,
        wren,
        dataset,
        price,
        research,
        revisions: Vec::new(),
        sales: Vec::new(),
        refunded_net: Vec::new(),
    })
}

/// Three files are sealed, sent and graded; one of them has faults.
pub async fn contributions(world: &mut World, market: &Market) -> Step {
    world.later(0, 3);
    world.chapter("Three contributions")?;
    world.tell.text(
        "Each file is sealed to the node's key before it leaves the provider's machine. The node \
         opens it in a checker process without network and files, and grades every column.",
    )?;
    let mut table = Table::new(&["from", "days of January", ">receipt", ">rows", ">grade"]);
    let mut verdicts = Vec::new();
    for (which, who) in [&market.alder, &market.birch, &market.cedar]
        .into_iter()
        .enumerate()
    {
        world.later(0, 1);
        let part = world
            .cut
            .parts
            .get(which)
            .ok_or_else(|| Slip("a part".to_owned()))?;
        let file = format!("{}.parquet", who.handle);
        let verdict = world
            .contribute(who, &market.dataset, &file, &part.rows, Packing::Zstd)
            .await?;
        accepted(&verdict, part.rows.num_rows())?;
        table.row([
            who.name.clone(),
            format!("{} to {}", part.days.start(), part.days.end()),
            verdict.receipt_no.unwrap_or_default().to_string(),
            grouped(verdict.rows.unwrap_or_default()),
            grade(verdict.grade, verdict.letter.as_deref()),
        ]);
        verdicts.push((who, verdict));
    }
    world.tell.block(table)?;
    for (who, verdict) in &verdicts {
        losses(world, who, verdict).await?;
    }
    let grades: Vec<_> = verdicts.iter().map(|(_, verdict)| verdict.grade).collect();
    hold(
        grades[2] < grades[0] && grades[2] < grades[1],
        "the careless export has the lowest grade",
    )?;
    faults_are_found(world, market, &verdicts[2].1).await?;
    again(world, market).await
}

pub(super) fn accepted(verdict: &ContributionView, rows: usize) -> Step {
    if let Some(refusal) = &verdict.verdict {
        return Err(Slip(format!(
            "{} was refused: {}",
            verdict.file_name, refusal.message
        )));
    }
    equal(
        verdict.state,
        ContributionState::Accepted,
        "state of the contribution",
    )?;
    equal(
        verdict.rows,
        i64::try_from(rows).ok(),
        "rows of the contribution",
    )
}

/// Where the points went.
pub(super) async fn losses(world: &World, who: &Person, verdict: &ContributionView) -> Step {
    let report = who.client.contribution_report(verdict.id).await?;
    let losses = report::losses(&report);
    if losses.is_empty() {
        return world.tell.text(&format!("{} lost no points.", who.name));
    }
    world
        .tell
        .text(&format!("What cost {} points:", who.name))?;
    world.tell.block(report::table(&losses, 0))
}

/// The report counts exactly the faults that were put in.
async fn faults_are_found(world: &World, market: &Market, verdict: &ContributionView) -> Step {
    let report = market.cedar.client.contribution_report(verdict.id).await?;
    let faults = world.cut.faults;
    let column = |name: &str, field: &str| {
        let columns = report
            .get("profile")
            .and_then(serde_json::Value::as_array)?;
        columns
            .iter()
            .find(|column| column["name"] == name)?
            .get(field)?
            .as_u64()
    };
    let count = |n: usize| u64::try_from(n).ok();
    equal(
        column("dep_delay", "null_tokens"),
        count(faults.null_tokens),
        "null tokens found",
    )?;
    equal(
        column("dep_delay", "invalid"),
        count(faults.bad_types),
        "bad types found",
    )?;
    equal(
        column("arr_delay", "invalid"),
        count(faults.out_of_range),
        "values out of range found",
    )?;
    equal(
        report
            .pointer("/duplicates/exact_rows")
            .and_then(serde_json::Value::as_u64),
        count(faults.duplicates),
        "duplicate rows found",
    )?;
    world.tell.text(&format!(
        "Cedar's export had {} delays written as NA, N/A or NULL, {} that are no number, {} \
         arrivals a week late, and {} rows twice: the report counts exactly these.",
        faults.null_tokens, faults.bad_types, faults.out_of_range, faults.duplicates
    ))
}

/// The same file a second time is recognised before a byte is sent.
async fn again(world: &World, market: &Market) -> Step {
    let file = world.file("alder.parquet");
    let standing = world.send(&market.alder, &market.dataset, &file).await?;
    hold(standing.already_here, "the same file is recognised")?;
    world.tell.text(&format!(
        "Alder sends the same file again by mistake. The node answers: already here, receipt {}.",
        standing.receipt_no.unwrap_or_default()
    ))
}

/// Alder publishes; rows that several hold are kept once and shared.
pub async fn first_revision(world: &mut World, market: &mut Market) -> Step {
    world.later(1, 0);
    world.chapter("Revision 1")?;
    let (revision, shares) = publish(market, "January 2013, three contributors").await?;
    world.tell.block(parts_table(&shares))?;
    for (which, part) in shares.parts.iter().enumerate() {
        let cut = world
            .cut
            .parts
            .get(which)
            .ok_or_else(|| Slip("a part".to_owned()))?;
        let of = |what: &str| format!("{what} of {}", part.party.display_name);
        let count = |n: usize| i64::try_from(n).unwrap_or(-1);
        let shared = count(world.cut.shared(which));
        equal(
            part.rows_delivered,
            count(cut.rows.num_rows()),
            of("rows delivered"),
        )?;
        equal(part.rows_shared, shared, of("rows shared"))?;
        // Rows that stand twice in a file are counted as often as they stand there.
        let alone = count(cut.rows.num_rows()) - shared;
        equal(part.rows_unique, alone, of("rows held alone"))?;
        equal(part.rows_late, 0, of("late rows"))?;
    }
    world.tell.text(&format!(
        "The revision has {} rows, grade {}. A row that two providers hold independently is kept \
         once, and its weight is shared. Weights count rows by their quality; the shares follow \
         from them in whole parts of 10^12 and are frozen: every sale of this revision pays by \
         them.",
        grouped(revision.rows.unwrap_or_default()),
        grade(revision.grade, revision.letter.as_deref())
    ))?;
    market.revisions.push((revision, shares));
    Ok(())
}

pub(super) async fn publish(market: &Market, note: &str) -> Step<(RevisionView, SharesView)> {
    let owner = &market.alder.client;
    let asked = owner
        .publish(
            market.dataset.id,
            &NewRevision {
                note: note.to_owned(),
            },
        )
        .await?;
    let bar = bars::waiting("the node composes the revision");
    let revision = owner.wait_for_revision(asked.id).await?;
    bar.finish_and_clear();
    if let Some(failure) = &revision.failure {
        return Err(Slip(format!("the revision was not composed: {failure}")));
    }
    let shares = owner.shares(revision.id).await?;
    let sum: i64 = shares.shares.iter().map(|line| line.share).sum();
    equal(sum, 1_000_000_000_000, "sum of the shares")?;
    Ok((revision, shares))
}

/// What each contribution brought, and the share it gives.
pub(super) fn parts_table(shares: &SharesView) -> Table {
    let heads = [
        "from",
        ">receipt",
        ">delivered",
        ">alone",
        ">shared",
        ">late",
        ">kept",
        ">weight",
        ">share",
    ];
    let mut table = Table::new(&heads);
    for part in &shares.parts {
        let line = shares
            .shares
            .iter()
            .find(|line| line.party.id == part.party.id);
        table.row([
            part.party.display_name.clone(),
            part.receipt_no.to_string(),
            grouped(part.rows_delivered),
            grouped(part.rows_unique),
            grouped(part.rows_shared),
            grouped(part.rows_late),
            grouped(part.rows_kept),
            mass(part),
            line.map_or("–".into(), |line| share(line.share)),
        ]);
    }
    table
}

/// A weight in rows of full quality: the raw integer counts 2^-32 of one.
fn mass(part: &PartLine) -> String {
    match part.mass.parse::<u128>() {
        Ok(raw) => {
            let hundredths = (raw * 100) >> 32;
            let whole = i64::try_from(hundredths / 100).unwrap_or(i64::MAX);
            format!("{}.{:02}", grouped(whole), hundredths % 100)
        }
        Err(_) => part.mass.clone(),
    }
}
