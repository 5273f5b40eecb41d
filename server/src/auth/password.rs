//! Passwords: argon2id, a bounded number at once, and equal work for accounts that do not exist.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::ctx::{Ctx, blocking};
use crate::error::Fault;

/// Fewest characters of a password.
pub const MIN_CHARS: usize = 10;
/// Most bytes of a password: longer ones only cost work.
pub const MAX_BYTES: usize = 256;

/// Each hash takes `--password-memory` KiB: two at once bound memory and leave the processor to others.
static SEATS: Semaphore = Semaphore::const_new(2);

/// Refuses passwords that are too short, too long, or the account's own name.
///
/// # Errors
/// [`Kind::Invalid`](crate::error::Kind) naming the field `password`.
pub fn check(password: &str, email: &str) -> Result<(), Fault> {
    if password.chars().count() < MIN_CHARS {
        return Err(Fault::invalid(
            "password",
            format!("Use at least {MIN_CHARS} characters."),
        ));
    }
    if password.len() > MAX_BYTES {
        return Err(Fault::invalid(
            "password",
            format!("Use at most {MAX_BYTES} bytes."),
        ));
    }
    if password.eq_ignore_ascii_case(email) {
        return Err(Fault::invalid(
            "password",
            "The password must not be the e-mail address.",
        ));
    }
    Ok(())
}

/// Hashes a password for keeping.
///
/// # Errors
/// An internal fault when hashing itself fails.
pub async fn hash(ctx: &Ctx, password: String) -> Result<String, Fault> {
    let hasher = hasher(ctx)?;
    seated(move || {
        Ok(hasher
            .hash_password(password.as_bytes())
            .map_err(Fault::internal)?
            .to_string())
    })
    .await
}

/// Whether the password belongs to the kept hash. Without a hash (no such account) it does the
/// same work and answers no, so that time does not tell who has an account.
///
/// # Errors
/// An internal fault when hashing itself fails.
pub async fn verify(ctx: &Ctx, password: String, kept: Option<String>) -> Result<bool, Fault> {
    let hasher = hasher(ctx)?;
    seated(move || match kept {
        Some(kept) => {
            let kept = PasswordHash::new(&kept).map_err(Fault::internal)?;
            Ok(hasher.verify_password(password.as_bytes(), &kept).is_ok())
        }
        None => {
            hasher
                .hash_password(password.as_bytes())
                .map_err(Fault::internal)?;
            Ok(false)
        }
    })
    .await
}

fn hasher(ctx: &Ctx) -> Result<Argon2<'static>, Fault> {
    let params =
        Params::new(ctx.config.password_memory_kib, 2, 1, None).map_err(Fault::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn seated<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let seat = SEATS.acquire().await.map_err(Fault::internal)?;
    // The seat goes with the work: a caller who hangs up does not free it early.
    blocking(move || {
        let answer = work();
        drop(seat);
        answer
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn limits_of_a_password() {
        let refused = |password: &str| check(password, "ann.example@example.org").unwrap_err();
        assert_eq!(refused("123456789").kind, Kind::Invalid);
        assert_eq!(refused("123456789").clause.as_deref(), Some("password"));
        assert_eq!(refused("Ann.Example@example.org").kind, Kind::Invalid);
        assert_eq!(refused(&"x".repeat(MAX_BYTES + 1)).kind, Kind::Invalid);
        check("1234567890", "ann@example.org").unwrap();
        check("ääääääääää", "ann@example.org").unwrap();
        check(&"x".repeat(MAX_BYTES), "ann@example.org").unwrap();
    }
}
