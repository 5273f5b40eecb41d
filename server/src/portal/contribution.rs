//! `/contributions/{id}`: state, verdict and what to do, and the whole quality report.

use actix_web::web::Path;
use askama::Template;
use schema::wire::{ContributionState, ContributionView};
use uuid::Uuid;

use super::quality_view::{self as view, Quality};
use super::shell::{Page, Shell, Visit, see_other, show};
use super::words;
use crate::flows;

#[derive(Template)]
#[template(path = "contribution.html")]
struct Contribution {
    shell: Shell,
    c: ContributionView,
    quality: Option<Quality>,
    mine: bool,
}

impl Contribution {
    /// Whether withdrawing is still an answer.
    fn may_withdraw(&self) -> bool {
        self.mine && self.c.state != ContributionState::Withdrawn
    }
}

/// The page; it loads itself again while the checker works.
pub async fn page(visit: Visit, id: Path<Uuid>) -> Page {
    let me = visit.signed()?;
    let c = flows::contributions::show(&visit.ctx, me, *id).await?;
    let quality = match c.grade {
        Some(_) => Quality::read(&flows::contributions::report(&visit.ctx, me, *id).await?),
        None => None,
    };
    let waiting = matches!(
        c.state,
        ContributionState::Awaiting | ContributionState::Received
    );
    let mine = c.party.id == me.party;
    show(&Contribution {
        shell: visit.shell_waiting("contributions", waiting),
        c,
        quality,
        mine,
    })
}

/// Takes a contribution out of later revisions.
pub async fn withdraw(visit: Visit, id: Path<Uuid>) -> Page {
    flows::withdraw::run(&visit.ctx, visit.signed()?, *id).await?;
    Ok(see_other(format!("/contributions/{id}?done=withdrawn")))
}

#[cfg(test)]
mod tests {
    use schema::wire::OverlapView;

    use super::*;
    use crate::portal::samples;

    fn sample(c: ContributionView) -> Contribution {
        Contribution {
            shell: samples::member(),
            c,
            quality: Quality::read(&samples::report()),
            mine: true,
        }
    }

    #[test]
    fn an_accepted_one_shows_its_report() {
        samples::check(
            &sample(samples::contribution()),
            &["№ 12", "class=\"granary-quality\"", "Validity", "Withdraw"],
        );
    }

    #[test]
    fn a_refused_one_says_code_reason_and_what_to_do() {
        let page = Contribution {
            quality: None,
            ..sample(samples::refused())
        };
        samples::check(&page, &["missing_column", "granary upload", "Refused"]);
    }

    #[test]
    fn what_stands_elsewhere_is_said_with_what_follows() {
        let cleared = OverlapView {
            cleared_at: Some(samples::at(3)),
            ..samples::overlap()
        };
        for (overlap, follows) in [
            (samples::overlap(), "until an operator clears it"),
            (cleared, "An operator cleared it."),
        ] {
            let c = ContributionView {
                overlaps: vec![overlap],
                ..samples::contribution()
            };
            samples::check(&sample(c), &["81 % of this", "Orchards", follows]);
        }
    }

    #[test]
    fn a_waiting_one_loads_itself_again() {
        let c = ContributionView {
            state: ContributionState::Received,
            grade: None,
            letter: None,
            ..samples::contribution()
        };
        let shell = Shell {
            refresh: Some(4),
            ..samples::member()
        };
        samples::check(
            &Contribution {
                shell,
                quality: None,
                ..sample(c)
            },
            &["http-equiv=\"refresh\"", "Being checked"],
        );
    }
}
