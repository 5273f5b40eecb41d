//! Recomputing a statement with integers alone.

use super::{
    Bridge, ClaimLine, CommissionLine, FORMAT, Footer, Held, Line, PayoutKind, PayoutLine,
    Statement, StatementError, answer,
};
use crate::epoch::D;
use crate::settle::credit;

type Checked = Result<(), StatementError>;

fn part(part: &'static str, problem: String) -> StatementError {
    StatementError::Part { part, problem }
}

pub(super) fn narrow(name: &'static str, n: i128) -> Result<i64, StatementError> {
    i64::try_from(n).map_err(|_| part(name, format!("{n} leaves the 64-bit range")))
}

/// opening + earned + released − held + drawn − paid.
pub(super) fn closing(b: &Bridge) -> i128 {
    let n = i128::from;
    n(b.opening) + n(b.earned) + n(b.released) - n(b.held) + n(b.drawn) - n(b.paid)
}

/// Everything that was credited: by lines, as commission, by decided claims.
pub(super) fn earned(footer: &Footer, claims: &[ClaimLine]) -> i128 {
    let claims: i128 = claims.iter().map(|claim| i128::from(claim.amount)).sum();
    i128::from(footer.amount) + i128::from(footer.own_commission) + claims
}

/// What was paid out, less what came back.
pub(super) fn paid(payouts: &[PayoutLine]) -> Result<i64, StatementError> {
    let mut sum = 0i128;
    for (one, number) in payouts.iter().zip(1..) {
        let (gross, withheld) = (i128::from(one.gross), i128::from(one.withheld));
        if one.net < 1 || withheld < 0 || gross - withheld != i128::from(one.net) {
            let problem = format!(
                "payout {number}: {gross} less {withheld} withheld is not {}",
                one.net
            );
            return Err(part("payouts", problem));
        }
        sum += match one.kind {
            PayoutKind::Paid => gross,
            PayoutKind::Returned => -gross,
        };
    }
    narrow("payouts", sum)
}

/// Control totals of the lines.
pub(super) fn footer(
    lines: &[Line],
    commissions: &[CommissionLine],
) -> Result<Footer, StatementError> {
    let sum = |figure: fn(&Line) -> i64| {
        narrow("footer", lines.iter().map(|l| i128::from(figure(l))).sum())
    };
    let refunds = lines
        .iter()
        .flat_map(|l| &l.refunds)
        .map(|r| i128::from(r.net))
        .sum();
    let parts = lines.iter().filter_map(|l| l.subscriptions);
    let income = parts.map(|part| part.amount()).sum();
    let own = commissions.iter().map(|c| i128::from(c.amount)).sum();
    let sales = lines.iter().try_fold(0u64, |n, l| n.checked_add(l.sales));
    Ok(Footer {
        lines: lines.len() as u64,
        sales: sales.ok_or_else(|| part("footer", "too many sales".into()))?,
        gross: sum(|l| l.gross)?,
        tax: sum(|l| l.tax)?,
        fee: sum(|l| l.fee)?,
        commission: sum(|l| l.commission)?,
        refunds_net: narrow("footer", refunds)?,
        subscriptions: narrow("footer", income)?,
        pool_delta: sum(|l| l.pool_delta)?,
        amount: sum(|l| l.amount)?,
        own_commission: narrow("footer", own)?,
    })
}

/// `⌊D·weight/total⌋ ≤ share ≤ ⌊D·weight/total⌋ + 1` without leaving 128 bits.
fn share_follows_weight(share: i64, weight: u128, total: u128) -> bool {
    if total == 0 || weight > total || !(0..=D).contains(&share) {
        return false;
    }
    let floor = crate::epoch::quota(weight, total).0;
    share == floor || share == floor + 1
}

/// The account that holds has a residue of its own, so that what it was credited is
/// `⌊delta·share/D⌋` or one more.
fn check_held(held: &Held, line: &Line) -> Result<(), String> {
    if !share_follows_weight(held.share_ppt, held.weight, line.weight_total) {
        return Err(format!(
            "the share {} that is held for claim {} does not follow its weight",
            held.share_ppt, held.claim
        ));
    }
    let (floor, _) = credit(0, line.pool_delta, held.share_ppt);
    if held.amount == floor || Some(held.amount) == floor.checked_add(1) {
        return Ok(());
    }
    Err(format!(
        "{} is held for claim {}, its share of the pool is {floor} and a fraction",
        held.amount, held.claim
    ))
}

fn pool_delta(line: &Line) -> Result<i128, String> {
    let n = i128::from;
    let mut delta = n(line.gross) - n(line.tax) - n(line.fee) - n(line.commission);
    for refund in &line.refunds {
        let net = n(refund.gross) - n(refund.tax) - n(refund.fee) - n(refund.commission);
        if net != n(refund.net) {
            return Err(format!(
                "the net of its refunds of {} is {}, recomputed {net}",
                refund.period, refund.net
            ));
        }
        delta -= net;
    }
    if let Some(part) = &line.subscriptions {
        if part.by_use < 0 || part.by_list_price < 0 || part.amount() == 0 || part.terms == 0 {
            return Err(format!("its subscriptions bring {}", part.amount()));
        }
        delta += part.amount();
    }
    Ok(delta)
}

fn check_line(line: &Line, carry: i64) -> Result<(), String> {
    let delta = pool_delta(line)?;
    if delta != i128::from(line.pool_delta) {
        return Err(format!(
            "pool_delta is {}, its sales, refunds and subscriptions give {delta}",
            line.pool_delta
        ));
    }
    if !share_follows_weight(line.share_ppt, line.weight, line.weight_total) {
        let (share, weight, total) = (line.share_ppt, line.weight, line.weight_total);
        return Err(format!(
            "share_ppt is {share}, which is not 10^12·{weight}/{total}"
        ));
    }
    line.held
        .iter()
        .try_for_each(|held| check_held(held, line))?;
    if line.carry_before != carry || !(0..D).contains(&carry) {
        return Err(format!(
            "carry_before is {}, the line before carried {carry}",
            line.carry_before
        ));
    }
    let (amount, after) = credit(carry, line.pool_delta, line.share_ppt);
    if amount != line.amount {
        return Err(format!("amount is {}, recomputed {amount}", line.amount));
    }
    if after != line.carry_after {
        return Err(format!(
            "carry_after is {}, recomputed {after}",
            line.carry_after
        ));
    }
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Debug>(
    name: &'static str,
    what: &str,
    stored: T,
    recomputed: T,
) -> Checked {
    match stored == recomputed {
        true => Ok(()),
        false => Err(part(
            name,
            format!("{what} is {stored:?}, recomputed {recomputed:?}"),
        )),
    }
}

impl Statement {
    /// Recomputes every line, then bridge, footer, answer and proof.
    pub(super) fn check(&self) -> Checked {
        equal("head", "format", self.format.as_str(), FORMAT)?;
        equal(
            "head",
            "exponent",
            self.exponent,
            self.head.currency.exponent(),
        )?;
        let bridge = &self.bridge;
        let mut carry = bridge.carry_opening;
        for (line, number) in self.lines.iter().zip(1..) {
            check_line(line, carry).map_err(|problem| StatementError::Line {
                line: number,
                problem,
            })?;
            carry = line.carry_after;
        }
        let totals = footer(&self.lines, &self.commissions)?;
        let earned = earned(&totals, &self.claims);
        equal("bridge", "earned", i128::from(bridge.earned), earned)?;
        equal(
            "bridge",
            "closing",
            i128::from(bridge.closing),
            closing(bridge),
        )?;
        equal("bridge", "carry_closing", bridge.carry_closing, carry)?;
        let moves = [bridge.released, bridge.held, bridge.drawn];
        if moves.iter().any(|m| *m < 0) {
            return Err(part(
                "bridge",
                "released, held and drawn cannot be negative".into(),
            ));
        }
        equal("bridge", "paid", bridge.paid, paid(&self.payouts)?)?;
        if !self.payouts.is_empty() && !self.ever_paid {
            return Err(part("answer", "it was paid, but ever_paid says no".into()));
        }
        equal("footer", "totals", self.footer, totals)?;
        equal(
            "answer",
            "text",
            self.answer.as_str(),
            answer(&self.head, bridge, &self.payouts, self.ever_paid).as_str(),
        )?;
        self.check_proof()
    }
}
