//! sign-up, login, logout, keys.

use std::path::{Path, PathBuf};

use schema::wire::{NewAccount, NewToken, SignIn};

use super::args::{Keys, KeysAction, Login, Logout, SignUp};
use super::ask;
use super::settings::{self, Logins};
use super::stop::{Outcome, Stop};
use super::{block_on, print_text};
use crate::client::Client;

pub async fn sign_up(args: &SignUp) -> Outcome {
    let client = Client::new(&settings::node_of(&args.remote)?)?;
    let party = client
        .sign_up(&NewAccount {
            email: args.email.clone(),
            display_name: args.name.clone(),
            password: ask::new_password(args.password_stdin)?,
            operator_token: args.operator_token.clone(),
        })
        .await?;
    print_text(&format!(
        "Welcome, {}. Others know you as {}.\nNext: granary login --node {} --email {}\n",
        party.display_name,
        party.handle,
        client.node(),
        args.email
    ))
}

pub async fn login(args: &Login) -> Outcome {
    let client = Client::new(&settings::node_of(&args.remote)?)?;
    let who = SignIn {
        email: args.email.clone(),
        password: ask::password(args.password_stdin)?,
    };
    let session = client.sign_in(&who).await?;
    // The session serves only to make a token that can be seen, named and revoked.
    let inside = client.with_token(session.token);
    let token = NewToken {
        name: token_name(),
        days: Some(args.days),
    };
    let made = inside.create_token(&token).await?;
    inside.sign_out().await?;
    let handle = session.party.handle;
    let login = settings::Login {
        handle: handle.clone(),
        token: made.token,
        token_id: made.info.id,
    };
    Logins::load()?.keep(client.node(), login)?;
    print_text(&format!(
        "Signed in at {} as {handle} for {} days.\n",
        client.node(),
        args.days
    ))
}

/// Lets the owner of the account tell machines apart.
fn token_name() -> String {
    let machine = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match machine.trim() {
        "" => "granary command line".to_owned(),
        name => format!(
            "granary command line on {}",
            name.chars().take(60).collect::<String>()
        ),
    }
}

pub async fn logout(args: &Logout) -> Outcome {
    let node = settings::node_of(&args.remote)?;
    let Some(login) = Logins::load()?.forget(&node)? else {
        return print_text(&format!("Not signed in at {node}.\n"));
    };
    let gone = Client::new(&node)?
        .with_token(login.token)
        .revoke_token(login.token_id)
        .await;
    match gone {
        Ok(()) => print_text(&format!("Signed out at {node}: the token is revoked.\n")),
        // A token that the node no longer takes is as good as revoked.
        Err(error) if error.code().is_some() => print_text(&format!("Signed out at {node}.\n")),
        Err(error) => Err(Stop {
            words: format!(
                "the token is removed here, but the node could not be told: {error}; \
                 revoke it in the browser under Account"
            ),
            ..Stop::from(error)
        }),
    }
}

pub fn keys(args: Keys) -> Outcome {
    match args.action {
        KeysAction::New { out, replace } => {
            let path = settings::key_path(out.as_deref())?;
            let kept = if path.exists() && replace {
                Some(set_aside(&path)?)
            } else {
                None
            };
            if path.exists() {
                return Err(Stop::new(
                    super::Exit::Usage,
                    format!(
                        "there is a key at {} already, and files sealed to it open with no other; \
                         with --replace it is kept beside the new one",
                        path.display()
                    ),
                ));
            }
            let recipient = settings::write_key(&path)?;
            print_text(&told(&path, kept.as_deref(), &recipient.to_string()))
        }
        KeysAction::Node { remote } => block_on(async {
            let info = settings::visitor(&remote)?.node_info().await?;
            let keys = info.verify_keys.iter();
            print_text(
                &keys
                    .map(|key| format!("{}\n", key.public_key))
                    .collect::<String>(),
            )
        }),
        KeysAction::Show { key } => {
            let identity = settings::read_key(&settings::key_path(key.key.as_deref())?)?;
            print_text(&format!("{}\n", identity.to_recipient()))
        }
    }
}

fn told(path: &Path, kept: Option<&Path>, recipient: &str) -> String {
    let mut text = format!(
        "Your key is in {}\nPublic half: {recipient}\n\n",
        path.display()
    );
    if let Some(kept) = kept {
        text.push_str(&format!("The old key is kept in {}\n\n", kept.display()));
    }
    text.push_str(
        "Back the file up now, on another disk or on paper. Nobody else has it: without it\n\
         the files you buy cannot be opened. The node can seal a licensed file again for a\n\
         new key (granary licence reissue), but not for an expired licence.\n",
    );
    text
}

/// Moves a file to the first free name beside it.
fn set_aside(path: &Path) -> Outcome<PathBuf> {
    let name = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".old-{n}"));
        PathBuf::from(name)
    };
    let free = (1..10_000)
        .map(name)
        .find(|name| !name.exists())
        .unwrap_or_else(|| name(0));
    std::fs::rename(path, &free).map_err(Stop::file(path))?;
    Ok(free)
}
