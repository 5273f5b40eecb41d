//! `/operator/{token}`: the one-time link of a fresh node.

use actix_web::web::{Form, Path};

use super::fail::Wrong;
use super::shell::{Page, Visit, see_other, show_form};
use super::sign_up::{SignUp, Typed};
use crate::flows;

/// The empty form. The token is checked when it is used, so that a look at it tells nothing.
pub async fn page(visit: Visit, _token: Path<String>) -> Page {
    render(&visit, Typed::default(), None)
}

/// Makes the operator's account.
pub async fn create(visit: Visit, token: Path<String>, form: Form<Typed>) -> Page {
    let typed = form.into_inner();
    match flows::sign_up::run(&visit.ctx, typed.wire(Some(token.into_inner()))).await {
        Ok(_) => Ok(see_other("/sign-in?next=/operator&done=account")),
        Err(fault) => render(&visit, typed, Some(Wrong::of(fault)?)),
    }
}

fn render(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Page {
    let page = SignUp {
        shell: visit.shell("operator"),
        typed,
        operator: true,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn says_what_the_account_will_be() {
        let page = SignUp {
            shell: samples::guest(),
            typed: Typed::default(),
            operator: true,
            wrong: None,
        };
        samples::check(
            &page,
            &["Become the operator", "for=\"email\"", "method=\"post\""],
        );
    }
}
