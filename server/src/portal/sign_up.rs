//! `/sign-up`.

use actix_web::web::Form;
use askama::Template;
use schema::wire::NewAccount;
use serde::Deserialize;

use super::fail;
use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, see_other, show_form};
use crate::flows;

#[derive(Template)]
#[template(path = "sign_up.html")]
pub struct SignUp {
    /// The frame.
    pub shell: Shell,
    /// What was typed; the password is never sent back.
    pub typed: Typed,
    /// Whether the account becomes the operator.
    pub operator: bool,
    /// What has to be mended.
    pub wrong: Option<Wrong>,
}

/// The form as typed.
#[derive(Default, Deserialize)]
pub struct Typed {
    email: String,
    display_name: String,
    password: String,
}

impl Typed {
    /// As the flow takes it.
    pub fn wire(&self, operator_token: Option<String>) -> NewAccount {
        NewAccount {
            email: self.email.trim().to_owned(),
            display_name: self.display_name.trim().to_owned(),
            password: self.password.clone(),
            operator_token,
        }
    }
}

/// The empty form.
pub async fn page(visit: Visit) -> Page {
    render(&visit, Typed::default(), None)
}

/// Makes the account.
pub async fn create(visit: Visit, form: Form<Typed>) -> Page {
    let typed = form.into_inner();
    match flows::sign_up::run(&visit.ctx, typed.wire(None)).await {
        Ok(_) => Ok(see_other("/sign-in?done=account")),
        Err(fault) => render(&visit, typed, Some(Wrong::of(fault)?)),
    }
}

fn render(visit: &Visit, typed: Typed, wrong: Option<Wrong>) -> Page {
    let page = SignUp {
        shell: visit.shell("sign-up"),
        typed,
        operator: false,
        wrong,
    };
    show_form(&page, page.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn a_wrong_form_keeps_all_but_the_password() {
        let typed = Typed {
            email: "a@b".into(),
            display_name: "Ann".into(),
            password: "secret-words".into(),
        };
        let wrong = Some(samples::wrong("email", "This address has an account."));
        let page = SignUp {
            shell: samples::guest(),
            typed,
            operator: false,
            wrong,
        };
        let html = samples::check(
            &page,
            &[
                "value=\"a@b\"",
                "value=\"Ann\"",
                "for=\"password\"",
                "has an account",
                "new-password",
            ],
        );
        assert!(!html.contains("secret-words"));
    }
}
