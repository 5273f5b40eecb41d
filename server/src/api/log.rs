//! `/checkpoint` and `/tile`: the log as static files (C2SP tlog-tiles).

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use crate::ctx::Ctx;
use crate::error::Fault;
use crate::flows::checkpoint;

/// What the journal is, signed: keep it, and nothing written until then can be changed unseen.
#[utoipa::path(
    tag = "node",
    security(()),
    responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")),
)]
#[get("/checkpoint")]
pub async fn show_checkpoint(ctx: Data<Ctx>) -> Result<HttpResponse, Fault> {
    let note = checkpoint::latest(&ctx).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(note))
}

/// Up to 256 hashes of a level: `000`, `x001/234`, and `.p/W` after it for the first W only.
#[utoipa::path(
    tag = "node",
    security(()),
    params(
        ("level" = u8, Path, description = "0 for leaves, 1 for roots of 256 leaves, …"),
        ("number" = String, Path, description = "Number within the level, as in tlog-tiles"),
    ),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
)]
#[get("/tile/{level}/{number:.*}")]
pub async fn show_tile(
    ctx: Data<Ctx>,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (level, number) = place.into_inner();
    let hashes = checkpoint::tile(&ctx, &format!("tile/{level}/{number}")).await?;
    // A tile never changes: more hashes have another address.
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/octet-stream"))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(hashes))
}
