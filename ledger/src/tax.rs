//! Which sales tax a sale bears: the rate in force where the buyer is, or the node's default.
//!
//! Prices hold their tax. What is taken is `⌊gross·bps/(10⁴ + bps)⌋` ([`crate::plan`]), owed to
//! `Liabilities:Tax:Sales:{jurisdiction}`; a refund takes it back from the same account.

use serde::{Deserialize, Serialize};

use crate::account::{AccountError, Label};

/// Where tax is owed for a buyer whose jurisdiction has no rate.
pub const DEFAULT: &str = "main";

/// The rate in force in the buyer's jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Where.
    pub jurisdiction: Label,
    /// As invoices name it, such as `VAT DE`.
    pub name: String,
    /// Basis points of the price without the tax, 0 to 10,000: 19 % are 1,900.
    pub bps: u32,
    /// A business elsewhere with a tax id owes the tax itself.
    pub reverse_charge: bool,
}

/// What a sale bears, frozen with its invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// Where the tax is owed.
    pub jurisdiction: String,
    /// As the invoice names it.
    pub name: String,
    /// Basis points of the price without the tax, 0 to 10,000: 19 % are 1,900.
    pub bps: u32,
    /// The buyer owes the tax: the seller takes none.
    pub reverse_charge: bool,
}

impl Treatment {
    /// The account's label.
    ///
    /// # Errors
    /// A jurisdiction that is no label.
    pub fn label(&self) -> Result<Label, AccountError> {
        Label::new(self.jurisdiction.as_str())
    }
}

/// What a sale bears. `seller` is the node's own jurisdiction, where there is one: within it,
/// nothing is reversed, and without it nobody can be elsewhere.
///
/// ```
/// use ledger::{account::Label, tax::{Rate, treatment}};
/// let rate = Rate {
///     jurisdiction: Label::new("FR")?, name: "TVA".into(), bps: 2_000, reverse_charge: true,
/// };
/// let business = treatment(Some(&rate), true, Some("DE"), 0);
/// assert_eq!((business.bps, business.reverse_charge), (0, true));
/// assert_eq!(treatment(Some(&rate), false, Some("DE"), 0).bps, 2_000);
/// assert_eq!(treatment(None, true, Some("DE"), 700).jurisdiction, "main");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn treatment(
    rate: Option<&Rate>,
    buyer_has_tax_id: bool,
    seller: Option<&str>,
    default_bps: u32,
) -> Treatment {
    let Some(rate) = rate else {
        return Treatment {
            jurisdiction: DEFAULT.to_owned(),
            name: "Sales tax".to_owned(),
            bps: default_bps,
            reverse_charge: false,
        };
    };
    let elsewhere = seller.is_some_and(|own| own != rate.jurisdiction.as_str());
    let reverse_charge = rate.reverse_charge && buyer_has_tax_id && elsewhere;
    Treatment {
        jurisdiction: rate.jurisdiction.to_string(),
        name: rate.name.clone(),
        bps: if reverse_charge { 0 } else { rate.bps },
        reverse_charge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::plan::{FeePlan, Legs, split_sale};
    use crate::refund::take_back;
    use crate::rules::{SaleAccounts, purchase, refund};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn rate(bps: u32, reverse_charge: bool) -> Rate {
        Rate {
            jurisdiction: Label::new("FR").unwrap(),
            name: "TVA".to_owned(),
            bps,
            reverse_charge,
        }
    }

    #[test]
    fn only_a_business_elsewhere_reverses_and_only_where_the_rate_says_so() {
        for (says, tax_id, seller, bps) in [
            (true, true, Some("DE"), 0),
            (true, true, Some("FR"), 2_000),
            (true, true, None, 2_000),
            (true, false, Some("DE"), 2_000),
            (false, true, Some("DE"), 2_000),
        ] {
            let found = treatment(Some(&rate(2_000, says)), tax_id, seller, 700);
            assert_eq!(found.bps, bps, "{says} {tax_id} {seller:?}");
            assert_eq!(found.reverse_charge, bps == 0, "{says} {tax_id} {seller:?}");
            assert_eq!(found.jurisdiction, "FR");
        }
        let found = treatment(None, true, Some("DE"), 700);
        assert_eq!((found.jurisdiction.as_str(), found.bps), (DEFAULT, 700));
        assert!(!found.reverse_charge);
    }

    proptest! {
        /// The tax of a sale is the floor of what its price holds, lands in the account of its
        /// jurisdiction alone, and refunds in any parts empty that account exactly.
        #[test]
        fn what_is_given_back_empties_the_jurisdiction_it_was_owed_to(
            gross in 1i64..5_000_000, fee_bps in 0u32..5_000, bps in 0u32..5_000,
            says in any::<bool>(), tax_id in any::<bool>(), here in any::<bool>(),
            known in any::<bool>(),
            cuts in prop::collection::vec(1i64..2_000_000, 0..6),
        ) {
            let seller = if here { "FR" } else { "DE" };
            let rate = rate(bps, says);
            let found = treatment(known.then_some(&rate), tax_id, Some(seller), 700);
            let plan = FeePlan { fee_bps, tax_bps: found.bps, commission: None };
            let legs = split_sale(gross, &plan).unwrap();
            prop_assert_eq!(i128::from(legs.tax), i128::from(gross) * i128::from(found.bps) / (10_000 + i128::from(found.bps)));
            let sale = SaleAccounts {
                payer: Account::Wallet(Uuid::from_u128(1)),
                revision: Uuid::from_u128(2),
                epoch: 1,
                tax: found.label().unwrap(),
                owner: None,
            };
            let mut books: BTreeMap<Account, i64> = BTreeMap::new();
            let mut post = |lines: Vec<(Account, i64)>| {
                for (account, minor) in lines {
                    *books.entry(account).or_default() += minor;
                }
            };
            post(purchase(&sale, legs));
            let (mut given, mut total) = (Legs::default(), 0);
            for cut in cuts.into_iter().chain([gross]) {
                let part = cut.min(gross - total);
                if part > 0 {
                    let back = take_back(legs, total, part).unwrap();
                    prop_assert!(back.tax >= 0 && back.tax <= part);
                    given.tax += back.tax;
                    total += part;
                    post(refund(&sale, back));
                }
            }
            prop_assert_eq!(given.tax, legs.tax);
            for (account, minor) in books {
                prop_assert_eq!(minor, 0, "{}", account);
            }
        }
    }
}
