//! Copies larger than a sketch are counted row by row.

use schema::wire::*;

use crate::support::files::lines;
use crate::support::market::logs_of;
use crate::support::{TestApp, journeys};

journeys!(
    twenty_thousand_rows_are_counted_to_the_row,
    what_is_withdrawn_stays_counted_or_is_estimated
);

/// What was found of rows: share, gate, and since which receipt; all of it counted.
fn rows_of(verdict: &ContributionView) -> Vec<(i32, bool, i64)> {
    let rows = verdict.overlaps.iter();
    rows.filter(|found| found.measure == "rows")
        .map(|found| {
            assert!(found.exact && found.margin_ppm == 0, "{found:?}");
            assert!(found.text.contains("(counted exactly)"), "{}", found.text);
            (found.share_ppm, found.gate, found.first_receipt)
        })
        .collect()
}

async fn twenty_thousand_rows_are_counted_to_the_row(app: &mut TestApp) {
    app.operator().await;
    let owner = app.party("owner").await;
    let pool = logs_of(&owner).await;
    let first = app
        .contribute(&owner, &pool, &lines(0..12_000))
        .await
        .receipt_no
        .unwrap();
    let second = app
        .contribute(&owner, &pool, &lines(12_000..20_000))
        .await
        .receipt_no
        .unwrap();
    // One row less than 30 % may be published, whatever a sample would say.
    let careful = app.party("careful").await;
    let own = logs_of(&careful).await;
    let verdict = app
        .contribute(&careful, &own, &lines((0..5_999).chain(100_000..114_001)))
        .await;
    assert_eq!(rows_of(&verdict), [(299_950, false, first)]);
    assert_eq!(app.publish(&careful, &own).await.rows, Some(20_000));
    let copier = app.party("copier").await;
    let copy = logs_of(&copier).await;
    let verdict = app
        .contribute(
            &copier,
            &copy,
            &lines((6_000..12_000).chain(50_000..64_000)),
        )
        .await;
    assert_eq!(rows_of(&verdict), [(300_000, true, first)]);
    let copied = verdict.receipt_no.unwrap();
    let refusal = copier
        .client
        .publish(copy.id, &NewRevision::default())
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), Some("stands_elsewhere"), "{refusal:?}");
    // What the pool had before the copier is no copy; what the copier had first is one.
    let late = app.party("late").await;
    let verdict = app
        .contribute(&late, &pool, &lines((6_000..12_000).chain(50_000..54_000)))
        .await;
    assert_eq!(rows_of(&verdict), [(400_000, true, copied)]);
    // Too few for a sample of the pool to judge by are counted as well.
    let few = app.party("few").await;
    let verdict = app
        .contribute(
            &few,
            &logs_of(&few).await,
            &lines((12_000..12_024).chain(200_000..200_006)),
        )
        .await;
    assert_eq!(rows_of(&verdict), [(800_000, true, second)]);
}

/// What was taken of a contribution before it was withdrawn still counts; nothing is taken of it
/// afterwards, and then the answer says that it is an estimate.
async fn what_is_withdrawn_stays_counted_or_is_estimated(app: &mut TestApp) {
    app.operator().await;
    let (one, two) = (app.party("one").await, app.party("two").await);
    let (first, second) = (logs_of(&one).await, logs_of(&two).await);
    let kept = app.contribute(&one, &first, &lines(0..12_000)).await;
    let lost = app
        .contribute(&two, &second, &lines(500_000..512_000))
        .await;
    let copier = app.party("copier").await;
    let copy = logs_of(&copier).await;
    // This asks for the fingerprints of the first; the second is withdrawn before anybody asks.
    app.contribute(
        &copier,
        &copy,
        &lines((9_000..12_000).chain(50_000..57_000)),
    )
    .await;
    one.client.withdraw(kept.id).await.unwrap();
    two.client.withdraw(lost.id).await.unwrap();

    let late = app.party("late").await;
    let own = logs_of(&late).await;
    let verdict = app
        .contribute(&late, &own, &lines((0..6_000).chain(200_000..214_000)))
        .await;
    assert_eq!(
        rows_of(&verdict),
        [(300_000, true, kept.receipt_no.unwrap())]
    );
    let later = app.party("later").await;
    let own = logs_of(&later).await;
    let verdict = app
        .contribute(
            &later,
            &own,
            &lines((500_000..508_000).chain(300_000..312_000)),
        )
        .await;
    let found: Vec<_> = verdict
        .overlaps
        .iter()
        .filter(|found| found.measure == "rows")
        .collect();
    let [found] = found.as_slice() else {
        panic!("{:?}", verdict.overlaps);
    };
    assert!(!found.exact && found.margin_ppm > 0, "{found:?}");
    let off = (found.share_ppm - 400_000).abs();
    assert!(off <= 2 * found.margin_ppm, "{found:?}");
    assert!(found.text.contains("(estimated: "), "{}", found.text);
    assert!(found.text.contains("with 95 % certainty"), "{}", found.text);
    assert_eq!(found.first_receipt, lost.receipt_no.unwrap());
}
