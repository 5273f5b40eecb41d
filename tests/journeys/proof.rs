//! A sceptical contributor keeps a checkpoint, and finds every cent in the log later.

use std::collections::BTreeMap;

use ledger::checkpoint::{Checkpoint, LogKey};
use ledger::json::Hash;
use ledger::merkle::{self, ProofError, Tiles, verify_consistency};
use ledger::statement::Statement;
use reqwest::Method;
use schema::wire::*;

use crate::support::people::refused;
use crate::support::{Person, TestApp, journeys};

journeys!(
    what_was_signed_stays,
    another_past_is_found_out,
    a_payout_is_proven,
    a_statement_shows_nobody_elses_line,
);

/// Every tile of a log of this size, fetched as anybody can.
async fn tiles(app: &TestApp, size: u64) -> BTreeMap<(u8, u64), Vec<Hash>> {
    let mut found = BTreeMap::new();
    let (mut level, mut rest) = (0u8, size);
    while rest > 0 {
        for number in 0..=rest / 256 {
            let width = if number < rest / 256 { 256 } else { rest % 256 };
            if width == 0 {
                continue;
            }
            let partial = u8::try_from(width).ok();
            let path = format!("/{}", merkle::tile_path(level, number, partial));
            // GET /tile/{}/{}
            let (status, head, bytes) = app.ask_with(Method::GET, &path, None, None, &[]).await;
            assert_eq!(status, 200, "{path}");
            assert_eq!(head["content-type"], "application/octet-stream");
            assert!(
                head["cache-control"]
                    .to_str()
                    .unwrap()
                    .contains("immutable")
            );
            let hashes = merkle::tile_hashes(&bytes).unwrap();
            assert_eq!(hashes.len() as u64, width);
            found.insert((level, number), hashes);
        }
        (level, rest) = (level + 1, rest / 256);
    }
    found
}

async fn checkpoint(app: &TestApp, key: &LogKey) -> (String, Checkpoint) {
    let note = app.visitor.checkpoint().await.unwrap();
    let read = Checkpoint::verify(&note, key).unwrap();
    (note, read)
}

async fn what_was_signed_stays(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 9_000).await;
    let info = app.visitor.node_info().await.unwrap();
    let key: LogKey = info.log_key.unwrap().parse().unwrap();
    buyer.buys(&market.offer).await;
    market
        .operator
        .client
        .settle("a", &NewSettlement::default())
        .await
        .unwrap();
    let (kept, before) = checkpoint(app, &key).await;
    assert_eq!(before.size, 3, "a top-up, a sale, a settlement");
    buyer.buys(&market.offer).await;
    buyer.buys(&market.offer).await;
    market
        .operator
        .client
        .settle("b", &NewSettlement::default())
        .await
        .unwrap();
    let (note, after) = checkpoint(app, &key).await;
    assert_eq!(after.size, 6);
    let known = app.visitor.node_info().await.unwrap().checkpoint;
    assert_eq!(known.as_ref(), Some(&note));

    // Anybody: the tiles have the signed root, and the older log is the beginning of it.
    let stored = tiles(app, after.size).await;
    let mut log = Tiles::new(|level, number| {
        Ok::<_, ProofError>(stored.get(&(level, number)).cloned().unwrap_or_default())
    });
    assert_eq!(log.root(after.size).unwrap(), after.root);
    let path = log.prove_consistency(before.size, after.size).unwrap();
    verify_consistency(before.size, after.size, before.root, after.root, &path).unwrap();

    // The same by the client, for whoever kept the checkpoint.
    let grown = app.visitor.log_since(&kept).await.unwrap();
    assert_eq!((grown.from, grown.to), (3, 6));
    let same = app.visitor.log_since(&note).await.unwrap();
    assert_eq!((same.from, same.to), (6, 6));

    // The operator: against every row.
    let operator = &market.operator.client;
    assert_eq!(operator.ledger_verify_since(&kept).await.unwrap(), []);
    let forged = kept.replace("\n3\n", "\n2\n");
    refused(operator.ledger_verify_since(&forged).await, 422, "invalid");
    refused(
        buyer.client.ledger_verify_since(&kept).await,
        404,
        "not_found",
    );

    for path in [
        "/tile/0/000",
        "/tile/0/000.p/7",
        "/tile/0/001.p/1",
        "/tile/entries/000",
        "/tile/0/x",
    ] {
        let (status, _) = app.ask(Method::GET, path, None, None).await;
        assert_eq!(status, 404, "{path}");
    }
    let tile = "GET /tile/{}/{}";
    let (status, _) = app.call(tile, &[&0, &"000.p/2"], None, None).await;
    assert_eq!(status, 200);
}

/// The node signs another past: whoever kept a checkpoint of the true one finds it out.
async fn another_past_is_found_out(app: &mut TestApp) {
    let market = app.market(1000).await;
    let buyer = app.buyer(&market, "buyer", 900_000).await;
    buyer.buys(&market.offer).await;
    app.settle(&market).await;
    let kept = app.visitor.checkpoint().await.unwrap();
    // More than a tile of leaves, so that the proof needs tiles of two levels.
    for n in 0..270 {
        app.top_up(&market.operator, &buyer, 1 + n).await;
    }
    buyer.buys(&market.offer).await;
    app.settle(&market).await;
    let grown = app.visitor.log_since(&kept).await.unwrap();
    assert!(grown.to > 256 && grown.from == 3, "{grown:?}");
    let key: LogKey = app
        .visitor
        .node_info()
        .await
        .unwrap()
        .log_key
        .unwrap()
        .parse()
        .unwrap();
    let other = Checkpoint {
        root: Hash([7; 32]),
        ..Checkpoint::verify(&kept, &key).unwrap()
    };
    let signing = &app.ctx.keys;
    let other = other.sign(&key, |bytes| signing.signing().sign(bytes).to_vec());
    let told = app.visitor.log_since(&other).await.unwrap_err().to_string();
    assert!(told.contains("I17") && told.contains("keep both"), "{told}");
    let longer = Checkpoint::new(key.name(), grown.to + 1, Hash([7; 32]));
    let longer = longer.sign(&key, |bytes| signing.signing().sign(bytes).to_vec());
    let told = app
        .visitor
        .log_since(&longer)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("entries are gone"), "{told}");
    for bad in [kept.replace("/ledger", "/other"), "no note".to_owned()] {
        assert!(app.visitor.log_since(&bad).await.is_err());
    }
}

/// The entry of a payout is shown whole, and no other figure fits it.
async fn a_payout_is_proven(app: &mut TestApp) {
    let market = app.market(1000).await;
    app.earned(&market, 2).await;
    let second = app.deputy(&market.operator).await;
    market
        .owner
        .is_paid_to(crate::support::bank::FRENCH, "FR")
        .await;
    app.later(chrono::TimeDelta::days(4));
    app.pays_out(&market.operator, &second).await;
    let (document, read) = statement(&market.owner).await;
    let keys = &app.ctx.keys;
    let key = keys.verify_key().as_bytes();
    let seen = ledger::statement::verify(document.as_bytes(), key).unwrap();
    assert_eq!(seen.paid.minor, 1800);
    let [proof] = read.proof.payouts.as_slice() else {
        panic!("{:?}", read.proof)
    };
    assert_eq!(
        (proof.seq, proof.postings.len()),
        (read.payouts[0].entry, 2)
    );
    let sign =
        |statement: &Statement| statement.sign(key, |bytes| keys.signing().sign(bytes).to_vec());
    let mut other = read.clone();
    other.proof.payouts[0].postings[0].amount += 1;
    let mut none = read.clone();
    none.proof.payouts[0].path.pop();
    for (forged, words) in [(other, "binds"), (none, "checkpoint does not hold")] {
        let told = ledger::statement::verify(&sign(&forged), key).unwrap_err();
        assert!(told.to_string().contains(words), "{told}");
    }
    // Documents without such proofs, as they were made before, are believed as far as they go.
    let mut before = read;
    before.proof.payouts.clear();
    assert!(ledger::statement::verify(&sign(&before), key).is_ok());
}

async fn statement(who: &Person) -> (String, Statement) {
    let id = who.client.statements().await.unwrap()[0].id;
    let document = who.client.statement_document(id).await.unwrap();
    let read = Statement::read(document.as_bytes()).unwrap();
    (document, read)
}

async fn a_statement_shows_nobody_elses_line(app: &mut TestApp) {
    let market = app.market(1000).await;
    let dataset = app.dataset(&market.owner, Admission::Open).await;
    let mut people = Vec::new();
    for (n, name) in (0i64..).zip(["ada", "bo", "cy"]) {
        let who = app.party(name).await;
        let rows = crate::support::readings(n * 100..n * 100 + 40 + 7 * n);
        app.contribute(&who, &dataset, &rows).await;
        people.push(who);
    }
    app.publish(&market.owner, &dataset).await;
    let offer = app.offer(&market.owner, &dataset, 99_999).await;
    let buyer = app.buyer(&market, "buyer", 100_000).await;
    buyer.buys(&offer).await;
    market
        .operator
        .client
        .settle("s", &NewSettlement::default())
        .await
        .unwrap();
    let mut statements = Vec::new();
    for who in &people {
        statements.push(statement(who).await);
    }
    let pool: i64 = statements.iter().map(|(_, s)| s.lines[0].amount).sum();
    assert!((89_998..=90_000).contains(&pool), "{pool}");
    for (who, (document, own)) in people.iter().zip(&statements) {
        let [entry] = own.proof.entries.as_slice() else {
            panic!("{:?}", own.proof)
        };
        assert!(!entry.line.path.is_empty() && !entry.path.is_empty());
        for (other, (_, theirs)) in people.iter().zip(&statements) {
            if other.id == who.id {
                continue;
            }
            let amount = theirs.lines[0].amount.to_string();
            for word in [
                &other.id.to_string(),
                &theirs.proof.entries[0].line.salt,
                &amount,
            ] {
                assert!(
                    !document.contains(word.as_str()),
                    "{word} in the file of {}",
                    who.handle
                );
            }
        }
    }
}
