//! What each event does: arrival, waiting, refusal, legs.

use super::input::{Action, Event, Rounding};
use super::{Dispute, Known, Parent, Payment, PoolKey, State, pool_account};
use crate::refund::webster;

/// The currencies of the format.
const CURRENCIES: [&str; 6] = ["EUR", "USD", "GBP", "JPY", "KWD", "PTS"];

type Refusal = &'static str;

impl<'a> State<'a> {
    /// Takes an event once; a repeat does nothing, another body is refused.
    pub(super) fn arrive(&mut self, event: &'a Event<'a>) {
        match self.seen.get(event.id.as_str()) {
            Some(first) if first.body == event.body => {}
            Some(_) => self.rejected.push((&event.id, "idempotency_conflict")),
            None => {
                self.seen.insert(&event.id, event);
                self.run(event);
            }
        }
    }

    fn run(&mut self, event: &'a Event<'a>) {
        match &event.action {
            Action::Payment { .. } => {
                let outcome = self.pay(event);
                let known = self.outcome(event, outcome);
                self.payments.insert(&event.id, known);
                self.wake(Parent::Payment, event);
            }
            Action::Refund { payment, amount } => {
                let done = match self.payments.get(payment.as_str()) {
                    None => return self.park(Parent::Payment, payment, event),
                    Some(Known::Rejected) => Err("payment_rejected"),
                    Some(Known::Accepted(_)) => self.give_back(payment, *amount, "Assets:PSP"),
                };
                self.outcome(event, done.map(|_| ()));
            }
            Action::DisputeOpen { payment, amount } => {
                let done = match self.payments.get(payment.as_str()) {
                    None => return self.park(Parent::Payment, payment, event),
                    Some(Known::Rejected) => Err("payment_rejected"),
                    Some(Known::Accepted(_)) => {
                        self.give_back(payment, *amount, "Liabilities:DisputeHold")
                    }
                };
                let payment = payment.clone();
                let dispute = done.map(|amount| Dispute {
                    payment,
                    amount,
                    open: true,
                });
                let known = self.outcome(event, dispute);
                self.disputes.insert(&event.id, known);
                self.wake(Parent::Dispute, event);
            }
            Action::DisputeEnd { dispute, won } => {
                let done = match self.disputes.get_mut(dispute.as_str()) {
                    None => return self.park(Parent::Dispute, dispute, event),
                    Some(Known::Rejected) => Err("dispute_rejected"),
                    Some(Known::Accepted(known)) if !known.open => Err("dispute_closed"),
                    Some(Known::Accepted(known)) => {
                        known.open = false;
                        let (payment, amount) = (known.payment.clone(), known.amount);
                        self.end_dispute(&payment, amount, *won);
                        Ok(())
                    }
                };
                self.outcome(event, done);
            }
        }
    }

    fn outcome<T>(&mut self, event: &'a Event<'a>, outcome: Result<T, Refusal>) -> Known<T> {
        match outcome {
            Ok(value) => Known::Accepted(value),
            Err(code) => {
                self.rejected.push((&event.id, code));
                Known::Rejected
            }
        }
    }

    fn park(&mut self, kind: Parent, parent: &'a str, event: &'a Event<'a>) {
        self.waiting
            .entry((kind, parent))
            .or_default()
            .insert(&event.id, event);
    }

    fn wake(&mut self, kind: Parent, parent: &'a Event<'a>) {
        for event in self
            .waiting
            .remove(&(kind, &parent.id))
            .unwrap_or_default()
            .into_values()
        {
            self.run(event);
        }
    }

    fn pay(&mut self, event: &Event<'_>) -> Result<Payment, Refusal> {
        let Action::Payment {
            revision,
            epoch,
            currency,
            gross,
            fee_bps,
            tax,
        } = &event.action
        else {
            unreachable!("only called for payments")
        };
        let gross = gross.filter(|g| *g > 0).ok_or("bad_amount")?;
        let currency = currency.as_deref().filter(|c| CURRENCIES.contains(c));
        let currency = currency.ok_or("unknown_currency")?;
        let pool = revision
            .clone()
            .zip(*epoch)
            .filter(|key| self.epochs.contains_key(key));
        let (revision, epoch) = pool.ok_or("unknown_epoch")?;
        let bps = fee_bps.unwrap_or(self.scenario.fee_bps);
        let legs = legs(gross, bps, self.scenario.fee_rounding, *tax).ok_or("legs_exceed_gross")?;
        let payment = Payment {
            pool: (revision, epoch, currency.to_string()),
            gross,
            legs,
            given_back: 0,
            returned: [0; 3],
        };
        self.move_legs(&payment.pool, legs, "Assets:PSP");
        Ok(payment)
    }

    /// Books legs into the sale's accounts (from them when negative), against one
    /// other account.
    fn move_legs(&mut self, pool: &PoolKey, legs: [i64; 3], other: &str) {
        let [fee, tax, net] = legs.map(i128::from);
        let (revision, epoch, currency) = pool;
        let lines = [
            (other, fee + tax + net),
            ("Income:PlatformFee", -fee),
            ("Liabilities:Tax:Sales", -tax),
            (&pool_account(revision, *epoch), -net),
        ];
        self.post(currency, &lines);
        self.pools.entry(pool.clone()).or_default().cumulative += net;
    }

    /// Refund or dispute: the running total grows, `other` gives the money.
    fn give_back(&mut self, id: &str, amount: Option<i64>, other: &str) -> Result<i64, Refusal> {
        let amount = amount.filter(|a| *a > 0).ok_or("bad_amount")?;
        let Some(Known::Accepted(payment)) = self.payments.get_mut(id) else {
            unreachable!("the caller found it accepted")
        };
        if amount > payment.gross - payment.given_back {
            return Err("exceeds_payment");
        }
        self.set_total(id, amount, other);
        Ok(amount)
    }

    fn end_dispute(&mut self, payment: &str, amount: i64, won: bool) {
        if won {
            return self.set_total(payment, -amount, "Liabilities:DisputeHold");
        }
        let Some(Known::Accepted(Payment { pool, .. })) = self.payments.get(payment) else {
            unreachable!("a dispute is only accepted with its payment")
        };
        let (currency, amount) = (pool.2.clone(), i128::from(amount));
        self.post(
            &currency,
            &[("Liabilities:DisputeHold", amount), ("Assets:PSP", -amount)],
        );
    }

    /// Changes the running total by `change` and books the change of its legs.
    fn set_total(&mut self, id: &str, change: i64, other: &str) {
        let Some(Known::Accepted(payment)) = self.payments.get_mut(id) else {
            unreachable!("callers hold an accepted payment")
        };
        payment.given_back += change;
        let Some(after) = webster(payment.given_back, payment.legs) else {
            unreachable!("legs are checked when the payment is taken")
        };
        let before = std::mem::replace(&mut payment.returned, after);
        let mut moved = [0; 3];
        for (slot, (b, a)) in moved.iter_mut().zip(before.into_iter().zip(after)) {
            *slot = b - a;
        }
        let pool = payment.pool.clone();
        self.move_legs(&pool, moved, other);
    }
}

/// fee, tax, net of a gross amount; `None` when they do not fit into it.
fn legs(gross: i64, bps: i64, rounding: Rounding, tax: Option<i64>) -> Option<[i64; 3]> {
    let scaled = i128::from(gross) * i128::from(bps);
    let (floor, rest) = (scaled.div_euclid(10_000), scaled.rem_euclid(10_000));
    let up = match rounding {
        Rounding::Floor => false,
        Rounding::HalfEven => rest > 5_000 || (rest == 5_000 && floor.rem_euclid(2) == 1),
    };
    let fee = i64::try_from(floor + i128::from(up)).ok()?;
    let tax = tax?;
    let net = gross.checked_sub(fee)?.checked_sub(tax)?;
    (fee >= 0 && tax >= 0 && net >= 0).then_some([fee, tax, net])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_of_the_fee() {
        let fee = |gross, bps, rounding| legs(gross, bps, rounding, Some(0)).map(|l| l[0]);
        // 5 % of 10, 30, 50 = 0.5, 1.5, 2.5
        for (gross, floor, even) in [(10, 0, 0), (30, 1, 2), (50, 2, 2), (31, 1, 2), (29, 1, 1)] {
            assert_eq!(fee(gross, 500, Rounding::Floor), Some(floor));
            assert_eq!(fee(gross, 500, Rounding::HalfEven), Some(even));
        }
        assert_eq!(
            legs(i64::MAX, 10_000, Rounding::HalfEven, Some(0)),
            Some([i64::MAX, 0, 0])
        );
        assert_eq!(
            legs(100, 10_001, Rounding::HalfEven, Some(0)),
            Some([100, 0, 0])
        );
        assert_eq!(legs(100, 10_100, Rounding::Floor, Some(0)), None);
        assert_eq!(legs(100, 5_000, Rounding::Floor, Some(51)), None);
        assert_eq!(legs(100, -1, Rounding::Floor, Some(0)), None);
        assert_eq!(legs(100, 0, Rounding::Floor, Some(-1)), None);
        assert_eq!(legs(i64::MAX, i64::MAX, Rounding::Floor, Some(0)), None);
    }
}
