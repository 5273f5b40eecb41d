//! `/sign-in` and `/sign-out`: the session cookie.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::web::{Form, Query};
use askama::Template;
use schema::wire::SignIn as Credentials;
use serde::Deserialize;

use super::fail;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, own_path, see_other, show_form};
use crate::auth::{ended_cookie, session_cookie};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    shell: Shell,
    email: String,
    next: String,
    wrong: Option<Wrong>,
}

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
pub struct Onward {
    next: Option<String>,
}

/// The form as typed.
#[derive(Deserialize)]
pub struct Typed {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The empty form.
pub async fn page(visit: Visit, onward: Query<Onward>) -> Page {
    let next = own_path(onward.next.as_deref()).to_owned();
    render(&visit, String::new(), next, None)
}

/// Opens a session.
pub async fn open(visit: Visit, req: HttpRequest, form: Form<Typed>) -> Page {
    let Typed {
        email,
        password,
        next,
    } = form.into_inner();
    let peer = req.peer_addr().map(|address| address.ip());
    let credentials = Credentials {
        email: email.trim().to_owned(),
        password,
    };
    match flows::sign_in::run(&visit.ctx, credentials, peer).await {
        Ok(session) => with_cookie(own_path(Some(&next)), &session_cookie(&visit.ctx, &session)),
        Err(fault) => render(&visit, email, next, Some(Wrong::of(fault)?)),
    }
}

fn with_cookie(place: &str, cookie: &Cookie<'_>) -> Page {
    let mut answer = see_other(place);
    answer.add_cookie(cookie).map_err(Fault::internal)?;
    Ok(answer)
}

/// Ends the session.
pub async fn close(visit: Visit) -> Page {
    if let Some(me) = &visit.who {
        flows::sign_out::run(&visit.ctx, me).await?;
    }
    with_cookie("/?done=signed-out", &ended_cookie(&visit.ctx))
}

fn render(visit: &Visit, email: String, next: String, wrong: Option<Wrong>) -> Page {
    let page = SignIn {
        shell: visit.shell("sign-in"),
        email,
        next,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn the_form_goes_on_to_where_one_wanted() {
        let page = SignIn {
            shell: samples::guest(),
            email: "a@b".into(),
            next: "/wallet".into(),
            wrong: None,
        };
        samples::check(
            &page,
            &[
                "name=\"next\" value=\"/wallet\"",
                "current-password",
                "for=\"email\"",
                "href=\"/sign-up\"",
            ],
        );
    }
}
