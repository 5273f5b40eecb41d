//! A contributor takes a contribution back.

use schema::wire::*;

use crate::support::people::refused;
use crate::support::{Person, TestApp, journeys, readings};

journeys!(
    rows_taken_back_leave_the_next_revision,
    a_dataset_leaves_the_market
);

async fn rows_taken_back_leave_the_next_revision(app: &mut TestApp) {
    let market = app.market(1000).await;
    let guest = app.party("guest").await;
    let theirs = app
        .contribute(&guest, &market.dataset, &readings(100..150))
        .await;
    let second = app.publish(&market.owner, &market.dataset).await;
    assert_eq!(second.rows, Some(150));
    refused(
        market.owner.client.withdraw(theirs.id).await,
        404,
        "not_found",
    );
    let withdrawn = guest.client.withdraw(theirs.id).await.unwrap();
    assert_eq!(withdrawn.state, ContributionState::Withdrawn);
    assert_eq!(
        guest.client.withdraw(theirs.id).await.unwrap().state,
        ContributionState::Withdrawn,
        "twice is once"
    );
    let third = app.publish(&market.owner, &market.dataset).await;
    assert_eq!(third.rows, Some(100));
    assert_eq!(
        app.visitor.shares(second.id).await.unwrap().shares.len(),
        2,
        "what is frozen stays"
    );

    // A tombstone is left: nobody else becomes the first holder of these rows.
    let heir = app.party("heir").await;
    app.contribute(&heir, &market.dataset, &readings(100..160))
        .await;
    let fourth = app.publish(&market.owner, &market.dataset).await;
    let shares = app.visitor.shares(fourth.id).await.unwrap();
    let part = shares
        .parts
        .iter()
        .find(|part| part.party.id == heir.id)
        .unwrap();
    assert_eq!((part.rows_unique, part.rows_late), (10, 50), "{part:?}");
    // The bytes are gone: the same file may come again, as a new contribution.
    let again = app
        .contribute(&guest, &market.dataset, &readings(100..150))
        .await;
    assert!(!again.already_here && again.id != theirs.id);
}

async fn a_dataset_leaves_the_market(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 2000).await;
    let bought = buyer.buys(&market.offer).await;
    let leave = async |who: &Person| {
        app.call(
            "DELETE /api/v1/datasets/{}",
            &[&market.dataset.id],
            Some(&who.token),
            None,
        )
        .await
        .0
    };
    assert_eq!(leave(&buyer).await, 404);
    assert_eq!(leave(&market.owner).await, 204);
    let order = crate::support::market::order(&market.offer);
    assert!(buyer.client.buy("late", &order).await.is_err());
    let publish = market
        .owner
        .client
        .publish(market.dataset.id, &NewRevision::default())
        .await;
    refused(publish, 409, "dataset_withdrawn");
    app.download(&buyer, bought.licence_id).await.unwrap();
}
