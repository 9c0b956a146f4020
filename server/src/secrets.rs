//! Sealing what is stored and must not be readable from the database alone: XChaCha20-Poly1305 under a key
//! that is kept outside of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The file of the key in the data directory.
const FILE: &str = "secret.key";
/// Bytes of the key.
const KEY: usize = 32;
/// Bytes of the nonce that stands before each sealed text.
const NONCE: usize = 24;

/// Seals and unseals texts; cheap to clone.
#[derive(Clone)]
pub struct Secrets(XChaCha20Poly1305);

/// Why nothing can be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key file can't be used.
    #[error("the key file can't be used: {0}")]
    File(#[from] io::Error),
    /// The key is none.
    #[error("the secret key must be base64 of 32 bytes")]
    Key,
    /// The operating system has no randomness to give.
    #[error("there is no randomness to be had")]
    Randomness,
    /// A sealed text was made with another key, or is damaged.
    #[error("a sealed text can't be opened: was the secret key changed?")]
    Sealed,
}

impl Secrets {
    /// Uses `key` (base64 of 32 bytes), or the one in the data directory, which is made where it is missing.
    ///
    /// # Errors
    /// When the key is none, or its file can't be used.
    pub fn at(data: &Path, key: Option<&str>) -> Result<Self, SecretsError> {
        let text = match key {
            Some(key) => key.to_owned(),
            None => stored(&data.join(FILE))?,
        };
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| SecretsError::Key)?;
        Ok(Self(XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| SecretsError::Key)?))
    }

    /// A text as nobody without the key can read or forge it.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn seal(&self, text: &str) -> Result<String, SecretsError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SecretsError::Randomness)?;
        let sealed = self.0.encrypt(&XNonce::from(nonce), text.as_bytes()).map_err(|_| SecretsError::Sealed)?;
        Ok(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// The text that was sealed.
    ///
    /// # Errors
    /// When it was sealed with another key, or is damaged.
    pub fn unseal(&self, sealed: &str) -> Result<String, SecretsError> {
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_| SecretsError::Sealed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(SecretsError::Sealed)?;
        let text = self.0.decrypt(&XNonce::from(*nonce), sealed).map_err(|_| SecretsError::Sealed)?;
        String::from_utf8(text).map_err(|_| SecretsError::Sealed)
    }
}

/// The key in a file that its owner alone can read; made if it isn't there.
fn stored(file: &Path) -> Result<String, SecretsError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut new) => {
            let mut key = [0; KEY];
            getrandom::fill(&mut key).map_err(|_| SecretsError::Randomness)?;
            let text = BASE64_STANDARD.encode(key);
            new.write_all(text.as_bytes())?;
            new.sync_all()?;
            Ok(text)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let mut text = String::new();
            OpenOptions::new().read(true).open(file)?.read_to_string(&mut text)?;
            Ok(text)
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_the_same_key_only() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secrets = Secrets::at(one.path(), None).unwrap();
        let sealed = secrets.seal("s3cret").unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, secrets.seal("s3cret").unwrap());
        assert_eq!(Secrets::at(one.path(), None).unwrap().unseal(&sealed).unwrap(), "s3cret");
        assert!(Secrets::at(other.path(), None).unwrap().unseal(&sealed).is_err());
        assert!(secrets.unseal("").is_err());
        assert!(secrets.unseal(&sealed.replace(&sealed[40..42], "AA")).is_err());
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(Secrets::at(data.path(), Some("abc")), Err(SecretsError::Key)));
        assert!(matches!(Secrets::at(data.path(), Some("YWJj")), Err(SecretsError::Key)));
    }
}
