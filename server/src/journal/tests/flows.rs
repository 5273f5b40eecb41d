//! The money's flows over a whole node: rights, views, statements that verify offline.

use chrono::TimeDelta;
use clap::Parser;
use diesel::prelude::*;
use ledger::statement::{Statement, verify};
use schema::columns::Key;
use schema::on;
use schema::tables::{contribution, revision_part};
use schema::wire::{
    Amount, NewOffer, NewOrder, NewRefund, NewSettlement, NewTopUp, OrderView, PageQuery,
};

use super::support::{Kind, Scratch, kinds, start};
use crate::auth::Actor;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::error::Kind as FaultKind;
use crate::flows::{
    buy, ledger_export, ledger_verify, offer, refund, sales, settle, statements, top_up,
    trial_balance, wallet,
};
use crate::journal::market::Market;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

struct Node {
    ctx: Ctx,
    market: Market,
    operator: Actor,
    buyer: Actor,
    owner: Actor,
    contributors: Vec<Actor>,
    _scratch: Scratch,
    _dir: tempfile::TempDir,
}

fn eur(minor: i64) -> Amount {
    Amount {
        minor,
        currency: "EUR".to_owned(),
    }
}

fn node(kind: Kind) -> Node {
    let (scratch, dir) = (Scratch::new(kind), tempfile::tempdir().unwrap());
    let data = dir.path().display().to_string();
    let arguments = Arguments::parse_from([
        "granary",
        "--data-dir",
        &data,
        "--database-url",
        &scratch.url,
    ]);
    let (clock, ids) = (Clock::manual(start()), Ids::seeded(11));
    let ctx = crate::serve::build_ctx(arguments.config, clock, ids.clone()).unwrap();
    let market = Market::make(&ctx.pool, &ids, start(), 2, &[1, 2], 500).unwrap();
    let contributors: Vec<Actor> = market
        .epoch
        .shares()
        .iter()
        .map(|(id, _)| Actor::for_test(*id, false))
        .collect();
    late_copy(&mut scratch.db(), &market);
    Node {
        operator: Actor::for_test(market.buyers[1], true),
        buyer: Actor::for_test(market.buyers[0], false),
        owner: Actor::for_test(market.owner, false),
        contributors,
        ctx,
        market,
        _scratch: scratch,
        _dir: dir,
    }
}

/// The first contributor brought 10 rows, 4 of which the second had brought before.
fn late_copy(db: &mut schema::db::Db, market: &Market) {
    let [first, second] = [0, 1].map(|n| Key(market.epoch.shares()[n].0));
    let now = schema::columns::When::from(start());
    for (n, party) in [(41i64, second), (42, first)] {
        let id = Key(uuid::Uuid::from_u128(n as u128));
        on!(db, c => diesel::insert_into(contribution::table)
            .values((
                contribution::id.eq(id),
                contribution::dataset_id.eq(Key(market.dataset)),
                contribution::party_id.eq(party),
                contribution::file_name.eq("rows.parquet"),
                contribution::claimed_digest.eq(vec![0u8; 32]),
                contribution::state.eq("accepted"),
                contribution::receipt_no.eq(Some(n)),
                contribution::created_at.eq(now),
                contribution::received_at.eq(Some(now)),
            ))
            .execute(c))
        .unwrap();
    }
    let late = Key(uuid::Uuid::from_u128(41));
    let detail = format!(
        r#"{{"shared":{{}},"late":[{{"contribution":"{}","party":"{}","receipt_no":41,"rows":4}}],"mean_quality_ppm":0}}"#,
        late.0, second.0
    );
    on!(db, c => diesel::insert_into(revision_part::table)
        .values((
            revision_part::revision_id.eq(Key(market.revision)),
            revision_part::contribution_id.eq(Key(uuid::Uuid::from_u128(42))),
            revision_part::party_id.eq(first),
            revision_part::receipt_no.eq(42i64),
            revision_part::rows_delivered.eq(10i64),
            revision_part::rows_kept.eq(6i64),
            revision_part::rows_unique.eq(6i64),
            revision_part::rows_shared.eq(0i64),
            revision_part::rows_late.eq(4i64),
            revision_part::mass.eq("1"),
            revision_part::grade.eq(8_750),
            revision_part::detail.eq(&detail),
        ))
        .execute(c))
    .unwrap();
}

impl Node {
    async fn offer(&self, minor: i64) -> NewOrder {
        let new = NewOffer {
            price: eur(minor),
            template: Some("open".to_owned()),
            terms: None,
            dry_run: false,
        };
        let made = offer::run(&self.ctx, &self.owner, self.market.dataset, new)
            .await
            .unwrap();
        let offer = made.offer.unwrap();
        NewOrder {
            offer_id: offer.id,
            terms_sha256: offer.terms_sha256,
            price: offer.price,
        }
    }

    async fn top_up(&self, key: &str, minor: i64) {
        let new = NewTopUp {
            party: self.buyer.party.to_string(),
            amount: eur(minor),
            reference: "RF18".to_owned(),
        };
        let view = top_up::run(&self.ctx, &self.operator, key, new.clone())
            .await
            .unwrap();
        assert_eq!(
            top_up::run(&self.ctx, &self.operator, key, new)
                .await
                .unwrap(),
            view
        );
    }
}

async fn journey(kind: Kind) {
    let node = node(kind);
    let receipt = buying(&node).await;
    giving_back(&node, &receipt).await;
    settling(&node).await;
    statements_verify(&node).await;
    figures(&node).await;
    next_month(&node, receipt.id).await;
}

/// The wallet's floor, what the buyer must have read, and the receipt.
async fn buying(node: &Node) -> OrderView {
    let (ctx, buyer) = (&node.ctx, &node.buyer);
    let order = node.offer(1_999).await;
    let poor = buy::run(ctx, buyer, "b", order.clone()).await.unwrap_err();
    assert_eq!(poor.kind, FaultKind::Unpaid);
    node.top_up("t", 5_000).await;
    let cheaper = NewOrder {
        price: eur(1_998),
        ..order.clone()
    };
    let unread = NewOrder {
        terms_sha256: "00".repeat(32),
        ..order.clone()
    };
    for (new, code) in [(cheaper, "price_changed"), (unread, "terms_changed")] {
        assert_eq!(buy::run(ctx, buyer, "c", new).await.unwrap_err().code, code);
    }
    let receipt = buy::run(ctx, buyer, "b", order.clone()).await.unwrap();
    let OrderView {
        fee,
        commission,
        net,
        ..
    } = &receipt;
    assert_eq!((fee.minor, commission.minor, net.minor), (199, 90, 1_710));
    assert_eq!(buy::run(ctx, buyer, "b", order).await.unwrap(), receipt);
    receipt
}

/// By the owner, with a reason, once; the receipt stays what it was.
async fn giving_back(node: &Node, receipt: &OrderView) {
    let Node {
        ctx,
        owner,
        contributors,
        buyer,
        ..
    } = node;
    let part = NewRefund {
        amount: eur(600),
        reason: "late".to_owned(),
    };
    for stranger in [&contributors[0], buyer] {
        let refused = refund::run(ctx, stranger, "r", receipt.id, part.clone())
            .await
            .unwrap_err();
        assert_eq!(refused.kind, FaultKind::Missing);
    }
    let back = refund::run(ctx, owner, "r", receipt.id, part.clone())
        .await
        .unwrap();
    assert_eq!((back.net.minor, back.licence_revoked), (513, false));
    assert_eq!(
        refund::run(ctx, owner, "r", receipt.id, part)
            .await
            .unwrap(),
        back
    );
    let order = buy::show(ctx, buyer, receipt.id).await.unwrap();
    assert_eq!((order.refunded, receipt.refunded.minor), (eur(600), 0));
}

async fn settling(node: &Node) {
    let Node {
        ctx,
        operator,
        owner,
        ..
    } = node;
    let settle = |who, key| settle::run(ctx, who, key, NewSettlement::default());
    assert_eq!(
        settle(owner, "s").await.unwrap_err().kind,
        FaultKind::Missing
    );
    let settled = settle(operator, "s").await.unwrap();
    assert_eq!(
        (settled.pools.len(), settled.pools[0].delta.minor),
        (1, 1_710 - 513)
    );
    assert_eq!(settled.statements.len(), 3);
    assert_eq!(settle(operator, "s").await.unwrap(), settled);
    let nothing = settle(operator, "s2").await.unwrap();
    assert_eq!((nothing.pools.len(), nothing.statements.len()), (0, 0));
}

/// What wallets, owners and operators see.
async fn figures(node: &Node) {
    let Node {
        ctx,
        market,
        operator,
        buyer,
        owner,
        contributors,
        ..
    } = node;
    let shown = wallet::show(ctx, buyer).await.unwrap();
    assert_eq!(shown.balances, [eur(5_000 - 1_999 + 600)]);
    let moved: Vec<i64> = shown
        .movements
        .iter()
        .map(|movement| movement.amount.minor)
        .collect();
    assert_eq!(moved, [600, -1_999, 5_000]);
    assert_eq!(wallet::show(ctx, owner).await.unwrap().earnings, [eur(63)]);
    for who in [owner, operator, &contributors[0]] {
        let page = sales::list(ctx, who, market.dataset, PageQuery::default())
            .await
            .unwrap();
        assert_eq!(page.items[0].buyer.id, buyer.party);
    }
    let hidden = sales::list(ctx, buyer, market.dataset, PageQuery::default())
        .await
        .unwrap_err();
    assert_eq!(hidden.kind, FaultKind::Missing);
    assert_eq!(
        trial_balance::run(ctx, owner).await.unwrap_err().kind,
        FaultKind::Missing
    );
    let books = trial_balance::run(ctx, operator).await.unwrap().books;
    assert_eq!((books.len(), books[0].total, books[0].entries), (1, 0, 4));
    assert_eq!(ledger_verify::run(ctx).await.unwrap(), []);
    let text = ledger_export::hledger(ctx, operator).await.unwrap();
    assert!(text.contains("Income:PlatformFee  -1.99 EUR"), "{text}");
}

/// Files verify with the public key alone, and say what the settlement did.
async fn statements_verify(node: &Node) {
    let key = node.ctx.keys.verify_key().as_bytes();
    let first = &node.contributors[0];
    let page = statements::list(&node.ctx, first, PageQuery::default())
        .await
        .unwrap();
    let id = page.items[0].id;
    let file = statements::document(&node.ctx, first, id).await.unwrap();
    let summary = verify(file.as_bytes(), key).unwrap();
    // (1710 − 513) / 3 = 399, less the unit rounded away by the share.
    assert_eq!(
        (summary.earned.minor, summary.closing.minor, summary.lines),
        (398, 398, 1)
    );
    let line = &Statement::read(file.as_bytes()).unwrap().lines[0];
    assert_eq!((line.rows, line.quality), (6, Some(8_750)));
    assert_eq!(
        (line.late_copies[0].rows, line.late_copies[0].holder_receipt),
        (4, 41)
    );
    assert_eq!(
        (line.sales, line.refunds.len(), line.refunds[0].net),
        (1, 1, 513)
    );
    let shown = statements::show(&node.ctx, first, id).await.unwrap();
    assert_eq!((shown.id, &shown.closing), (id, &page.items[0].closing));
    for stranger in [&node.buyer, &node.contributors[1]] {
        assert_eq!(
            statements::document(&node.ctx, stranger, id)
                .await
                .unwrap_err()
                .kind,
            FaultKind::Missing
        );
    }
    let tampered = file.replacen("398", "399", 1);
    assert!(verify(tampered.as_bytes(), key).is_err());
}

/// The rest comes back a month later: what was earned is taken back, and the licence ends.
async fn next_month(node: &Node, order: uuid::Uuid) {
    let Node {
        ctx,
        operator,
        contributors,
        ..
    } = node;
    ctx.clock.advance(TimeDelta::days(20));
    let rest = NewRefund {
        amount: eur(1_399),
        reason: "withdrawn".to_owned(),
    };
    let back = refund::run(ctx, operator, "r2", order, rest).await.unwrap();
    assert!(back.licence_revoked);
    let over = NewRefund {
        amount: eur(1),
        reason: "more".to_owned(),
    };
    assert_eq!(
        refund::run(ctx, operator, "r3", order, over)
            .await
            .unwrap_err()
            .code,
        "exceeds_payment"
    );
    let settled = settle::run(ctx, operator, "s3", NewSettlement::default())
        .await
        .unwrap();
    assert_eq!(
        (settled.period.as_str(), settled.pools[0].delta.minor),
        ("2026-12", -1_197)
    );
    let page = statements::list(ctx, &contributors[0], PageQuery::default())
        .await
        .unwrap();
    assert_eq!(page.items.len(), 2);
    let file = statements::document(ctx, &contributors[0], page.items[0].id)
        .await
        .unwrap();
    let summary = verify(file.as_bytes(), ctx.keys.verify_key().as_bytes()).unwrap();
    assert_eq!(
        (
            summary.opening.minor,
            summary.earned.minor,
            summary.closing.minor
        ),
        (398, -398, 0)
    );
    let line = &Statement::read(file.as_bytes()).unwrap().lines[0];
    assert_eq!(
        (line.sales, line.refunds[0].period.to_string().as_str()),
        (0, "2026-11")
    );
    closing_month(node, order).await;
}

/// Nothing is settled into the past, and the books still hold.
async fn closing_month(node: &Node, order: uuid::Uuid) {
    let Node { ctx, operator, .. } = node;
    let past = NewSettlement {
        period: Some("2026-11".to_owned()),
    };
    assert_eq!(
        settle::run(ctx, operator, "s4", past)
            .await
            .unwrap_err()
            .code,
        "period_passed"
    );
    assert_eq!(
        refund::list(ctx, &node.buyer, order).await.unwrap().len(),
        2
    );
    assert_eq!(ledger_verify::run(ctx).await.unwrap(), []);
}

#[test]
fn from_top_up_to_a_statement_that_verifies_offline() {
    for kind in kinds() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(journey(kind));
    }
}
