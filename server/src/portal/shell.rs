//! What every page shares: who looks at it, the frame around it, and how it is answered.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::future::LocalBoxFuture;
use schema::wire::PageQuery;
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::{assets, words};
use crate::auth::{Actor, MaybeSigned};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};

/// What a page handler answers.
pub type Page = Result<HttpResponse, Fault>;

/// The frame around a page.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Name of the node.
    pub node: String,
    /// Who is signed in.
    pub who: Option<Who>,
    /// Entry of the navigation that is current.
    pub place: &'static str,
    /// What was just done, told once on top of the page.
    pub done: Option<&'static str>,
    /// Seconds after which the page loads itself again.
    pub refresh: Option<u8>,
}

/// The signed-in party, as the frame shows it.
#[derive(Debug, Clone)]
pub struct Who {
    /// Handle.
    pub handle: String,
    /// Whether the operator's console is offered.
    pub operator: bool,
}

impl Shell {
    /// Address of the style sheet.
    pub fn style(&self) -> &'static str {
        &assets::STYLE_PATH
    }

    /// `aria-current` of a navigation entry.
    pub fn here(&self, place: &str) -> bool {
        self.place == place
    }
}

/// Query that a redirect carries to say what was done.
#[derive(Debug, Default, Deserialize)]
struct Done {
    done: Option<String>,
}

/// Query of a list's next page.
#[derive(Debug, Default, Deserialize)]
pub struct Turn {
    cursor: Option<String>,
}

impl From<Turn> for PageQuery {
    fn from(turn: Turn) -> Self {
        Self {
            cursor: turn.cursor,
            limit: Some(50),
        }
    }
}

/// The longest page of a list that is shown whole.
pub fn most() -> PageQuery {
    PageQuery {
        cursor: None,
        limit: Some(200),
    }
}

/// One visit: the node, the request, and the party if one is signed in.
pub struct Visit {
    /// The node.
    pub ctx: Ctx,
    /// Who is signed in.
    pub who: Option<Actor>,
    shell: Shell,
}

impl Visit {
    /// The signed-in party.
    ///
    /// # Errors
    /// Nobody is: answered by the way to the sign-in page.
    pub fn signed(&self) -> Result<&Actor, Fault> {
        self.who.as_ref().ok_or_else(|| {
            Fault::new(
                Kind::Unauthenticated,
                "sign_in_first",
                "This page belongs to an account. Sign in first; nothing was changed.",
            )
        })
    }

    /// The frame, with `place` as the current entry of the navigation.
    pub fn shell(&self, place: &'static str) -> Shell {
        Shell {
            place,
            ..self.shell.clone()
        }
    }

    /// The same, loading itself again while something is under way.
    pub fn shell_waiting(&self, place: &'static str, waiting: bool) -> Shell {
        Shell {
            refresh: waiting.then_some(4),
            ..self.shell(place)
        }
    }

    /// A fresh key that makes repeated sending of one form one effect.
    pub fn form_key(&self) -> Uuid {
        self.ctx.id()
    }
}

impl FromRequest for Visit {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = MaybeSigned::from_request(req, payload);
        let req = req.clone();
        Box::pin(async move {
            let MaybeSigned(who) = who.await?;
            let ctx = req
                .app_data::<web::Data<Ctx>>()
                .map(|ctx| Ctx::clone(ctx))
                .ok_or_else(|| Fault::internal("the application holds no context"))?;
            let done = web::Query::<Done>::from_query(req.query_string()).ok();
            let shell = Shell {
                node: ctx.config.name.clone(),
                who: who.as_ref().map(|a| Who {
                    handle: a.handle.clone(),
                    operator: a.operator,
                }),
                done: done
                    .and_then(|q| q.into_inner().done)
                    .and_then(|code| words::done(&code)),
                ..Shell::default()
            };
            req.extensions_mut().insert(shell.clone());
            Ok(Self { ctx, who, shell })
        })
    }
}

/// Answers a rendered page.
pub fn show(page: &impl Template) -> Page {
    show_as(StatusCode::OK, page)
}

/// Answers a page whose form has to be mended: what was typed stays, the status says why.
pub fn show_form(page: &impl Template, wrong: Option<&Wrong>) -> Page {
    show_as(wrong.map_or(StatusCode::OK, |w| w.status), page)
}

/// Answers a rendered page with a status.
pub fn show_as(status: StatusCode, page: &impl Template) -> Page {
    let html = page.render().map_err(Fault::internal)?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html))
}

/// Sends the browser on after a form was accepted.
pub fn see_other(place: impl AsRef<str>) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, place.as_ref()))
        .finish()
}

/// From the address of a form to the page that holds it.
pub async fn back(req: HttpRequest) -> HttpResponse {
    let parent = req
        .path()
        .rsplit_once('/')
        .map_or("/", |(parent, _)| parent);
    let last = if parent.starts_with("/datasets/") {
        "/manage"
    } else {
        ""
    };
    see_other(format!("{parent}{last}"))
}

/// A place to go on to after signing in: a path of this node, never another site.
pub fn own_path(next: Option<&str>) -> &str {
    match next {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains(['\\', '\r', '\n']) =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_this_node_are_gone_on_to() {
        assert_eq!(own_path(Some("/wallet?x=1")), "/wallet?x=1");
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "wallet",
            "/a\r\nb",
        ] {
            assert_eq!(own_path(Some(foreign)), "/", "{foreign:?}");
        }
    }
}
