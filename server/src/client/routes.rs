//! One method per route of the JSON API v1.

use schema::wire::*;
use serde_json::Value;
use uuid::Uuid;

use super::{Answer, Client};

/// The node and the caller's own account.
impl Client {
    /// `GET /.well-known/granary.json`
    pub async fn node_info(&self) -> Answer<NodeInfo> {
        self.get("/.well-known/granary.json").await
    }

    /// `POST /api/v1/accounts`
    pub async fn sign_up(&self, account: &NewAccount) -> Answer<PartyView> {
        self.post("/api/v1/accounts", account).await
    }

    /// `POST /api/v1/sessions`
    pub async fn sign_in(&self, who: &SignIn) -> Answer<SessionOpened> {
        self.post("/api/v1/sessions", who).await
    }

    /// `DELETE /api/v1/sessions`
    pub async fn sign_out(&self) -> Answer<()> {
        self.delete("/api/v1/sessions").await
    }

    /// `GET /api/v1/me`
    pub async fn me(&self) -> Answer<PartyView> {
        self.get("/api/v1/me").await
    }

    /// `POST /api/v1/tokens`
    pub async fn create_token(&self, token: &NewToken) -> Answer<TokenMade> {
        self.post("/api/v1/tokens", token).await
    }

    /// `GET /api/v1/tokens`
    pub async fn tokens(&self) -> Answer<Vec<TokenView>> {
        self.all("/api/v1/tokens", &[]).await
    }

    /// `DELETE /api/v1/tokens/{id}`
    pub async fn revoke_token(&self, id: Uuid) -> Answer<()> {
        self.delete(&format!("/api/v1/tokens/{id}")).await
    }

    /// `POST /api/v1/recipients`
    pub async fn add_recipient(&self, recipient: &NewRecipient) -> Answer<RecipientView> {
        self.post("/api/v1/recipients", recipient).await
    }

    /// `GET /api/v1/recipients`
    pub async fn recipients(&self) -> Answer<Vec<RecipientView>> {
        self.all("/api/v1/recipients", &[]).await
    }
}

/// Datasets and what goes into them.
impl Client {
    /// `POST /api/v1/datasets`
    pub async fn create_dataset(&self, dataset: &NewDataset) -> Answer<DatasetView> {
        self.post("/api/v1/datasets", dataset).await
    }

    /// `GET /api/v1/datasets`
    pub async fn datasets(&self, search: Option<&str>) -> Answer<Vec<DatasetView>> {
        let filter: Vec<_> = search.map(|text| ("search", text)).into_iter().collect();
        self.all("/api/v1/datasets", &filter).await
    }

    /// `GET /api/v1/datasets/{id}`; the slug serves as well.
    pub async fn dataset(&self, id_or_slug: &str) -> Answer<DatasetView> {
        self.get(&format!("/api/v1/datasets/{}", segment(id_or_slug)))
            .await
    }

    /// `PATCH /api/v1/datasets/{id}`
    pub async fn edit_dataset(&self, id: Uuid, patch: &DatasetPatch) -> Answer<DatasetView> {
        self.patch(&format!("/api/v1/datasets/{id}"), patch).await
    }

    /// `POST /api/v1/datasets/{id}/contributions`
    pub async fn announce(&self, dataset: Uuid, new: &NewContribution) -> Answer<ContributionView> {
        self.post(&format!("/api/v1/datasets/{dataset}/contributions"), new)
            .await
    }

    /// `PUT /api/v1/contributions/{id}/content`
    pub async fn send_content(
        &self,
        id: Uuid,
        length: u64,
        sealed: reqwest::Body,
    ) -> Answer<ContributionView> {
        self.put_stream(
            &format!("/api/v1/contributions/{id}/content"),
            length,
            sealed,
        )
        .await
    }

    /// `GET /api/v1/datasets/{id}/contributions`
    pub async fn contributions(&self, dataset: Uuid) -> Answer<Vec<ContributionView>> {
        self.all(&format!("/api/v1/datasets/{dataset}/contributions"), &[])
            .await
    }

    /// `GET /api/v1/contributions`: the caller's own
    pub async fn my_contributions(&self) -> Answer<Vec<ContributionView>> {
        self.all("/api/v1/contributions", &[]).await
    }

    /// `GET /api/v1/contributions/{id}`
    pub async fn contribution(&self, id: Uuid) -> Answer<ContributionView> {
        self.get(&format!("/api/v1/contributions/{id}")).await
    }

    /// `GET /api/v1/contributions/{id}/report`
    pub async fn contribution_report(&self, id: Uuid) -> Answer<Value> {
        self.get(&format!("/api/v1/contributions/{id}/report"))
            .await
    }

    /// `DELETE /api/v1/contributions/{id}`
    pub async fn withdraw(&self, id: Uuid) -> Answer<ContributionView> {
        self.delete_for(&format!("/api/v1/contributions/{id}"))
            .await
    }

    /// `POST /api/v1/contributions/{id}/clearance`
    pub async fn clear(&self, id: Uuid, why: &NewClearance) -> Answer<ContributionView> {
        self.post(&format!("/api/v1/contributions/{id}/clearance"), why)
            .await
    }

    /// `POST /api/v1/datasets/{id}/revisions`
    pub async fn publish(&self, dataset: Uuid, revision: &NewRevision) -> Answer<RevisionView> {
        self.post(&format!("/api/v1/datasets/{dataset}/revisions"), revision)
            .await
    }

    /// `GET /api/v1/datasets/{id}/revisions`
    pub async fn revisions(&self, dataset: Uuid) -> Answer<Vec<RevisionView>> {
        self.all(&format!("/api/v1/datasets/{dataset}/revisions"), &[])
            .await
    }

    /// `GET /api/v1/revisions/{id}`
    pub async fn revision(&self, id: Uuid) -> Answer<RevisionView> {
        self.get(&format!("/api/v1/revisions/{id}")).await
    }

    /// `GET /api/v1/revisions/{id}/report`
    pub async fn revision_report(&self, id: Uuid) -> Answer<SignedReport> {
        self.get(&format!("/api/v1/revisions/{id}/report")).await
    }

    /// `GET /api/v1/revisions/{id}/shares`, as one of its epochs froze them
    pub async fn shares_of_epoch(&self, id: Uuid, epoch: i32) -> Answer<SharesView> {
        self.get(&format!("/api/v1/revisions/{id}/shares?epoch={epoch}"))
            .await
    }

    /// `GET /api/v1/revisions/{id}/shares`
    pub async fn shares(&self, id: Uuid) -> Answer<SharesView> {
        self.get(&format!("/api/v1/revisions/{id}/shares")).await
    }
}

/// Plans and subscriptions.
impl Client {
    /// `POST /api/v1/plans`
    pub async fn make_plan(&self, plan: &NewPlan) -> Answer<PlanView> {
        self.post("/api/v1/plans", plan).await
    }

    /// `GET /api/v1/plans`
    pub async fn plans(&self, dataset: Option<Uuid>) -> Answer<Vec<PlanView>> {
        let dataset = dataset.map(|id| id.to_string());
        let query: Vec<(&str, &str)> = dataset.iter().map(|id| ("dataset", &**id)).collect();
        self.all("/api/v1/plans", &query).await
    }

    /// `GET /api/v1/plans`, the caller's own.
    pub async fn my_plans(&self) -> Answer<Vec<PlanView>> {
        self.all("/api/v1/plans", &[("mine", "true")]).await
    }

    /// `GET /api/v1/plans/{id}`
    pub async fn plan(&self, id: Uuid) -> Answer<PlanView> {
        self.get(&format!("/api/v1/plans/{id}")).await
    }

    /// `DELETE /api/v1/plans/{id}`
    pub async fn retire_plan(&self, id: Uuid) -> Answer<()> {
        self.delete(&format!("/api/v1/plans/{id}")).await
    }

    /// `POST /api/v1/subscriptions`, once per key.
    pub async fn subscribe(&self, key: &str, new: &NewSubscription) -> Answer<SubscriptionView> {
        self.post_once("/api/v1/subscriptions", key, new).await
    }

    /// `GET /api/v1/subscriptions`
    pub async fn subscriptions(&self) -> Answer<Vec<SubscriptionView>> {
        self.all("/api/v1/subscriptions", &[]).await
    }

    /// `GET /api/v1/subscriptions`, those to the caller's plans.
    pub async fn sold_subscriptions(&self) -> Answer<Vec<SubscriptionView>> {
        self.all("/api/v1/subscriptions", &[("sold", "true")]).await
    }

    /// `GET /api/v1/subscriptions/{id}`
    pub async fn subscription(&self, id: Uuid) -> Answer<SubscriptionView> {
        self.get(&format!("/api/v1/subscriptions/{id}")).await
    }

    /// `POST /api/v1/subscriptions/{id}/cancel`
    pub async fn cancel_subscription(&self, id: Uuid) -> Answer<SubscriptionView> {
        let path = format!("/api/v1/subscriptions/{id}/cancel");
        self.post(&path, &Value::Null).await
    }

    /// `POST /api/v1/subscriptions/{id}/resume`
    pub async fn resume_subscription(&self, id: Uuid) -> Answer<SubscriptionView> {
        let path = format!("/api/v1/subscriptions/{id}/resume");
        self.post(&path, &Value::Null).await
    }

    /// `POST /api/v1/subscriptions/{id}/refund-request`
    pub async fn ask_subscription_refund(
        &self,
        id: Uuid,
        new: &TermRefundRequest,
    ) -> Answer<SubscriptionView> {
        let path = format!("/api/v1/subscriptions/{id}/refund-request");
        self.post(&path, new).await
    }

    /// `POST /api/v1/subscriptions/{id}/refunds`, once per key.
    pub async fn refund_subscription(
        &self,
        id: Uuid,
        key: &str,
        new: &NewTermRefund,
    ) -> Answer<SubscriptionView> {
        let path = format!("/api/v1/subscriptions/{id}/refunds");
        self.post_once(&path, key, new).await
    }

    /// `GET /api/v1/admin/subscriptions`
    pub async fn all_subscriptions(&self) -> Answer<Vec<SubscriptionView>> {
        self.all("/api/v1/admin/subscriptions", &[]).await
    }

    /// `POST /api/v1/admin/subscriptions/run`
    pub async fn run_subscriptions(&self) -> Answer<SubscriptionRun> {
        self.post("/api/v1/admin/subscriptions/run", &Value::Null)
            .await
    }
}

/// Buying and using.
impl Client {
    /// `POST /api/v1/datasets/{id}/offers`
    pub async fn offer(&self, dataset: Uuid, offer: &NewOffer) -> Answer<OfferMade> {
        self.post(&format!("/api/v1/datasets/{dataset}/offers"), offer)
            .await
    }

    /// `GET /api/v1/datasets/{id}/offers`
    pub async fn offers(&self, dataset: Uuid) -> Answer<Vec<OfferView>> {
        self.all(&format!("/api/v1/datasets/{dataset}/offers"), &[])
            .await
    }

    /// `POST /api/v1/orders`, once per key.
    pub async fn buy(&self, key: &str, order: &NewOrder) -> Answer<OrderView> {
        self.post_once("/api/v1/orders", key, order).await
    }

    /// `GET /api/v1/orders`
    pub async fn orders(&self) -> Answer<Vec<OrderView>> {
        self.all("/api/v1/orders", &[]).await
    }

    /// `GET /api/v1/orders/{id}`
    pub async fn order(&self, id: Uuid) -> Answer<OrderView> {
        self.get(&format!("/api/v1/orders/{id}")).await
    }

    /// `POST /api/v1/orders/{id}/refunds`, once per key.
    pub async fn refund(&self, order: Uuid, key: &str, refund: &NewRefund) -> Answer<RefundView> {
        self.post_once(&format!("/api/v1/orders/{order}/refunds"), key, refund)
            .await
    }

    /// `GET /api/v1/licences`
    pub async fn licences(&self) -> Answer<Vec<LicenceView>> {
        self.all("/api/v1/licences", &[]).await
    }

    /// `GET /api/v1/licences/{id}`
    pub async fn licence(&self, id: Uuid) -> Answer<LicenceView> {
        self.get(&format!("/api/v1/licences/{id}")).await
    }

    /// `POST /api/v1/licences/{id}/revoke`
    pub async fn revoke(&self, id: Uuid, why: &Revocation) -> Answer<LicenceView> {
        self.post(&format!("/api/v1/licences/{id}/revoke"), why)
            .await
    }

    /// `POST /api/v1/licences/{id}/download-urls`
    pub async fn download_url(&self, id: Uuid, ask: &DownloadRequest) -> Answer<DownloadUrl> {
        self.post(&format!("/api/v1/licences/{id}/download-urls"), ask)
            .await
    }
}

/// Money, for parties and for the operator.
impl Client {
    /// `GET /api/v1/wallet`
    pub async fn wallet(&self) -> Answer<WalletView> {
        self.get("/api/v1/wallet").await
    }

    /// `GET /api/v1/datasets/{id}/sales`
    pub async fn sales(&self, dataset: Uuid) -> Answer<Vec<SaleView>> {
        self.all(&format!("/api/v1/datasets/{dataset}/sales"), &[])
            .await
    }

    /// `GET /api/v1/statements`
    pub async fn statements(&self) -> Answer<Vec<StatementView>> {
        self.all("/api/v1/statements", &[]).await
    }

    /// `GET /api/v1/statements/{id}`
    pub async fn statement(&self, id: Uuid) -> Answer<StatementView> {
        self.get(&format!("/api/v1/statements/{id}")).await
    }

    /// `GET /api/v1/statements/{id}.json`: the signed document, byte for byte.
    pub async fn statement_document(&self, id: Uuid) -> Answer<String> {
        self.text(&format!("/api/v1/statements/{id}.json")).await
    }

    /// `POST /api/v1/payments`, once per key.
    pub async fn pay(&self, key: &str, payment: &NewPayment) -> Answer<PaymentView> {
        self.post_once("/api/v1/payments", key, payment).await
    }

    /// `GET /api/v1/payments`
    pub async fn payments(&self) -> Answer<Vec<PaymentView>> {
        self.all("/api/v1/payments", &[]).await
    }

    /// `GET /api/v1/payments/{id}`
    pub async fn payment(&self, id: Uuid) -> Answer<PaymentView> {
        self.get(&format!("/api/v1/payments/{id}")).await
    }

    /// `GET /api/v1/admin/messages`
    pub async fn provider_messages(&self) -> Answer<Vec<MessageView>> {
        self.all("/api/v1/admin/messages", &[]).await
    }

    /// `POST /api/v1/admin/messages/{id}/ignore`
    pub async fn ignore_message(&self, id: Uuid, why: &SetAside) -> Answer<()> {
        let path = format!("/api/v1/admin/messages/{id}/ignore");
        let request = self.request(reqwest::Method::POST, &path).json(why);
        self.send(request).await.map(drop)
    }

    /// `POST /api/v1/admin/messages/{id}/retry`
    pub async fn retry_message(&self, id: Uuid) -> Answer<()> {
        let path = format!("/api/v1/admin/messages/{id}/retry");
        let request = self.request(reqwest::Method::POST, &path);
        self.send(request).await.map(drop)
    }

    /// `POST /api/v1/admin/exchange-rates`.
    pub async fn set_exchange_rate(&self, new: &NewExchangeRate) -> Answer<ExchangeRateView> {
        self.post("/api/v1/admin/exchange-rates", new).await
    }

    /// `GET /api/v1/exchange-rates`.
    pub async fn exchange_rates(&self) -> Answer<Vec<ExchangeRateView>> {
        self.get("/api/v1/exchange-rates").await
    }

    /// `POST /api/v1/exchanges`, once per key.
    pub async fn change_money(&self, key: &str, new: &NewExchange) -> Answer<ExchangeView> {
        self.post_once("/api/v1/exchanges", key, new).await
    }

    /// `POST /api/v1/admin/points`, once per key.
    pub async fn move_points(&self, key: &str, new: &NewPoints) -> Answer<PointsView> {
        self.post_once("/api/v1/admin/points", key, new).await
    }

    /// `POST /api/v1/admin/top-ups`, once per key.
    pub async fn top_up(&self, key: &str, top_up: &NewTopUp) -> Answer<TopUpView> {
        self.post_once("/api/v1/admin/top-ups", key, top_up).await
    }

    /// `POST /api/v1/admin/settlements`, once per key.
    pub async fn settle(&self, key: &str, settlement: &NewSettlement) -> Answer<SettlementView> {
        self.post_once("/api/v1/admin/settlements", key, settlement)
            .await
    }

    /// `POST /api/v1/claims`
    pub async fn file_claim(&self, claim: &NewClaim) -> Answer<ClaimView> {
        self.post("/api/v1/claims", claim).await
    }

    /// `GET /api/v1/claims`
    pub async fn claims(&self) -> Answer<Vec<ClaimView>> {
        self.all("/api/v1/claims", &[]).await
    }

    /// `GET /api/v1/claims/{id}`
    pub async fn claim(&self, id: Uuid) -> Answer<ClaimView> {
        self.get(&format!("/api/v1/claims/{id}")).await
    }

    /// `DELETE /api/v1/claims/{id}`
    pub async fn take_claim_back(&self, id: Uuid) -> Answer<()> {
        self.delete(&format!("/api/v1/claims/{id}")).await
    }

    /// `POST /api/v1/admin/claims/{id}/opening`
    pub async fn open_claim(&self, id: Uuid) -> Answer<ClaimView> {
        let path = format!("/api/v1/admin/claims/{id}/opening");
        self.post(&path, &Value::Null).await
    }

    /// `POST /api/v1/admin/claims/{id}/decision`, once per key.
    pub async fn decide_claim(
        &self,
        id: Uuid,
        key: &str,
        decision: &NewDecision,
    ) -> Answer<ClaimView> {
        let path = format!("/api/v1/admin/claims/{id}/decision");
        self.post_once(&path, key, decision).await
    }

    /// `POST /api/v1/admin/disputes`, once per key.
    pub async fn open_dispute(&self, key: &str, dispute: &NewDispute) -> Answer<DisputeView> {
        self.post_once("/api/v1/admin/disputes", key, dispute).await
    }

    /// `GET /api/v1/admin/disputes`
    pub async fn disputes(&self) -> Answer<Vec<DisputeView>> {
        self.all("/api/v1/admin/disputes", &[]).await
    }

    /// `POST /api/v1/admin/disputes/{id}/verdict`, once per key.
    pub async fn decide_dispute(&self, id: Uuid, key: &str, won: bool) -> Answer<DisputeView> {
        let path = format!("/api/v1/admin/disputes/{id}/verdict");
        self.post_once(&path, key, &DisputeVerdict { won }).await
    }

    /// `POST /api/v1/admin/adjustments`
    pub async fn propose_adjustment(&self, new: &NewAdjustment) -> Answer<AdjustmentView> {
        self.post("/api/v1/admin/adjustments", new).await
    }

    /// `GET /api/v1/admin/adjustments`
    pub async fn adjustments(&self) -> Answer<Vec<AdjustmentView>> {
        self.all("/api/v1/admin/adjustments", &[]).await
    }

    /// `POST /api/v1/admin/adjustments/{id}/approval`, once per key.
    pub async fn approve_adjustment(&self, id: Uuid, key: &str) -> Answer<AdjustmentView> {
        let path = format!("/api/v1/admin/adjustments/{id}/approval");
        self.post_once(&path, key, &Value::Null).await
    }

    /// `GET /api/v1/admin/periods`
    pub async fn periods(&self) -> Answer<Vec<PeriodView>> {
        self.all("/api/v1/admin/periods", &[]).await
    }

    /// `POST /api/v1/admin/periods/{name}/close`, once per key.
    pub async fn close_period(&self, name: &str, key: &str) -> Answer<PeriodView> {
        let path = format!("/api/v1/admin/periods/{}/close", segment(name));
        self.post_once(&path, key, &Value::Null).await
    }

    /// `POST /api/v1/admin/parties/{id}/password-resets`; handle or e-mail address serve as well.
    pub async fn password_reset(&self, party: &str) -> Answer<ResetLink> {
        let path = format!("/api/v1/admin/parties/{}/password-resets", segment(party));
        self.post(&path, &Value::Null).await
    }

    /// `POST /api/v1/admin/entities`
    pub async fn link_parties(&self, entity: &NewEntity) -> Answer<EntityView> {
        self.post("/api/v1/admin/entities", entity).await
    }

    /// `GET /api/v1/admin/entities`
    pub async fn entities(&self) -> Answer<Vec<EntityView>> {
        self.all("/api/v1/admin/entities", &[]).await
    }

    /// `DELETE /api/v1/admin/parties/{id}/entity`; handle or e-mail address serve as well.
    pub async fn unlink_party(&self, party: &str, reason: Option<&str>) -> Answer<()> {
        let path = format!("/api/v1/admin/parties/{}/entity", segment(party));
        let because = reason.map(|reason| format!("?reason={}", segment(reason)));
        self.delete(&(path + &because.unwrap_or_default())).await
    }

    /// `GET /api/v1/admin/trial-balance`
    pub async fn trial_balance(&self) -> Answer<TrialBalance> {
        self.get("/api/v1/admin/trial-balance").await
    }

    /// `GET /api/v1/admin/ledger/export`
    pub async fn ledger_export(&self, format: &str) -> Answer<String> {
        self.text(&format!(
            "/api/v1/admin/ledger/export?format={}",
            segment(format)
        ))
        .await
    }

    /// `GET /api/v1/admin/ledger/verify`
    pub async fn ledger_verify(&self) -> Answer<Vec<LedgerFinding>> {
        self.all("/api/v1/admin/ledger/verify", &[]).await
    }

    /// `GET /api/v1/admin/ledger/verify`, held against a checkpoint that was kept outside.
    pub async fn ledger_verify_since(&self, checkpoint: &str) -> Answer<Vec<LedgerFinding>> {
        let since = [("since", checkpoint)];
        self.all("/api/v1/admin/ledger/verify", &since).await
    }

    /// `GET /api/v1/statements/{id}.csv`, `.parquet`, `.hledger`, `.beancount` or `.pdf`
    pub async fn statement_file(&self, id: Uuid, ending: &str) -> Answer<Vec<u8>> {
        let path = format!("/api/v1/statements/{id}.{}", segment(ending));
        self.bytes(&path).await
    }

    /// `GET /checkpoint`
    pub async fn checkpoint(&self) -> Answer<String> {
        self.text("/checkpoint").await
    }
}

/// Money that leaves, and the bank.
impl Client {
    /// `GET /api/v1/payout-method`
    pub async fn payout_method(&self) -> Answer<PayoutMethodView> {
        self.get("/api/v1/payout-method").await
    }

    /// `PUT /api/v1/payout-method`
    pub async fn set_payout_method(&self, new: &NewPayoutMethod) -> Answer<PayoutMethodView> {
        self.put("/api/v1/payout-method", new).await
    }

    /// `DELETE /api/v1/payout-method`
    pub async fn remove_payout_method(&self) -> Answer<()> {
        self.delete("/api/v1/payout-method").await
    }

    /// `GET /api/v1/payouts`
    pub async fn my_payouts(&self) -> Answer<Vec<PayoutView>> {
        self.all("/api/v1/payouts", &[]).await
    }

    /// `POST /api/v1/admin/payouts`
    pub async fn propose_payouts(&self, new: &NewPayouts) -> Answer<PayoutBatchView> {
        self.post("/api/v1/admin/payouts", new).await
    }

    /// `GET /api/v1/admin/payouts`
    pub async fn payout_runs(&self) -> Answer<Vec<PayoutBatchView>> {
        self.all("/api/v1/admin/payouts", &[]).await
    }

    /// `GET /api/v1/admin/payouts/{id}`
    pub async fn payout_run(&self, id: Uuid) -> Answer<PayoutBatchView> {
        self.get(&format!("/api/v1/admin/payouts/{id}")).await
    }

    /// `POST /api/v1/admin/payouts/{id}/approval`, once per key.
    pub async fn approve_payouts(&self, id: Uuid, key: &str) -> Answer<PayoutBatchView> {
        let path = format!("/api/v1/admin/payouts/{id}/approval");
        self.post_once(&path, key, &Value::Null).await
    }

    /// `GET /api/v1/admin/payouts/{id}/file`
    pub async fn payout_file(&self, id: Uuid) -> Answer<String> {
        self.text(&format!("/api/v1/admin/payouts/{id}/file")).await
    }

    /// `POST /api/v1/admin/bank-files`
    pub async fn import_bank_file(&self, file: Vec<u8>) -> Answer<BankFileView> {
        self.post_bytes("/api/v1/admin/bank-files", "application/xml", file)
            .await
    }

    /// `GET /api/v1/admin/bank-files`
    pub async fn bank_files(&self) -> Answer<Vec<BankFileView>> {
        self.all("/api/v1/admin/bank-files", &[]).await
    }

    /// `GET /api/v1/admin/bank-files/{id}`
    pub async fn bank_file(&self, id: Uuid) -> Answer<BankFileView> {
        self.get(&format!("/api/v1/admin/bank-files/{id}")).await
    }

    /// `GET /api/v1/admin/reconciliation`
    pub async fn reconciliation(&self) -> Answer<Reconciliation> {
        self.get("/api/v1/admin/reconciliation").await
    }

    /// `POST /api/v1/admin/parties/{id}/payout-hold`; handle or e-mail address serve as well.
    pub async fn hold_payouts(&self, party: &str, hold: &NewHold) -> Answer<HoldView> {
        let path = format!("/api/v1/admin/parties/{}/payout-hold", segment(party));
        self.post(&path, hold).await
    }

    /// `DELETE /api/v1/admin/parties/{id}/payout-hold`
    pub async fn release_payouts(&self, party: &str) -> Answer<HoldView> {
        let path = format!("/api/v1/admin/parties/{}/payout-hold", segment(party));
        self.delete_for(&path).await
    }
}

/// Who runs the node.
impl Client {
    /// `GET /api/v1/admin/operators`
    pub async fn operators(&self) -> Answer<Vec<OperatorView>> {
        self.all("/api/v1/admin/operators", &[]).await
    }

    /// `POST /api/v1/admin/operators`
    pub async fn appoint_operator(&self, new: &NewOperator) -> Answer<OperatorView> {
        self.post("/api/v1/admin/operators", new).await
    }

    /// `POST /api/v1/admin/operators/{id}/dismissal`; handle or e-mail address serve as well.
    pub async fn dismiss_operator(&self, party: &str, why: &Dismissal) -> Answer<OperatorView> {
        let path = format!("/api/v1/admin/operators/{}/dismissal", segment(party));
        self.post(&path, why).await
    }
}

/// A text as one segment of a path: what a person types never reaches another route.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Invoices, and the taxes on them.
impl Client {
    /// `GET /api/v1/billing`
    pub async fn billing(&self) -> Answer<BillingView> {
        self.get("/api/v1/billing").await
    }

    /// `PUT /api/v1/billing`
    pub async fn set_billing(&self, new: &NewBilling) -> Answer<BillingView> {
        self.put("/api/v1/billing", new).await
    }

    /// `GET /api/v1/invoices`
    pub async fn invoices(&self) -> Answer<Vec<InvoiceView>> {
        self.all("/api/v1/invoices", &[]).await
    }

    /// `GET /api/v1/invoices/{id}`
    pub async fn invoice(&self, id: Uuid) -> Answer<InvoiceView> {
        self.get(&format!("/api/v1/invoices/{id}")).await
    }

    /// `GET /api/v1/invoices/{id}.pdf`
    pub async fn invoice_pdf(&self, id: Uuid) -> Answer<Vec<u8>> {
        self.bytes(&format!("/api/v1/invoices/{id}.pdf")).await
    }

    /// `GET /api/v1/admin/invoices`
    pub async fn all_invoices(&self) -> Answer<Vec<InvoiceView>> {
        self.all("/api/v1/admin/invoices", &[]).await
    }

    /// `GET /api/v1/admin/tax-rates`
    pub async fn tax_rates(&self) -> Answer<Vec<TaxRateView>> {
        self.all("/api/v1/admin/tax-rates", &[]).await
    }

    /// `POST /api/v1/admin/tax-rates`
    pub async fn set_tax_rate(&self, new: &NewTaxRate) -> Answer<TaxRateView> {
        self.post("/api/v1/admin/tax-rates", new).await
    }

    /// `GET /api/v1/admin/tax-report`
    pub async fn tax_report(&self, period: Option<&str>) -> Answer<TaxReport> {
        self.get(&of_period("/api/v1/admin/tax-report", period))
            .await
    }

    /// `GET /api/v1/admin/tax-report.csv`
    pub async fn tax_csv(&self, period: Option<&str>) -> Answer<String> {
        self.text(&of_period("/api/v1/admin/tax-report.csv", period))
            .await
    }
}

fn of_period(path: &str, period: Option<&str>) -> String {
    match period {
        Some(name) => format!("{path}?period={}", segment(name)),
        None => path.to_owned(),
    }
}
