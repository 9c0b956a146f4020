//! Passwords of people: only Argon2id hashes of them are kept.

use super::Error;
use crate::store;
use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use tokio::sync::Semaphore;

/// Memory for one hash, in KiB. This and the two below are the least that the OWASP Password Storage
/// Cheat Sheet recommends for Argon2id.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// Lanes of the memory.
pub const LANES: u32 = 1;

/// Hashes that may be made at the same time, as each takes [`MEMORY_KIB`].
static SLOTS: Semaphore = Semaphore::const_new(2);

fn failed(e: &impl std::fmt::Display) -> Error {
    Error::Store(store::Error::File(std::io::Error::other(format!("hashing a password: {e}"))))
}

/// The Argon2id hash of a password under a random salt, as a PHC string. Made off the async threads.
///
/// # Errors
/// When the operating system has no randomness or memory to give.
pub async fn hash(password: String) -> Result<String, Error> {
    let slot = SLOTS.acquire().await.map_err(|e| failed(&e))?;
    let task = tokio::task::spawn_blocking(move || {
        // A caller who goes away doesn't end this, so the slot stays with the work.
        let _slot = slot;
        hash_now(&password)
    });
    task.await.map_err(|e| failed(&e))?
}

fn hash_now(password: &str) -> Result<String, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| failed(&e))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(argon2.hash_password(password.as_bytes()).map_err(|e| failed(&e))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordVerifier, password_hash::phc::PasswordHash};

    #[tokio::test]
    async fn a_hash_costs_what_it_must_and_knows_its_password() {
        let text = hash("tide table 1851".to_owned()).await.unwrap();
        let parsed = PasswordHash::new(&text).unwrap();
        assert_eq!(parsed.algorithm.as_str(), "argon2id");
        assert_eq!(parsed.version, Some(19));
        let cost = |name: &str| parsed.params.get_decimal(name).unwrap();
        // The numbers of the recommendation stand here once more, so that nobody weakens them unseen.
        assert!(cost("m") >= 19_456 && cost("t") >= 2 && cost("p") == 1, "{text}");
        assert!(parsed.hash.unwrap().len() >= 32 && parsed.salt.unwrap().len() >= 16, "{text}");
        assert!(Argon2::default().verify_password(b"tide table 1851", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"tide table 1852", &parsed).is_err());
    }

    #[tokio::test]
    async fn equal_passwords_have_different_hashes() {
        let both = futures::future::join(hash("same".to_owned()), hash("same".to_owned())).await;
        assert_ne!(both.0.unwrap(), both.1.unwrap());
    }
}
