//! The application: entrances inside, and around them what every answer gets.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{App, Error, HttpMessage};
use tokio::sync::OnceCell;
use tracing_actix_web::{RequestId, TracingLogger};

use super::metrics::Metrics;
use super::trace::RequestSpan;
use crate::auth::cross_site;
use crate::ctx::Ctx;
use crate::error::Fault;
use crate::worker::wire::Limit;
use crate::{api, portal, worker};

/// Nothing inline, nothing from elsewhere, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Headers of every answer that does not set its own. `same-origin` and not `no-referrer`: with
/// the latter a browser sends `Origin: null` with our own forms.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The limits of the checker processes, found out once.
#[derive(Default)]
pub struct Protections(OnceCell<Vec<Limit>>);

impl Protections {
    /// The limits, as a checker process reports them.
    ///
    /// # Errors
    /// When none can be started.
    pub async fn active(&self, ctx: &Ctx) -> Result<&[Limit], Fault> {
        let limits = self
            .0
            .get_or_try_init(|| worker::limits_active(&ctx.config))
            .await?;
        Ok(limits)
    }
}

/// The application of one worker thread.
pub fn app(
    ctx: Data<Ctx>,
    metrics: Data<Metrics>,
    protections: Data<Protections>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let requests = metrics.requests.clone();
    // The last `wrap` is the outermost.
    App::new()
        .app_data(ctx)
        .app_data(metrics)
        .app_data(protections)
        .configure(api::configure)
        // Last: what nothing before it answers, it answers with a page.
        .configure(portal::configure)
        .wrap(from_fn(head_as_get))
        .wrap(from_fn(cross_site::guard))
        .wrap(from_fn(api::problem::speak))
        .wrap(from_fn(headers))
        .wrap(requests)
        .wrap(TracingLogger::<RequestSpan>::new())
}

/// Middleware: a HEAD is answered like a GET; the connection leaves the body out. Files answer
/// it themselves, without opening one.
async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::HEAD && !request.path().starts_with("/f/") {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}

/// Middleware: protecting headers and the request id.
async fn headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut answer = next.call(request).await?;
    let id = answer
        .request()
        .extensions()
        .get::<RequestId>()
        .map(ToString::to_string);
    let secure = answer
        .request()
        .app_data::<Data<Ctx>>()
        .is_some_and(|ctx| ctx.config.secure_cookies);
    let headers = answer.headers_mut();
    if let Some(id) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    for (name, value) in HEADERS {
        default(headers, HeaderName::from_static(name), value);
    }
    default(headers, CACHE_CONTROL, "no-store");
    if secure {
        default(
            headers,
            HeaderName::from_static("strict-transport-security"),
            "max-age=31536000",
        );
    }
    Ok(answer)
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
