//! Collections as streams of their members, over all pages.

use std::{collections::VecDeque, future::Future};

use futures::stream::{self, Stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, ClientInfo as _, Error, Failure, ResponseValue, types};

/// One page of a collection.
pub trait Page: DeserializeOwned {
    /// What the collection holds.
    type Member;

    /// The members of this page, and the link to the next page, if there is one.
    fn into_parts(self) -> (Vec<Self::Member>, Option<String>);
}

/// Implements [`Page`] for the generated collections.
macro_rules! pages {
    ($($collection:ident => $member:ty,)*) => {
        $(impl $crate::Page for $crate::types::$collection {
            type Member = $member;

            fn into_parts(self) -> (Vec<Self::Member>, Option<String>) {
                (self.member, self.view.and_then(|view| view.next))
            }
        })*
    };
}
pub(crate) use pages;

impl Client {
    /// The members of a collection, page after page. `first` asks for the first page; every other
    /// one is what the page before calls `next`, verbatim.
    ///
    /// ```no_run
    /// # use futures::TryStreamExt as _;
    /// # async fn names(client: customer_client::Client) -> Result<Vec<String>, customer_client::Failure> {
    /// client.follow(client.space_list().customer(7).page_size(500).send()).map_ok(|space| space.name).try_collect().await
    /// # }
    /// ```
    ///
    /// The stream ends after the first failure. Following a link to another server than this
    /// client's is one ([`Failure::Elsewhere`]).
    pub fn follow<C, E, F>(&self, first: F) -> impl Stream<Item = Result<C::Member, Failure>>
    where
        C: Page,
        E: Serialize,
        F: Future<Output = Result<ResponseValue<C>, Error<E>>>,
    {
        let start = Walk { waiting: VecDeque::new(), next: Next::First(Box::pin(first)) };
        stream::try_unfold(start, move |mut walk| async move {
            loop {
                if let Some(member) = walk.waiting.pop_front() {
                    return Ok(Some((member, walk)));
                }
                let page = match std::mem::replace(&mut walk.next, Next::None) {
                    Next::First(first) => first.await?.into_inner(),
                    Next::Link(link) => self.page::<C>(&link).await?,
                    Next::None => return Ok(None),
                };
                let (members, next) = page.into_parts();
                walk.waiting = members.into();
                walk.next = next.map_or(Next::None, Next::Link);
            }
        })
    }

    /// The images of a space.
    pub fn images(&self, customer: i64, space: i64) -> impl Stream<Item = Result<types::Image, Failure>> {
        self.follow(self.image_list().customer(customer).space(space).page_size(LARGEST_PAGE).send())
    }

    /// The spaces of a customer.
    pub fn spaces(&self, customer: i64) -> impl Stream<Item = Result<types::Space, Failure>> {
        self.follow(self.space_list().customer(customer).page_size(LARGEST_PAGE).send())
    }

    /// The batches of a customer.
    pub fn batches(&self, customer: i64) -> impl Stream<Item = Result<types::Batch, Failure>> {
        self.follow(self.batch_list().customer(customer).page_size(LARGEST_PAGE).send())
    }

    async fn page<C: Page>(&self, link: &str) -> Result<C, Failure> {
        let elsewhere = || Failure::Elsewhere { link: link.to_owned(), asked: self.baseurl().to_owned() };
        let target = reqwest::Url::parse(link).map_err(|_| elsewhere())?;
        let own = reqwest::Url::parse(self.baseurl()).map_err(|error| Failure::Invalid(error.to_string()))?;
        if target.origin() != own.origin() {
            return Err(elsewhere());
        }
        let request = self.client().get(target).header(reqwest::header::ACCEPT, "application/json");
        let answer = request.send().await.map_err(Failure::Unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(Failure::Unreachable)?;
        if !status.is_success() {
            return Err(Failure::refused(status, serde_json::from_slice(&body).unwrap_or_default()));
        }
        serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))
    }
}

/// The largest page the server gives.
const LARGEST_PAGE: i64 = 500;

struct Walk<M, F> {
    waiting: VecDeque<M>,
    next: Next<F>,
}

enum Next<F> {
    First(std::pin::Pin<Box<F>>),
    Link(String),
    None,
}
