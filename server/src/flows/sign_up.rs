//! A person or organisation opens an account.

use schema::db::Db;
use schema::wire::{NewAccount, PartyView};

use crate::auth::password;
use crate::auth::secret::{Purpose, Secret};
use crate::ctx::Ctx;
use crate::error::{Fault, Kind};
use crate::store::links;
use crate::store::parties::{self, PartyRow};

/// Most bytes of an e-mail address (RFC 5321).
const EMAIL_MAX: usize = 254;
/// Fewest and most characters of a display name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=80;
/// How often a lost race for an address or a handle is run again.
const TRIES: u8 = 5;
/// Most characters of the part of a handle that comes from the name.
const HANDLE_BASE: usize = 32;

/// Opens an account. The handle comes from the display name, with a number where it is taken;
/// a valid `operator_token` is used up and makes the account the node's operator.
///
/// # Errors
/// [`Kind::Invalid`] naming the field; `email_taken`; `link_ended` for an operator token that is
/// unknown, used or past its time.
pub async fn run(ctx: &Ctx, new: NewAccount) -> Result<PartyView, Fault> {
    let email = email(&new.email)?;
    let display_name = display_name(&new.display_name)?;
    password::check(&new.password, &email)?;
    let link = new
        .operator_token
        .as_deref()
        .map(operator_link)
        .transpose()?;
    let password_hash = password::hash(ctx, new.password).await?;
    let row = PartyRow {
        id: ctx.id().into(),
        handle: String::new(),
        email,
        display_name,
        password_hash,
        operator: link.is_some(),
        created_at: ctx.now().into(),
    };
    let mut tries = 0..TRIES;
    loop {
        let (row, link) = (row.clone(), link.clone());
        match ctx.write(move |db| open(db, row, link.as_ref())).await {
            // Somebody took the address or the handle between look and insert: look again.
            Err(fault) if fault.code == parties::TAKEN && tries.next().is_some() => {}
            answer => return answer,
        }
    }
}

fn open(db: &mut Db, mut row: PartyRow, link: Option<&Secret>) -> Result<PartyView, Fault> {
    if parties::by_email(db, &row.email)?.is_some() {
        return Err(email_taken());
    }
    if let Some(link) = link {
        let now = row.created_at.into();
        links::take(db, links::OPERATOR, &link.hash(), now)?.ok_or_else(link_ended)?;
        links::forget_unused(db, links::OPERATOR, None)?;
    }
    row.handle = free_handle(db, &row.display_name)?;
    parties::insert(db, &row)?;
    Ok(row.own_view())
}

fn email(text: &str) -> Result<String, Fault> {
    let email = text.trim().to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let parts = email.split_once('@');
    let sound = parts
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if sound && email.len() <= EMAIL_MAX && !email.contains(odd) {
        return Ok(email);
    }
    Err(Fault::invalid(
        "email",
        "Give an e-mail address such as ann@example.org.",
    ))
}

fn display_name(text: &str) -> Result<String, Fault> {
    let name = text.trim();
    if NAME_CHARS.contains(&name.chars().count()) && !name.contains(char::is_control) {
        return Ok(name.to_owned());
    }
    let (least, most) = (NAME_CHARS.start(), NAME_CHARS.end());
    Err(Fault::invalid(
        "display_name",
        format!("Give a name of {least} to {most} characters."),
    ))
}

fn operator_link(text: &str) -> Result<Secret, Fault> {
    Secret::read(text)
        .filter(|secret| secret.purpose() == Purpose::Link)
        .ok_or_else(link_ended)
}

fn free_handle(db: &mut Db, name: &str) -> Result<String, Fault> {
    let base = handle_base(name);
    let mut handle = base.clone();
    for number in 2_u32.. {
        if parties::handle_free(db, &handle)? {
            break;
        }
        handle = format!("{base}-{number}");
    }
    Ok(handle)
}

/// The letters and digits of a name in lower case, other runs as one dash.
fn handle_base(name: &str) -> String {
    let mut base = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            base.push(c);
        } else if !base.is_empty() && !base.ends_with('-') {
            base.push('-');
        }
    }
    base.truncate(HANDLE_BASE);
    let base = base.trim_end_matches('-');
    if base.is_empty() {
        "party".to_owned()
    } else {
        base.to_owned()
    }
}

fn email_taken() -> Fault {
    Fault::conflict(
        "email_taken",
        "There is an account with this e-mail address; sign in instead.",
    )
    .about("email")
}

fn link_ended() -> Fault {
    Fault::new(
        Kind::Gone,
        "link_ended",
        "This link is unknown, was used, or its time is over. Ask for a new one; \
         a node without an operator prints one at each start.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_come_from_names() {
        let table = [
            ("Ann Example", "ann-example"),
            ("  --ACME & Söhne GmbH. ", "acme-s-hne-gmbh"),
            ("データ", "party"),
            ("x".repeat(80).as_str(), "x".repeat(HANDLE_BASE).as_str()),
        ]
        .map(|(name, handle)| (name.to_owned(), handle.to_owned()));
        for (name, handle) in table {
            assert_eq!(handle_base(&name), handle);
        }
    }

    #[test]
    fn limits_of_names_and_addresses() {
        assert_eq!(email(" Ann@Example.ORG ").unwrap(), "ann@example.org");
        for bad in [
            "",
            "ann",
            "@x",
            "ann@",
            "a@b@c",
            "a b@c",
            &format!("{}@x", "a".repeat(EMAIL_MAX - 1)),
        ] {
            assert_eq!(
                email(bad).unwrap_err().clause.as_deref(),
                Some("email"),
                "{bad}"
            );
        }
        email(&format!("{}@x", "a".repeat(EMAIL_MAX - 2))).unwrap();
        for good in ["Jo", &"x".repeat(80)] {
            display_name(good).unwrap();
        }
        for bad in ["J", " J ", "a\u{7}b", &"x".repeat(81)] {
            assert_eq!(
                display_name(bad).unwrap_err().clause.as_deref(),
                Some("display_name")
            );
        }
    }
}
