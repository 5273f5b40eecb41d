//! The style sheet: inside the program, under a name that changes with its content.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Path;
use ring::digest::{SHA256, digest};

use super::shell::Page;
use crate::error::Fault;

const STYLE: &str = include_str!("../../web/style.css");

const ICON: &str = include_str!("../../web/icon.svg");

/// Address of the style sheet; safe to keep for ever.
pub static STYLE_PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(digest(&SHA256, STYLE.as_bytes()));
    format!("/assets/style-{}.css", hash.get(..16).unwrap_or(&hash))
});

/// `GET /assets/{name}`.
pub async fn file(name: Path<String>) -> Page {
    if STYLE_PATH.strip_prefix("/assets/") == Some(name.as_str()) {
        Ok(kept(
            "text/css; charset=utf-8",
            "public, max-age=31536000, immutable",
            STYLE,
        ))
    } else if *name == "icon.svg" {
        Ok(kept("image/svg+xml", "public, max-age=86400", ICON))
    } else {
        Err(Fault::missing())
    }
}

fn kept(kind: &'static str, cache: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body)
}
