//! Figures to watch, in the Prometheus text form.

use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};
use prometheus::core::Collector;
use prometheus::{Encoder, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::store;

/// Bounds of the request times, in seconds.
const TIMES: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// The node's figures; each node has its own registry.
pub struct Metrics {
    /// Counts and times every request.
    pub requests: PrometheusMetrics,
    journal_waiting: IntGauge,
    jobs: IntGaugeVec,
    inbox: IntGaugeVec,
    outbox: IntGaugeVec,
    webhooks: IntCounterVec,
}

impl Metrics {
    /// Registers the figures.
    ///
    /// # Errors
    /// When a name is taken twice.
    pub fn new() -> Result<Self, String> {
        let requests = PrometheusMetricsBuilder::new("granary")
            .buckets(TIMES)
            .mask_unmatched_patterns("unmatched")
            .build()
            .map_err(|error| error.to_string())?;
        let journal_waiting = IntGauge::new(
            "granary_journal_waiting",
            "Commands that wait for the writer of money",
        );
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["state"]);
        let webhooks = Opts::new(
            "granary_webhooks_total",
            "Messages of the payment provider by answer: kept, or the code of the refusal",
        );
        let registry = &requests.registry;
        Ok(Self {
            journal_waiting: known(registry, journal_waiting)?,
            jobs: known(registry, gauge("granary_jobs", "Jobs by state"))?,
            inbox: known(
                registry,
                gauge("granary_inbox", "Messages of the payment provider by state"),
            )?,
            outbox: known(
                registry,
                gauge(
                    "granary_outbox",
                    "Messages to the payment provider by state",
                ),
            )?,
            webhooks: known(registry, IntCounterVec::new(webhooks, &["answer"]))?,
            requests,
        })
    }

    /// Counts a message of the payment provider by how it was answered.
    pub fn count_webhook(&self, answer: &str) {
        self.webhooks.with_label_values(&[answer]).inc();
    }

    /// All figures of this moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn render(&self, ctx: &Ctx) -> Result<Vec<u8>, Fault> {
        let waiting = i64::try_from(ctx.journal.waiting()).unwrap_or(i64::MAX);
        self.journal_waiting.set(waiting);
        let counts = ctx
            .read(|db| {
                Ok([
                    store::jobs::counts(db)?,
                    store::inbox::counts(db)?,
                    store::outbox::counts(db)?,
                ])
            })
            .await?;
        for (gauge, counts) in [&self.jobs, &self.inbox, &self.outbox]
            .into_iter()
            .zip(counts)
        {
            gauge.reset();
            for (state, count) in counts {
                gauge.with_label_values(&[state.as_str()]).set(count);
            }
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.requests.registry.gather(), &mut text)
            .map_err(Fault::internal)?;
        Ok(text)
    }
}

/// Makes a figure known to the registry.
fn known<T: Collector + Clone + 'static>(
    registry: &Registry,
    figure: prometheus::Result<T>,
) -> Result<T, String> {
    let text = |error: prometheus::Error| error.to_string();
    let figure = figure.map_err(text)?;
    registry.register(Box::new(figure.clone())).map_err(text)?;
    Ok(figure)
}
