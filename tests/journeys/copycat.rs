//! Who sells bought rows again is paid for what is new, and for nothing else.

use std::sync::Arc;

use arrow::array::{StringArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use schema::wire::Admission;

use crate::support::files::{rows, with};
use crate::support::{Rows, TestApp, journeys, readings};

journeys!(
    a_late_copy_is_paid_for_its_new_rows,
    holders_at_the_same_time_share
);

/// Other order of rows and columns, padded texts, and some rows more.
fn disguise(bought: &Rows, own: &Rows) -> Rows {
    let together = concat_batches(
        &bought.schema(),
        [bought, &own.clone().with_schema(bought.schema()).unwrap()],
    )
    .unwrap();
    let count = together.num_rows() as u32;
    let order = UInt32Array::from_iter_values((0..count).map(|at| (at * 7 + 3) % count));
    let mixed = take_record_batch(&together, &order).unwrap();
    let stations = mixed
        .column_by_name("station")
        .unwrap()
        .as_any()
        .downcast_ref::<StringArray>()
        .unwrap();
    let padded =
        StringArray::from_iter_values(stations.iter().map(|text| format!("  {} ", text.unwrap())));
    with(&mixed, "station", Arc::new(padded))
        .project(&[3, 2, 1, 0])
        .unwrap()
}

async fn a_late_copy_is_paid_for_its_new_rows(app: &mut TestApp) {
    let market = app.market(1000).await;
    let copycat = app.buyer(&market, "copycat", 1000).await;
    let bought = copycat.buys(&market.offer).await;
    let file = app.download(&copycat, bought.licence_id).await.unwrap();
    let disguised = disguise(&rows(&file), &readings(1000..1017));
    assert_eq!(disguised.num_rows(), 117);
    app.contribute(&copycat, &market.dataset, &disguised).await;
    let revision = app.publish(&market.owner, &market.dataset).await;
    assert_eq!((revision.number, revision.rows), (2, Some(117)));
    let shares = app.visitor.shares(revision.id).await.unwrap();
    let part = shares
        .parts
        .iter()
        .find(|part| part.party.id == copycat.id)
        .unwrap();
    assert_eq!(
        (
            part.rows_delivered,
            part.rows_unique,
            part.rows_shared,
            part.rows_late
        ),
        (117, 17, 0, 100)
    );
    let [late] = part.late_copies.as_slice() else {
        panic!("{part:?}")
    };
    assert_eq!((late.holder.id, late.rows), (market.owner.id, 100));
    assert_eq!(
        (late.contribution_id, Some(late.receipt_no)),
        (market.contribution.id, market.contribution.receipt_no)
    );
    assert_eq!(Some(late.received_at), market.contribution.received_at);
    let share = |party| {
        shares
            .shares
            .iter()
            .find(|line| line.party.id == party)
            .unwrap()
            .share
    };
    let fair = 1_000_000_000_000 * 17 / 117;
    let got = share(copycat.id);
    assert!(
        (fair - fair / 50..=fair + fair / 50).contains(&got),
        "17 of 117 rows of about the same quality, not {got}"
    );
    // The sale before this revision stays with its own shares.
    let before = app.visitor.shares(market.revision.id).await.unwrap();
    assert_eq!(before.shares.len(), 1);
}

async fn holders_at_the_same_time_share(app: &mut TestApp) {
    let owner = app.party("owner").await;
    let other = app.party("other").await;
    let dataset = app.dataset(&owner, Admission::Open).await;
    app.contribute(&owner, &dataset, &readings(0..60)).await;
    app.contribute(&other, &dataset, &readings(40..100)).await;
    let revision = app.publish(&owner, &dataset).await;
    assert_eq!(revision.rows, Some(100));
    let shares = app.visitor.shares(revision.id).await.unwrap();
    for part in &shares.parts {
        assert_eq!(
            (part.rows_unique, part.rows_shared, part.rows_late),
            (40, 20, 0),
            "{part:?}"
        );
    }
    let parts: Vec<i64> = shares.shares.iter().map(|line| line.share).collect();
    assert!(
        (parts[0] - parts[1]).abs() < 20_000_000_000,
        "nearly halves: {parts:?}"
    );
}
