//! The pages about taxes and invoices: what buyers and operators type and read.

use crate::support::browser::{page, send};
use crate::support::{TestApp, journeys};

journeys!(rates_addresses_and_invoices_have_their_pages);

async fn rates_addresses_and_invoices_have_their_pages(app: &mut TestApp) {
    let market = app.market(1999).await;
    let (operator, owner) = (&market.operator, &market.owner);
    let buyer = app.buyer(&market, "buyer", 4000).await;
    let rate = "jurisdiction=de&name=VAT+DE&bps=1900&from=";
    assert_eq!(send(app, owner, "/operator/tax/set", rate).await.0, 404);
    let (status, to) = send(app, operator, "/operator/tax/set", rate).await;
    assert_eq!((status, to.as_str()), (303, "/operator/tax?done=saved"));
    let (status, html) = page(app, operator, &to).await;
    assert_eq!(status, 200);
    for needle in [
        "Saved.",
        "VAT DE",
        "19 %",
        "Nothing was sold",
        "--seller-jurisdiction",
    ] {
        assert!(html.contains(needle), "{needle}: {html}");
    }
    // What is wrong is told beside what was typed.
    for (form, typed, word) in [
        (
            "jurisdiction=Germany&name=VAT&bps=1&from=",
            "Germany",
            "no jurisdiction",
        ),
        (
            "jurisdiction=DE&name=VAT&bps=1&from=2020-01-01",
            "2020-01-01",
            "now or later",
        ),
        (
            "jurisdiction=DE&name=VAT&bps=1%25&from=",
            "1%",
            "whole number",
        ),
    ] {
        let (status, html) = send(app, operator, "/operator/tax/set", form).await;
        assert_eq!(status, 422, "{form}");
        assert!(
            html.contains(word) && html.contains(&format!("value=\"{typed}\"")),
            "{html}"
        );
    }
    assert_eq!(page(app, owner, "/operator/tax").await.0, 404);

    let (status, html) = page(app, &buyer, "/invoices").await;
    assert_eq!((status, html.contains("No invoice yet")), (200, true));
    let address = "name=Bo+GmbH&address=Weg+1%0D%0A10115+Berlin&jurisdiction=DE&tax_id=";
    let (status, to) = send(app, &buyer, "/account/billing", address).await;
    assert_eq!((status, to.as_str()), (303, "/account/billing?done=saved"));
    let (_, html) = page(app, &buyer, &to).await;
    assert!(
        html.contains("value=\"Bo GmbH\"") && html.contains("Weg 1\n10115 Berlin"),
        "{html}"
    );
    let nowhere = address.replace("=DE", "=Nowhere");
    let (status, html) = send(app, &buyer, "/account/billing", &nowhere).await;
    assert_eq!((status, html.contains("value=\"Nowhere\"")), (422, true));

    let order = buyer.buys(&market.offer).await;
    let paper = format!("/api/v1/invoices/{}.pdf", order.id);
    let receipt = format!("/orders/{}", order.id);
    for (who, path) in [
        (&buyer, "/invoices"),
        (&buyer, receipt.as_str()),
        (operator, "/operator/tax?period=2026-03"),
    ] {
        let (status, html) = page(app, who, path).await;
        assert_eq!(
            (status, html.contains(&paper)),
            (200, true),
            "{path}: {html}"
        );
    }
    // The owner sees the receipt, and not the buyer's invoice.
    let (status, html) = page(app, owner, &receipt).await;
    assert_eq!((status, html.contains(&paper)), (200, false));
    let (_, html) = page(app, operator, "/operator/tax?period=2026-03").await;
    assert!(
        html.contains("3.19 EUR") && html.contains("Bo GmbH"),
        "{html}"
    );
    assert_eq!(
        page(app, operator, "/operator/tax?period=March").await.0,
        422
    );
}
