//! One small story whose figures can be checked by hand, and what repeats do.

use ledger::account::Account;
use schema::columns::Key;

use super::support::{Bed, Kind, kinds};
use crate::error::Kind as FaultKind;
use crate::store::{orders, pools};

/// 19.99 at 10 % fee and 5 % commission: fee 1.99, left 18.00, commission 0.90, net 17.10,
/// shared 1 : 2. A third of it comes back, then the rest.
fn a_sale_its_refunds_and_settlements(kind: Kind) {
    let bed = Bed::new(kind, 2, &[1, 2], 500);
    bed.top_up("t1", 0, 5_000).unwrap();
    let order = bed.buy("b1", 0, 1_999).unwrap().one().unwrap();
    let wallet = Account::Wallet(bed.market.buyers[0]).to_string();
    let owner = Account::available(bed.market.owner).to_string();
    assert_eq!(bed.balance(&wallet), -3_001);
    assert_eq!(bed.balance("Income:PlatformFee"), -199);
    assert_eq!(bed.balance(&owner), -90);
    bed.settle("s1").unwrap();
    let [first, second] =
        [0, 1].map(|n| Account::available(bed.market.epoch.shares()[n].0).to_string());
    // 1710/3 = 570 less the unit that shares of 333,333,333,333 and 666,666,666,667 round away.
    assert_eq!((bed.balance(&first), bed.balance(&second)), (-569, -1_140));
    assert_eq!(bed.balance("Liabilities:Dust"), -1);
    bed.refund("r1", order, 600).unwrap();
    // Webster of 600 over 199/0/1710/90: quotas 59.7, 513.3, 27.0.
    assert_eq!(bed.balance("Income:PlatformFee"), -139);
    assert_eq!(bed.balance(&owner), -63);
    bed.refund("r2", order, 1_399).unwrap();
    bed.settle("s2").unwrap();
    for account in [
        &owner,
        &first,
        &second,
        "Liabilities:Dust",
        "Income:PlatformFee",
    ] {
        assert_eq!(bed.balance(account), 0, "{account}");
    }
    assert_eq!(bed.balance(&wallet), -5_000);
    let row = orders::by_ids(&mut bed.scratch.db(), &[Key(order)])
        .unwrap()
        .remove(0);
    assert_eq!((row.refunded, row.refunded_net), (1_999, 1_710));
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn a_sale_its_refunds_and_settlements_by_hand() {
    kinds()
        .into_iter()
        .for_each(a_sale_its_refunds_and_settlements);
}

fn limits(kind: Kind) {
    let bed = Bed::new(kind, 2, &[1], 0);
    bed.top_up("t1", 0, 1_000).unwrap();
    let poor = bed.buy("b1", 0, 1_001).unwrap_err();
    assert_eq!(
        (poor.kind, poor.code),
        (FaultKind::Unpaid, "insufficient_funds")
    );
    for figure in ["10.00 EUR", "10.01 EUR", "0.01 EUR"] {
        assert!(poor.detail.contains(figure), "{poor}");
    }
    // Nothing was done under the key, so it can be used again after a top-up.
    bed.top_up("t2", 0, 1).unwrap();
    let order = bed.buy("b1", 0, 1_001).unwrap().one().unwrap();
    bed.refund("r1", order, 1_000).unwrap();
    let over = bed.refund("r2", order, 2).unwrap_err();
    assert_eq!(
        (over.kind, over.code),
        (FaultKind::Invalid, "exceeds_payment")
    );
    assert!(over.detail.contains("at most 0.01 EUR"), "{over}");
    assert_eq!(
        bed.refund("r3", bed.market.offer, 1).unwrap_err().kind,
        FaultKind::Missing
    );
    let huge = bed.top_up("t3", 0, i64::MAX).unwrap_err();
    assert_eq!(huge.code, "amount_out_of_range");
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn refusals_name_what_is_left_and_change_nothing() {
    kinds().into_iter().for_each(limits);
}

fn repeats(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1, 1, 1], 0);
    let first = bed.top_up("t", 0, 1_000).unwrap();
    let again = bed.top_up("t", 0, 1_000).unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.ids, again.ids);
    assert_eq!(
        bed.top_up("t", 0, 1_001).unwrap_err().code,
        "idempotency_conflict"
    );
    let order = bed.buy("b", 0, 700).unwrap();
    assert_eq!(bed.buy("b", 0, 700).unwrap().ids, order.ids);
    assert_eq!(
        bed.buy("b", 0, 701).unwrap_err().code,
        "idempotency_conflict"
    );
    let order = order.one().unwrap();
    assert_eq!(
        bed.refund("r", order, 1).unwrap().ids,
        bed.refund("r", order, 1).unwrap().ids
    );
    let settled = bed.settle("s").unwrap();
    assert_eq!(settled.ids.len(), 1);
    bed.buy("b2", 0, 100).unwrap();
    let again = bed.settle("s").unwrap();
    assert!(again.repeated);
    assert_eq!(again.ids, settled.ids);
    // The key of a settlement is used up for everything else of that party, too.
    assert_eq!(
        bed.refund("s", order, 1).unwrap_err().code,
        "idempotency_conflict"
    );
    assert_eq!(bed.settle("s2").unwrap().ids.len(), 1);
    let nothing = bed.settle("s3").unwrap();
    assert_eq!((nothing.ids.len(), nothing.repeated), (0, false));
    assert!(bed.settle("s3").unwrap().repeated);
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn a_repeated_request_has_one_effect_and_one_answer() {
    kinds().into_iter().for_each(repeats);
}

fn free(kind: Kind) {
    let bed = Bed::new(kind, 1, &[1], 0);
    let order = bed.buy("b", 0, 0).unwrap();
    assert_eq!(bed.buy("b", 0, 0).unwrap().ids, order.ids);
    let row = orders::by_ids(&mut bed.scratch.db(), &[Key(order.one().unwrap())])
        .unwrap()
        .remove(0);
    assert_eq!(row.entry_seq, 0);
    assert_eq!(pools::all(&mut bed.scratch.db()).unwrap(), []);
    assert_eq!(
        bed.refund("r", order.one().unwrap(), 1).unwrap_err().code,
        "exceeds_payment"
    );
    assert_eq!(bed.scratch.findings(), []);
}

#[test]
fn a_free_order_moves_no_money_and_happens_once() {
    kinds().into_iter().for_each(free);
}
