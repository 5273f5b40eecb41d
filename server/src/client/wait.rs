//! Waiting for the node's background work, with the waits growing to a second.

use std::time::Duration;

use schema::wire::{ContributionState, ContributionView, RevisionView};
use uuid::Uuid;

use super::{Answer, Client};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

impl Client {
    /// Waits until a contribution is accepted, rejected or withdrawn.
    ///
    /// `seen` is shown each state on the way, so that a person can follow the stages.
    pub async fn wait_for_verdict(
        &self,
        id: Uuid,
        mut seen: impl FnMut(&ContributionView),
    ) -> Answer<ContributionView> {
        let mut pause = FIRST;
        loop {
            let now = self.contribution(id).await?;
            seen(&now);
            if !matches!(
                now.state,
                ContributionState::Awaiting | ContributionState::Received
            ) {
                return Ok(now);
            }
            sleep(&mut pause).await;
        }
    }

    /// Waits until a revision is published or has failed.
    pub async fn wait_for_revision(&self, id: Uuid) -> Answer<RevisionView> {
        let mut pause = FIRST;
        loop {
            let now = self.revision(id).await?;
            if now.state != "composing" {
                return Ok(now);
            }
            sleep(&mut pause).await;
        }
    }
}

async fn sleep(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 3 / 2).min(LONGEST);
}
