//! Accounts of one house are weighed as one, once the operator knows.

use chrono::TimeDelta;
use schema::wire::*;

use crate::support::people::refused;
use crate::support::{Person, TestApp, journeys, readings};

journeys!(
    linked_accounts_hold_a_row_once,
    sales_after_a_link_are_paid_by_it
);

const ALL: i64 = 1_000_000_000_000;

/// The owner brings rows 0 to 60, cat and dog the same rows 40 to 80.
async fn pool(app: &mut TestApp) -> (Person, Person, Person, DatasetView) {
    let owner = app.party("owner").await;
    let (cat, dog) = (app.party("cat").await, app.party("dog").await);
    let dataset = app.dataset(&owner, Admission::Open).await;
    app.contribute(&owner, &dataset, &readings(0..60)).await;
    app.contribute(&cat, &dataset, &readings(40..80)).await;
    app.contribute(&dog, &dataset, &readings(40..80)).await;
    (owner, cat, dog, dataset)
}

async fn linked_accounts_hold_a_row_once(app: &mut TestApp) {
    let operator = app.operator().await;
    let (owner, cat, dog, dataset) = pool(app).await;
    let apart = shares(app, app.publish(&owner, &dataset).await).await;
    // Of 80 rows the owner has 40 alone and a third of 20.
    near(share(&apart, &owner), ALL * 140 / 240);
    near(share(&apart, &cat), share(&apart, &dog));
    assert_eq!(
        part(&apart, &owner).shared,
        [SharedRows {
            holders: 3,
            rows: 20
        }]
    );

    app.later(TimeDelta::hours(1));
    let entity = link(&operator, &owner, &cat, &dog).await;

    // The same contributions by other entities make another revision.
    let linked = shares(app, app.publish(&owner, &dataset).await).await;
    near(share(&linked, &owner), ALL * 50 / 80);
    assert_eq!(
        share(&linked, &cat) + share(&linked, &dog),
        ALL - share(&linked, &owner)
    );
    let own = part(&linked, &owner);
    assert_eq!(
        own.shared,
        [SharedRows {
            holders: 2,
            rows: 20
        }]
    );
    assert_eq!(
        (own.entity_id, part(&linked, &cat).entity_id),
        (None, Some(entity.id))
    );
    assert!(
        own.quality_ppm > 0 && own.utility_ppm == 1_000_000,
        "{own:?}"
    );
    assert_eq!(
        own.losses.first().map(|loss| loss.dimension.as_str()),
        Some("documentation")
    );
    assert_ne!(apart.inputs_sha256, linked.inputs_sha256);
    // What was frozen stays.
    let of = apart.revision_id;
    let frozen = app.visitor.shares_of_epoch(of, 1).await.unwrap();
    assert_eq!(frozen, apart);

    app.later(TimeDelta::hours(1));
    let unlink = async |reason| operator.client.unlink_party(&dog.handle, reason).await;
    refused(unlink(Some("x")).await, 422, "invalid");
    unlink(Some("sold to somebody else")).await.unwrap();
    refused(unlink(None).await, 404, "not_found");
    let again = shares(app, app.publish(&owner, &dataset).await).await;
    assert_eq!(share(&again, &owner), share(&apart, &owner));
    let nothing = NewRevision::default();
    refused(
        owner.client.publish(dataset.id, &nothing).await,
        409,
        "nothing_new",
    );
}

/// One sale before the link and one after it, of the same revision: each is paid by its own epoch.
async fn sales_after_a_link_are_paid_by_it(app: &mut TestApp) {
    let operator = app.operator().await;
    let (owner, cat, dog, dataset) = pool(app).await;
    let revision = app.publish(&owner, &dataset).await;
    let offer = app.offer(&owner, &dataset, 1000).await;
    let buyer = app.party("buyer").await;
    app.top_up(&operator, &buyer, 2000).await;
    buyer.buys(&offer).await;
    let apart = shares(app, revision.clone()).await;

    app.later(TimeDelta::hours(1));
    link(&operator, &owner, &cat, &dog).await;
    let linked = epoch(app, &revision, 2).await;
    near(share(&linked, &owner), ALL * 50 / 80);
    let own = part(&linked, &owner);
    assert_eq!(
        (own.shared[0].holders, own.rows_kept),
        (2, part(&apart, &owner).rows_kept)
    );
    assert_eq!(
        app.visitor.shares_of_epoch(revision.id, 1).await.unwrap(),
        apart
    );
    refused(
        app.visitor.shares_of_epoch(revision.id, 3).await,
        404,
        "not_found",
    );
    buyer.buys(&offer).await;

    app.later(TimeDelta::days(20));
    let all = NewSettlement::default();
    let pools = operator.client.settle("march", &all).await.unwrap().pools;
    let moved: Vec<_> = pools.iter().map(|p| (p.epoch, p.delta.minor)).collect();
    assert_eq!(moved, [(1, 900), (2, 900)]);
    let mut sum = 0;
    for who in [&owner, &cat, &dog] {
        let parts = [share(&apart, who), share(&linked, who)];
        // Of 9.00 by the shares before, and of 9.00 by those after.
        let by_hand: i64 = parts.iter().map(|share| 900 * share / ALL).sum();
        let earned = who.client.wallet().await.unwrap().earnings[0].minor;
        assert!(
            (by_hand..=by_hand + 1).contains(&earned),
            "{earned}, not {by_hand}"
        );
        sum += earned;
    }
    assert!((1798..=1800).contains(&sum), "{sum}");

    app.later(TimeDelta::hours(1));
    let because = Some("sold to somebody else");
    operator
        .client
        .unlink_party(&dog.handle, because)
        .await
        .unwrap();
    assert_eq!(epoch(app, &revision, 3).await.shares, apart.shares);
}

/// The shares of a revision once it has so many epochs.
async fn epoch(app: &TestApp, revision: &RevisionView, number: i32) -> SharesView {
    for _ in 0..200 {
        let found = app.visitor.shares(revision.id).await.unwrap();
        if found.epoch == number {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no epoch {number} came");
}

/// The operator links two parties, and nobody else can.
async fn link(operator: &Person, owner: &Person, cat: &Person, dog: &Person) -> EntityView {
    let new = NewEntity {
        parties: vec![cat.handle.clone(), dog.email.clone()],
        reason: "same payout account".to_owned(),
    };
    refused(owner.client.link_parties(&new).await, 404, "not_found");
    let alone = NewEntity {
        parties: vec![cat.handle.clone(), cat.email.clone()],
        ..new.clone()
    };
    refused(operator.client.link_parties(&alone).await, 422, "invalid");
    let entity = operator.client.link_parties(&new).await.unwrap();
    let members: Vec<_> = entity
        .members
        .iter()
        .map(|m| m.party.handle.as_str())
        .collect();
    assert_eq!(members, ["cat", "dog"]);
    let linked = operator.client.entities().await.unwrap();
    assert_eq!(linked, std::slice::from_ref(&entity));
    // Saying it twice changes nothing.
    assert_eq!(operator.client.link_parties(&new).await.unwrap(), entity);
    entity
}

async fn shares(app: &TestApp, revision: RevisionView) -> SharesView {
    app.visitor.shares(revision.id).await.unwrap()
}

fn share(of: &SharesView, who: &Person) -> i64 {
    let line = of.shares.iter().find(|line| line.party.id == who.id);
    line.map_or(0, |line| line.share)
}

fn part(of: &SharesView, who: &Person) -> PartLine {
    let line = of.parts.iter().find(|line| line.party.id == who.id);
    line.unwrap().clone()
}

/// Rows differ a little in quality.
fn near(found: i64, expected: i64) {
    let off = (found - expected).abs();
    assert!(off < ALL / 50, "{found}, not about {expected}");
}
