//! The result: every figure of the run.

use super::{FORMAT, Holder, Known, State};
use crate::epoch::{D, digest};
use crate::json::Hash;
use serde::Serialize;
use std::collections::BTreeMap;

type ByCurrency<T> = BTreeMap<String, BTreeMap<String, T>>;

#[derive(Serialize)]
pub(super) struct Output<'s> {
    format: &'static str,
    #[serde(rename = "D")]
    d: i64,
    shares: BTreeMap<String, SharesOut<'s>>,
    payments: BTreeMap<&'s str, PaymentOut>,
    pools: BTreeMap<String, i128>,
    periods: &'s BTreeMap<String, BTreeMap<String, PeriodOut>>,
    credited: ByCurrency<i128>,
    carry_ppt: ByCurrency<i64>,
    available: ByCurrency<i128>,
    dust: &'s BTreeMap<String, i128>,
    accounts: ByCurrency<i128>,
    rejected: Vec<RejectedOut<'s>>,
    parked: Vec<&'s str>,
}

#[derive(Serialize)]
struct SharesOut<'s> {
    digest: Hash,
    ppt: BTreeMap<&'s str, i64>,
}

#[derive(Serialize)]
struct PaymentOut {
    gross: i64,
    fee: i64,
    tax: i64,
    net: i64,
    refunded: i64,
    r_fee: i64,
    r_tax: i64,
    r_net: i64,
}

#[derive(Serialize)]
struct RejectedOut<'s> {
    id: &'s str,
    code: &'static str,
}

#[derive(Serialize)]
pub(super) struct PeriodOut {
    dust: i128,
    pub contributors: BTreeMap<String, Row>,
}

impl PeriodOut {
    pub fn with_dust(dust: i128) -> PeriodOut {
        PeriodOut {
            dust,
            contributors: BTreeMap::new(),
        }
    }
}

/// One contributor in one currency over one period.
#[derive(Serialize, Default)]
pub(super) struct Row {
    pub opening: i128,
    pub credit: i128,
    pub reserve_released: i128,
    pub reserve_held: i128,
    pub reserve_drawn: i128,
    pub payout_gross: i128,
    pub withheld: i128,
    pub payout_net: i128,
    pub closing: i128,
    pub reserve_closing: i128,
    pub carry_ppt: i64,
    pub lines: Vec<LineOut>,
}

impl Row {
    /// I12 and I13.
    pub fn check(&self) {
        let into = self.opening + self.credit + self.reserve_released + self.reserve_drawn;
        let out = self.reserve_held + self.payout_gross;
        assert_eq!(into - out, self.closing, "opening + moves = closing (I13)");
        let owing = self.closing < 0;
        assert!(
            !owing || (self.reserve_closing == 0 && self.payout_gross == 0),
            "I12"
        );
    }
}

#[derive(Serialize)]
pub(super) struct LineOut {
    pub revision: String,
    pub epoch: i64,
    pub pool_delta: i128,
    pub share_ppt: i64,
    pub amount: i128,
    pub carry_after_ppt: i64,
}

impl<'s> Output<'s> {
    pub fn of(state: &'s State<'_>) -> Output<'s> {
        let mut rejected = state.rejected.clone();
        rejected.sort_unstable();
        let mut parked: Vec<&str> = state
            .waiting
            .values()
            .flat_map(|w| w.keys().copied())
            .collect();
        parked.sort_unstable();
        let mut accounts: ByCurrency<i128> = BTreeMap::new();
        for ((currency, account), balance) in state.accounts.iter().filter(|(_, b)| **b != 0) {
            accounts
                .entry(currency.clone())
                .or_default()
                .insert(account.clone(), *balance);
        }
        let pools = state.pools.iter();
        Output {
            format: FORMAT,
            d: D,
            shares: shares(state),
            payments: payments(state),
            pools: pools
                .map(|((r, e, c), p)| (format!("{r}/{e}/{c}"), p.cumulative))
                .collect(),
            periods: &state.periods,
            credited: by_currency(state, |h| h.credited),
            carry_ppt: by_currency(state, |h| h.carry),
            available: by_currency(state, |h| h.available),
            dust: &state.dust,
            accounts,
            rejected: rejected
                .into_iter()
                .map(|(id, code)| RejectedOut { id, code })
                .collect(),
            parked,
        }
    }
}

fn by_currency<T>(state: &State<'_>, figure: impl Fn(&Holder) -> T) -> ByCurrency<T> {
    let mut out = ByCurrency::new();
    for ((contributor, currency), holder) in &state.holders {
        out.entry(currency.clone())
            .or_default()
            .insert(contributor.clone(), figure(holder));
    }
    out
}

fn shares<'s>(state: &'s State<'_>) -> BTreeMap<String, SharesOut<'s>> {
    let given = state.scenario.epochs.iter();
    given
        .map(|epoch| {
            let frozen = state.epochs.get(&(epoch.revision.clone(), epoch.epoch));
            let frozen = frozen.and_then(Option::as_ref);
            let share = |id: &String| frozen.and_then(|f| f.share(id)).unwrap_or(0);
            let ppt: BTreeMap<&str, i64> = epoch
                .weights
                .keys()
                .map(|id| (id.as_str(), share(id)))
                .collect();
            let digest = digest(ppt.iter().map(|(id, share)| (id, *share)));
            (
                format!("{}/{}", epoch.revision, epoch.epoch),
                SharesOut { digest, ppt },
            )
        })
        .collect()
}

fn payments<'s>(state: &'s State<'_>) -> BTreeMap<&'s str, PaymentOut> {
    let mut out = BTreeMap::new();
    for (id, known) in &state.payments {
        let Known::Accepted(p) = known else { continue };
        let ([fee, tax, net], [r_fee, r_tax, r_net]) = (p.legs, p.returned);
        let (gross, refunded) = (p.gross, p.given_back);
        out.insert(
            *id,
            PaymentOut {
                gross,
                fee,
                tax,
                net,
                refunded,
                r_fee,
                r_tax,
                r_net,
            },
        );
    }
    out
}
