//! A Stripe-compatible provider: Checkout pages, refunds, transfers to connected accounts,
//! signed webhooks.
//!
//! Address and version of its API are settings. Key and webhook secrets come from files or the
//! environment; they are never written to the database, a log or an error.

mod http;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::future::BoxFuture;
use ledger::account::Account;
use ledger::money::Money;
use ring::hmac;
use schema::wire::PayWay;
use serde_json::Value;

use self::http::Api;
use super::{Ask, Begun, PaymentPort, from_provider, signature, to_provider};
use crate::error::{Fault, Kind};
use crate::journal::provider;

/// Settings of the card provider.
#[derive(Debug, Clone, Default, Args)]
pub struct StripeSettings {
    /// File with the secret key of a Stripe-compatible provider; with it the node takes cards [or the key in GRANARY_STRIPE_KEY]
    #[arg(long, env = "GRANARY_STRIPE_KEY_FILE", value_name = "FILE")]
    pub stripe_key_file: Option<PathBuf>,

    /// File with the secrets of its webhook, one a line; several while one is exchanged [or GRANARY_STRIPE_WEBHOOK_SECRETS, with commas]
    #[arg(long, env = "GRANARY_STRIPE_WEBHOOK_SECRETS_FILE", value_name = "FILE")]
    pub stripe_webhook_secrets_file: Option<PathBuf>,

    /// Address of its API [default: https://api.stripe.com]
    #[arg(long, env = "GRANARY_STRIPE_URL", value_name = "URL")]
    pub stripe_url: Option<String>,

    /// Version of its API [default: 2024-12-18.acacia]
    #[arg(long, env = "GRANARY_STRIPE_VERSION", value_name = "VERSION")]
    pub stripe_version: Option<String>,
}

const URL: &str = "https://api.stripe.com";
const VERSION: &str = "2024-12-18.acacia";
const KEY: &str = "GRANARY_STRIPE_KEY";
const SECRETS: &str = "GRANARY_STRIPE_WEBHOOK_SECRETS";

impl StripeSettings {
    /// Address of the API in force.
    #[must_use]
    pub fn url(&self) -> &str {
        self.stripe_url.as_deref().unwrap_or(URL)
    }

    /// Version of the API in force.
    #[must_use]
    pub fn version(&self) -> &str {
        self.stripe_version.as_deref().unwrap_or(VERSION)
    }

    /// Whether key and webhook secrets are set, for people; never what they are.
    #[must_use]
    pub fn set(&self) -> (bool, bool) {
        let set = |file: &Option<PathBuf>, name| file.is_some() || std::env::var_os(name).is_some();
        (
            set(&self.stripe_key_file, KEY),
            set(&self.stripe_webhook_secrets_file, SECRETS),
        )
    }
}

/// A secret, from its file or else the environment.
fn secret(file: Option<&Path>, name: &str) -> Result<Option<String>, String> {
    let text = match file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?,
        ),
        None => std::env::var(name).ok(),
    };
    Ok(text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty()))
}

/// The provider, ready to be asked.
pub struct Stripe {
    api: Api,
    secrets: Vec<hmac::Key>,
    live: Option<bool>,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").finish_non_exhaustive()
    }
}

/// What a movement of the provider's balance cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The provider's identifier.
    pub id: String,
    /// Its fee; negative when it was given back.
    pub fee: Money,
}

impl Stripe {
    /// Reads the settings; none when there is no key.
    ///
    /// # Errors
    /// What is wrong with them, for the operator.
    pub fn open(settings: &StripeSettings) -> Result<Option<Self>, String> {
        let Some(key) = secret(settings.stripe_key_file.as_deref(), KEY)? else {
            return Ok(None);
        };
        let secrets = secret(settings.stripe_webhook_secrets_file.as_deref(), SECRETS)?;
        let secrets = secrets.unwrap_or_default();
        let secrets = secrets
            .split([',', '\n'])
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(signature::key)
            .collect();
        let live = match key.split('_').nth(1) {
            Some("live") => Some(true),
            Some("test") => Some(false),
            _ => None,
        };
        Ok(Some(Self {
            api: Api::new(settings.url(), settings.version(), key)?,
            secrets,
            live,
        }))
    }

    /// Secrets that webhooks may be signed with.
    #[must_use]
    pub fn secrets(&self) -> &[hmac::Key] {
        &self.secrets
    }

    /// Whether messages of the other mode (test or live) are none of this node's.
    #[must_use]
    pub fn takes(&self, live: bool) -> bool {
        self.live.is_none_or(|own| own == live)
    }

    /// Gives money of a payment back to the card; the same key again gives back nothing new.
    ///
    /// # Errors
    /// Why the provider refused, or that it does not answer.
    pub async fn give_back(&self, key: &str, intent: &str, money: Money) -> Result<String, Fault> {
        let form = [
            ("payment_intent", intent.to_owned()),
            ("amount", to_provider(money)?.to_string()),
            ("reason", "requested_by_customer".to_owned()),
            ("metadata[granary_refund]", key.to_owned()),
        ];
        let made = self.api.post("/v1/refunds", key, &form).await?;
        identifier(&made)
    }

    /// Moves money to a connected account; the same key again moves nothing new.
    ///
    /// # Errors
    /// Why the provider refused, or that it does not answer.
    pub async fn transfer(&self, key: &str, account: &str, money: Money) -> Result<String, Fault> {
        let form = [
            ("destination", account.to_owned()),
            ("amount", to_provider(money)?.to_string()),
            ("currency", money.currency.code().to_lowercase()),
            ("transfer_group", key.to_owned()),
            ("metadata[granary_payout]", key.to_owned()),
        ];
        let made = self.api.post("/v1/transfers", key, &form).await?;
        identifier(&made)
    }

    /// What a movement of the balance cost.
    ///
    /// # Errors
    /// Why the provider refused, or that it does not answer.
    pub async fn movement(&self, id: &str) -> Result<Movement, Fault> {
        let path = format!("/v1/balance_transactions/{}", segment(id)?);
        let found = self.api.get(&path).await?;
        movement(&found).ok_or_else(|| strange("a movement without a fee"))
    }

    async fn page(&self, ask: &Ask) -> Result<Begun, Fault> {
        let id = ask.id.to_string();
        let price = "line_items[0][price_data]";
        let line = |name: &str| format!("{price}{name}");
        let form = [
            ("mode".to_owned(), "payment".to_owned()),
            ("success_url".to_owned(), ask.back_to.clone()),
            ("cancel_url".to_owned(), ask.back_to.clone()),
            ("client_reference_id".to_owned(), id.clone()),
            ("line_items[0][quantity]".to_owned(), "1".to_owned()),
            (line("[currency]"), ask.money.currency.code().to_lowercase()),
            (line("[unit_amount]"), to_provider(ask.money)?.to_string()),
            (line("[product_data][name]"), ask.what.clone()),
            ("metadata[granary_payment]".to_owned(), id.clone()),
            (
                "payment_intent_data[metadata][granary_payment]".to_owned(),
                id.clone(),
            ),
            (
                "payment_intent_data[description]".to_owned(),
                ask.reference.clone(),
            ),
        ];
        let made = self.api.post("/v1/checkout/sessions", &id, &form).await?;
        let url = made["url"].as_str().and_then(page_address);
        Ok(Begun::Page {
            session: identifier(&made)?,
            url: url.ok_or_else(|| strange("a checkout page without an address"))?,
        })
    }
}

impl PaymentPort for Stripe {
    fn way(&self) -> PayWay {
        PayWay::Card
    }

    fn arrives_on(&self) -> Result<Account, Fault> {
        Ok(provider::psp()?)
    }

    fn gives_back(&self) -> bool {
        true
    }

    fn begin<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Begun, Fault>> {
        Box::pin(self.page(ask))
    }
}

/// What a balance transaction says, expanded in a message or fetched.
#[must_use]
pub fn movement(found: &Value) -> Option<Movement> {
    Some(Movement {
        id: found["id"].as_str()?.to_owned(),
        fee: from_provider(found["fee"].as_i64()?, found["currency"].as_str()?)?,
    })
}

/// Only an address people can open is shown to them.
fn page_address(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    (matches!(url.scheme(), "https" | "http") && url.has_host()).then(|| url.to_string())
}

fn identifier(made: &Value) -> Result<String, Fault> {
    let id = made["id"].as_str().ok_or_else(|| strange("no id"))?;
    segment(id).map(str::to_owned)
}

/// An identifier as a part of a path: letters, digits, `_`.
fn segment(id: &str) -> Result<&str, Fault> {
    let sound =
        (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    sound.then_some(id).ok_or_else(|| strange("a strange id"))
}

fn strange(what: &str) -> Fault {
    Fault::new(
        Kind::Conflict,
        "provider_strange",
        format!(
            "The payment provider answered with {what}. Nothing was booked; the operator has to \
             compare address and version of its API in the settings."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "sk_test_verysecret\n").unwrap();
        let secrets = folder.path().join("secrets");
        std::fs::write(&secrets, "whsec_one\n\nwhsec_two\n").unwrap();
        let settings = StripeSettings {
            stripe_key_file: Some(file),
            stripe_webhook_secrets_file: Some(secrets),
            ..StripeSettings::default()
        };
        let stripe = Stripe::open(&settings).unwrap().unwrap();
        assert_eq!(stripe.secrets().len(), 2);
        let shown = format!("{stripe:?} {settings:?} {:?}", settings.set());
        assert!(!shown.contains("verysecret") && !shown.contains("whsec"));
        assert!(stripe.takes(false) && !stripe.takes(true));
    }

    #[test]
    fn settings_that_do_not_fit_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "sk_test_x").unwrap();
        let open = |url: &str| {
            Stripe::open(&StripeSettings {
                stripe_key_file: Some(file.clone()),
                stripe_url: Some(url.to_owned()),
                ..StripeSettings::default()
            })
        };
        for good in [
            "https://pay.example",
            "http://127.0.0.1:12111",
            "http://localhost:1",
        ] {
            assert!(open(good).unwrap().is_some(), "{good}");
        }
        for bad in [
            "http://pay.example",
            "ftp://x",
            "pay.example",
            "https://u:p@pay.example",
        ] {
            assert!(open(bad).is_err(), "{bad}");
        }
        let missing = StripeSettings {
            stripe_key_file: Some(folder.path().join("none")),
            ..StripeSettings::default()
        };
        assert!(Stripe::open(&missing).is_err());
    }

    #[test]
    fn an_identifier_never_leaves_its_place_in_a_path() {
        assert!(segment("txn_1Bl3mMGW").is_ok());
        for bad in ["", "../charges", "a/b", "a?b", "a%2f", &"a".repeat(256)] {
            assert!(segment(bad).is_err(), "{bad}");
        }
    }
}
