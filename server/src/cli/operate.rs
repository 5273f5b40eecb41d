//! top-up, points, refund, settle, trial-balance, password-reset, entity.

use dataset_core::digest::Sha256;
use schema::wire::{
    EntityView, NewEntity, NewPoints, NewRefund, NewSettlement, NewTopUp, PointsMove,
    SettlementView, TrialBalance as Sums,
};

use super::amount::{number, show};
use super::args::{
    Entity, EntityAction, GivePoints, PasswordReset, PointsVerb, Refund, Settle, TopUp,
    TrialBalance,
};
use super::stop::{Exit, Outcome, Stop};
use super::table::{Table, grouped};
use super::{ask, print_json, print_text, settings};

pub async fn top_up(args: &TopUp) -> Outcome {
    let client = settings::party(&args.remote)?;
    let amount = args.amount.amount();
    // One transfer fills a wallet once, also when the operator types it twice.
    let what = format!("top-up {} {} {}", args.reference, args.party, show(&amount));
    let key = Sha256::of(what.as_bytes()).to_string();
    let new = NewTopUp {
        party: args.party.clone(),
        amount,
        reference: args.reference.clone(),
    };
    let done = client.top_up(&key, &new).await?;
    if args.print.json {
        return print_json(&done);
    }
    print_text(&format!(
        "{} for {}; the wallet holds {} (journal entry {})\n",
        show(&done.amount),
        done.party.handle,
        show(&done.balance),
        done.entry
    ))
}

pub async fn points(args: &GivePoints) -> Outcome {
    let client = settings::party(&args.remote)?;
    let new = NewPoints {
        party: args.party.clone(),
        what: match args.what {
            PointsVerb::Issue => PointsMove::Issue,
            PointsVerb::Redeem => PointsMove::Redeem,
            PointsVerb::Expire => PointsMove::Expire,
        },
        points: args.points,
        reason: args.reason.clone(),
    };
    let key = ask::once(args.once.as_deref());
    let done = client.move_points(&key, &new).await?;
    if args.print.json {
        return print_json(&done);
    }
    print_text(&format!(
        "{} has {} points now (journal entry {})\n",
        done.party.handle,
        grouped(done.balance),
        done.entry
    ))
}

pub async fn refund(args: &Refund) -> Outcome {
    let client = settings::party(&args.remote)?;
    let amount = args.amount.amount();
    if !args.yes {
        let order = client.order(args.order).await?;
        ask::confirm(&format!(
            "Give {} of {} back to {} for {}?",
            show(&amount),
            show(&order.gross),
            order.buyer.handle,
            order.dataset
        ))?;
    }
    let new = NewRefund {
        amount,
        reason: args.reason.clone(),
    };
    let done = client
        .refund(args.order, &ask::once(args.once.as_deref()), &new)
        .await?;
    if args.print.json {
        return print_json(&done);
    }
    let mut legs = Table::pairs();
    legs.row(["given back".to_owned(), show(&done.amount)]);
    legs.row(["  of the platform fee".to_owned(), show(&done.fee)]);
    legs.row(["  of the sales tax".to_owned(), show(&done.tax)]);
    legs.row([
        "  of the owner's commission".to_owned(),
        show(&done.commission),
    ]);
    legs.row(["  of the contributors' pool".to_owned(), show(&done.net)]);
    legs.row(["journal entry", &done.entry]);
    let licence = if done.licence_revoked {
        "revoked"
    } else {
        "stays"
    };
    legs.row(["licence", licence]);
    print_text(&legs.to_string())
}

pub async fn settle(args: &Settle) -> Outcome {
    let client = settings::party(&args.remote)?;
    let new = NewSettlement {
        period: args.period.clone(),
    };
    let done = client
        .settle(&ask::once(args.once.as_deref()), &new)
        .await?;
    if args.print.json {
        print_json(&done)
    } else {
        print_text(&settled(&done))
    }
}

fn settled(done: &SettlementView) -> String {
    if done.pools.is_empty() {
        return format!(
            "Period {}: no pool has moved since the last settlement.\n",
            done.period
        );
    }
    let mut pools = Table::new(&["entry", ">pool", ">contributors", ">dust"]);
    for pool in &done.pools {
        pools.row([
            pool.entry.clone(),
            show(&pool.delta),
            grouped(pool.contributors),
            number(pool.dust, &pool.delta.currency),
        ]);
    }
    let mut text = format!("Period {}\n\n{pools}\n", done.period);
    let mut payees = Table::new(&["statement of", ">opening", ">earned", ">closing"]);
    for statement in &done.statements {
        payees.row([
            statement.party.handle.clone(),
            show(&statement.opening),
            show(&statement.earned),
            show(&statement.closing),
        ]);
    }
    text.push_str(&payees.to_string());
    text
}

pub async fn trial_balance(args: &TrialBalance) -> Outcome {
    let sums = settings::party(&args.remote)?.trial_balance().await?;
    if args.print.json {
        print_json(&sums)?;
    } else {
        print_text(&balances(&sums))?;
    }
    match sums.books.iter().find(|book| book.total != 0) {
        Some(book) => {
            let words = format!("book {} is out of balance by {}", book.book, book.total);
            Err(Stop::new(Exit::Wrong, words))
        }
        None => Ok(()),
    }
}

/// Accounts of every book, each with its sum at the foot.
#[must_use]
pub fn balances(sums: &Sums) -> String {
    let mut text = String::new();
    for book in &sums.books {
        let mut table = Table::new(&["account", ">debit", ">credit"]).indented(2);
        for account in &book.accounts {
            let figure = number(account.balance.saturating_abs(), &book.book);
            let (debit, credit) = match account.balance {
                0 => continue,
                1.. => (figure, String::new()),
                _ => (String::new(), figure),
            };
            table.row([account.account.clone(), debit, credit]);
        }
        let total = number(book.total, &book.book);
        text.push_str(&format!(
            "Book {}, {} entries\n{table}  Trial balance: {total}\n",
            book.book,
            grouped(book.entries)
        ));
    }
    text
}

pub async fn password_reset(args: &PasswordReset) -> Outcome {
    let link = settings::party(&args.remote)?
        .password_reset(&args.party)
        .await?;
    print_text(&format!(
        "{}\nIt works once. Give it to the party on a way you trust.\n",
        link.url
    ))
}

pub async fn entity(args: Entity) -> Outcome {
    let (entities, print) = match args.action {
        EntityAction::Link {
            parties,
            reason,
            print,
            remote,
        } => {
            let new = NewEntity { parties, reason };
            let entity = settings::party(&remote)?.link_parties(&new).await?;
            (vec![entity], print)
        }
        EntityAction::List { print, remote } => {
            (settings::party(&remote)?.entities().await?, print)
        }
        EntityAction::Unlink {
            party,
            reason,
            remote,
        } => {
            let client = settings::party(&remote)?;
            client.unlink_party(&party, reason.as_deref()).await?;
            return print_text("It stands alone again for what is sold from now on.\n");
        }
    };
    if print.json {
        return print_json(&entities);
    }
    if entities.is_empty() {
        return print_text("No accounts are linked.\n");
    }
    print_text(&members(&entities))
}

fn members(entities: &[EntityView]) -> String {
    let mut table = Table::new(&["entity", "party", "since", "because"]);
    for entity in entities {
        for (at, member) in entity.members.iter().enumerate() {
            let id = if at == 0 {
                entity.id.to_string()
            } else {
                String::new()
            };
            table.row([
                id,
                member.party.handle.clone(),
                member.linked_at.format("%Y-%m-%d").to_string(),
                member.reason.clone(),
            ]);
        }
    }
    table.to_string()
}
