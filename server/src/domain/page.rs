//! Paging of lists.

use super::Error;
use crate::store::{Value, page::Window};

/// Members per page unless something else is asked for.
pub const DEFAULT_SIZE: i64 = 100;
/// The largest page.
pub const MAX_SIZE: i64 = 500;

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// The number of the page, from 1.
    pub page: i64,
    /// Members per page, 1 to [`MAX_SIZE`].
    pub size: i64,
    /// Keys of the last member of the page before, as [`Page::next`] gave them.
    pub after: Option<Vec<Value>>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { page: 1, size: DEFAULT_SIZE, after: None }
    }
}

impl Paging {
    /// Paging as clients ask for it: pages before the first mean the first, sizes out of range the
    /// default.
    pub fn new(page: Option<i64>, size: Option<i64>, after: Option<Vec<Value>>) -> Self {
        Self {
            // No list is longer, and links to the next page can still be counted.
            page: page.unwrap_or(1).clamp(1, i64::MAX / MAX_SIZE - 1),
            size: size.filter(|s| (1..=MAX_SIZE).contains(s)).unwrap_or(DEFAULT_SIZE),
            after,
        }
    }

    /// The rows of this page.
    pub fn window(&self) -> Window {
        Window { size: self.size, offset: (self.page - 1).saturating_mul(self.size), after: self.after.clone() }
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The members.
    pub items: Vec<T>,
    /// How many members there are on all pages.
    pub total: i64,
    /// Where the next page starts, if there is one.
    pub next: Option<Vec<Value>>,
}

impl<T> Page<T> {
    /// A page of rows of a list of `total`.
    pub fn new((items, next): (Vec<T>, Option<Vec<Value>>), total: i64) -> Self {
        Self { items, total, next }
    }

    /// The same page with other members.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), total: self.total, next: self.next }
    }
}

/// One page of a short list that is all there; its cursors say how many members come before.
///
/// # Errors
/// [`Error::Invalid`] for a cursor of another list.
pub fn short<T>(all: Vec<T>, paging: &Paging) -> Result<Page<T>, Error> {
    let window = paging.window();
    let skip = match window.after.as_deref() {
        None => window.offset,
        Some([Value::Int(before)]) => *before,
        Some(_) => return Err(crate::store::Error::Position.into()),
    };
    let total = all.len() as i64;
    let end = skip.saturating_add(window.size);
    let next = (end < total).then(|| vec![Value::Int(end)]);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let take = usize::try_from(window.size).unwrap_or(usize::MAX);
    Ok(Page::new((all.into_iter().skip(skip).take(take).collect(), next), total))
}
