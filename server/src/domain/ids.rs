//! Ids that clients choose for what they create with PUT (`reference/dlcs.md` §2.11).

/// Characters of an id at most.
pub const MAX_ID: usize = 200;

/// Whether a text can be the id of something: 1 to [`MAX_ID`] of the characters that no URL has to encode.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn check(id: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(plain) || matches!(id, "." | "..") {
        return Err(format!(
            "An id has 1 to {MAX_ID} of the characters A-Z, a-z, 0-9, `.`, `_`, `~` and `-`, and is not `.` or `..`."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_need_no_encoding() {
        for good in ["a", "A.b_c~d-1", &"x".repeat(MAX_ID), "..."] {
            assert_eq!(check(good), Ok(()));
        }
        for bad in ["", ".", "..", "a b", "a/b", "ä", "a%20b", &"x".repeat(MAX_ID + 1)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
