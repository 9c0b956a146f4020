//! Regular expressions that users write: with look-around and back references, as they are used to, and
//! with an end to what one may cost.

use fancy_regex::{Regex, RegexBuilder};

/// Steps that looking for a regular expression in one text may take; some tens of milliseconds.
const STEPS: usize = 1_000_000;
/// Bytes that the compiled form of a part may have.
const SIZE: usize = 1024 * 1024;
/// How often a character is repeated to try a regular expression out: enough for what doubles with each, few
/// enough for what takes its square or cube.
const REPEATED: usize = 100;
/// How many texts of one repeated character a regular expression is tried on.
const PROBES: usize = 12;

/// A regular expression that is looked for anywhere in a text, whatever the case.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .backtrack_limit(STEPS)
        .delegate_size_limit(SIZE)
        .build()
        .map_err(|error| plainly(&error.to_string()))
}

/// Whether a regular expression is found in a text; `None` when that takes too long to tell.
pub fn found(regex: &Regex, text: &str) -> Option<bool> {
    regex.is_match(text).ok()
}

/// Checks a regular expression that is to be stored: it must compile, and not run wild on texts of its own
/// characters. Takes up to a second for bad ones.
///
/// # Errors
/// A sentence for the user.
pub fn check(pattern: &str) -> Result<(), String> {
    let regex = compile(pattern).map_err(|why| format!("The regular expression can't be read: {why}."))?;
    for probe in probes(pattern) {
        if found(&regex, &probe).is_none() {
            return Err(
                "The regular expression takes too long on some texts: repeat nothing that is repeated within, \
                 such as `(a+)+`."
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// Texts on which patterns that backtrack without end show it: their own letters and digits, repeated.
fn probes(pattern: &str) -> impl Iterator<Item = String> {
    let mut letters: Vec<char> = Vec::new();
    for letter in ['a', '0'].into_iter().chain(pattern.chars().filter(|c| c.is_alphanumeric())) {
        if !letters.contains(&letter) && letters.len() < PROBES {
            letters.push(letter);
        }
    }
    // What a match can't do without is looked for first, so it must be there.
    let end: String = pattern.chars().filter(|c| !c.is_control()).collect();
    letters.into_iter().flat_map(move |letter| {
        let repeated = letter.to_string().repeat(REPEATED);
        [format!("https://{repeated}!{end}"), format!("{repeated}!{end}")]
    })
}

/// The last line of an error, which says what is wrong; the lines before it draw the pattern.
fn plainly(error: &str) -> String {
    let line = error.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(error).trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.trim_end_matches('.').chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_real_clients_are_understood() {
        for (pattern, text, expected) in [
            (r"https\:\/\/masters\.example\/.+(?<!\.tif|\.tiff)$", "https://masters.example/a.jpg", true),
            (r"https\:\/\/masters\.example\/.+(?<!\.tif|\.tiff)$", "https://masters.example/a.tiff", false),
            ("MASTERS", "https://masters.example/a", true),
            ("^masters", "https://masters.example/a", false),
            (r"(?<letter>[a-z])\k<letter>", "https://x", true),
            (r"/(?!private/)", "s3://bucket", true),
        ] {
            let regex = compile(pattern).unwrap();
            assert_eq!(found(&regex, text), Some(expected), "{pattern} on {text}");
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for pattern in ["*", "(", "[a", r"(?<=", r"(?:\w{1000}){1000}"] {
            let error = check(pattern).unwrap_err();
            assert!(error.ends_with('.') && !error.contains('\n'), "{pattern}: {error}");
        }
    }

    #[test]
    fn what_runs_wild_is_refused_and_has_an_end() {
        for pattern in [r"^(x+x+)+\1y", r"^(?:x+x+)+(?!x)(?=z)y", r"(x*)*\1y"] {
            assert!(check(pattern).unwrap_err().contains("too long"), "{pattern}");
            // Stored ones from before are bounded all the same.
            let text = format!("{}!zy", "x".repeat(900));
            assert_eq!(found(&compile(pattern).unwrap(), &text), None, "{pattern}");
        }
        // Without back references and look-around nothing can run wild.
        assert_eq!(check("^(a+)+b$"), Ok(()));
    }
}
