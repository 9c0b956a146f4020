//! What must be stored but not be readable in the database: sealed with XChaCha20-Poly1305 under a key that
//! lies outside of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    fmt, fs,
    io::{self, Write},
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
pub struct Secrets {
    cipher: XChaCha20Poly1305,
    mac: Hmac<Sha256>,
}

/// Why nothing can be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key file can't be used.
    #[error("the key file can't be used: {0}")]
    File(#[from] io::Error),
    /// The key is none.
    #[error("the secret key must be base64 of 32 bytes: `openssl rand -base64 32` makes one")]
    Key,
    /// The operating system has no randomness to give.
    #[error("there is no randomness to be had")]
    Randomness,
    /// A sealed text was made with another key, or is damaged.
    #[error("a sealed text can't be opened: was the secret key changed?")]
    Sealed,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Uses `key` (base64 of 32 bytes), or the one in the data directory, which is made where it is missing
    /// and which only its owner can read.
    ///
    /// # Errors
    /// When the key is none, or its file can't be used.
    pub fn at(data: &Path, key: Option<&str>) -> Result<Self, SecretsError> {
        let text = match key {
            Some(key) => key.to_owned(),
            None => stored(&data.join(FILE))?,
        };
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| SecretsError::Key)?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| SecretsError::Key)?;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes).map_err(|_| SecretsError::Key)?;
        // The same key as that of the cipher, but for nothing else.
        mac.update(b"customer-api mark\0");
        Ok(Self { cipher, mac })
    }

    /// A text as nobody without the key can read or forge it; never the same twice.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn seal(&self, text: &str) -> Result<String, SecretsError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SecretsError::Randomness)?;
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), text.as_bytes()).map_err(|_| SecretsError::Sealed)?;
        Ok(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// What tells texts apart, and tells nobody without the key what they are.
    pub fn mark(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }

    /// The text that was sealed.
    ///
    /// # Errors
    /// When it was sealed with another key, or is damaged.
    pub fn unseal(&self, sealed: &str) -> Result<String, SecretsError> {
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_| SecretsError::Sealed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(SecretsError::Sealed)?;
        let text = self.cipher.decrypt(&XNonce::from(*nonce), sealed).map_err(|_| SecretsError::Sealed)?;
        String::from_utf8(text).map_err(|_| SecretsError::Sealed)
    }
}

/// What is in the key file. It is made under another name first, so that nobody ever reads half of it.
fn stored(file: &Path) -> Result<String, SecretsError> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return Ok(found?),
    }
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(|_| SecretsError::Randomness)?;
    let new = file.with_extension(format!("{}.new", std::process::id()));
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(BASE64_STANDARD.encode(key).as_bytes())?;
    out.sync_all()?;
    let linked = fs::hard_link(&new, file);
    fs::remove_file(&new)?;
    match linked {
        // Another process was faster: its key counts.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(fs::read_to_string(file)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_key_only() {
        let data = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(data.path(), None).unwrap();
        let sealed = secrets.seal("open sesame").unwrap();
        assert!(!sealed.contains("sesame"));
        assert_ne!(sealed, secrets.seal("open sesame").unwrap());
        let again = Secrets::at(data.path(), None).unwrap();
        assert_eq!(again.unseal(&sealed).unwrap(), "open sesame");

        let other = Secrets::at(data.path(), Some(&BASE64_STANDARD.encode([7; KEY]))).unwrap();
        assert!(matches!(other.unseal(&sealed), Err(SecretsError::Sealed)));
        let mut bytes = BASE64_STANDARD.decode(&sealed).unwrap();
        bytes[NONCE] ^= 1;
        assert!(again.unseal(&BASE64_STANDARD.encode(bytes)).is_err());
        for nonsense in ["", "abc", "not base64!"] {
            assert!(again.unseal(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn marks_are_those_of_a_key() {
        let [one, other] = [1, 2].map(|byte| {
            let key = BASE64_STANDARD.encode([byte; KEY]);
            Secrets::at(Path::new("nowhere"), Some(&key)).unwrap()
        });
        assert_eq!(one.mark(&[b"open", b"sesame"]), one.mark(&[b"opensesame"]));
        assert_ne!(one.mark(&[b"open"]), one.mark(&[b"opens"]));
        assert_ne!(one.mark(&[b"open"]), other.mark(&[b"open"]));
    }

    #[test]
    fn the_key_file_is_its_owners_alone() {
        let data = tempfile::tempdir().unwrap();
        Secrets::at(data.path(), None).unwrap();
        let metadata = fs::metadata(data.path().join(FILE)).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let data = tempfile::tempdir().unwrap();
        for key in ["", "short", &BASE64_STANDARD.encode([7; 31])] {
            assert!(matches!(Secrets::at(data.path(), Some(key)), Err(SecretsError::Key)), "{key}");
        }
        fs::write(data.path().join(FILE), "nonsense").unwrap();
        assert!(matches!(Secrets::at(data.path(), None), Err(SecretsError::Key)));
    }
}
