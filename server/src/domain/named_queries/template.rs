//! Templates of named queries (`reference/dlcs.md` §6.3): `canvas=n1&space=p1&s1=p2`.
//!
//! A template is pairs `key=value`, joined by `&`. What is printed is the plainest spelling of what was
//! read: reading it again gives the same template.

use crate::domain::{Fault, spaces};
use std::fmt;

/// The highest number an argument can have.
pub const MAX_ARGUMENT: u16 = 100;

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// Its pairs, in the order they were written.
    pub pairs: Vec<Pair>,
}

/// One `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pair {
    /// `space`: the number of the space.
    Space(Operand<i64>),
    /// `spacename`: the name of the space; `space` wins over it.
    SpaceName(Operand<String>),
    /// `s1` to `s3`: a string is equal.
    Text(Slot, Operand<String>),
    /// `n1` to `n3`: a number is equal.
    Number(Slot, Operand<i64>),
    /// `batch`: any of these batches.
    Batch(Operand<Vec<i64>>),
    /// `manifest`: member of any of these manifests.
    Manifest(Operand<Vec<String>>),
    /// `canvas`, `assetOrder`: the order of the images, the most significant term first.
    Order(OrderKey, Vec<Term>),
    /// `#`: a value that follows the arguments of the URL.
    Fixed(String),
    /// `objectname`: what a PDF or ZIP is stored as; may hold placeholders such as `{s1}`.
    ObjectName(String),
    /// `coverpage`: the URL of the first page of a PDF; may hold placeholders such as `{s1}`.
    CoverPage(String),
    /// `redactedmessage`: what a PDF says in place of images that not everybody may see.
    RedactedMessage(String),
    /// A key that has no effect, kept as it is.
    Ignored {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
}

/// What a condition compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand<T> {
    /// `pN`: the N-th argument of the URL, from 1 to [`MAX_ARGUMENT`]. Without it the condition is skipped.
    Argument(u16),
    /// A value as it stands.
    Literal(T),
}

/// Which of the three strings or numbers of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The first.
    One,
    /// The second.
    Two,
    /// The third.
    Three,
}

/// The two names of the key that orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// `canvas`.
    Canvas,
    /// `assetOrder`.
    AssetOrder,
}

/// A field of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `s1` to `s3`.
    Text(Slot),
    /// `n1` to `n3`.
    Number(Slot),
}

/// One term of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// By which field.
    pub field: Field,
    /// Whether the order counts downwards.
    pub descending: bool,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The number of the character where the mistake begins, from 1.
    pub position: usize,
    /// What is wrong, and what to write instead.
    pub detail: String,
}

impl Mistake {
    /// The mistake as a fault of the member `template`.
    pub fn fault(&self) -> Fault {
        Fault::new("/template", format!("Character {}: {}", self.position, self.detail))
    }
}

/// A piece of a template, and the number of its first character.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Piece<'a> {
    /// The pieces between separators.
    fn split(self, separator: char) -> impl Iterator<Item = Piece<'a>> {
        let mut position = self.position;
        self.text.split(separator).map(move |text| {
            let piece = Piece { text, position };
            position += text.chars().count() + 1;
            piece
        })
    }

    /// The same piece without white space around it.
    fn trim(self) -> Self {
        let start = self.text.trim_start();
        let skipped = self.text.chars().count() - start.chars().count();
        Piece { text: start.trim_end(), position: self.position + skipped }
    }

    fn mistake(self, detail: impl Into<String>) -> Mistake {
        Mistake { position: self.position, detail: detail.into() }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Every mistake in it, in the order of their positions.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let (mut pairs, mut mistakes) = (Vec::new(), Vec::new());
        let whole = Piece { text, position: 1 };
        let mut seen: Vec<&str> = Vec::new();
        let next = next_argument(whole);
        for piece in whole.split('&') {
            match pair(piece, next, &mut seen) {
                Ok(pair) => pairs.push(pair),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() { Ok(Self { pairs }) } else { Err(mistakes) }
    }

    /// What of the template has no effect or may surprise, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.pairs.iter().filter_map(without_effect).collect();
        let orders_only = !self.pairs.iter().any(Pair::is_condition);
        if orders_only {
            warnings.push("The template has no condition: it selects every image of the customer.".to_owned());
        } else if self.is_optional() {
            warnings.push(
                "Every condition is skipped where the URL has too few arguments: the query then selects every \
                 image of the customer. Use `p1`, or a value as it stands, in one of them."
                    .to_owned(),
            );
        }
        warnings
    }

    /// Whether a call can leave out so many arguments that no condition is left. A call has one at least,
    /// and those that the template adds.
    fn is_optional(&self) -> bool {
        let fixed = self.pairs.iter().filter(|p| matches!(p, Pair::Fixed(_))).count().max(1);
        self.pairs.iter().filter(|p| p.is_condition()).all(|p| p.argument().is_some_and(|n| usize::from(n) > fixed))
    }
}

impl Pair {
    /// Whether it selects images.
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::Space(_)
                | Self::SpaceName(_)
                | Self::Text(..)
                | Self::Number(..)
                | Self::Batch(_)
                | Self::Manifest(_)
        )
    }

    /// The argument that its condition compares with, if it does.
    pub fn argument(&self) -> Option<u16> {
        match self {
            Self::Space(o) | Self::Number(_, o) => o.argument(),
            Self::SpaceName(o) | Self::Text(_, o) => o.argument(),
            Self::Batch(o) => o.argument(),
            Self::Manifest(o) => o.argument(),
            _ => None,
        }
    }
}

impl<T> Operand<T> {
    fn argument(&self) -> Option<u16> {
        match self {
            Self::Argument(n) => Some(*n),
            Self::Literal(_) => None,
        }
    }
}

fn without_effect(pair: &Pair) -> Option<String> {
    let Pair::Ignored { key, value } = pair else { return None };
    if key == "manifest" {
        return Some(format!(
            "`manifest={value}` is of an older form of templates, where it named a field to group by: it has no effect."
        ));
    }
    let near = KEYS.iter().find(|k| k.eq_ignore_ascii_case(key.trim()));
    Some(match near {
        Some(near) => format!("`{key}` is no key of a template and has no effect: write `{near}`."),
        None => format!("`{key}` is no key of a template and has no effect."),
    })
}

/// The keys that have an effect.
const KEYS: [&str; 16] = [
    "space",
    "spacename",
    "s1",
    "s2",
    "s3",
    "n1",
    "n2",
    "n3",
    "batch",
    "manifest",
    "canvas",
    "assetOrder",
    "#",
    "objectname",
    "coverpage",
    "redactedmessage",
];

/// The first argument after all those that the template names, for advice.
fn next_argument(template: Piece<'_>) -> u16 {
    let named = template.text.split('&').filter_map(|pair| pair.split_once("=p")?.1.parse::<u16>().ok());
    named.max().unwrap_or(0).saturating_add(1)
}

/// Reads one pair; `seen` are the keys before it that can't stand again.
fn pair<'a>(piece: Piece<'a>, next: u16, seen: &mut Vec<&'a str>) -> Result<Pair, Mistake> {
    let parts: Vec<Piece<'a>> = piece.split('=').collect();
    let (key, value) = match parts[..] {
        [only] if only.text.is_empty() => {
            return Err(piece.mistake("There is nothing here: write a pair such as `s1=p1`, and one `&` between two."));
        }
        [only] => {
            let detail = format!("`{}` has no value: write `key=value`, such as `s1=p1`.", only.text);
            return Err(piece.mistake(detail));
        }
        [key, value] => (key, value),
        [_, _, third, ..] => {
            let second = Piece { text: "", position: third.position - 1 };
            return Err(second.mistake("A second `=` can't stand in a pair: write one `=`, and none in the value."));
        }
        [] => return Err(piece.mistake("There is nothing here: write a pair such as `s1=p1`.")),
    };
    if key.text.is_empty() {
        return Err(key.mistake("The pair has no key before `=`: write one such as `s1`."));
    }
    if value.text.is_empty() {
        return Err(value.mistake(format!("`{}` has no value: write one after `=`, such as `p1`.", key.text)));
    }
    if let Some(rest) = key.text.strip_prefix('?') {
        return Err(key.mistake(format!("A template doesn't begin with `?`: write `{rest}=…`.")));
    }
    let pair = known(key.text, value, next)?
        .unwrap_or_else(|| Pair::Ignored { key: key.text.to_owned(), value: value.text.to_owned() });
    // The two names of the order are one key.
    let once = if key.text == "assetOrder" { "canvas" } else { key.text };
    if !matches!(pair, Pair::Fixed(_) | Pair::Ignored { .. }) {
        if seen.contains(&once) {
            return Err(key.mistake(format!("`{}` stands in the template already: leave one out.", key.text)));
        }
        seen.push(once);
    }
    Ok(pair)
}

/// The pair of a key that has an effect.
fn known(key: &str, value: Piece<'_>, next: u16) -> Result<Option<Pair>, Mistake> {
    let text = || value.text.to_owned();
    Ok(Some(match key {
        "space" => Pair::Space(operand(key, value, next, |v| bounded(key, v, 1, spaces::MAX_ID))?),
        "spacename" => Pair::SpaceName(operand(key, value, next, |v| Ok(v.text.to_owned()))?),
        "batch" => Pair::Batch(operand(key, value, next, |v| {
            v.split(',').map(|item| bounded(key, item, 1, i64::MAX)).collect()
        })?),
        // In templates of 2016 `manifest` named the field to group by.
        "manifest" if Field::read(value.text).is_some() => return Ok(None),
        "manifest" => Pair::Manifest(operand(key, value, next, |v| v.split(',').map(listed).collect())?),
        "canvas" => Pair::Order(OrderKey::Canvas, terms(value)?),
        "assetOrder" => Pair::Order(OrderKey::AssetOrder, terms(value)?),
        "#" => Pair::Fixed(text()),
        "objectname" => Pair::ObjectName(text()),
        "coverpage" => Pair::CoverPage(text()),
        "redactedmessage" => Pair::RedactedMessage(text()),
        _ => match Field::read(key) {
            Some(Field::Text(slot)) => Pair::Text(slot, operand(key, value, next, |v| Ok(v.text.to_owned()))?),
            Some(Field::Number(slot)) => {
                Pair::Number(slot, operand(key, value, next, |v| bounded(key, v, i64::MIN, i64::MAX))?)
            }
            None => return Ok(None),
        },
    }))
}

/// A value of a condition. One that begins with `p` and goes on is an argument, or a mistake.
fn operand<'a, T>(
    key: &str,
    value: Piece<'a>,
    next: u16,
    literal: impl FnOnce(Piece<'a>) -> Result<T, Mistake>,
) -> Result<Operand<T>, Mistake> {
    let digits = match value.text.strip_prefix('p') {
        Some(rest) if !rest.is_empty() => rest,
        _ => return Ok(Operand::Literal(literal(value)?)),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(value.mistake(format!(
            "`{0}` begins with `p` but is no argument such as `p1`: for the text itself write `{key}=p{next}&#={0}`.",
            value.text
        )));
    }
    match digits.parse::<u16>() {
        Ok(n) if (1..=MAX_ARGUMENT).contains(&n) => Ok(Operand::Argument(n)),
        _ => Err(value.mistake(format!(
            "`{}` is no argument of a URL: they are counted from `p1` to `p{MAX_ARGUMENT}`.",
            value.text
        ))),
    }
}

fn bounded(key: &str, value: Piece<'_>, min: i64, max: i64) -> Result<i64, Mistake> {
    let number = value.text.parse::<i64>().ok().filter(|n| (min..=max).contains(n));
    number.ok_or_else(|| {
        let example = if key == "batch" { "`batch=570185` or `batch=570185,570186`" } else { "a number" };
        let from = if min == 1 { " from 1" } else { "" };
        value.mistake(format!(
            "`{}` is no whole number{from}, which `{key}` compares with: write {example} or an argument such as `p1`.",
            value.text
        ))
    })
}

fn listed(item: Piece<'_>) -> Result<String, Mistake> {
    if item.text.is_empty() {
        return Err(item.mistake("An item of the list is empty: write one `,` between two items and none at the ends."));
    }
    Ok(item.text.to_owned())
}

fn terms(value: Piece<'_>) -> Result<Vec<Term>, Mistake> {
    value.split(';').map(term).collect()
}

fn term(piece: Piece<'_>) -> Result<Term, Mistake> {
    const EXAMPLE: &str = "write terms such as `n1` or `s2 desc`, with one `;` between two";
    let piece = piece.trim();
    if piece.text.is_empty() {
        return Err(piece.mistake(format!("A term of the order is empty: {EXAMPLE}.")));
    }
    let (name, direction) = match piece.text.split_once([' ', '+']) {
        Some((name, direction)) => (name, Some(direction)),
        None => (piece.text, None),
    };
    let field = Field::read(name).ok_or_else(|| {
        let detail = format!("`{name}` is no field to order by (`s1` to `s3`, `n1` to `n3`): {EXAMPLE}.");
        piece.mistake(detail)
    })?;
    let descending = match direction.map(str::trim) {
        None => false,
        Some(d) if d.eq_ignore_ascii_case("asc") => false,
        Some(d) if d.eq_ignore_ascii_case("desc") => true,
        Some(other) => {
            let after = Piece { text: other, position: piece.position + name.chars().count() + 1 };
            return Err(after.mistake(format!("`{other}` is no direction: write `asc` or `desc`.")));
        }
    };
    Ok(Term { field, descending })
}

impl Field {
    fn read(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let (kind, number) = (letters.next()?, letters.next()?);
        let slot = match (number, letters.next()) {
            ('1', None) => Slot::One,
            ('2', None) => Slot::Two,
            ('3', None) => Slot::Three,
            _ => return None,
        };
        match kind {
            's' => Some(Self::Text(slot)),
            'n' => Some(Self::Number(slot)),
            _ => None,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Three => "3",
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(slot) => write!(f, "s{slot}"),
            Self::Number(slot) => write!(f, "n{slot}"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, if self.descending { " desc" } else { "" })
    }
}

impl<T: fmt::Display> fmt::Display for Operand<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(n) => write!(f, "p{n}"),
            Self::Literal(value) => value.fmt(f),
        }
    }
}

fn joined<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

fn list<T: fmt::Display>(operand: &Operand<Vec<T>>) -> Operand<String> {
    match operand {
        Operand::Argument(n) => Operand::Argument(*n),
        Operand::Literal(items) => Operand::Literal(joined(items, ",")),
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space(space) => write!(f, "space={space}"),
            Self::SpaceName(name) => write!(f, "spacename={name}"),
            Self::Text(slot, text) => write!(f, "{}={text}", Field::Text(*slot)),
            Self::Number(slot, number) => write!(f, "{}={number}", Field::Number(*slot)),
            Self::Batch(batches) => write!(f, "batch={}", list(batches)),
            Self::Manifest(manifests) => write!(f, "manifest={}", list(manifests)),
            Self::Order(OrderKey::Canvas, terms) => write!(f, "canvas={}", joined(terms, ";")),
            Self::Order(OrderKey::AssetOrder, terms) => write!(f, "assetOrder={}", joined(terms, ";")),
            Self::Fixed(value) => write!(f, "#={value}"),
            Self::ObjectName(text) => write!(f, "objectname={text}"),
            Self::CoverPage(url) => write!(f, "coverpage={url}"),
            Self::RedactedMessage(text) => write!(f, "redactedmessage={text}"),
            Self::Ignored { key, value } => write!(f, "{key}={value}"),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.pairs, "&"))
    }
}

#[cfg(test)]
mod tests;
