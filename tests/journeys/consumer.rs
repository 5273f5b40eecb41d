//! A consumer reads the terms, buys, downloads and opens.

use dataset_core::digest::Sha256;
use dataset_core::licence::SignedLicence;
use dataset_core::seal;
use indicatif::ProgressBar;
use schema::wire::*;
use server::client::download;

use crate::support::files::{integers, rows};
use crate::support::market::order;
use crate::support::people::{eur, refused};
use crate::support::{TestApp, journeys};

journeys!(
    buys_and_opens,
    a_download_goes_on_where_it_was_killed,
    a_changed_offer_is_not_bought
);

async fn buys_and_opens(app: &mut TestApp) {
    let market = app.market(1999).await;
    let shown = app.visitor.offers(market.dataset.id).await.unwrap();
    assert_eq!(shown, std::slice::from_ref(&market.offer));
    let clauses: Vec<&str> = shown[0]
        .clauses
        .iter()
        .map(|clause| clause.clause.as_str())
        .collect();
    assert!(clauses.contains(&"redistribution"), "{clauses:?}");

    let buyer = app.party("buyer").await;
    refused(
        buyer.client.buy("too-early", &order(&market.offer)).await,
        402,
        "insufficient_funds",
    );
    app.top_up(&market.operator, &buyer, 5000).await;
    let bought = buyer
        .client
        .buy("first", &order(&market.offer))
        .await
        .unwrap();
    assert_eq!(
        (
            bought.gross.minor,
            bought.fee.minor,
            bought.tax.minor,
            bought.net.minor
        ),
        (1999, 199, 0, 1800)
    );
    assert_eq!(
        buyer
            .client
            .buy("first", &order(&market.offer))
            .await
            .unwrap(),
        bought
    );
    assert_eq!(buyer.client.order(bought.id).await.unwrap(), bought);
    assert_eq!(
        buyer.client.orders().await.unwrap(),
        std::slice::from_ref(&bought)
    );
    let wallet = buyer.client.wallet().await.unwrap();
    assert_eq!(wallet.balances, [eur(3001)]);
    assert_eq!(
        wallet
            .movements
            .iter()
            .map(|m| m.amount.minor)
            .collect::<Vec<_>>(),
        [-1999, 5000]
    );

    let licence = buyer.client.licence(bought.licence_id).await.unwrap();
    assert_eq!(
        (licence.state.as_str(), licence.downloads_used),
        ("active", 0)
    );
    let held = buyer.client.licences().await.unwrap();
    assert_eq!(
        held.iter().map(|held| held.id).collect::<Vec<_>>(),
        [licence.id]
    );
    let key = download::key_for(&app.info, &licence.document).unwrap();
    let signed = SignedLicence::verify(&licence.document, &key).unwrap();
    assert_eq!(
        signed.doc().terms.redistribution,
        dataset_core::licence::terms::Redistribution::None
    );

    let file = app.download(&buyer, bought.licence_id).await.unwrap();
    assert_eq!(market.revision.sha256, Some(Sha256::of(&file).to_string()));
    let mut hours = integers(&rows(&file), "hour");
    hours.sort_unstable();
    assert_eq!(hours, (0..100).collect::<Vec<_>>());
    assert_eq!(
        buyer
            .client
            .licence(bought.licence_id)
            .await
            .unwrap()
            .downloads_used,
        1
    );
    let sales = market.owner.client.sales(market.dataset.id).await.unwrap();
    assert_eq!(
        (sales.len(), &sales[0].buyer.handle, &sales[0].net),
        (1, &buyer.handle, &eur(1800))
    );
}

async fn a_download_goes_on_where_it_was_killed(app: &mut TestApp) {
    let market = app.market(100).await;
    let buyer = app.buyer(&market, "buyer", 100).await;
    let bought = buyer.buys(&market.offer).await;
    let (identity, recipient_id) = buyer.recipient().await;
    let ask = DownloadRequest {
        recipient_id,
        revision_id: None,
    };
    let link = buyer
        .client
        .download_url(bought.licence_id, &ask)
        .await
        .unwrap();
    let whole = app.http.get(&link.url).send().await.unwrap();
    assert_eq!(whole.headers()["etag"].to_str().unwrap(), link.etag);
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.len() as u64, link.sealed_bytes);

    // Half of it came, then the machine went down.
    let out = app.desk("bought.parquet");
    let half = whole.len() / 2;
    std::fs::write(app.desk("bought.parquet.part"), &whole[..half]).unwrap();
    std::fs::write(app.desk("bought.parquet.part.etag"), &link.etag).unwrap();
    // A new link, as after a restart: the same header, so the same file.
    let again = buyer
        .client
        .download_url(bought.licence_id, &ask)
        .await
        .unwrap();
    assert_eq!(again.etag, link.etag);
    let opened = download::fetch(
        &buyer.client,
        &app.info,
        &again,
        &identity,
        &out,
        &ProgressBar::hidden(),
    )
    .await
    .unwrap();
    assert_eq!(opened.resumed_at, half as u64);
    assert_eq!(market.revision.sha256, Some(opened.sha256.to_string()));
    assert_eq!(
        buyer
            .client
            .licence(bought.licence_id)
            .await
            .unwrap()
            .downloads_used,
        1,
        "once, however often it is resumed"
    );

    ranges(app, &link, &whole).await;
    let mut plain = Vec::new();
    std::io::Read::read_to_end(
        &mut seal::open(std::io::Cursor::new(&whole[..]), &identity).unwrap(),
        &mut plain,
    )
    .unwrap();
    assert_eq!(Sha256::of(&plain).to_string(), link.sha256);
}

async fn ranges(app: &TestApp, link: &DownloadUrl, whole: &[u8]) {
    let get = |range: String, tag: &str| {
        app.http
            .get(&link.url)
            .header("range", range)
            .header("if-range", tag)
            .send()
    };
    for (first, last) in [
        (0, 0),
        (0, 99),
        (190, 400),
        (whole.len() - 1, whole.len() - 1),
    ] {
        let part = get(format!("bytes={first}-{last}"), &link.etag)
            .await
            .unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(
            part.headers()["content-range"],
            format!("bytes {first}-{last}/{}", whole.len()).as_str()
        );
        assert_eq!(part.bytes().await.unwrap(), whole[first..=last]);
    }
    // Another file meanwhile: from the beginning.
    let other = get("bytes=10-".to_owned(), "\"another\"").await.unwrap();
    assert_eq!(
        (other.status().as_u16(), other.bytes().await.unwrap().len()),
        (200, whole.len())
    );
    let outside = app
        .http
        .get(&link.url)
        .header("range", format!("bytes={}-", whole.len()))
        .send()
        .await
        .unwrap();
    assert_eq!(outside.status(), 416);
    let head = app.http.head(&link.url).send().await.unwrap();
    assert_eq!(
        head.headers()["content-length"],
        whole.len().to_string().as_str()
    );
    // A link is bound to what it was made for.
    let changed = app
        .http
        .get(link.url.replace("&e=", "&e=9"))
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 403);
}

async fn a_changed_offer_is_not_bought(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 10_000).await;
    let cheaper = NewOrder {
        price: eur(1),
        ..order(&market.offer)
    };
    assert!(buyer.client.buy("cheap", &cheaper).await.is_err());
    let other_terms = NewOrder {
        terms_sha256: "0".repeat(64),
        ..order(&market.offer)
    };
    assert!(buyer.client.buy("terms", &other_terms).await.is_err());
    let preview = NewOffer {
        price: eur(2000),
        template: Some("research".to_owned()),
        terms: None,
        dry_run: true,
    };
    let shown = market
        .owner
        .client
        .offer(market.dataset.id, &preview)
        .await
        .unwrap();
    assert!(shown.offer.is_none(), "only shown");
    assert_eq!(
        (shown.split.net.minor, shown.split.contributors[0].minor),
        (1800, 1800)
    );
    assert_eq!(buyer.client.wallet().await.unwrap().balances, [eur(10_000)]);
}
