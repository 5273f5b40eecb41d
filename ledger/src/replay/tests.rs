//! Scenarios worked by hand, one per corner of the format.

use super::*;
use serde_json::{Value, json};

/// Two periods, shares a:b:c = 1:1:1 in r/1 and a:b = 1:3 in r/2, no fee.
fn scenario(events: Value) -> Value {
    json!({
        "periods": ["p1", "p2", "p3"],
        "epochs": [
            {"revision": "r", "epoch": 1, "weights": {"a": 1, "b": 1, "c": 1}},
            {"revision": "r", "epoch": 2, "weights": {"a": 1, "b": 3}},
        ],
        "events": events,
    })
}

fn replay(scenario: &Value) -> Value {
    serde_json::from_str(&run(&scenario.to_string()).unwrap()).unwrap()
}

fn pay(id: &str, period: &str, epoch: i64, gross: i64) -> Value {
    json!({"id": id, "type": "payment", "period": period, "revision": "r", "epoch": epoch,
           "currency": "EUR", "gross": gross})
}

fn refund(id: &str, period: &str, payment: &str, amount: i64) -> Value {
    json!({"id": id, "type": "refund", "period": period, "payment": payment, "amount": amount})
}

fn dispute(id: &str, period: &str, payment: &str, amount: i64) -> Value {
    json!({"id": id, "type": "dispute_open", "period": period, "payment": payment, "amount": amount})
}

fn end(id: &str, kind: &str, period: &str, dispute: &str) -> Value {
    json!({"id": id, "type": kind, "period": period, "dispute": dispute})
}

fn with(mut event: Value, field: &str, value: impl Into<Value>) -> Value {
    event[field] = value.into();
    event
}

#[test]
fn one_sale_over_three_equals() {
    let out = replay(&scenario(json!([pay("x", "p1", 1, 100)])));
    assert_eq!(out["format"], "granary-replay/1");
    assert_eq!(out["D"], 1_000_000_000_000i64);
    assert_eq!(
        out["shares"]["r/1"]["ppt"],
        json!({"a": 333_333_333_334i64, "b": 333_333_333_333i64, "c": 333_333_333_333i64})
    );
    let lines = b"a=333333333334\nb=333333333333\nc=333333333333\n";
    assert_eq!(
        out["shares"]["r/1"]["digest"],
        Hash::of(&[lines]).to_string()
    );
    // 100·share = 33.3…: everybody 33, residues .3333333334, .3333333333, .3333333333, dust 1.
    assert_eq!(
        out["periods"]["p1"]["EUR"]["contributors"]["a"],
        json!({"opening": 0, "credit": 33, "reserve_released": 0, "reserve_held": 0,
               "reserve_drawn": 0, "payout_gross": 33, "withheld": 0, "payout_net": 33,
               "closing": 0, "reserve_closing": 0, "carry_ppt": 333_333_333_400i64,
               "lines": [{"revision": "r", "epoch": 1, "pool_delta": 100,
                          "share_ppt": 333_333_333_334i64, "amount": 33,
                          "carry_after_ppt": 333_333_333_400i64}]})
    );
    assert_eq!(out["dust"], json!({"EUR": 1}));
    assert_eq!(out["periods"]["p1"]["EUR"]["dust"], 1);
    assert_eq!(out["periods"]["p2"], json!({}));
    assert_eq!(out["credited"], json!({"EUR": {"a": 33, "b": 33, "c": 33}}));
    assert_eq!(out["available"], json!({"EUR": {"a": 0, "b": 0, "c": 0}}));
    assert_eq!(out["pools"], json!({"r/1/EUR": 100}));
    assert_eq!(
        out["accounts"],
        json!({"EUR": {"Assets:PSP": 100, "Liabilities:Dust": -1, "Liabilities:PayoutInTransit": -99}})
    );
    assert_eq!((&out["rejected"], &out["parked"]), (&json!([]), &json!([])));
}

#[test]
fn fee_tax_and_their_accounts() {
    let mut s = scenario(json!([
        with(pay("x", "p1", 2, 1999), "tax", 319),
        with(pay("y", "p1", 2, 50), "fee_bps", 500),
    ]));
    s["fee_bps"] = json!(1000);
    s["fee_rounding"] = json!("half_even");
    let out = replay(&s);
    // x: 199.9 → 200; y: 2.5 → 2 (even).
    assert_eq!(
        out["payments"]["x"],
        json!({"gross": 1999, "fee": 200, "tax": 319, "net": 1480, "refunded": 0, "r_fee": 0,
               "r_tax": 0, "r_net": 0})
    );
    assert_eq!(out["payments"]["y"]["fee"], 2);
    assert_eq!(out["pools"]["r/2/EUR"], 1528);
    assert_eq!(out["credited"]["EUR"], json!({"a": 382, "b": 1146}));
    assert_eq!(
        out["accounts"]["EUR"],
        json!({"Assets:PSP": 2049, "Income:PlatformFee": -202, "Liabilities:Tax:Sales": -319,
               "Liabilities:PayoutInTransit": -1528})
    );
    s["fee_rounding"] = json!("floor");
    assert_eq!(replay(&s)["payments"]["x"]["fee"], 199);
}

#[test]
fn a_later_refund_takes_floors_and_carries_a_debt() {
    let out = replay(&scenario(json!([
        pay("x", "p1", 1, 100),
        refund("u", "p2", "x", 50)
    ])));
    // p2: residue .3333333334 − 16.6666666667 = −16.3333333333 → −17, carry .6666666667.
    let a = &out["periods"]["p2"]["EUR"]["contributors"]["a"];
    assert_eq!(
        (&a["opening"], &a["credit"], &a["closing"]),
        (&json!(0), &json!(-17), &json!(-17))
    );
    assert_eq!(a["carry_ppt"], 666_666_666_700i64);
    assert_eq!(a["lines"][0]["pool_delta"], -50);
    // b and c: .3333333333 − 16.66666666665 = −16.33333333335 → −17, carry .66666666665.
    assert_eq!(out["carry_ppt"]["EUR"]["b"], 666_666_666_650i64);
    // 50 settled, credited 3·16 = 48, so dust 2.
    assert_eq!(out["credited"]["EUR"], json!({"a": 16, "b": 16, "c": 16}));
    assert_eq!(out["dust"]["EUR"], 2);
    // p3 has no movement but three open balances: rows without lines.
    let row = &out["periods"]["p3"]["EUR"]["contributors"]["c"];
    assert_eq!(
        (&row["opening"], &row["closing"], &row["lines"]),
        (&json!(-17), &json!(-17), &json!([]))
    );
    assert_eq!(
        out["accounts"]["EUR"]["Liabilities:Contributor:a:Available"],
        17
    );
    assert_eq!(out["payments"]["x"]["r_net"], 50);
}

#[test]
fn a_full_refund_in_parts_restores_everything() {
    let mut s = scenario(json!([
        with(pay("x", "p1", 1, 1000), "tax", 77),
        refund("u1", "p1", "x", 333),
        refund("u2", "p2", "x", 334),
        refund("u3", "p3", "x", 333),
    ]));
    s["fee_bps"] = json!(1000);
    let out = replay(&s);
    assert_eq!(
        out["payments"]["x"],
        json!({"gross": 1000, "fee": 100, "tax": 77, "net": 823, "refunded": 1000, "r_fee": 100,
               "r_tax": 77, "r_net": 823})
    );
    assert_eq!(out["pools"]["r/1/EUR"], 0);
    assert_eq!(out["credited"]["EUR"], json!({"a": 0, "b": 0, "c": 0}));
    assert_eq!(out["carry_ppt"]["EUR"], json!({"a": 0, "b": 0, "c": 0}));
    assert_eq!(out["dust"]["EUR"], 0);
    // What was paid out meanwhile is owed back, nothing else is left.
    let accounts = out["accounts"]["EUR"].as_object().unwrap();
    assert!(!accounts.contains_key("Income:PlatformFee"));
    assert!(!accounts.contains_key("Assets:PSP"));
}

#[test]
fn a_refund_in_the_same_period_moves_nothing() {
    let out = replay(&scenario(json!([
        pay("x", "p1", 1, 100),
        refund("u", "p1", "x", 100)
    ])));
    assert_eq!(out["periods"], json!({"p1": {}, "p2": {}, "p3": {}}));
    assert_eq!(out["pools"], json!({"r/1/EUR": 0}));
    assert_eq!((&out["accounts"], &out["dust"]), (&json!({}), &json!({})));
}

#[test]
fn webster_ties_go_fee_tax_net() {
    let legs = |amount| {
        let mut s = scenario(json!([
            with(with(pay("x", "p1", 2, 15), "tax", 5), "fee_bps", 3334),
            refund("u", "p1", "x", amount),
        ]));
        s["fee_bps"] = json!(0);
        let p = replay(&s)["payments"]["x"].clone();
        assert_eq!(
            (&p["fee"], &p["tax"], &p["net"]),
            (&json!(5), &json!(5), &json!(5))
        );
        [p["r_fee"].clone(), p["r_tax"].clone(), p["r_net"].clone()]
    };
    assert_eq!(legs(1), [1, 0, 0]);
    assert_eq!(legs(2), [1, 1, 0]);
    assert_eq!(legs(4), [2, 1, 1]);
    assert_eq!(legs(14), [5, 5, 4]);
}

#[test]
fn a_dispute_won_after_a_partial_refund_restores_its_part() {
    let events = json!([
        with(pay("x", "p1", 2, 100), "fee_bps", 1000),
        refund("u", "p1", "x", 33),
        dispute("d", "p1", "x", 33),
        end("w", "dispute_won", "p2", "d"),
    ]);
    let out = replay(&scenario(events));
    // 66 → 7/59, 33 → 3/30.
    let p = &out["payments"]["x"];
    assert_eq!(
        (&p["refunded"], &p["r_fee"], &p["r_net"]),
        (&json!(33), &json!(3), &json!(30))
    );
    // p1 settles 90 − 59 = 31, p2 the 29 that came back.
    let b =
        |p: &str| out["periods"][p]["EUR"]["contributors"]["b"]["lines"][0]["pool_delta"].clone();
    assert_eq!((b("p1"), b("p2")), (json!(31), json!(29)));
    assert_eq!(out["credited"]["EUR"], json!({"a": 15, "b": 45}));
    assert_eq!(out["accounts"]["EUR"]["Assets:PSP"], 67);
    assert_eq!(out["accounts"]["EUR"]["Income:PlatformFee"], -7);
    assert_eq!(
        out["accounts"]["EUR"]["Liabilities:DisputeHold"],
        Value::Null
    );
}

#[test]
fn disputes_hold_lose_and_close_once() {
    let held = json!([pay("x", "p1", 2, 100), dispute("d", "p1", "x", 40)]);
    let out = replay(&scenario(held));
    assert_eq!(out["accounts"]["EUR"]["Assets:PSP"], 100);
    assert_eq!(out["accounts"]["EUR"]["Liabilities:DisputeHold"], -40);
    assert_eq!(out["credited"]["EUR"], json!({"a": 15, "b": 45}));

    let lost = json!([
        pay("x", "p1", 2, 100),
        dispute("d", "p1", "x", 40),
        end("l", "dispute_lost", "p1", "d"),
        end("w", "dispute_won", "p1", "d"),
        refund("u", "p1", "x", 61),
        refund("v", "p1", "x", 60),
    ]);
    let out = replay(&scenario(lost));
    assert_eq!(
        out["rejected"],
        json!([{"id": "u", "code": "exceeds_payment"}, {"id": "w", "code": "dispute_closed"}])
    );
    assert_eq!(out["payments"]["x"]["refunded"], 100);
    assert_eq!(out["accounts"], json!({}));
}

#[test]
fn children_wait_for_their_parents_and_run_by_id() {
    let out = replay(&scenario(json!([
        refund("u2", "p1", "x", 80),
        refund("u1", "p1", "x", 30),
        end("w", "dispute_won", "p1", "d"),
        dispute("d", "p1", "x", 30),
        refund("z", "p1", "never", 1),
        end("y", "dispute_lost", "p2", "u1"),
        pay("x", "p2", 2, 100),
    ])));
    // d (then w, which gives its 30 back), u1, then u2 no longer fits: 30 + 80 > 100.
    assert_eq!(
        out["rejected"],
        json!([{"id": "u2", "code": "exceeds_payment"}])
    );
    assert_eq!(out["payments"]["x"]["refunded"], 30);
    assert_eq!(out["parked"], json!(["y", "z"]));
    assert_eq!(out["periods"]["p1"], json!({}));
    assert_eq!(
        out["periods"]["p2"]["EUR"]["contributors"]["a"]["credit"],
        17
    );
}

#[test]
fn children_of_rejected_parents_are_rejected() {
    let out = replay(&scenario(json!([
        dispute("d", "p1", "x", 1),
        end("w", "dispute_won", "p1", "d"),
        pay("x", "p1", 9, 100),
        refund("u", "p1", "x", 0),
        end("l", "dispute_lost", "p1", "d"),
    ])));
    assert_eq!(
        out["rejected"],
        json!([{"id": "d", "code": "payment_rejected"}, {"id": "l", "code": "dispute_rejected"},
               {"id": "u", "code": "payment_rejected"}, {"id": "w", "code": "dispute_rejected"},
               {"id": "x", "code": "unknown_epoch"}])
    );
    assert_eq!((&out["payments"], &out["parked"]), (&json!({}), &json!([])));
}

#[test]
fn the_same_id_counts_once() {
    let out = replay(&scenario(json!([
        pay("x", "p1", 2, 100),
        pay("x", "p1", 2, 100),
        pay("x", "p1", 2, 101),
        pay("x", "p2", 2, 100),
        pay("bad", "p1", 2, 0),
        pay("bad", "p1", 2, 0),
        pay("bad", "p1", 2, 10),
        refund("w", "p1", "later", 5),
        refund("w", "p1", "later", 5),
        refund("w", "p1", "later", 6),
    ])));
    assert_eq!(out["credited"]["EUR"], json!({"a": 25, "b": 75}));
    assert_eq!(
        out["rejected"],
        json!([{"id": "bad", "code": "bad_amount"}, {"id": "bad", "code": "idempotency_conflict"},
               {"id": "w", "code": "idempotency_conflict"},
               {"id": "x", "code": "idempotency_conflict"}, {"id": "x", "code": "idempotency_conflict"}])
    );
    assert_eq!(out["parked"], json!(["w"]));
}

#[test]
fn integers_of_any_length_are_told_apart() {
    let event = |gross: &str| {
        format!(r#"{{"id": "x", "type": "payment", "period": "p", "gross": {gross}}}"#)
    };
    let huge = "1000000000000000000000000000000";
    let conflicts = |second: &str| {
        let text = format!(
            r#"{{"periods": ["p"], "events": [{}, {}]}}"#,
            event(huge),
            event(second)
        );
        run(&text).unwrap().matches("idempotency_conflict").count()
    };
    assert_eq!(conflicts(huge), 0);
    assert_eq!(conflicts("1000000000000000000000000000001"), 1);
    assert_eq!(conflicts("1e30"), 1);
}

#[test]
fn every_refusal_has_its_code_in_order() {
    let max = i64::MAX;
    let codes = |event: Value| {
        let out = replay(&scenario(json!([event])));
        out["rejected"][0]["code"]
            .as_str()
            .unwrap_or("accepted")
            .to_string()
    };
    let p = || pay("x", "p1", 1, 100);
    assert_eq!(codes(with(p(), "gross", 0)), "bad_amount");
    assert_eq!(codes(with(p(), "gross", -1)), "bad_amount");
    assert_eq!(codes(with(p(), "gross", max)), "accepted");
    assert_eq!(codes(with(p(), "gross", max as u64 + 1)), "bad_amount");
    assert_eq!(codes(with(p(), "gross", Value::Null)), "bad_amount");
    assert_eq!(
        codes(with(with(p(), "gross", 0), "currency", "XXX")),
        "bad_amount"
    );
    assert_eq!(codes(with(p(), "currency", "CHF")), "unknown_currency");
    assert_eq!(
        codes(with(with(p(), "currency", "CHF"), "epoch", 7)),
        "unknown_currency"
    );
    assert_eq!(
        codes(with(with(p(), "epoch", 7), "tax", 101)),
        "unknown_epoch"
    );
    assert_eq!(codes(with(p(), "revision", "q")), "unknown_epoch");
    assert_eq!(codes(with(p(), "tax", 101)), "legs_exceed_gross");
    assert_eq!(codes(with(p(), "tax", 100)), "accepted");
    assert_eq!(codes(with(p(), "tax", max as u64 + 1)), "legs_exceed_gross");
    assert_eq!(codes(with(p(), "fee_bps", 10_100)), "legs_exceed_gross");
    let huge = run(
        r#"{"periods": ["p"], "events": [{"id": "x", "type": "payment", "period": "p",
        "gross": 99999999999999999999999999999999}]}"#,
    );
    assert!(huge.unwrap().contains("bad_amount"));
}

#[test]
fn reserves_are_held_released_and_drawn_oldest_first() {
    let mut s = scenario(json!([
        pay("x", "p1", 2, 1000),
        pay("y", "p2", 2, 400),
        refund("u", "p3", "x", 200),
    ]));
    s["reserve_bps"] = json!(1000);
    s["reserve_periods"] = json!(5);
    let out = replay(&s);
    let row = |p: &str, c: &str| out["periods"][p]["EUR"]["contributors"][c].clone();
    let figures = |r: &Value| {
        [
            "opening",
            "credit",
            "reserve_held",
            "reserve_drawn",
            "payout_gross",
            "closing",
            "reserve_closing",
        ]
        .map(|f| r[f].as_i64().unwrap())
    };
    assert_eq!(figures(&row("p1", "a")), [0, 250, 25, 0, 225, 0, 25]);
    assert_eq!(figures(&row("p2", "a")), [0, 100, 10, 0, 90, 0, 35]);
    // −50: 25 of the older reserve, 10 of the newer, 15 stay owed.
    assert_eq!(figures(&row("p3", "a")), [0, -50, 0, 35, 0, -15, 0]);
    // b: 750 → 75, 300 → 30; −150 draws both, owes 45.
    assert_eq!(figures(&row("p3", "b")), [0, -150, 0, 105, 0, -45, 0]);

    s["events"][2]["amount"] = json!(120);
    let out = replay(&s);
    let row = |p: &str, c: &str| out["periods"][p]["EUR"]["contributors"][c].clone();
    // −30 takes the 25 first, then 5 of the 10.
    assert_eq!(figures(&row("p3", "a")), [0, -30, 0, 30, 0, 0, 5]);
    assert_eq!(
        out["accounts"]["EUR"]["Liabilities:Contributor:a:Reserve"],
        -5
    );
}

#[test]
fn a_due_reserve_is_released_before_a_new_one_is_held() {
    let mut s = scenario(json!([pay("x", "p1", 2, 1000), pay("y", "p2", 2, 400)]));
    s["reserve_bps"] = json!(1000);
    s["reserve_periods"] = json!(1);
    let out = replay(&s);
    let a = &out["periods"]["p2"]["EUR"]["contributors"]["a"];
    assert_eq!(
        (&a["reserve_released"], &a["reserve_held"]),
        (&json!(25), &json!(10))
    );
    assert_eq!(
        (&a["payout_gross"], &a["reserve_closing"]),
        (&json!(115), &json!(10))
    );
    // p3: nothing sold, the reserve alone makes the row.
    let a = &out["periods"]["p3"]["EUR"]["contributors"]["a"];
    assert_eq!(
        (&a["credit"], &a["reserve_released"], &a["payout_gross"]),
        (&json!(0), &json!(10), &json!(10))
    );
    assert_eq!(out["available"]["EUR"]["a"], 0);
}

#[test]
fn a_debt_limits_what_can_be_held() {
    let mut s = scenario(json!([
        pay("x", "p1", 2, 400),
        refund("u", "p2", "x", 400),
        pay("y", "p3", 2, 420),
    ]));
    s["reserve_bps"] = json!(5000);
    s["reserve_periods"] = json!(0);
    let out = replay(&s);
    let a = |p: &str| out["periods"][p]["EUR"]["contributors"]["a"].clone();
    // p1: 100, hold 50 until p1, pay 50. p2: −100, release 50, owe 50.
    assert_eq!(
        (&a("p2")["reserve_released"], &a("p2")["closing"]),
        (&json!(50), &json!(-50))
    );
    // p3: +105 leaves 55; half of 105 is 52, which fits; the rest is paid.
    assert_eq!(
        (&a("p3")["reserve_held"], &a("p3")["payout_gross"]),
        (&json!(52), &json!(3))
    );
}

#[test]
fn small_balances_wait_and_tax_is_withheld_from_payouts() {
    let mut s = scenario(json!([pay("x", "p1", 2, 400), pay("y", "p2", 2, 400)]));
    s["min_payout"] = json!({"EUR": 150});
    s["withholding_bps"] = json!({"b": 1234});
    let out = replay(&s);
    let row = |p: &str, c: &str| out["periods"][p]["EUR"]["contributors"][c].clone();
    assert_eq!(
        (&row("p1", "a")["payout_gross"], &row("p1", "a")["closing"]),
        (&json!(0), &json!(100))
    );
    assert_eq!(
        (&row("p2", "a")["opening"], &row("p2", "a")["payout_gross"]),
        (&json!(100), &json!(200))
    );
    // 300·1234/10^4 = 37.02 → 37
    assert_eq!(
        (&row("p1", "b")["withheld"], &row("p1", "b")["payout_net"]),
        (&json!(37), &json!(263))
    );
    assert_eq!(out["accounts"]["EUR"]["Liabilities:Tax:Withheld"], -74);
    assert_eq!(out["accounts"]["EUR"]["Liabilities:PayoutInTransit"], -726);
}

#[test]
fn currencies_and_epochs_stay_apart_but_share_the_carry() {
    let out = replay(&scenario(json!([
        with(pay("j", "p1", 1, 1), "currency", "JPY"),
        with(pay("k", "p1", 1, 2), "currency", "KWD"),
        with(pay("t", "p1", 2, 7), "currency", "PTS"),
        pay("e1", "p1", 1, 1),
        pay("e2", "p1", 2, 3),
    ])));
    assert_eq!(out["dust"], json!({"EUR": 1, "JPY": 1, "KWD": 2, "PTS": 1}));
    // 7 over 1:3 = 1.75 and 5.25
    assert_eq!(out["credited"]["PTS"], json!({"a": 1, "b": 5}));
    // a: .333333333334 of epoch 1, then + .75 = 1.083333333334; b: .333333333333 + 2.25.
    let a = &out["periods"]["p1"]["EUR"]["contributors"]["a"];
    assert_eq!(a["lines"][0]["carry_after_ppt"], 333_333_333_334i64);
    assert_eq!(a["lines"][1]["amount"], 1);
    assert_eq!(a["carry_ppt"], 83_333_333_334i64);
    assert_eq!(out["credited"]["EUR"], json!({"a": 1, "b": 2, "c": 0}));
    // c never had a whole unit but has its line.
    assert_eq!(
        out["periods"]["p1"]["EUR"]["contributors"]["c"]["lines"][0]["amount"],
        0
    );
}

#[test]
fn without_weight_the_pool_waits() {
    let mut s = scenario(json!([with(pay("x", "p1", 1, 100), "revision", "z")]));
    s["epochs"] = json!([{"revision": "z", "epoch": 1, "weights": {"a": 0}}]);
    let out = replay(&s);
    assert_eq!(out["shares"]["z/1"]["ppt"], json!({"a": 0}));
    assert_eq!(out["pools"], json!({"z/1/EUR": 100}));
    assert_eq!(out["periods"]["p1"], json!({}));
    assert_eq!(out["accounts"]["EUR"]["Liabilities:Pool:z:E1"], -100);
}

#[test]
fn the_largest_amounts_are_exact() {
    let max = i64::MAX;
    let out = replay(&scenario(json!([
        pay("x", "p1", 2, max),
        refund("u", "p2", "x", max)
    ])));
    // max = 4·2305843009213693951 + 3
    assert_eq!(
        out["periods"]["p1"]["EUR"]["contributors"]["a"]["credit"],
        2_305_843_009_213_693_951i64
    );
    assert_eq!(
        out["periods"]["p1"]["EUR"]["contributors"]["a"]["carry_ppt"],
        750_000_000_000i64
    );
    assert_eq!(out["periods"]["p1"]["EUR"]["dust"], 1);
    assert_eq!(out["credited"]["EUR"], json!({"a": 0, "b": 0}));
    assert_eq!(out["payments"]["x"]["r_net"], max);
    let twice = run(&scenario(json!([pay("x", "p1", 2, max), pay("y", "p1", 2, max)])).to_string())
        .unwrap();
    assert!(
        twice.contains("\"Assets:PSP\": 18446744073709551614"),
        "{twice}"
    );
}

#[test]
fn weights_beyond_64_bits_are_read_exactly() {
    let text = r#"{"periods": [], "epochs": [{"revision": "r", "epoch": 1,
        "weights": {"a": 100000000000000000000000000000000000001, "b": 200000000000000000000000000000000000002}}]}"#;
    let out: Value = serde_json::from_str(&run(text).unwrap()).unwrap();
    assert_eq!(
        out["shares"]["r/1"]["ppt"],
        json!({"a": 333_333_333_333i64, "b": 666_666_666_667i64})
    );
}

#[test]
fn unreadable_files_say_where() {
    for (text, word) in [
        ("", "readable"),
        ("[]", "readable"),
        (r#"{"periods": ["a"], "fee_bps": 0.5}"#, "readable"),
        (r#"{"periods": ["a"], "fee_rounding": "up"}"#, "floor"),
        (r#"{"periods": ["a", "a"]}"#, "twice"),
        (
            r#"{"format": "granary-replay/2", "periods": []}"#,
            "granary-replay/1",
        ),
        (
            r#"{"periods": [], "events": [{"id": "x", "type": "gift", "period": "p"}]}"#,
            "number 1",
        ),
        (
            r#"{"periods": [], "events": [{"type": "refund", "period": "p"}]}"#,
            "payment",
        ),
        (
            r#"{"periods": [], "epochs": [{"revision": "r", "epoch": 1, "weights": {"a": -1}}]}"#,
            "readable",
        ),
        (
            r#"{"periods": [], "epochs": [{"revision": "r", "epoch": 1, "weights": {}},
            {"revision": "r", "epoch": 1, "weights": {}}]}"#,
            "r/1",
        ),
    ] {
        let error = run(text).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

mod against_the_journal {
    //! The replay and the in-memory journal share the arithmetic but not the
    //! bookkeeping: the same sales must give the same figures.

    use super::*;
    use crate::account::Account;
    use crate::book::tests::{journal, purchase, refund as refund_command, settle, stamp, u};
    use crate::money::Currency;
    use proptest::prelude::*;

    fn weights_of(raw: [u128; 3]) -> Value {
        let id = |n| u(n).to_string();
        let weights = |list: &[(u128, u128)]| -> Value {
            list.iter()
                .map(|(n, w)| (id(*n), json!(*w as u64)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        json!([
            {"revision": id(50), "epoch": 1, "weights": weights(&[(21, raw[0]), (22, raw[1]), (23, raw[2] + 1)])},
            {"revision": id(50), "epoch": 2, "weights": weights(&[(21, raw[2] + 3), (22, raw[0])])},
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn both_give_the_same_figures(
            raw in prop::array::uniform3(0u128..50),
            sales in prop::collection::vec((1i64..=2, 1i64..3_000, 0i64..3_000, any::<bool>()), 1..10),
        ) {
            let mut book = journal(raw);
            let mut events = Vec::new();
            for (n, (epoch, gross, back, next)) in (1u128..).zip(&sales) {
                let period = |second: bool| if second { "p2" } else { "p1" };
                let order = 100 + n;
                book.apply("s", &format!("b{n}"), &purchase(order, *epoch as u32, *gross), stamp(n)).unwrap();
                let sale = with(pay(&order.to_string(), "p1", *epoch, *gross), "revision", u(50).to_string());
                events.push(with(sale, "tax", book.order(u(order)).unwrap().legs.tax));
                let back = (*back).min(*gross);
                if back > 0 {
                    book.apply("s", &format!("r{n}"), &refund_command(order, back), stamp(n)).unwrap();
                    events.push(refund(&format!("r{n}"), period(*next), &order.to_string(), back));
                }
            }
            for epoch in [1, 2] {
                book.apply("s", &format!("e{epoch}"), &settle(epoch), stamp(0)).unwrap();
            }
            let out = replay(&json!({
                "periods": ["p1", "p2"], "fee_bps": 1000, "epochs": weights_of(raw), "events": events,
            }));
            prop_assert_eq!(&out["rejected"], &json!([]));
            for party in [21, 22, 23] {
                let id = u(party).to_string();
                let available = -book.balance(Currency::EUR, &Account::available(u(party)));
                prop_assert_eq!(out["credited"]["EUR"][&id].as_i64().unwrap_or(0), available);
                let carry = out["carry_ppt"]["EUR"][&id].as_i64().unwrap_or(0);
                prop_assert_eq!(carry, book.carry(u(party), Currency::EUR));
            }
            let account = |name: &str| out["accounts"]["EUR"][name].as_i64().unwrap_or(0);
            let balance = |account| book.balance(Currency::EUR, &account);
            prop_assert_eq!(account("Liabilities:Dust"), balance(Account::Dust));
            prop_assert_eq!(account("Income:PlatformFee"), balance(Account::PlatformFee));
            for ((revision, epoch, _), pool) in book.pools() {
                let name = format!("{revision}/{epoch}/EUR");
                prop_assert_eq!(out["pools"][name].as_i64(), Some(pool.cumulative));
            }
        }
    }
}
