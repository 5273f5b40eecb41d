//! When a page cannot be shown: what happened, what was kept, what to do, a reference.

use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::RETRY_AFTER;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use askama::Template;
use tracing_actix_web::RequestId;

use super::shell::{Page, Shell, see_other, show_as};
use super::words;
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};

/// A fault that the person can mend in the form it came from.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// Status of the answer.
    pub status: StatusCode,
    /// Input to mend, where one is named.
    pub field: Option<String>,
    /// What to do.
    pub detail: String,
}

impl Wrong {
    /// Sorts a fault: what can be mended goes back to the form, the rest becomes an error page.
    ///
    /// # Errors
    /// The fault itself when no other input would help.
    pub fn of(fault: Fault) -> Result<Self, Fault> {
        match fault.kind {
            Kind::Invalid
            | Kind::Conflict
            | Kind::Malformed
            | Kind::TooLarge
            | Kind::Unpaid
            | Kind::Throttled(_)
            | Kind::Unauthenticated => Ok(Self {
                status: fault.status_code(),
                field: fault.clause,
                detail: fault.detail,
            }),
            _ => Err(fault),
        }
    }

    /// The same, where an unknown object means that `field` names nobody.
    ///
    /// # Errors
    /// As [`Wrong::of`].
    pub fn of_name(fault: Fault, field: &str) -> Result<Self, Fault> {
        match fault.kind {
            Kind::Missing => Self::of(Fault::invalid(
                field,
                "No account has this handle, e-mail address or id.",
            )),
            _ => Self::of(fault),
        }
    }

    /// The words for one input, if they are about it.
    pub fn at(&self, field: &str) -> Option<&str> {
        (self.field.as_deref() == Some(field)).then_some(self.detail.as_str())
    }
}

/// The words for one input of a form, if its last sending was wrong there.
pub fn at<'w>(wrong: &'w Option<Wrong>, field: &str) -> Option<&'w str> {
    wrong.as_ref().and_then(|w| w.at(field))
}

/// An error page.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'f> {
    shell: Shell,
    status: u16,
    headline: &'static str,
    fault: &'f Fault,
    kept: &'static str,
    advice: &'static str,
    reference: String,
}

/// Puts a page around every fault of the portal.
///
/// # Errors
/// None of its own: it passes on what the server itself answers.
pub async fn dress(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(req).await?.map_into_boxed_body();
    let page = answer
        .response()
        .error()
        .and_then(|error| error.as_error::<Fault>())
        .map(|fault| error_page(&answer, fault));
    Ok(match page {
        Some(page) => answer.into_response(page.unwrap_or_else(|fault| fault.error_response())),
        None => answer,
    })
}

fn error_page(answer: &ServiceResponse, fault: &Fault) -> Page {
    let req = answer.request();
    if fault.kind == Kind::Unauthenticated && req.method() == Method::GET {
        let here = req.uri().path_and_query().map_or("/", |p| p.as_str());
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        return Ok(see_other(format!("/sign-in?next={next}")));
    }
    let known = req.extensions().get::<Shell>().cloned();
    let shell = known.unwrap_or_else(|| Shell {
        node: req
            .app_data::<web::Data<Ctx>>()
            .map_or_else(String::new, |c| c.config.name.clone()),
        ..Shell::default()
    });
    let reference = req
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, ToString::to_string);
    if fault.kind == Kind::Internal {
        tracing::error!(cause = ?std::error::Error::source(fault), "page failed");
    }
    let mut page = show_as(
        fault.status_code(),
        &ErrorPage {
            shell,
            status: fault.status(),
            headline: headline(fault.kind),
            fault,
            kept: kept(fault.kind),
            advice: advice(fault.kind),
            reference,
        },
    )?;
    if let Kind::Throttled(seconds) = fault.kind {
        page.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(page)
}

/// What happened, in a few words.
fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::Malformed => "This request could not be read",
        Kind::Unauthenticated => "You are signed out",
        Kind::Unpaid => "Your wallet does not cover this",
        Kind::Forbidden => "This is not permitted",
        Kind::Missing => "There is nothing here",
        Kind::Conflict => "The state has changed meanwhile",
        Kind::Gone => "This right has ended",
        Kind::TooLarge => "That is too large",
        Kind::OutOfRange(_) => "The file has no such part",
        Kind::Invalid => "Something has to be mended",
        Kind::Throttled(_) => "Too many tries",
        Kind::Unavailable => "The node cannot answer just now",
        Kind::Full => "The node has no space left",
        Kind::Internal => "The node failed to answer",
    }
}

/// What of the person's work is safe.
fn kept(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "Nothing was changed; what you sent was not kept.",
        Kind::Unpaid => "Nothing was charged.",
        Kind::Conflict => "What stood before still stands.",
        Kind::Gone => "Receipts and statements about it are kept.",
        Kind::Unavailable | Kind::Full | Kind::Internal => "What was acknowledged before is kept.",
        _ => "Nothing was changed.",
    }
}

/// What the person can do.
fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::Malformed => "Go back and send the form again.",
        Kind::Unauthenticated => "Sign in, then send it again.",
        Kind::Unpaid => "Fill your wallet, then try again.",
        Kind::Forbidden => "The clause or right that stands against it is named above.",
        Kind::Missing => {
            "Check the address. What belongs to others looks like what does not exist."
        }
        Kind::Conflict => "Look at the present state and decide again.",
        Kind::Gone => "The reason is named above.",
        Kind::TooLarge => "Send less at once.",
        Kind::OutOfRange(_) => "Ask for a range inside the file.",
        Kind::Invalid => "Go back, mend it and send it again.",
        Kind::Throttled(_) => "Wait a little, then try again.",
        Kind::Unavailable => "Try again in a moment.",
        Kind::Full => "The operator has to free space.",
        Kind::Internal => "Tell the operator the reference below.",
    }
}

/// The page for addresses that lead nowhere.
pub async fn nowhere() -> Page {
    Err(Fault::missing())
}

/// Faults of what the framework reads from a request, so that they too become pages.
pub fn unreadable(error: impl fmt::Display) -> Error {
    Fault::new(
        Kind::Malformed,
        "unreadable_form",
        format!("The form could not be read: {error}."),
    )
    .into()
}

/// An address whose id cannot be one: the same answer as for an unknown object.
pub fn no_such_address() -> Error {
    Fault::missing().into()
}
