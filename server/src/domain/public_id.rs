//! The ids that Fastly's clients see: 128 random bits as 22 digits of base 62.

use super::Error;
use crate::store;
use sha2::{Digest, Sha256};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 22;

/// A new id.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn random() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::Store(store::Error::File(std::io::Error::other(e.to_string()))))?;
    Ok(base62(u128::from_be_bytes(bytes)))
}

/// The id that belongs to a name: always the same one.
pub fn derived(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    base62(digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

fn base62(mut number: u128) -> String {
    let mut digits = [b'0'; LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_22_digits_of_its_own() {
        assert_eq!(base62(0), "0".repeat(LENGTH));
        assert_eq!(base62(61), format!("{}z", "0".repeat(LENGTH - 1)));
        assert_eq!(base62(62), format!("{}10", "0".repeat(LENGTH - 2)));
        // The largest: nothing is cut off.
        assert_eq!(base62(u128::MAX), "7n42DGM5Tflk9n8mt7Fhc7");
    }

    #[test]
    fn ids_differ() {
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
