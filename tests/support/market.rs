//! Short ways to a dataset that sells.

use dataset_core::seal::{self, Identity};
use indicatif::ProgressBar;
use schema::wire::*;
use serde_json::json;
use server::client::{ClientError, download, upload};
use uuid::Uuid;

use super::files::{self, contract};
use super::people::eur;
use super::{Person, Rows, TestApp, readings};

/// An operator, an owner with a published dataset of 100 rows, and an offer of it.
pub struct Market {
    pub operator: Person,
    pub owner: Person,
    pub dataset: DatasetView,
    pub contribution: ContributionView,
    pub revision: RevisionView,
    pub offer: OfferView,
}

impl Market {
    /// A plan of the dataset by the month, at a price in cents.
    pub async fn plan(&self, price: i64) -> PlanView {
        let new = by_the_month(vec![self.dataset.id], price);
        self.owner.client.make_plan(&new).await.unwrap()
    }
}

/// A plan of datasets by the month.
pub fn by_the_month(datasets: Vec<Uuid>, price: i64) -> NewPlan {
    NewPlan {
        datasets,
        title: None,
        every: "month".to_owned(),
        price: eur(price),
        template: Some("commercial_internal".to_owned()),
        terms: None,
    }
}

/// The request for a subscription to a plan as it was read.
pub fn wanted(plan: &PlanView) -> NewSubscription {
    NewSubscription {
        plan_id: plan.id,
        terms_sha256: plan.terms_sha256.clone(),
        price: plan.price.clone(),
    }
}

impl TestApp {
    /// A market of one owner, at a price in cents.
    pub async fn market(&self, price: i64) -> Market {
        let operator = self.operator().await;
        let owner = self.party("owner").await;
        let dataset = self.dataset(&owner, Admission::Open).await;
        let contribution = self.contribute(&owner, &dataset, &readings(0..100)).await;
        let revision = self.publish(&owner, &dataset).await;
        let offer = self.offer(&owner, &dataset, price).await;
        Market {
            operator,
            owner,
            dataset,
            contribution,
            revision,
            offer,
        }
    }

    /// A dataset of weather readings.
    pub async fn dataset(&self, owner: &Person, admission: Admission) -> DatasetView {
        let new = NewDataset {
            title: format!("Weather of {}", owner.handle),
            description: "Hourly readings".to_owned(),
            slug: None,
            contract: Some(contract()),
            admission: Some(admission),
            commission_bps: 0,
        };
        owner.client.create_dataset(&new).await.unwrap()
    }

    /// Seals rows, sends them, waits for the verdict, which must be good.
    pub async fn contribute(
        &self,
        who: &Person,
        dataset: &DatasetView,
        rows: &Rows,
    ) -> ContributionView {
        let verdict = self
            .send_file(who, dataset, &files::parquet(rows))
            .await
            .unwrap();
        assert_eq!(verdict.state, ContributionState::Accepted, "{verdict:?}");
        verdict
    }

    /// Seals a file, sends it, waits for the verdict.
    pub async fn send_file(
        &self,
        who: &Person,
        dataset: &DatasetView,
        file: &[u8],
    ) -> Result<ContributionView, ClientError> {
        let path = self.desk(&format!("{}-{}.parquet", who.handle, self.ctx.id()));
        std::fs::write(&path, file).unwrap();
        let bar = ProgressBar::hidden();
        let sealed = upload::seal(&path, &self.info, &bar)?;
        let sent = who.client.upload(dataset.id, &sealed, &bar).await?;
        let verdict = who.client.wait_for_verdict(sent.id, |_| ()).await?;
        Ok(ContributionView {
            already_here: sent.already_here,
            ..verdict
        })
    }

    /// Seals bytes to the node.
    pub fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        let recipient = self.info.recipient.parse().unwrap();
        let mut sealed = Vec::new();
        seal::seal(&mut &bytes[..], &mut sealed, &[recipient]).unwrap();
        sealed
    }

    /// Publishes a revision and waits until it stands.
    pub async fn publish(&self, owner: &Person, dataset: &DatasetView) -> RevisionView {
        let asked = owner
            .client
            .publish(dataset.id, &NewRevision::default())
            .await
            .unwrap();
        let revision = owner.client.wait_for_revision(asked.id).await.unwrap();
        assert_eq!(
            (revision.state.as_str(), &revision.failure),
            ("published", &None)
        );
        revision
    }

    /// Offers a dataset for commercial use.
    pub async fn offer(&self, owner: &Person, dataset: &DatasetView, price: i64) -> OfferView {
        self.offer_as(owner, dataset, price, "commercial_internal")
            .await
    }

    /// Offers a dataset on the terms of a template; the old price of the same terms ends.
    pub async fn offer_as(
        &self,
        owner: &Person,
        dataset: &DatasetView,
        price: i64,
        template: &str,
    ) -> OfferView {
        let new = NewOffer {
            price: eur(price),
            template: Some(template.to_owned()),
            terms: None,
            dry_run: false,
        };
        owner
            .client
            .offer(dataset.id, &new)
            .await
            .unwrap()
            .offer
            .unwrap()
    }

    /// Downloads with a licence, opens it with a new key, believes only what is signed.
    pub async fn download(&self, who: &Person, licence: Uuid) -> Result<Vec<u8>, ClientError> {
        let (identity, recipient_id) = who.recipient().await;
        self.download_to(who, licence, &identity, recipient_id)
            .await
    }

    /// The same with a key that is known to the node.
    pub async fn download_to(
        &self,
        who: &Person,
        licence: Uuid,
        identity: &Identity,
        recipient_id: Uuid,
    ) -> Result<Vec<u8>, ClientError> {
        let ask = DownloadRequest {
            recipient_id,
            revision_id: None,
        };
        let from = who.client.download_url(licence, &ask).await?;
        let path = self.desk(&format!("{}-{}.bought", who.handle, self.ctx.id()));
        let opened = download::fetch(
            &who.client,
            &self.info,
            &from,
            identity,
            &path,
            &ProgressBar::hidden(),
        )
        .await?;
        Ok(std::fs::read(opened.path).unwrap())
    }

    /// A party with money, by the operator's grace.
    pub async fn buyer(&self, market: &Market, name: &str, minor: i64) -> Person {
        let buyer = self.party(name).await;
        self.top_up(&market.operator, &buyer, minor).await;
        buyer
    }
}

/// The order of an offer as it is shown.
pub fn order(offer: &OfferView) -> NewOrder {
    NewOrder {
        offer_id: offer.id,
        terms_sha256: offer.terms_sha256.clone(),
        price: offer.price.clone(),
    }
}

impl Person {
    /// Buys an offer as it is shown.
    pub async fn buys(&self, offer: &OfferView) -> OrderView {
        self.client
            .buy(&Uuid::from_u128(rand()).to_string(), &order(offer))
            .await
            .unwrap()
    }
}

/// A key nobody used before in this process.
fn rand() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(1);
    u128::from(COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A pool of [`lines`](super::files::lines), open to everybody.
pub async fn logs_of(owner: &Person) -> DatasetView {
    let new = NewDataset {
        title: format!("Logs of {}", owner.handle),
        description: String::new(),
        slug: None,
        contract: Some(json!({
            "columns": [
                {"name": "line", "type": "string"},
                {"name": "level", "type": "string"},
            ],
            "license": "CC0-1.0",
        })),
        admission: Some(Admission::Open),
        commission_bps: 0,
    };
    owner.client.create_dataset(&new).await.unwrap()
}
