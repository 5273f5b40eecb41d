//! `GET /f/{file}`: the sealed file behind a signed link, whole or in ranges.

use actix_web::http::header::{self, ByteRangeSpec, EntityTag, Header, IfRange, Range};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::flows::deliver::{self, Delivery};
use crate::signed_url::LinkQuery;

/// Mounts the route.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/f/{file}")
            .route(web::get().to(file))
            .route(web::head().to(file)),
    );
}

async fn file(
    ctx: web::Data<Ctx>,
    request: HttpRequest,
    file: web::Path<String>,
    query: web::Query<LinkQuery>,
) -> Result<HttpResponse, Fault> {
    let delivery = deliver::open(&ctx, &file, &query).await?;
    let part = asked_part(&request, &delivery)?;
    let (status, range) = match part {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..delivery.length),
    };
    let mut answer = HttpResponse::build(status);
    answer
        .content_type("application/octet-stream")
        .insert_header((header::ETAG, delivery.etag.as_str()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"));
    if status == StatusCode::PARTIAL_CONTENT {
        let place = format!(
            "bytes {}-{}/{}",
            range.start,
            range.end - 1,
            delivery.length
        );
        answer.insert_header((header::CONTENT_RANGE, place));
    }
    let length = range.end - range.start;
    if request.method() == Method::HEAD {
        return Ok(answer
            .no_chunking(length)
            .body(actix_web::body::SizedStream::new(
                length,
                futures_util::stream::empty::<Result<web::Bytes, actix_web::Error>>(),
            )));
    }
    let body = delivery.stream(range).await?;
    Ok(answer.body(actix_web::body::SizedStream::new(length, body)))
}

/// The one range asked for, as half-open; `None` for the whole file: no range, several
/// ranges, or a file that changed since the caller's first part.
fn asked_part(
    request: &HttpRequest,
    delivery: &Delivery,
) -> Result<Option<std::ops::Range<u64>>, Fault> {
    let Ok(Range::Bytes(specs)) = Range::parse(request) else {
        return Ok(None);
    };
    let [spec] = specs.as_slice() else {
        return Ok(None);
    };
    if request.headers().contains_key(header::IF_RANGE) && !same_file(request, &delivery.etag) {
        return Ok(None);
    }
    satisfiable(spec, delivery.length).map(Some).ok_or_else(|| {
        let words = format!(
            "The range lies outside the file, which has {} bytes.",
            delivery.length
        );
        Fault::new(
            Kind::OutOfRange(delivery.length),
            "range_not_satisfiable",
            words,
        )
    })
}

fn same_file(request: &HttpRequest, etag: &str) -> bool {
    match IfRange::parse(request) {
        Ok(IfRange::EntityTag(tag)) => {
            tag.strong_eq(&EntityTag::new_strong(etag.trim_matches('"').to_owned()))
        }
        _ => false,
    }
}

fn satisfiable(spec: &ByteRangeSpec, length: u64) -> Option<std::ops::Range<u64>> {
    spec.to_satisfiable_range(length)
        .map(|(first, last)| first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_clamp_to_the_file() {
        assert_eq!(satisfiable(&ByteRangeSpec::FromTo(0, 9), 100), Some(0..10));
        assert_eq!(
            satisfiable(&ByteRangeSpec::FromTo(90, 900), 100),
            Some(90..100)
        );
        assert_eq!(satisfiable(&ByteRangeSpec::From(99), 100), Some(99..100));
        assert_eq!(
            satisfiable(&ByteRangeSpec::Last(262_144), 100),
            Some(0..100)
        );
        for outside in [
            ByteRangeSpec::From(100),
            ByteRangeSpec::FromTo(100, 200),
            ByteRangeSpec::Last(0),
        ] {
            assert_eq!(satisfiable(&outside, 100), None);
        }
    }
}
