//! Figures to watch, in the Prometheus text form.

use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};
use prometheus::{Encoder, IntGauge, IntGaugeVec, Opts, TextEncoder};

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
        let text = |error: prometheus::Error| error.to_string();
        let journal_waiting = IntGauge::new(
            "granary_journal_waiting",
            "Commands that wait for the writer of money",
        )
        .map_err(text)?;
        let jobs = IntGaugeVec::new(Opts::new("granary_jobs", "Jobs by state"), &["state"])
            .map_err(text)?;
        requests
            .registry
            .register(Box::new(journal_waiting.clone()))
            .map_err(text)?;
        requests
            .registry
            .register(Box::new(jobs.clone()))
            .map_err(text)?;
        Ok(Self {
            requests,
            journal_waiting,
            jobs,
        })
    }

    /// All figures of this moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn render(&self, ctx: &Ctx) -> Result<Vec<u8>, Fault> {
        let waiting = i64::try_from(ctx.journal.waiting()).unwrap_or(i64::MAX);
        self.journal_waiting.set(waiting);
        let counts = ctx.read(store::jobs::counts).await?;
        self.jobs.reset();
        for (state, count) in counts {
            self.jobs.with_label_values(&[state.as_str()]).set(count);
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.requests.registry.gather(), &mut text)
            .map_err(Fault::internal)?;
        Ok(text)
    }
}
