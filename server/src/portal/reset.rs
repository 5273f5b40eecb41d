//! `/reset/{token}`: a new password with the operator's one-time link.

use actix_web::web::{Form, Path};
use askama::Template;
use serde::Deserialize;

use super::fail;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use crate::flows;

#[derive(Template)]
#[template(path = "reset.html")]
struct Reset {
    shell: Shell,
    wrong: Option<Wrong>,
}

/// The form.
#[derive(Deserialize)]
pub struct Typed {
    password: String,
}

/// The empty form. The token is checked when it is used, so that a look at it tells nothing.
pub async fn page(visit: Visit, _token: Path<String>) -> Page {
    render(&visit, None)
}

/// Sets the new password.
pub async fn set(visit: Visit, token: Path<String>, form: Form<Typed>) -> Page {
    match flows::reset_password::use_link(&visit.ctx, &token, form.into_inner().password).await {
        Ok(_) => Ok(see_other("/sign-in?done=password")),
        Err(fault) => render(&visit, Some(Wrong::of(fault)?)),
    }
}

fn render(visit: &Visit, wrong: Option<Wrong>) -> Page {
    let page = Reset {
        shell: visit.shell("sign-in"),
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn asks_for_one_password() {
        let page = Reset {
            shell: samples::guest(),
            wrong: None,
        };
        samples::check(
            &page,
            &["for=\"password\"", "new-password", "method=\"post\""],
        );
    }
}
