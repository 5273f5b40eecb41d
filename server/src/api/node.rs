//! The node itself: health, readiness, figures, its description and its public keys.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use schema::wire::Health;

use super::answer::{Answer, ok};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::serve::Metrics;

/// The process answers.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = Health)))]
#[get("/healthz")]
pub async fn show_health() -> Answer<Health> {
    ok(Health { status: "ok".to_owned() })
}

/// Figures to watch, in the Prometheus text form.
#[utoipa::path(
    tag = "node",
    security(()),
    responses((status = 200, body = String, content_type = "text/plain; version=0.0.4")),
)]
#[get("/metrics")]
pub async fn show_metrics(ctx: Data<Ctx>, metrics: Data<Metrics>) -> Result<HttpResponse, Fault> {
    let text = metrics.render(&ctx).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// This description of the API.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = serde_json::Value)))]
#[get("/openapi.json")]
pub async fn show_openapi() -> Answer<utoipa::openapi::OpenApi> {
    ok(super::openapi())
}

