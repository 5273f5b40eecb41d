//! The node itself: health, readiness, figures, its description and its public keys.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use schema::wire::{Health, NodeInfo, Protection, Readiness};

use super::answer::{Answer, ok};
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::well_known;
use crate::serve::{Metrics, Protections};

/// The process answers.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = Health)))]
#[get("/healthz")]
pub async fn show_health() -> Answer<Health> {
    ok(Health {
        status: "ok".to_owned(),
    })
}

/// Database and store answer, and which limits hold the checker processes.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = Readiness)))]
#[get("/readyz")]
pub async fn show_readiness(ctx: Data<Ctx>, protections: Data<Protections>) -> Answer<Readiness> {
    ctx.read(|db| Ok(db.execute("SELECT 1")?)).await?;
    ctx.blobs.check().await?;
    let limits = protections.active(&ctx).await?;
    let view = |limit: &crate::worker::wire::Limit| Protection {
        name: limit.name.clone(),
        active: limit.active,
        detail: limit.detail.clone(),
    };
    ok(Readiness {
        status: "ready".to_owned(),
        checker_limits: limits.iter().map(view).collect(),
    })
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
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}

/// This description of the API.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = serde_json::Value)))]
#[get("/openapi.json")]
pub async fn show_openapi() -> Answer<utoipa::openapi::OpenApi> {
    ok(super::openapi())
}

/// What a client must know of this node.
#[utoipa::path(tag = "node", security(()), responses((status = 200, body = NodeInfo)))]
#[get("/.well-known/granary.json")]
pub async fn show_node(ctx: Data<Ctx>) -> Answer<NodeInfo> {
    ok(well_known::node_info(&ctx).await?)
}
