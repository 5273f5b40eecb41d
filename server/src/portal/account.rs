//! `/account`: who this is, age keys, and tokens for programs.

use actix_web::web::{Form, Path};
use askama::Template;
use schema::wire::{NewRecipient, NewToken, PartyView, RecipientView, TokenMade, TokenView};
use serde::Deserialize;
use uuid::Uuid;

use super::fail::Wrong;
use super::shell::{Page, Shell, Visit, most, own_path, see_other, show_form};
use super::{fail, words};
use crate::error::Fault;
use crate::flows;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    shell: Shell,
    me: PartyView,
    node_url: String,
    keys: Vec<RecipientView>,
    tokens: Vec<TokenView>,
    state: State,
}

/// What was typed and what came of it.
#[derive(Default)]
struct State {
    made: Option<TokenMade>,
    key: NewKey,
    token: AskToken,
    wrong: Option<Wrong>,
}

/// The form that registers an age key.
#[derive(Debug, Default, Deserialize)]
pub struct NewKey {
    recipient: String,
    label: String,
    #[serde(default)]
    next: Option<String>,
}

/// The form that makes a token.
#[derive(Debug, Default, Deserialize)]
pub struct AskToken {
    name: String,
    days: String,
}

impl AskToken {
    fn wire(&self) -> Result<NewToken, Fault> {
        let days =
            match self.days.trim() {
                "" => None,
                text => Some(text.parse().map_err(|_| {
                    Fault::invalid("days", "Write a whole number of days, 1 to 366.")
                })?),
            };
        Ok(NewToken {
            name: self.name.trim().to_owned(),
            days,
        })
    }
}

/// The page.
pub async fn page(visit: Visit) -> Page {
    render(&visit, State::default()).await
}

/// Registers an age key.
pub async fn add_key(visit: Visit, form: Form<NewKey>) -> Page {
    let key = form.into_inner();
    match flows::recipients::add(&visit.ctx, visit.signed()?, key.wire()).await {
        Ok(_) => Ok(see_other(format!("{}?done=key", key.onward()))),
        Err(fault) => {
            let wrong = Some(Wrong::of(fault)?);
            render(
                &visit,
                State {
                    key,
                    wrong,
                    ..State::default()
                },
            )
            .await
        }
    }
}

impl NewKey {
    fn wire(&self) -> NewRecipient {
        NewRecipient {
            recipient: self.recipient.trim().to_owned(),
            label: self.label.trim().to_owned(),
        }
    }

    /// The page that asked for the key.
    fn onward(&self) -> &str {
        self.next
            .as_deref()
            .map_or("/account", |next| own_path(Some(next)))
    }
}

/// Retires an age key.
pub async fn retire_key(visit: Visit, id: Path<Uuid>) -> Page {
    flows::recipients::retire(&visit.ctx, visit.signed()?, *id).await?;
    Ok(see_other("/account?done=key-gone"))
}

/// Makes a token and shows it this one time.
pub async fn add_token(visit: Visit, form: Form<AskToken>) -> Page {
    let (me, token) = (visit.signed()?, form.into_inner());
    let made = match token.wire() {
        Ok(new) => flows::tokens::create(&visit.ctx, me, new).await,
        Err(fault) => Err(fault),
    };
    let state = match made {
        Ok(made) => State {
            made: Some(made),
            ..State::default()
        },
        Err(fault) => State {
            token,
            wrong: Some(Wrong::of(fault)?),
            ..State::default()
        },
    };
    render(&visit, state).await
}

/// Revokes a token.
pub async fn revoke_token(visit: Visit, id: Path<Uuid>) -> Page {
    flows::tokens::revoke(&visit.ctx, visit.signed()?, *id).await?;
    Ok(see_other("/account?done=token-gone"))
}

async fn render(visit: &Visit, state: State) -> Page {
    let me = visit.signed()?;
    let keys = flows::recipients::list(&visit.ctx, me, most()).await?.items;
    let tokens = flows::tokens::list(&visit.ctx, me, most()).await?.items;
    let node_url = visit.ctx.config.public_url();
    let page = Account {
        shell: visit.shell("account"),
        me: me.view(),
        node_url,
        keys,
        tokens,
        state,
    };
    show_form(&page, page.state.wrong.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    fn sample(state: State) -> Account {
        Account {
            shell: samples::member(),
            me: samples::party("Bo Buyer"),
            node_url: "http://n".into(),
            keys: vec![samples::recipient()],
            tokens: vec![samples::token()],
            state,
        }
    }

    #[test]
    fn lists_keys_and_tokens_and_never_a_secret_again() {
        samples::check(
            &sample(State::default()),
            &[
                "id=\"keys\"",
                "id=\"tokens\"",
                "laptop",
                "for=\"recipient\"",
                "Retire",
            ],
        );
    }

    #[test]
    fn a_new_token_is_shown_this_once() {
        let made = TokenMade {
            token: "gtk_secret".into(),
            info: samples::token(),
        };
        samples::check(
            &sample(State {
                made: Some(made),
                ..State::default()
            }),
            &["gtk_secret", "only time"],
        );
    }

    #[test]
    fn a_wrong_key_keeps_what_was_typed() {
        let key = NewKey {
            recipient: "age1oops".into(),
            label: "desk".into(),
            next: None,
        };
        let wrong = Some(samples::wrong("recipient", "This is not an age recipient."));
        samples::check(
            &sample(State {
                key,
                wrong,
                ..State::default()
            }),
            &["age1oops", "value=\"desk\"", "not an age recipient"],
        );
    }
}
