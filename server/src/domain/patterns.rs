//! Regular expressions that users write: with look-around and back references, as they are used to, and
//! with an end to what one may cost.

use crate::shares::{Place, Shares};
use fancy_regex::{AstNode, Expr, LookAround, Regex, RegexBuilder};
use std::{
    sync::LazyLock,
    thread::available_parallelism,
    time::{Duration, Instant},
};
use tokio::sync::AcquireError;

/// Steps that looking for one regular expression in one text may take. A step goes back and tries something else; what
/// it tries may go through all of the text, so that steps alone say little of the time. An origin of a thousand
/// characters takes an expression that goes through it for each of them about so many.
const STEPS: usize = 2_000_000;
/// Steps that every regular expression may take whatever others took; those of most are far fewer.
const SHARE: usize = 2_000;
/// Steps that all regular expressions which are looked for in one text may take beyond their shares.
const TOGETHER: usize = 2 * STEPS;
/// Steps that trying out a regular expression may take beyond those.
const TRIED: usize = 8 * STEPS;
/// How long all that is looked for in one text, or to try one expression out, may take, to compile it included. It is
/// looked at between searches, each of which has its end by its steps.
const LONGEST: Duration = Duration::from_secs(10);
/// How many times as many steps an expression may take when those it was given were too few.
const MORE: usize = 4;
/// Bytes that the compiled form of a part may have.
const SIZE: usize = 1024 * 1024;
/// Parts that a compiled form may have; those of an expression of a thousand characters that repeats nothing are fewer.
const PARTS: usize = 5_000;
/// Characters of the texts that a regular expression is tried out on: as many as an origin may have.
const LENGTH: usize = 1000;
/// How often a character is repeated in such a text at least, however long the regular expression is.
const REPEATED: usize = 200;
/// How many different characters of a regular expression are repeated.
const CHARACTERS: usize = 40;
/// One character of each kind that a regular expression can name without writing one of it down.
const KINDS: [char; 6] = ['a', '0', '_', '-', ' ', 'é'];

/// What is looked for in origins. One customer may take all of it, but no more of its own stand in line.
static SEARCHES: LazyLock<Shares> = LazyLock::new(|| Shares::new(cores(), cores()));
/// What is tried out, and may take its full time.
static TRIALS: LazyLock<Shares> = LazyLock::new(|| Shares::new(cores(), cores() / 2));

/// How many are looked for, and tried out, at once.
fn cores() -> usize {
    available_parallelism().map_or(1, usize::from).max(2)
}

/// Waits for room to look for the regular expressions of a customer.
///
/// # Errors
/// Never: the room is not closed.
pub async fn room_to_search(customer: i64) -> Result<Place, AcquireError> {
    SEARCHES.enter(customer).await
}

/// Waits for room to try out a regular expression of a customer.
///
/// # Errors
/// Never: the room is not closed.
pub async fn room_to_try(customer: i64) -> Result<Place, AcquireError> {
    TRIALS.enter(customer).await
}

/// A regular expression that is looked for anywhere in a text, whatever the case.
fn compile(pattern: &str, steps: usize) -> Result<Regex, String> {
    let told = |error: &dyn ToString| format!("The regular expression can't be read: {}.", plainly(&error.to_string()));
    if let Some(what) = unfit(&Expr::parse_tree(pattern).map_err(|e| told(&e))?.expr) {
        return Err(format!("The regular expression {what}: write out what it is to match."));
    }
    let builder = &mut RegexBuilder::new(pattern);
    let builder = builder.case_insensitive(true).backtrack_limit(steps).delegate_size_limit(SIZE).max_prog_size(PARTS);
    builder.build().map_err(|e| told(&e))
}

/// What of an expression is written out time and again where it stands in itself, to compile it or to find where it
/// may begin: neither steps nor the size of the result bound what that costs. Or what the engine takes for granted.
fn unfit(expression: &Expr) -> Option<&'static str> {
    let is_call = |node: &Expr| matches!(node, Expr::SubroutineCall(_) | Expr::AstNode(AstNode::SubroutineCall(_), _));
    if expression.has_descendant_or_self(is_call) {
        return Some(r"calls a group of itself, such as with `\g<1>`");
    }
    if expression.has_descendant_or_self(|node| is_behind(node) && node.has_descendant(is_behind)) {
        return Some("has a look-behind within a look-behind");
    }
    let mut referring = Vec::new();
    groups(expression, &mut |inner| referring.push(inner.has_descendant_or_self(|node| refers(node).is_some())));
    let is_chained = |node: &Expr| refers(node).is_some_and(|group| referring.get(group - 1) == Some(&true));
    if expression.has_descendant_or_self(is_chained) {
        return Some("refers back to a group that itself refers back to one");
    }
    let asks_in_vain =
        |node: &Expr| matches!(node, Expr::BackrefExistsCondition { group, .. } if *group > referring.len());
    expression.has_descendant_or_self(asks_in_vain).then_some("depends on a group that it doesn't have")
}

fn is_behind(node: &Expr) -> bool {
    matches!(node, Expr::LookAround(_, LookAround::LookBehind | LookAround::LookBehindNeg))
}

/// The group that an expression refers back to, counted from 1.
fn refers(node: &Expr) -> Option<usize> {
    match node {
        Expr::Backref { group, .. } | Expr::BackrefWithRelativeRecursionLevel { group, .. } => Some((*group).max(1)),
        _ => None,
    }
}

/// What is in the groups, in the order in which they begin, which is that of their numbers.
fn groups(expression: &Expr, found: &mut impl FnMut(&Expr)) {
    if let Expr::Group(inner) = expression {
        found(inner);
    }
    expression.children_iter().for_each(|child| groups(child, found));
}

/// What looking for a regular expression in a text came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// It is there.
    Found,
    /// It is not there.
    Absent,
    /// This one alone takes too long to tell.
    TooLong,
    /// Those looked for before and this one take too many steps together.
    Spent,
    /// There is no time left.
    Late,
    /// It can't be used at all; a sentence says why.
    Refused(String),
}

/// Looks for regular expressions, for all of which together there is a limit.
#[derive(Debug)]
pub struct Searcher {
    left: usize,
    end: Instant,
    last: Compiled,
}

/// An expression, compiled once for each number of steps that it was given.
#[derive(Debug, Default)]
struct Compiled {
    pattern: String,
    regexes: Vec<Regex>,
}

impl Compiled {
    /// Whether it is in a text; `tries` says how often it had too few steps. Otherwise why that can't be told.
    fn is_in(&mut self, text: &str, tries: usize, steps: usize) -> Result<bool, Search> {
        if self.regexes.len() == tries {
            self.regexes.push(compile(&self.pattern, steps).map_err(Search::Refused)?);
        }
        self.regexes[tries].is_match(text).map_err(|_| Search::TooLong)
    }
}

impl Default for Searcher {
    fn default() -> Self {
        Self::new(TOGETHER)
    }
}

impl Searcher {
    fn new(left: usize) -> Self {
        Self { left, end: Instant::now() + LONGEST, last: Compiled::default() }
    }

    /// Looks for one more.
    pub fn search(&mut self, pattern: &str, text: &str) -> Search {
        if self.last.pattern != pattern {
            self.last = Compiled { pattern: pattern.to_owned(), regexes: Vec::new() };
        }
        // Nobody says how many steps were taken, so that few are allowed first, and more where they are too few.
        let mut steps = SHARE;
        for tries in 0.. {
            if Instant::now() >= self.end {
                return Search::Late;
            }
            match self.last.is_in(text, tries, steps) {
                Ok(true) => return Search::Found,
                Ok(false) => return Search::Absent,
                Err(Search::TooLong) if steps < STEPS => {}
                Err(why) => return why,
            }
            steps = (steps * MORE).min(STEPS);
            let Some(left) = self.left.checked_sub(steps) else { break };
            self.left = left;
        }
        Search::Spent
    }
}

/// Checks a regular expression that is to be stored: it must compile, and not run wild on texts of its own
/// characters. Takes a second or so for most bad ones, and little more than [`LONGEST`] for the worst.
///
/// # Errors
/// A sentence for the user.
pub fn check(pattern: &str) -> Result<(), String> {
    compile(pattern, SHARE)?;
    let mut searcher = Searcher::new(TRIED);
    for probe in probes(pattern) {
        match searcher.search(pattern, &probe) {
            Search::Found | Search::Absent => {}
            Search::TooLong | Search::Late => {
                let detail = "The regular expression takes too long on some texts: repeat nothing that is repeated \
                              within, such as `(a+)+`, and no more than two things that fit the same text.";
                return Err(detail.to_owned());
            }
            // It takes long on many texts, but not too long on any so far.
            Search::Spent => break,
            Search::Refused(detail) => return Err(detail),
        }
    }
    Ok(())
}

/// Texts on which patterns that backtrack without end show it: their own characters, repeated where their beginning
/// or an origin's leads.
fn probes(pattern: &str) -> impl Iterator<Item = String> {
    let mut characters: Vec<char> = Vec::new();
    for character in pattern.chars().filter(|c| !c.is_control()) {
        if characters.len() < CHARACTERS && !characters.contains(&character) {
            characters.push(character);
        }
    }
    characters.extend(KINDS.iter().filter(|kind| !pattern.contains(**kind)));
    let start = literal_start(pattern);
    // What a match can't do without is looked for first, so it must be there.
    let end: String = pattern.chars().filter(|c| !c.is_control()).collect();
    characters.into_iter().flat_map(move |character| {
        ["https://", &start].map(|start| {
            let times = LENGTH.saturating_sub(start.chars().count() + end.chars().count() + 1).max(REPEATED);
            format!("{start}{}!{end}", character.to_string().repeat(times))
        })
    })
}

/// The text that a pattern begins with, as far as it is a plain one.
fn literal_start(pattern: &str) -> String {
    let mut start = String::new();
    let mut rest = pattern.trim_start_matches('^').chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some(escaped) if !escaped.is_alphanumeric() => start.push(escaped),
                _ => break,
            },
            '?' | '$' => {}
            '.' | '(' | '[' | '*' | '+' | '{' | '|' => break,
            plain => start.push(plain),
        }
    }
    start
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

    fn search(pattern: &str, text: &str) -> Search {
        Searcher::default().search(pattern, text)
    }

    #[test]
    fn patterns_of_real_clients_are_understood() {
        for (pattern, text, expected) in [
            (r"https\:\/\/masters\.example\/.+(?<!\.tif|\.tiff)$", "https://masters.example/a.jpg", Search::Found),
            (r"https\:\/\/masters\.example\/.+(?<!\.tif|\.tiff)$", "https://masters.example/a.tiff", Search::Absent),
            (r".*(?<!_thumb)\.(jpg|tif)$", "https://masters.example/a_thumb.tif", Search::Absent),
            (r".*\.(?!tif)[a-z]+$", "https://masters.example/a.jpg", Search::Found),
            (r"(?:(?!thumb).)*\.jpg$", "https://masters.example/a.jpg", Search::Found),
            (r"^https://([^./]+)\.example\.org/\1/.*$", "https://a.example.org/a/b", Search::Found),
            (r"([^/]+)/([^/]+)/\2\.tif", "https://masters.example/a/b/b.tif", Search::Found),
            ("MASTERS", "https://masters.example/a", Search::Found),
            ("^masters", "https://masters.example/a", Search::Absent),
            (r"(?<letter>[a-z])\k<letter>", "https://x", Search::Found),
            (r"/(?!private/)", "s3://bucket", Search::Found),
        ] {
            assert_eq!(search(pattern, text), expected, "{pattern} on {text}");
            assert_eq!(check(pattern), Ok(()), "{pattern}");
            let long = format!("https://masters.example/{}.tiff", "directory/".repeat(97));
            assert!(matches!(search(pattern, &long), Search::Found | Search::Absent), "{pattern}");
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
    fn what_is_written_out_in_itself_is_refused_before_it_is() {
        let doubled: String = ('a'..='v').zip(2..).map(|(c, n)| format!(r"({c}\g<{n}>\g<{n}>)")).collect();
        // Each group has the one before it several times.
        let chained =
            |times: usize| (1..=8).map(|n| format!("({})", format!(r"\{n}").repeat(times))).collect::<String>();
        let behind = |depth: usize| format!("{}c{}x", "(?<=a*".repeat(depth), "b*)".repeat(depth));
        for pattern in [
            &format!("(){}", chained(20)),
            &format!("(^){}", chained(10)),
            r"(?<first>a)(?<second>\k<first>)\k<second>",
            &behind(18),
            &behind(2),
            r"(?<!a*(?=(?<=b)c))x",
            r"(a|b\g<1>\g<1>|c\g<1>)(?=z)",
            r"(a\g<1>?\g<1>?b)",
            r"(?<part>a)\g<part>",
            r"(a)\g<-1>",
            r"a\g<0>?b",
            r"(a)(?1)",
            r"(?<part>a)(?&part)",
            r"(?<part>a)(?P>part)",
            r"(?(DEFINE)(?<part>a))(?&part)",
            r"((?=(?:x(y\g<2>?)+)))",
            &format!("{doubled}(z)"),
        ] {
            let error = check(pattern).expect_err(pattern);
            assert!(error.contains("write out") || error.contains("can't be read"), "{pattern}: {error}");
            // Stored ones from before cost nothing either.
            assert_eq!(search(pattern, "https://example.org/"), Search::Refused(error), "{pattern}");
        }
        assert!(check(r"(a\g<1>?\g<1>?b)").unwrap_err().contains("calls a group of itself"));
        assert!(check(r"a\g<0>?b").unwrap_err().contains("calls a group of itself"));
        assert!(check("(?(2)a|b)").unwrap_err().contains("doesn't have"));
        assert!(check(&chained(2)).is_err() && check(&behind(2)).unwrap_err().contains("look-behind within"));
        // Neither costs anything where it stands in nothing of its kind.
        for pattern in
            [r"(a)?(?(1)b|c)", r"(([a-z])\2)+/([0-9])\3", r"(?<=a)b(?<!c)d", r"(?=a(?=b(?<=b)))", r"([a-z])(\1)x"]
        {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
        // A form of too many parts is no form either.
        assert!(compile(&"(?=a)".repeat(PARTS), SHARE).unwrap_err().contains("can't be read"));
    }

    #[test]
    fn what_runs_wild_is_refused_and_has_an_end() {
        for pattern in [r"^(x+x+)+\1y", r"^(?:x+x+)+(?!x)(?=z)y", r"(x*)*\1y"] {
            assert!(check(pattern).unwrap_err().contains("too long"), "{pattern}");
            // Stored ones from before are bounded all the same.
            let text = format!("{}!zy", "x".repeat(900));
            assert_eq!(search(pattern, &text), Search::TooLong, "{pattern}");
        }
        // Without back references and look-around nothing can run wild.
        assert_eq!(check("^(a+)+b$"), Ok(()));
    }

    #[test]
    fn what_runs_wild_is_found_whatever_it_repeats() {
        for pattern in [
            r"(_+_+)+\1y",
            r"^https?://(-+-+)+\1y",
            r"^https?://masters\.example/(-+-+)+\1y",
            r"([.]+[.]+)+(?=y)z",
            r"(\W+\W+)+\1z",
            r"(\s+\s+)+\1z",
            r"([^a-z]+[^a-z]+)+\1z",
            r"(.*)(.*)\2q7$",
            r"(b*)(b*)\2q7$",
        ] {
            assert!(check(pattern).is_err_and(|e| e.contains("too long")), "{pattern}");
        }
    }

    #[test]
    fn time_is_a_limit_too() {
        let mut searcher = Searcher { end: Instant::now(), ..Searcher::default() };
        assert_eq!(searcher.search("^https", "https://example.org/"), Search::Late);
    }

    #[test]
    fn what_is_looked_for_again_is_compiled_once() {
        let mut searcher = Searcher::default();
        let text = format!("https://example.org/{}", "x".repeat(100));
        for _ in 0..3 {
            assert_eq!(searcher.search(r"^h(.*)(.*)\2q7$", &text), Search::Absent);
        }
        let compiled = searcher.last.regexes.len();
        assert!((2..=3).contains(&compiled), "{compiled}");
    }

    #[test]
    fn many_take_no_longer_together_than_a_few() {
        let text = format!("https://example.org/{}", "x".repeat(900));
        let mut searcher = Searcher::default();
        let mut found = (0..500).map(|n| searcher.search(&format!(r"^h(.*)(.*)\2q7{n}$"), &text));
        assert_eq!(found.next(), Some(Search::Absent));
        let spent = found.position(|found| found == Search::Spent);
        assert!(spent.is_some_and(|n| n < 10), "{spent:?}");
        // Whoever needs few steps still has them.
        assert_eq!(searcher.search("^https", &text), Search::Found);
        assert_eq!(searcher.search(r"https\:\/\/example\.org\/.+(?<!\.tif)$", &text), Search::Found);
    }
}
