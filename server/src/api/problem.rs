//! Every error as an RFC 9457 problem document, whoever made it.
//!
//! Handlers answer [`Fault`]s; what the framework itself refuses (unreadable bodies, unknown
//! paths, wrong methods) is turned into one. [`speak`] writes the document last, when the
//! request id is at hand.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use schema::wire::Problem;
use tracing_actix_web::RequestId;

use crate::error::{Fault, Kind};

const PROBLEM_JSON: &str = "application/problem+json";

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Without the request at hand; [`speak`] adds its id.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self.kind {
            Kind::Throttled(seconds) => {
                response.insert_header((RETRY_AFTER, seconds));
            }
            Kind::Unavailable | Kind::Full => {
                response.insert_header((RETRY_AFTER, 5));
            }
            Kind::OutOfRange(length) => {
                response.insert_header((CONTENT_RANGE, format!("bytes */{length}")));
            }
            Kind::Unauthenticated => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            _ => {}
        }
        response.content_type(PROBLEM_JSON).json(problem_of(self))
    }
}

fn title(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Error").to_owned()
}

/// Middleware: gives every error its document, and the document its request id.
///
/// # Errors
/// None of its own.
pub async fn speak(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(answer);
    }
    let fault = answer
        .response()
        .error()
        .and_then(|error| error.as_error::<Fault>());
    let Some(problem) = fault.map(problem_of).or_else(|| framework_problem(&answer)) else {
        return Ok(answer);
    };
    let id = answer
        .request()
        .extensions()
        .get::<RequestId>()
        .map(ToString::to_string);
    let problem = Problem {
        request_id: id,
        ..problem
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = answer.map_body(|_, _| BoxBody::new(body));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    Ok(answer)
}

fn problem_of(fault: &Fault) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: title(fault.status_code()),
        status: fault.status(),
        detail: fault.detail.clone(),
        code: fault.code.to_owned(),
        request_id: None,
        clause: fault.clause.clone(),
    }
}

/// For errors the framework answered in plain text; pages and documents are left as they are.
fn framework_problem(answer: &ServiceResponse) -> Option<Problem> {
    let kind = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    let status = answer.status();
    let (code, detail) = match status.as_u16() {
        404 => (
            "not_found",
            "There is nothing here, or it is not yours to see.",
        ),
        405 => (
            "method_not_allowed",
            "This address does not take that method; see the Allow header.",
        ),
        408 => (
            "timeout",
            "The request did not arrive in time; send it again.",
        ),
        413 => (
            "too_large",
            "The request is larger than this address takes.",
        ),
        415 => (
            "media_type",
            "This address does not take that type of content.",
        ),
        416 => (
            "range",
            "The file has no such range; see the Content-Range header.",
        ),
        400..=499 => ("malformed", "The request cannot be read."),
        _ => (
            "internal",
            "The node failed to answer; the request id names this failure in its log.",
        ),
    };
    let (code, detail) = (code.to_owned(), detail.to_owned());
    let (kind, title) = ("about:blank".to_owned(), title(status));
    Some(Problem {
        kind,
        title,
        status: status.as_u16(),
        detail,
        code,
        request_id: None,
        clause: None,
    })
}

/// A JSON body that cannot be taken.
pub fn json_error(error: JsonPayloadError, _: &HttpRequest) -> Error {
    match error {
        JsonPayloadError::OverflowKnownLength { limit, .. }
        | JsonPayloadError::Overflow { limit } => Fault::new(
            Kind::TooLarge,
            "too_large",
            format!("The JSON body is larger than {limit} bytes; send less."),
        ),
        JsonPayloadError::ContentType => Fault::new(
            Kind::Malformed,
            "json_expected",
            "Send a JSON body with `Content-Type: application/json`.",
        ),
        error => Fault::new(Kind::Malformed, "json_invalid", error.to_string()),
    }
    .into()
}

/// A query string that cannot be read.
pub fn query_error(error: QueryPayloadError, _: &HttpRequest) -> Error {
    Fault::new(Kind::Malformed, "query_invalid", error.to_string()).into()
}

/// An identifier in the path that cannot be one: no such object, as for every unknown one.
pub fn path_error(_: actix_web::error::PathError, _: &HttpRequest) -> Error {
    Fault::missing().into()
}

/// The addresses of the API with the methods they take, to tell a wrong method from a wrong address.
pub struct Addresses(Vec<(ResourceDef, Vec<&'static str>)>);

impl Addresses {
    /// Reads them from the API's own description.
    #[must_use]
    pub fn of(api: &utoipa::openapi::OpenApi) -> Self {
        let list = api.paths.paths.iter().map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("PUT", item.put.is_some()),
                ("POST", item.post.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let methods = methods
                .into_iter()
                .filter_map(|(name, taken)| taken.then_some(name));
            (ResourceDef::new(path.as_str()), methods.collect())
        });
        Self(list.collect())
    }

    fn methods(&self, path: &str) -> Vec<&'static str> {
        let mut methods: Vec<_> = self
            .0
            .iter()
            .filter(|(address, _)| address.is_match(path))
            .flat_map(|(_, m)| m.clone())
            .collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

/// The answer where no handler takes the request: unknown address, or wrong method.
///
/// # Errors
/// [`Fault::missing`] for an unknown address.
pub async fn unmatched(
    request: HttpRequest,
    addresses: web::Data<Addresses>,
) -> Result<HttpResponse, Fault> {
    let methods = addresses.methods(request.path());
    if methods.is_empty() {
        return Err(Fault::missing());
    }
    Ok(HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, methods.join(", ")))
        .finish())
}
