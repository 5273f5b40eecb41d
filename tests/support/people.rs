//! Parties of a node.

use dataset_core::seal::Identity;
use schema::wire::{
    Amount, NewAccount, NewRecipient, NewToken, NewTopUp, PartyView, Problem, SignIn,
};
use server::client::{Client, ClientError};
use server::flows::operator_link;
use uuid::Uuid;

use super::TestApp;
use super::process::Process;

pub const PASSWORD: &str = "a long enough password";

/// A party, signed in.
pub struct Person {
    pub id: Uuid,
    pub handle: String,
    pub email: String,
    /// A token that outlives every story.
    pub token: String,
    /// The node as this party sees it.
    pub client: Client,
    /// The same in a session, which ends after a week.
    pub session: Client,
    pub session_token: String,
}

/// Euros and cents.
pub fn eur(minor: i64) -> Amount {
    Amount {
        minor,
        currency: "EUR".to_owned(),
    }
}

impl TestApp {
    /// Signs a party up and in.
    pub async fn party(&self, name: &str) -> Person {
        self.sign_up(name, None).await
    }

    /// Signs up the one who runs the node, with the link of its first start.
    pub async fn operator(&self) -> Person {
        let link = operator_link::ensure(&self.ctx)
            .await
            .unwrap()
            .expect("nobody runs the node yet");
        let token = link.rsplit('/').next().unwrap().to_owned();
        self.sign_up("operator", Some(token)).await
    }

    /// Another operator beside the first.
    pub async fn second_operator(&self) -> Person {
        let person = self.party("second").await;
        let sql = format!(
            "UPDATE party SET operator = TRUE WHERE handle = '{}'",
            person.handle
        );
        let made = self.ctx.write(move |db| Ok(db.execute(&sql)?)).await;
        made.unwrap();
        person
    }

    async fn sign_up(&self, name: &str, operator_token: Option<String>) -> Person {
        let email = format!("{name}@example.org");
        let account = NewAccount {
            email: email.clone(),
            display_name: name.to_owned(),
            password: PASSWORD.to_owned(),
            operator_token,
        };
        let party = self.visitor.sign_up(&account).await.unwrap();
        self.person(party, email).await
    }

    /// Signs a known party in.
    pub async fn again(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let session = self
            .visitor
            .with_token(self.sign_in(&email, PASSWORD).await);
        self.person(session.me().await.unwrap(), email).await
    }

    async fn person(&self, party: PartyView, email: String) -> Person {
        let session_token = self.sign_in(&email, PASSWORD).await;
        let session = self.visitor.with_token(&session_token);
        let new = NewToken {
            name: "story".to_owned(),
            days: Some(366),
        };
        let token = session.create_token(&new).await.unwrap().token;
        let client = self.visitor.with_token(&token);
        Person {
            id: party.id,
            handle: party.handle,
            email,
            token,
            client,
            session,
            session_token,
        }
    }

    /// Opens a session and answers its token.
    pub async fn sign_in(&self, email: &str, password: &str) -> String {
        let who = SignIn {
            email: email.to_owned(),
            password: password.to_owned(),
        };
        self.visitor.sign_in(&who).await.unwrap().token
    }

    /// Fills a wallet.
    pub async fn top_up(&self, operator: &Person, party: &Person, minor: i64) {
        let key = format!("top-up-{}-{}", party.handle, self.ctx.id());
        let top_up = NewTopUp {
            party: party.handle.clone(),
            amount: eur(minor),
            reference: "transfer".to_owned(),
        };
        operator.client.top_up(&key, &top_up).await.unwrap();
    }
}

impl Person {
    /// Makes an age key and registers its public half.
    pub async fn recipient(&self) -> (Identity, Uuid) {
        let identity = Identity::generate();
        let new = NewRecipient {
            recipient: identity.to_recipient().to_string(),
            label: "laptop".to_owned(),
        };
        let id = self.client.add_recipient(&new).await.unwrap().id;
        (identity, id)
    }
}

/// The problem of an answer that had to be refused, with its status and code.
pub fn refused<T: std::fmt::Debug>(
    answer: Result<T, ClientError>,
    status: u16,
    code: &str,
) -> Problem {
    match answer {
        Err(ClientError::Refused(problem)) if problem.status == status && problem.code == code => {
            *problem
        }
        other => panic!("expected {status} {code}, got {other:?}"),
    }
}

/// Signs a party up at a node process, and in.
pub async fn account(node: &Process, name: &str, operator_token: Option<String>) -> Client {
    let email = format!("{name}@example.org");
    let new = NewAccount {
        email,
        display_name: name.to_owned(),
        password: PASSWORD.to_owned(),
        operator_token,
    };
    node.client().sign_up(&new).await.unwrap();
    sign_in(node, name).await
}

/// Signs a party in at a node process.
pub async fn sign_in(node: &Process, name: &str) -> Client {
    let who = SignIn {
        email: format!("{name}@example.org"),
        password: PASSWORD.to_owned(),
    };
    node.client()
        .with_token(node.client().sign_in(&who).await.unwrap().token)
}
