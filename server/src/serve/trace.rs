//! One span and one line in the log per request. Addresses are logged as patterns: a path can
//! hold a link's secret, a query string can hold anything.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;

use crate::error::{Fault, Kind};

/// Writes the log to standard error: what `GRANARY_LOG` asks for (by default what concerns
/// requests, jobs and money), as text or as one JSON object per line. A second call in one
/// process changes nothing.
pub fn to_stderr(json: bool) {
    let filter = EnvFilter::try_from_env("GRANARY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn,polars=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let _ = if json {
        log.json().try_init()
    } else {
        log.with_ansi(false).try_init()
    };
}

/// Makes the span of a request.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request
            .extensions()
            .get::<RequestId>()
            .map(ToString::to_string)
            .unwrap_or_default();
        let route = request.match_pattern().unwrap_or_default();
        tracing::info_span!("request", id, method = %request.method(), route, status = Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, error) = match outcome {
            Ok(response) => (response.status(), response.response().error()),
            Err(error) => (error.as_response_error().status_code(), Some(error)),
        };
        span.record("status", status.as_u16());
        let fault = error.and_then(|error| error.as_error::<Fault>());
        match fault {
            Some(fault)
                if matches!(fault.kind, Kind::Internal | Kind::Unavailable | Kind::Full) =>
            {
                let cause = std::error::Error::source(fault).map(ToString::to_string);
                tracing::error!(code = fault.code, cause, "failed");
            }
            Some(fault) => tracing::info!(code = fault.code, "refused"),
            None => tracing::info!("answered"),
        }
    }
}
