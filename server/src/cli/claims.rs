//! claim.

use schema::wire::{ClaimOutcome, ClaimView, NewClaim, NewDecision};

use super::amount::show;
use super::args::{Claim, ClaimAction, Winner};
use super::stop::Outcome;
use super::table::Table;
use super::{print_json, print_text, settings};

pub async fn claim(args: Claim) -> Outcome {
    let (claims, print) = match args.action {
        ClaimAction::File {
            dataset,
            evidence,
            contributions,
            reason,
            print,
            remote,
        } => {
            let client = settings::party(&remote)?;
            let new = NewClaim {
                dataset_id: client.dataset(&dataset).await?.id,
                contributions,
                evidence,
                reason,
            };
            let filed = client.file_claim(&new).await?;
            (vec![filed], print)
        }
        ClaimAction::List { print, remote } => (settings::party(&remote)?.claims().await?, print),
        ClaimAction::TakeBack { claim, remote } => {
            settings::party(&remote)?.take_claim_back(claim).await?;
            return print_text("It is taken back; nothing was held.\n");
        }
        ClaimAction::Open {
            claim,
            print,
            remote,
        } => {
            let opened = settings::party(&remote)?.open_claim(claim).await?;
            (vec![opened], print)
        }
        ClaimAction::Decide {
            claim,
            winner,
            reason,
            print,
            remote,
        } => {
            let outcome = match winner {
                Winner::Holder => ClaimOutcome::Holder,
                Winner::Claimant => ClaimOutcome::Claimant,
                Winner::Nobody => ClaimOutcome::Withdrawn,
            };
            let decision = NewDecision { outcome, reason };
            // A claim is decided once, however often it is typed.
            let key = format!("claim-{claim}");
            let client = settings::party(&remote)?;
            let decided = client.decide_claim(claim, &key, &decision).await?;
            (vec![decided], print)
        }
    };
    if print.json {
        return print_json(&claims);
    }
    if claims.is_empty() {
        return print_text("There are no claims.\n");
    }
    print_text(&table(&claims))
}

fn table(claims: &[ClaimView]) -> String {
    let mut table = Table::new(&[
        "claim", "dataset", "state", "receipt", ">rows", ">of", "held",
    ]);
    for claim in claims {
        let names = [
            claim.id.to_string(),
            claim.dataset.clone(),
            claim.state.clone(),
        ];
        let [id, dataset, state] = names;
        if claim.parts.is_empty() {
            let none = String::new;
            table.row([id, dataset, state, none(), none(), none(), none()]);
            continue;
        }
        for (at, part) in claim.parts.iter().enumerate() {
            let once = |text: &String| if at == 0 { text.clone() } else { String::new() };
            let held: Vec<String> = part.held.iter().map(show).collect();
            table.row([
                once(&id),
                once(&dataset),
                once(&state),
                part.receipt_no.to_string(),
                part.rows.to_string(),
                part.of_rows.to_string(),
                held.join(", "),
            ]);
        }
    }
    table.to_string()
}
