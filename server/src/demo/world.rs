//! The node of the story and the people in it. They act through the public HTTP API alone.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use clap::Parser;
use dataset_core::seal::Identity;
use dataset_core::sign::VerifyKey;
use indicatif::ProgressBar;
use schema::wire::{
    ContributionView, DatasetView, DownloadRequest, NewAccount, NewRecipient, NewToken, NodeInfo,
    OfferView, SignIn,
};
use uuid::Uuid;

use super::data::{self, Cut, Packing};
use super::dice::Dice;
use super::tell::{Slip, Step, Teller, hold};
use crate::cli::{DemoArgs, bars};
use crate::client::{Client, download, upload};
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::flows::operator_link;
use crate::serve::{self, Running};

/// The same for everybody in the story; they are told apart by their names.
pub const PASSWORD: &str = "market-day-demo";

/// A party of the story.
pub struct Person {
    /// Short name, also the handle.
    pub handle: String,
    /// What others see.
    pub name: String,
    /// Sign-in name.
    pub email: String,
    /// Identifier on the node.
    pub id: Uuid,
    /// The node as this party sees it.
    pub client: Client,
}

/// Everything the story happens in.
pub struct World {
    /// The running node.
    pub node: Running,
    /// What it says about itself.
    pub info: NodeInfo,
    /// Time of the story.
    pub clock: Clock,
    /// Chance of the story.
    pub dice: Dice,
    /// Who holds which rows.
    pub cut: Cut,
    /// The story's voice.
    pub tell: Teller,
    visitor: Client,
    desk: PathBuf,
}

/// When the story begins.
fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0)
        .single()
        .unwrap_or_default()
}

impl World {
    /// Starts a fresh node for the story. `home` is its data folder, `desk` the place where
    /// the people of the story keep their files.
    pub async fn start(args: &DemoArgs, home: &Path, desk: &Path) -> Step<Self> {
        let clock = Clock::manual(beginning());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(args.listen.unwrap_or(any))?;
        let config = config(args, home, listener.local_addr()?)?;
        let ctx = serve::build_ctx(config, clock.clone(), Ids::seeded(args.seed))?;
        let node = serve::start(ctx, listener).await?;
        let visitor = Client::new(&format!("http://{}", node.address))?;
        let info = visitor.node_info().await?;
        let mut dice = Dice::new(args.seed);
        let cut = Cut::new(&mut dice)?;
        let desk = desk.to_owned();
        Ok(Self {
            node,
            info,
            clock,
            dice,
            cut,
            tell: Teller::default(),
            visitor,
            desk,
        })
    }

    /// Lets time pass.
    pub fn later(&self, days: i64, hours: i64) {
        self.clock
            .advance(TimeDelta::days(days) + TimeDelta::hours(hours));
    }

    /// The story's present.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Begins a chapter.
    pub fn chapter(&mut self, title: &str) -> Step {
        let now = self.now();
        self.tell.chapter(title, now)
    }

    /// The one who runs the node: signs up with the link that the node's first start gives.
    pub async fn operator(&self, handle: &str, name: &str) -> Step<Person> {
        let link = operator_link::ensure(&self.node.ctx)
            .await?
            .ok_or_else(|| {
                Slip(
                    "the database has an operator already: the story needs an empty one".to_owned(),
                )
            })?;
        let token = link
            .rsplit(['/', '='])
            .next()
            .unwrap_or_default()
            .to_owned();
        self.sign_up(handle, name, Some(token)).await
    }

    /// Signs a party up and in.
    pub async fn party(&self, handle: &str, name: &str) -> Step<Person> {
        self.sign_up(handle, name, None).await
    }

    async fn sign_up(&self, handle: &str, name: &str, token: Option<String>) -> Step<Person> {
        self.clock.advance(TimeDelta::minutes(2));
        let email = format!("{handle}@demo.example");
        let account = NewAccount {
            email: email.clone(),
            display_name: name.to_owned(),
            password: PASSWORD.to_owned(),
            operator_token: token,
        };
        let party = self.visitor.sign_up(&account).await?;
        let who = SignIn {
            email: email.clone(),
            password: PASSWORD.to_owned(),
        };
        let session = self.visitor.sign_in(&who).await?;
        let inside = self.visitor.with_token(session.token);
        let token = NewToken {
            name: "the story".to_owned(),
            days: Some(366),
        };
        let client = self
            .visitor
            .with_token(inside.create_token(&token).await?.token);
        inside.sign_out().await?;
        hold(
            client.me().await?.id == party.id,
            "a token shows who its holder is",
        )?;
        Ok(Person {
            handle: party.handle,
            name: name.to_owned(),
            email,
            id: party.id,
            client,
        })
    }

    /// Writes rows to a file of a party, seals it, sends it, waits for the verdict.
    pub async fn contribute(
        &self,
        who: &Person,
        dataset: &DatasetView,
        file: &str,
        rows: &arrow::array::RecordBatch,
        packing: Packing,
    ) -> Step<ContributionView> {
        let path = self.desk.join(file);
        std::fs::write(&path, data::write(rows, packing)?)?;
        self.send(who, dataset, &path).await
    }

    /// Seals a file, sends it, waits for the verdict.
    pub async fn send(
        &self,
        who: &Person,
        dataset: &DatasetView,
        path: &Path,
    ) -> Step<ContributionView> {
        let bar = bars::counting(&format!("{} seals", who.handle));
        let sealed = upload::seal(path, &self.info, &bar)?;
        bar.set_message(format!("{} sends", who.handle));
        let sent = who.client.upload(dataset.id, &sealed, &bar).await?;
        bar.finish_and_clear();
        let bar = bars::waiting("the node checks");
        let verdict = who
            .client
            .wait_for_verdict(sent.id, |now| show_stage(&bar, now))
            .await?;
        bar.finish_and_clear();
        Ok(ContributionView {
            already_here: sent.already_here,
            ..verdict
        })
    }

    /// A file of the story.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.desk.join(name)
    }

    /// Downloads with a licence, opens with the buyer's own key, checks against the signature.
    pub async fn open(&self, who: &Person, licence: Uuid, file: &str) -> Step<download::Opened> {
        let identity = Identity::generate();
        let recipient = NewRecipient {
            recipient: identity.to_recipient().to_string(),
            label: format!("{}'s key", who.name),
        };
        let recipient_id = who.client.add_recipient(&recipient).await?.id;
        let ask = DownloadRequest {
            recipient_id,
            revision_id: None,
        };
        let from = who.client.download_url(licence, &ask).await?;
        let bar = bars::counting(&format!("{} downloads", who.handle));
        let path = self.file(file);
        let opened =
            download::fetch(&who.client, &self.info, &from, &identity, &path, &bar).await?;
        bar.finish_and_clear();
        Ok(opened)
    }

    /// The node's public key, with which everything it signs is checked.
    pub fn verify_key(&self) -> Step<VerifyKey> {
        let key = self.info.verify_keys.first();
        let key = key.ok_or_else(|| Slip("the node publishes no key".to_owned()))?;
        Ok(key.public_key.parse()?)
    }
}

fn show_stage(bar: &ProgressBar, now: &ContributionView) {
    if let Some(stage) = &now.stage {
        bar.set_message(format!("the node checks: {stage}"));
    }
}

/// Defaults of `granary serve`, with the story's own place and name.
fn config(args: &DemoArgs, home: &Path, address: SocketAddr) -> Step<Config> {
    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        config: Config,
    }
    let defaults =
        Defaults::try_parse_from(["granary"]).map_err(|error| Slip(error.to_string()))?;
    Ok(Config {
        data_dir: home.to_owned(),
        database_url: args.database_url.clone(),
        blobs: None,
        listen: address,
        public_url: Some(format!("http://{address}")),
        name: "Granary demo".to_owned(),
        fee_bps: 1000,
        tax_bps: 0,
        ..defaults.config
    })
}

/// The offer with a price.
pub fn offer_at(dataset: &DatasetView, minor: i64) -> Step<&OfferView> {
    let offer = dataset
        .offers
        .iter()
        .find(|offer| offer.price.minor == minor);
    offer.ok_or_else(|| Slip(format!("no offer for {minor} minor units is live")))
}
