//! Every balance of every book, summed from the postings.

use schema::wire::{AccountBalance, BookBalance, TrialBalance};

use crate::auth::{Actor, rights};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store::journal;

/// The trial balance: each book must sum to 0 (I2). Operators only.
///
/// # Errors
/// `not_found` for others, or a sum beyond 64 bits (I19).
pub async fn run(ctx: &Ctx, who: &Actor) -> Result<TrialBalance, Fault> {
    rights::node(who).audit()?;
    ctx.read(|db| {
        let mut books = Vec::new();
        for book in journal::books(db)? {
            let sums = journal::sums(db, &book)?;
            let total: i128 = sums.iter().map(|(_, sum)| i128::from(*sum)).sum();
            books.push(BookBalance {
                total: i64::try_from(total).map_err(Fault::internal)?,
                entries: journal::count(db, &book)?,
                accounts: sums
                    .into_iter()
                    .map(|(account, balance)| AccountBalance { account, balance })
                    .collect(),
                book,
            });
        }
        Ok(TrialBalance { books })
    })
    .await
}
