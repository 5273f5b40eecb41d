//! Many commands per transaction: order, refusals, failures, takeovers.

use std::time::{Duration, Instant};

use ledger::account::Account;
use schema::columns::Key;

use super::support::{Bed, EUR, Kind, kinds};
use crate::clock::Ids;
use crate::error::Kind as FaultKind;
use crate::journal::Journal;
use crate::journal::command::Work;
use crate::store::journal as rows;

fn refusals_stay_alone(kind: Kind) {
    let bed = Bed::new(kind, 3, &[3, 4, 5], 0);
    bed.top_up("t0", 0, 100_000).unwrap();
    bed.top_up("t1", 1, 250).unwrap();
    let mut commands = Vec::new();
    for n in 0..200 {
        // The second buyer can pay two of its twenty, the third none.
        let buyer = match n % 10 {
            3 => 1,
            7 => 2,
            _ => 0,
        };
        commands.push(bed.purchase(&format!("k{n}"), buyer, 100));
    }
    let answers = bed.submit_together(commands);
    let sold = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(sold, 160 + 2);
    assert!(
        answers
            .iter()
            .flat_map(|a| a.as_ref().err())
            .all(|f| f.kind == FaultKind::Unpaid)
    );
    let wallets =
        [0, 1, 2].map(|n| bed.balance(&Account::Wallet(bed.market.buyers[n]).to_string()));
    assert_eq!(wallets, [-84_000, -50, 0]);
    let (last, _) = rows::head(&mut bed.scratch.db(), "EUR").unwrap().unwrap();
    assert_eq!(last, 2 + 162);
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn a_refused_command_leaves_the_others_of_its_batch_alone() {
    kinds().into_iter().for_each(refusals_stay_alone);
}

fn failures_are_found(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1], 0);
    bed.top_up("t", 0, 10_000).unwrap();
    let mut commands: Vec<_> = (0..30)
        .map(|n| bed.purchase(&format!("k{n}"), 0, 100))
        .collect();
    for n in [4, 20] {
        // An offer that does not exist: the database refuses the whole transaction.
        if let Work::Purchase(purchase) = &mut commands[n].work {
            purchase.order.offer_id = Key(bed.market.dataset);
        }
    }
    let answers = bed.submit_together(commands);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), n != 4 && n != 20, "{n}: {answer:?}");
    }
    assert_eq!(
        bed.balance(&Account::Wallet(bed.market.buyers[0]).to_string()),
        -7_200
    );
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn a_batch_that_the_database_refuses_is_tried_one_by_one() {
    kinds().into_iter().for_each(failures_are_found);
}

fn repeats_within_a_batch(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1], 0);
    bed.top_up("t", 0, 10_000).unwrap();
    let commands: Vec<_> = (0..60)
        .map(|n| bed.purchase(&format!("k{}", n % 3), 0, 100))
        .collect();
    let answers: Vec<_> = bed
        .submit_together(commands)
        .into_iter()
        .map(|a| a.unwrap())
        .collect();
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 3);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.ids, answers[n % 3].ids);
    }
    assert_eq!(
        bed.balance(&Account::Wallet(bed.market.buyers[0]).to_string()),
        -9_700
    );
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn one_key_sold_once_however_often_it_comes() {
    kinds().into_iter().for_each(repeats_within_a_batch);
}

fn many_contributors(kind: Kind) {
    let weights: Vec<u128> = (1..=3_000).collect();
    let bed = Bed::new(kind, 1, &weights, 0);
    bed.top_up("t", 0, 1_000_000).unwrap();
    for (n, gross) in [100_000, 70_001, 3].into_iter().enumerate() {
        let order = bed.buy(&format!("b{n}"), 0, gross).unwrap().one().unwrap();
        assert_eq!(bed.settle(&format!("s{n}")).unwrap().ids.len(), 1);
        if n == 1 {
            bed.refund("r", order, 65_432).unwrap();
        }
    }
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn thousands_of_contributors_settle_exactly() {
    kinds().into_iter().for_each(many_contributors);
}

#[test]
fn only_one_node_writes_and_the_next_takes_over() {
    for kind in kinds().into_iter().filter(|kind| *kind == Kind::Postgres) {
        let Bed {
            scratch,
            market,
            journal,
            clock,
            ..
        } = Bed::new(kind, 1, &[1], 0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let top_up = |key: &str| {
            market
                .top_up(key, market.buyers[0], 5, EUR, clock.now())
                .unwrap()
        };
        runtime.block_on(journal.submit(top_up("a"))).unwrap();
        let pool = schema::db::Pool::open(&scratch.url, 2).unwrap();
        let second = Journal::start(pool, clock.clone(), &Ids::seeded(8)).unwrap();
        let refused = runtime.block_on(second.submit(top_up("b"))).unwrap_err();
        assert_eq!(
            (refused.kind, refused.code),
            (FaultKind::Unavailable, "not_the_writer")
        );
        drop(journal);
        let deadline = Instant::now() + Duration::from_secs(10);
        while runtime.block_on(second.submit(top_up("b"))).is_err() {
            assert!(Instant::now() < deadline, "the lock was never given back");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(scratch.findings(), []);
    }
}

#[test]
fn a_lost_connection_loses_no_command() {
    for kind in kinds().into_iter().filter(|kind| *kind == Kind::Postgres) {
        let bed = Bed::new(kind, 1, &[1], 0);
        bed.top_up("a", 0, 5).unwrap();
        bed.scratch
            .db()
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .unwrap();
        let posted = bed.top_up("b", 0, 7).unwrap();
        assert!(!posted.repeated);
        assert_eq!(
            bed.balance(&Account::Wallet(bed.market.buyers[0]).to_string()),
            -12
        );
        assert_eq!(bed.scratch.findings(), []);
    }
}
