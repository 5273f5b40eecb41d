//! Money leaves: two operators, the bank's files, and what comes back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use dataset_core::digest::Sha256;
use ledger::statement::{self, PayoutKind, Statement};
use schema::wire::*;
use server::ports::bank::check;

use crate::support::bank::{self, BRITISH, Booked, FRENCH, earnings};
use crate::support::people::{eur, refused};
use crate::support::{Person, TestApp, journeys};

journeys!(
    a_month_is_paid_and_the_bank_agrees,
    what_comes_back_is_owed_again,
    a_rejected_transfer_never_left,
    who_is_held_back_is_told_why,
    a_proposal_that_no_longer_holds_books_nothing,
    a_block_debited_in_one_sum_settles_all_of_it,
    the_bank_s_other_words_are_listed_and_move_nothing,
    what_was_changed_by_hand_is_named,
    operators_are_made_by_operators
);

async fn run_of(who: &Person) -> PayoutBatchView {
    who.client
        .propose_payouts(&NewPayouts::default())
        .await
        .unwrap()
}

async fn import(who: &Person, file: Vec<u8>) -> BankFileView {
    who.client.import_bank_file(file).await.unwrap()
}

fn outcomes(file: &BankFileView) -> Vec<&str> {
    file.lines
        .iter()
        .map(|line| line.outcome.as_str())
        .collect()
}

/// The one currency of the reconciliation.
async fn books(who: &Person) -> CurrencyReconciliation {
    let mut found = who.client.reconciliation().await.unwrap().currencies;
    assert_eq!(found.len(), 1, "{found:?}");
    let one = found.remove(0);
    assert_eq!(one.unexplained, eur(0), "{one:?}");
    assert_eq!(one.in_transit, one.in_transit_of_runs, "{one:?}");
    one
}

/// The latest statement of somebody, verified offline.
async fn statement_of(app: &TestApp, who: &Person) -> Statement {
    let latest = who.client.statements().await.unwrap().remove(0);
    let document = who.client.statement_document(latest.id).await.unwrap();
    let key = URL_SAFE_NO_PAD
        .decode(&app.info.verify_keys[0].public_key)
        .unwrap();
    statement::verify(document.as_bytes(), &key).unwrap();
    Statement::read(document.trim_end().as_bytes()).unwrap()
}

async fn a_month_is_paid_and_the_bank_agrees(app: &mut TestApp) {
    let market = app.market(1999).await;
    let buyer = app.earned(&market, 2).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    let method = owner.client.payout_method().await.unwrap();
    assert_eq!(
        (method.account.as_str(), method.country.as_str()),
        ("FR… 2606", "FR")
    );
    app.later(TimeDelta::days(4));

    // Nothing is kept of a dry run, and nobody else may look.
    refused(
        buyer.client.propose_payouts(&NewPayouts::default()).await,
        404,
        "not_found",
    );
    let dry = NewPayouts {
        dry_run: true,
        execute_on: None,
    };
    let seen = first.client.propose_payouts(&dry).await.unwrap();
    assert_eq!((seen.id, seen.state.as_str()), (None, "dry_run"));
    assert_eq!(seen.totals[0].net, eur(3600));
    assert!(first.client.payout_runs().await.unwrap().is_empty());

    // 2026-03-06 is a Friday.
    let run = run_of(first).await;
    let id = run.id.unwrap();
    assert_eq!(run.execute_on.to_string(), "2026-03-09");
    refused(
        first.client.approve_payouts(id, "a").await,
        403,
        "second_operator",
    );
    refused(
        first.client.payout_file(id).await,
        409,
        "payouts_not_approved",
    );
    assert_eq!(earnings(owner).await, eur(3600));
    let done = second.client.approve_payouts(id, "a").await.unwrap();
    assert_eq!(done.state, "approved");
    assert_eq!(done.approved_by.as_ref().unwrap().id, second.id);
    assert_eq!(second.client.approve_payouts(id, "a").await.unwrap(), done);
    refused(
        second.client.approve_payouts(id, "b").await,
        409,
        "payouts_not_open",
    );
    assert_eq!(earnings(owner).await, eur(0));
    assert_eq!(first.client.payout_run(id).await.unwrap(), done);

    // The file is what was approved, to the cent.
    let file = first.client.payout_file(id).await.unwrap();
    assert_eq!(
        Sha256::of(file.as_bytes()).to_string(),
        done.file_sha256.clone().unwrap()
    );
    let read = check::read(file.as_bytes()).unwrap();
    let [line] = done.lines.as_slice() else {
        panic!("{done:?}")
    };
    assert_eq!(read.references[0].0, line.id.simple().to_string());
    assert_eq!(read.blocks[0].2.unwrap().minor, 3600);
    assert!(
        file.contains(FRENCH) && file.contains("owner Mueller"),
        "{file}"
    );

    let statement = statement_of(app, owner).await;
    assert_eq!((statement.bridge.paid, statement.bridge.closing), (3600, 0));
    assert_eq!(statement.payouts[0].net, 3600);
    assert!(
        statement
            .answer
            .contains("paid 36.00 EUR, carried 0.00 EUR."),
        "{}",
        statement.answer
    );

    // Accepted is a promise; the debit is the fact.
    let status = bank::status("S1", &done, "ACSP", &[]);
    assert_eq!(outcomes(&import(first, status).await), ["accepted"]);
    let mine = owner.client.my_payouts().await.unwrap();
    assert_eq!(
        (mine[0].state.as_str(), mine[0].bank_status.as_str()),
        ("in_transit", "ACSP")
    );
    assert_eq!(books(first).await.in_transit, eur(3600));
    let camt = bank::statement(
        "2026-1",
        50_000,
        "2026-03-09",
        &[Booked::debit(line), Booked::other(3998, "", "transfer")],
    );
    let read = import(&second, camt.clone()).await;
    assert_eq!(outcomes(&read), ["settled", "other"]);
    assert!(!read.repeated && read.statements[0].closing == eur(50_398));
    let text = String::from_utf8(camt).unwrap().replace('\n', "\r\n");
    let again = import(first, text.into_bytes()).await;
    assert!(again.repeated);
    assert_eq!((again.id, &again.lines), (read.id, &read.lines));
    assert_eq!(first.client.bank_files().await.unwrap().len(), 2);
    assert_eq!(
        first.client.bank_file(read.id).await.unwrap().lines,
        read.lines
    );
    let mine = owner.client.my_payouts().await.unwrap();
    assert_eq!(
        (mine[0].state.as_str(), mine[0].entries.len()),
        ("settled", 2)
    );
    assert!(buyer.client.my_payouts().await.unwrap().is_empty());

    // The top-up stood on the statement under its reference; what was there before is explained.
    let books = books(first).await;
    assert_eq!((&books.in_transit, &books.books), (&eur(0), &eur(398)));
    assert_eq!(books.bank, Some(eur(50_398)));
    let kinds: Vec<_> = books
        .breaks
        .iter()
        .map(|one| (one.kind.as_str(), one.amount.minor))
        .collect();
    assert_eq!(kinds, [("before_first_statement", 50_000)]);
    assert_eq!(books.runs[0].settled, eur(3600));
    refused(buyer.client.reconciliation().await, 404, "not_found");
}

async fn what_comes_back_is_owed_again(app: &mut TestApp) {
    let market = app.market(2000).await;
    app.earned(&market, 1).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(BRITISH, "US").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    let [line] = run.lines.as_slice() else {
        panic!("{run:?}")
    };
    // 30 % of 18.00 are withheld for the United States.
    assert_eq!(
        (&line.gross, &line.withheld, &line.net),
        (&eur(1800), &eur(540), &eur(1260))
    );
    // The bank lists the return before the payment.
    let camt = bank::statement(
        "1",
        9_000,
        "2026-03-10",
        &[Booked::back(line), Booked::debit(line)],
    );
    assert_eq!(
        outcomes(&import(first, camt).await),
        ["returned", "settled"]
    );
    assert_eq!(earnings(owner).await, eur(1800));
    let balance = first.client.trial_balance().await.unwrap();
    let withheld = balance.books[0]
        .accounts
        .iter()
        .find(|account| account.account == "Liabilities:Tax:Withheld:US")
        .unwrap();
    assert_eq!(withheld.balance, 0, "no tax is owed on what was not paid");

    // The account failed: nothing more goes there until another one is set.
    let held = run_of(first).await;
    assert_eq!(held.lines[0].reason, "payout_method_failed");
    refused(
        second.client.approve_payouts(held.id.unwrap(), "k").await,
        409,
        "nothing_to_pay",
    );
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(30));
    let run = app.pays_out(first, &second).await;
    assert_eq!(run.totals[0].net, eur(1800));
    let statement = statement_of(app, owner).await;
    assert_eq!(statement.head.period.to_string(), "2026-04");
    assert_eq!(
        (statement.bridge.opening, statement.bridge.paid),
        (1800, 1800)
    );
    let march = owner.client.statements().await.unwrap();
    let march = march.iter().find(|one| one.period == "2026-03").unwrap();
    let document = owner.client.statement_document(march.id).await.unwrap();
    let march = Statement::read(document.trim_end().as_bytes()).unwrap();
    let kinds: Vec<_> = march.payouts.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [PayoutKind::Paid, PayoutKind::Returned]);
    assert_eq!((march.bridge.paid, march.bridge.closing), (0, 1800));
}

async fn a_rejected_transfer_never_left(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 3).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    let line = &run.lines[0];
    let report = bank::status("S", &run, "PART", &[(line, "RJCT")]);
    assert_eq!(
        outcomes(&import(first, report).await),
        ["other", "returned"]
    );
    assert_eq!(earnings(owner).await, eur(2700));
    let mine = owner.client.my_payouts().await.unwrap();
    assert!(mine[0].explanation.contains("AC04"), "{mine:?}");
    // A month later it stands on the statement of its period; the bank says it again: no effect.
    let report = bank::status("S-again", &run, "PART", &[(line, "RJCT")]);
    assert_eq!(outcomes(&import(first, report).await), ["other", "already"]);
    // A debit of a rejected transfer cannot be: it is listed, explained, and moves nothing.
    let camt = bank::statement("1", 9_000, "2026-03-10", &[Booked::debit(line)]);
    assert_eq!(outcomes(&import(first, camt).await), ["unexpected"]);
    let books = books(first).await;
    assert!(
        books.breaks.iter().any(|one| one.amount == eur(-2700)),
        "{books:?}"
    );
    assert_eq!(books.in_transit, eur(0));

    // The whole order rejected: every transfer comes back.
    owner.is_paid_to(BRITISH, "GB").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    assert_eq!(earnings(owner).await, eur(0));
    let report = bank::status("S2", &run, "RJCT", &[]);
    assert_eq!(outcomes(&import(first, report).await), ["returned"]);
    assert_eq!(earnings(owner).await, eur(2700));
}

async fn who_is_held_back_is_told_why(app: &mut TestApp) {
    let market = app.market(100).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    let buyer = app.earned(&market, 1).await;
    let why = async || {
        let dry = NewPayouts {
            dry_run: true,
            execute_on: None,
        };
        let seen = first.client.propose_payouts(&dry).await.unwrap();
        assert!(
            seen.lines
                .iter()
                .all(|line| line.state != "held" || !line.explanation.is_empty())
        );
        seen.lines[0].reason.clone()
    };
    // 0.90 of the 1.00 that is paid at least.
    assert_eq!(why().await, "below_minimum");
    app.top_up(first, &buyer, 1000).await;
    for _ in 0..2 {
        buyer.buys(&market.offer).await;
    }
    app.settle(&market).await;
    assert_eq!(why().await, "no_payout_method");
    refused(owner.client.payout_method().await, 404, "no_payout_method");
    let wrong = |iban: &str, country: &str| NewPayoutMethod {
        name: "Owner".to_owned(),
        iban: iban.to_owned(),
        country: country.to_owned(),
        bic: None,
    };
    for (new, field) in [
        (wrong("FR1420041010050500013M02607", "FR"), "iban"),
        (wrong(FRENCH, "France"), "country"),
        (
            NewPayoutMethod {
                name: "🌾".to_owned(),
                ..wrong(FRENCH, "FR")
            },
            "name",
        ),
    ] {
        let problem = refused(owner.client.set_payout_method(&new).await, 422, "invalid");
        assert_eq!(problem.clause.as_deref(), Some(field));
    }
    owner.is_paid_to(FRENCH, "FR").await;
    assert_eq!(why().await, "payout_method_waits");
    app.later(TimeDelta::days(4));
    assert_eq!(why().await, "");
    owner.client.remove_payout_method().await.unwrap();
    assert_eq!(why().await, "no_payout_method");
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));

    let hold = NewHold {
        reason: "a question about the data".to_owned(),
    };
    refused(
        buyer.client.hold_payouts(&owner.handle, &hold).await,
        404,
        "not_found",
    );
    first
        .client
        .hold_payouts(&owner.handle, &hold)
        .await
        .unwrap();
    refused(
        first.client.hold_payouts(&owner.handle, &hold).await,
        409,
        "on_hold",
    );
    assert_eq!(why().await, "on_hold");
    let over = first.client.release_payouts(&owner.handle).await.unwrap();
    assert!(over.released_at.is_some());

    // Paid in full, then everything is given back: the balance is negative and carries forward.
    app.pays_out(first, &second).await;
    for order in buyer.client.orders().await.unwrap() {
        let back = NewRefund {
            amount: order.gross.clone(),
            reason: "wrong data".to_owned(),
        };
        let key = order.id.to_string();
        owner.client.refund(order.id, &key, &back).await.unwrap();
    }
    app.settle(&market).await;
    assert_eq!(earnings(owner).await, eur(-270));
    assert_eq!(why().await, "negative_balance");
    let statement = statement_of(app, owner).await;
    assert_eq!(statement.bridge.closing, -270);
}

async fn a_proposal_that_no_longer_holds_books_nothing(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.earned(&market, 3).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let proposed = run_of(first).await.id.unwrap();
    // The balance shrinks.
    let order = buyer.client.orders().await.unwrap().remove(0);
    let back = NewRefund {
        amount: eur(500),
        reason: "r".to_owned(),
    };
    owner.client.refund(order.id, "r", &back).await.unwrap();
    app.settle(&market).await;
    refused(
        second.client.approve_payouts(proposed, "k").await,
        409,
        "payouts_changed",
    );
    // A new proposal takes its place; then the account changes.
    let again = run_of(first).await.id.unwrap();
    refused(
        second.client.approve_payouts(proposed, "k").await,
        409,
        "payouts_not_open",
    );
    owner.is_paid_to(BRITISH, "GB").await;
    refused(
        second.client.approve_payouts(again, "k").await,
        409,
        "payouts_changed",
    );
    app.later(TimeDelta::days(10));
    refused(
        second.client.approve_payouts(again, "k").await,
        409,
        "payouts_stale",
    );
    assert_eq!(earnings(owner).await, eur(2250));
    assert_eq!(books(first).await.in_transit, eur(0));
    let run = app.pays_out(first, &second).await;
    assert_eq!(run.totals[0].net, eur(2250));
    let states: Vec<String> = first
        .client
        .payout_runs()
        .await
        .unwrap()
        .into_iter()
        .map(|run| run.state)
        .collect();
    assert_eq!(states, ["approved", "replaced", "replaced"]);
}

async fn a_block_debited_in_one_sum_settles_all_of_it(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 2).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    let block = Booked {
        block: true,
        ..Booked::other(-1800, &format!("1-{}", run.id.unwrap().simple()), "SEPA")
    };
    let short = Booked {
        minor: -1799,
        ..block.clone()
    };
    let read = import(first, bank::statement("1", 9_000, "2026-03-10", &[short])).await;
    assert_eq!(outcomes(&read), ["mismatch"]);
    let read = import(
        first,
        bank::statement("2", 7_201, "2026-03-11", std::slice::from_ref(&block)),
    )
    .await;
    assert_eq!(outcomes(&read), ["settled"]);
    let read = import(first, bank::statement("3", 5_401, "2026-03-12", &[block])).await;
    assert_eq!(outcomes(&read), ["already"]);
    assert_eq!(owner.client.my_payouts().await.unwrap()[0].state, "settled");
    let books = books(first).await;
    assert_eq!(books.in_transit, eur(0));
    let alone: i64 = books
        .breaks
        .iter()
        .filter(|one| one.kind == "only_at_the_bank")
        .map(|one| one.amount.minor)
        .sum();
    assert_eq!(alone, -1799 - 1800);
}

async fn the_bank_s_other_words_are_listed_and_move_nothing(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 2).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    let line = &run.lines[0];
    let strange = "0123456789abcdef0123456789abcdef";
    let lines = [
        Booked {
            minor: -line.net.minor + 1,
            ..Booked::debit(line)
        },
        Booked::other(-500, strange, "somebody else's"),
        Booked::other(-120, "", "fees"),
        Booked::other(7_700, "INV-1", "from a customer"),
        Booked::back(line),
    ];
    let read = import(first, bank::statement("1", 9_000, "2026-03-10", &lines)).await;
    assert_eq!(
        outcomes(&read),
        ["mismatch", "unknown", "other", "other", "unexpected"]
    );
    // A gap between two statements is a break of its own.
    import(first, bank::statement("3", 20_000, "2026-03-12", &[])).await;
    let found = books(first).await;
    assert!(
        found
            .breaks
            .iter()
            .any(|one| one.kind == "missing_statement"),
        "{found:?}"
    );
    assert_eq!(found.in_transit, eur(1800));
    assert_eq!(earnings(owner).await, eur(0));
    let foreign = PayoutBatchView {
        id: Some(market.owner.id),
        ..run.clone()
    };
    let report = bank::status("S", &foreign, "RJCT", &[(line, "RJCT")]);
    assert_eq!(
        outcomes(&import(first, report).await),
        ["unknown", "unknown"]
    );

    // What contradicts itself, is no bank file, or is about another account is not kept.
    let file = String::from_utf8(bank::statement("4", 20_000, "2026-03-13", &[])).unwrap();
    let others = file.replace(bank::OURS, FRENCH);
    let off = file.replacen(
        "<Amt Ccy=\"EUR\">200.00</Amt>",
        "<Amt Ccy=\"EUR\">200.01</Amt>",
        1,
    );
    let order = first.client.payout_file(run.id.unwrap()).await.unwrap();
    let bomb = "<!DOCTYPE a [<!ENTITY b \"b\">]><a>&b;</a>".to_owned();
    for bad in [others, off, order, bomb, "no xml".to_owned()] {
        refused(
            first.client.import_bank_file(bad.into_bytes()).await,
            422,
            "bank_file_refused",
        );
    }
    refused(
        owner.client.import_bank_file(file.into_bytes()).await,
        404,
        "not_found",
    );
    assert_eq!(first.client.bank_files().await.unwrap().len(), 3);
}

async fn what_was_changed_by_hand_is_named(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 2).await;
    let (first, owner) = (&market.operator, &market.owner);
    let second = app.deputy(first).await;
    owner.is_paid_to(FRENCH, "FR").await;
    app.later(TimeDelta::days(4));
    let run = app.pays_out(first, &second).await;
    let payout = format!("payout {}", run.lines[0].id);
    let after = |sql: &str| {
        app.ctx.pool.get().unwrap().execute(sql).unwrap();
        app.leftovers()
    };
    let named = |found: &[String], row: &str| {
        found
            .iter()
            .any(|one| one.contains("I20") && one.contains(row))
    };
    // Settled, says the row; no entry says so.
    let found = after("UPDATE payout SET state = 'settled', settled_seq = 1");
    assert!(named(&found, &payout), "{found:?}");
    assert!(named(&found, "PayoutInTransit"), "{found:?}");
    assert!(after("UPDATE payout SET state = 'in_transit', settled_seq = 0").is_empty());
    // Another amount than the file and the entry have.
    let found = after("UPDATE payout SET gross = gross + 1, net = net + 1");
    assert!(
        named(&found, &payout) && named(&found, "block 1-"),
        "{found:?}"
    );
    assert!(after("UPDATE payout SET gross = gross - 1, net = net - 1").is_empty());
    // What the bank said and what the file pays cannot be changed at all.
    for sql in [
        "UPDATE payout_block SET total = 1",
        "DELETE FROM payout_block",
        "DELETE FROM operator_change",
    ] {
        let refused = app.ctx.pool.get().unwrap().execute(sql).unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{sql}: {refused}"
        );
    }
}

async fn operators_are_made_by_operators(app: &mut TestApp) {
    let first = app.operator().await;
    let other = app.party("other").await;
    let new = |party: &str, reason: &str| NewOperator {
        party: party.to_owned(),
        reason: reason.to_owned(),
    };
    let why = Dismissal {
        reason: "left the company".to_owned(),
    };
    refused(
        other.client.appoint_operator(&new("other", "me")).await,
        404,
        "not_found",
    );
    refused(other.client.operators().await, 404, "not_found");
    refused(
        first.client.appoint_operator(&new("other", "")).await,
        422,
        "invalid",
    );
    refused(
        first.client.appoint_operator(&new("nobody", "why")).await,
        404,
        "not_found",
    );
    refused(
        first.client.dismiss_operator("operator", &why).await,
        409,
        "last_operator",
    );
    let made = first
        .client
        .appoint_operator(&new(&other.email, "second pair of eyes"))
        .await
        .unwrap();
    assert_eq!((made.party.id, made.operator), (other.id, true));
    refused(
        first.client.appoint_operator(&new("other", "again")).await,
        409,
        "operator_already",
    );
    assert!(other.client.me().await.unwrap().operator);
    other.client.trial_balance().await.unwrap();
    let gone = other
        .client
        .dismiss_operator("operator", &why)
        .await
        .unwrap();
    assert!(!gone.operator);
    refused(first.client.trial_balance().await, 404, "not_found");
    refused(
        other.client.dismiss_operator("operator", &why).await,
        404,
        "not_found",
    );
    let all: Vec<_> = other
        .client
        .operators()
        .await
        .unwrap()
        .into_iter()
        .map(|one| {
            (
                one.party.handle,
                one.operator,
                one.changed_by.unwrap().handle,
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("operator".to_owned(), false, "other".to_owned()),
            ("other".to_owned(), true, "operator".to_owned()),
        ]
    );
}
