//! What happens, chapter by chapter. A step that does not hold ends the story.

mod begin;
mod copycat;
mod earn;
mod sell;

use schema::wire::{DatasetView, OrderView, RevisionView, SharesView};
use uuid::Uuid;

use super::tell::Step;
use super::world::{Person, World};

/// The people of the story and what has come about so far.
pub struct Market {
    /// Runs the node.
    pub miller: Person,
    /// Provider, owner of the dataset.
    pub alder: Person,
    /// Provider.
    pub birch: Person,
    /// Provider with a careless export.
    pub cedar: Person,
    /// First buyer.
    pub quill: Person,
    /// Buyer who copies.
    pub magpie: Person,
    /// Later buyer.
    pub heron: Person,
    /// Later buyer, who is given something back.
    pub wren: Person,
    /// The dataset everything is about.
    pub dataset: DatasetView,
    /// Price for commercial use, in cents.
    pub price: i64,
    /// Price for research, in cents.
    pub research: i64,
    /// Published revisions with who is paid for them.
    pub revisions: Vec<(RevisionView, SharesView)>,
    /// Every sale, in order.
    pub sales: Vec<OrderView>,
    /// Given back of the pool of a revision, by number.
    pub refunded_net: Vec<(i32, i64)>,
}

impl Market {
    /// Everybody, and what their account shows.
    pub fn people(&self) -> [(&Person, &'static str); 8] {
        [
            (
                &self.alder,
                "an owner: contributions, revisions, offers, sales, statement",
            ),
            (
                &self.birch,
                "a contributor: contribution, overlap, statement",
            ),
            (&self.cedar, "a contributor whose grade has reasons"),
            (&self.quill, "a buyer: wallet, licence, download"),
            (&self.magpie, "the copycat: paid for 500 rows"),
            (&self.heron, "a buyer"),
            (&self.wren, "a buyer with a partial refund"),
            (
                &self.miller,
                "the operator: top-ups, refunds, trial balance",
            ),
        ]
    }

    /// Those who are paid.
    pub fn contributors(&self) -> [&Person; 4] {
        [&self.alder, &self.birch, &self.cedar, &self.magpie]
    }

    /// A name for an identifier of the story.
    pub fn name_of(&self, id: Uuid) -> Option<String> {
        let person = self
            .people()
            .into_iter()
            .find(|(person, _)| person.id == id);
        person.map(|(person, _)| person.handle.clone())
    }
}

/// Tells the whole story.
pub async fn tell(world: &mut World) -> Step<Market> {
    world.tell.open("The market turns once")?;
    world.tell.text(
        "A node was started for this story. What follows came out of its public HTTP API; the \
         files were sealed, sent, fetched and opened by the code of the granary command line. \
         Every figure is checked as it is told: if one were wrong, the story would end there.",
    )?;
    let mut market = begin::people(world).await?;
    begin::contributions(world, &market).await?;
    begin::first_revision(world, &mut market).await?;
    sell::offers(world, &mut market).await?;
    sell::first_buyer(world, &mut market).await?;
    copycat::copies(world, &mut market).await?;
    copycat::second_revision(world, &mut market).await?;
    sell::more_sales(world, &mut market).await?;
    earn::settlement(world, &market).await?;
    earn::statements(world, &market).await?;
    earn::books(world, &market).await?;
    Ok(market)
}
