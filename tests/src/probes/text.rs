//! Texts of a given length that match a pattern.

/// Texts of `length` characters that match, made of a sample; where something has to be added, one for each way
/// of doing it.
pub(super) fn of_length(sample: &str, length: usize, matches: &dyn Fn(&str) -> bool) -> Vec<String> {
    let have = sample.chars().count();
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if text.chars().count() == length && matches(&text) && !found.contains(&text) {
            found.push(text);
        }
    };
    if have == length {
        add(sample.to_owned());
    } else if have < length {
        let missing = length - have;
        for padding in ["a", "1", " ", "."] {
            add(format!("{sample}{}", padding.repeat(missing)));
        }
        for padding in ["a", " "] {
            add(format!("{}{sample}", padding.repeat(missing)));
        }
        if let Some((start, last)) = sample.char_indices().last() {
            let (before, last) = (&sample[..start], last.to_string());
            add(format!("{before}{}{last}", "a".repeat(missing)));
        }
    } else {
        add(shrunk(sample, length, matches));
        add(sample.chars().take(length).collect());
    }
    for filler in ["a", "1", "x", "é", "."] {
        add(filler.repeat(length));
    }
    found
}

/// Takes characters out for as long as the rest matches.
fn shrunk(sample: &str, length: usize, matches: &dyn Fn(&str) -> bool) -> String {
    let mut left: Vec<char> = sample.chars().collect();
    let mut at = 0;
    while left.len() > length && at < left.len() {
        let mut shorter = left.clone();
        shorter.remove(at);
        if matches(&shorter.iter().collect::<String>()) {
            left = shorter;
        } else {
            at += 1;
        }
    }
    left.into_iter().collect()
}

/// What is put into a sample to see whether a pattern lets it through.
const INTRUDERS: [&str; 12] = [" ", "/", "\\", ",", "@", "\t", "\u{7f}", "é", ":", "-", "~", "("];

/// Texts with something in them that the pattern refuses, and such that it lets through.
pub(super) fn intruded(sample: &str, matches: &dyn Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    let mut all: Vec<String> = INTRUDERS.iter().map(|intruder| format!("{sample}{intruder}")).collect();
    all.extend(["  ".to_owned(), String::new()]);
    let (accepted, refused): (Vec<String>, Vec<String>) = all.into_iter().partition(|text| matches(text));
    (refused, accepted.into_iter().filter(|text| !text.trim().is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_get_the_length_that_is_wanted() {
        let any = |_: &str| true;
        assert!(of_length("plans", 3, &any).iter().all(|text| text.chars().count() == 3));
        assert!(of_length("plans", 9, &any).contains(&"plansaaaa".to_owned()));
        let address =
            |text: &str| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        assert_eq!(of_length("reader@harbour", 3, &address), ["r@r"]);
        assert_eq!(of_length("a", 0, &any), [""]);
    }

    #[test]
    fn what_a_pattern_refuses_is_found() {
        let (refused, accepted) = intruded("tag", &|text| !text.contains(',') && !text.is_empty());
        assert_eq!(refused, ["tag,", ""]);
        assert!(accepted.contains(&"tag/".to_owned()));
    }
}
