//! The queue: registration of images in bulk, and of one at a time.

use super::{
    Error, Fault,
    batches::{Batch, State},
    check, expect,
    images::{Image, ImageRef},
    keys::lock_usage,
    register::{self, Mode, PRIORITY_HIGH, Registration, Rules},
    time,
};
use crate::store::{self, Db, usage::Usage};
use futures::FutureExt;
use std::collections::HashMap;

/// The numbers of a customer's queue.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64) -> Result<Usage, Error> {
    store::usage::get(db, customer).await?.ok_or_else(|| Error::Missing(format!("There is no customer {customer}.")))
}

/// What of a customer is on the lane that is served first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lane {
    /// Images.
    pub images: i64,
    /// Those of them that belong to batches.
    pub of_batches: i64,
    /// The batches these belong to.
    pub batches: i64,
}

/// The numbers of a customer's priority lane.
///
/// # Errors
/// Whatever the database says.
pub async fn priority(db: &Db, customer: i64) -> Result<Lane, Error> {
    Ok(store::work::lane(db, customer, PRIORITY_HIGH).await?)
}

/// The numbers of the queues of all customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Images of all customers.
    pub images: i64,
    /// Those that wait for a worker or are with one.
    pub waiting: i64,
    /// Those of them on the priority lane.
    pub priority: i64,
    /// Those of them that are timed.
    pub timed: i64,
    /// Those of them that are files.
    pub files: i64,
    /// Images that failed in their last ingest.
    pub failed: i64,
}

/// The numbers of all queues.
///
/// # Errors
/// Whatever the database says.
pub async fn summary(db: &Db) -> Result<Summary, Error> {
    Ok(store::work::summary(db, PRIORITY_HIGH).await?)
}

/// Which images a lane refuses.
fn unfit(members: &[Registration], priority: i64) -> Vec<Fault> {
    let other = |family: &&str| priority == PRIORITY_HIGH && *family != "I";
    members
        .iter()
        .enumerate()
        .filter_map(|(i, member)| Some((i, member.family.as_deref().filter(other)?)))
        .map(|(i, family)| {
            let detail = format!("The priority lane is for images only, not for family {family}: use the queue.");
            Fault::new(format!("/member/{i}/family"), detail)
        })
        .collect()
}

/// Puts a batch on a lane of the queue, all of it or nothing.
///
/// # Errors
/// [`Error::Invalid`] with a pointer to each member at fault, [`Error::Quota`], or whatever the
/// database says.
pub async fn submit(
    db: &Db,
    rules: &Rules,
    customer: i64,
    members: Vec<Registration>,
    priority: i64,
) -> Result<Batch, Error> {
    let mut faults = duplicates(&members);
    faults.extend(unfit(&members, priority));
    for (i, member) in members.iter().enumerate() {
        faults.extend(register::faults(member, &format!("/member/{i}"), &rules.allowed));
    }
    check(faults)?;
    let policies = rules.policies.clone();
    db.write(move |tx| {
        async move {
            let pointers: Vec<String> = (0..members.len()).map(|i| format!("/member/{i}")).collect();
            let id = store::counters::take(tx, "batch", 1).await?;
            let mode = Mode { batch: Some(id), priority, lease: 0 };
            let count = members.len() as i64;
            let images = register::register(tx, &policies, customer, members, &pointers, mode).await?;
            let batch = Batch {
                id,
                customer,
                submitted: images.first().map_or_else(time::now, |i| i.queued.unwrap_or(i.created)),
                count,
                completed: 0,
                errors: 0,
                finished: None,
                remaining: count,
                state: State::Active,
                version: 1,
            };
            let members: Vec<(i64, String)> = images.into_iter().map(|i| (i.at.space, i.at.id)).collect();
            store::batches::insert(tx, &batch, &members).await?;
            Ok(batch)
        }
        .boxed()
    })
    .await
}

/// Two members may not be the same image.
fn duplicates(members: &[Registration]) -> Vec<Fault> {
    let mut seen: HashMap<(i64, &str), usize> = HashMap::new();
    let mut faults = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let Some(id) = member.id.as_deref() else { continue };
        if let Some(first) = seen.insert((member.space, id), i) {
            let detail = format!(
                "The id `{id}` stands at /member/{first} already for space {}: name each image once.",
                member.space
            );
            faults.push(Fault::new(format!("/member/{i}/id"), detail));
        }
    }
    faults
}

/// Registers one image for the caller to ingest at once, who holds it until `lease` (milliseconds since
/// the epoch). Where `version` is given the image must still have it, see [`expect`]. Answers the image and whether it
/// is new.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Quota`], [`Error::Changed`], or whatever the database says.
pub async fn submit_one(
    db: &Db,
    rules: &Rules,
    customer: i64,
    registration: Registration,
    lease: i64,
    version: Option<i64>,
) -> Result<(Image, bool), Error> {
    check(register::faults(&registration, "", &rules.allowed))?;
    let policies = rules.policies.clone();
    db.write(move |tx| {
        async move {
            // The numbers of the customer are locked first everywhere, so that no two wait for each other.
            lock_usage(tx, customer).await?;
            let old = match &registration.id {
                Some(id) => {
                    let at = ImageRef { customer, space: registration.space, id: id.clone() };
                    store::images::lock(tx, &at).await?
                }
                None => None,
            };
            expect(version, old.as_ref().map(|o| o.version))?;
            let mode = Mode { batch: None, priority: PRIORITY_HIGH, lease };
            let images =
                register::register(tx, &policies, customer, vec![registration], &[String::new()], mode).await?;
            let image =
                images.into_iter().next().ok_or_else(|| Error::invalid("", "There is no image to register."))?;
            Ok((image, old.is_none()))
        }
        .boxed()
    })
    .await
}
