//! Many images at once, by their ids: found, changed or deleted, all of them in one step.

use super::{
    Error, Fault, check,
    images::{Changes, Image, ImageRef, MAX_LIST, Settings, changed, check_channels, remove},
    keys::lock_usage,
    spaces::{self, Space},
};
use crate::store::{self, Db};
use futures::FutureExt;
use std::collections::{BTreeMap, HashMap, btree_map::Entry};

/// Characters of a tag or free text at most.
const MAX_TEXT: usize = 500;

type Found = HashMap<(i64, String), Image>;

fn keys(wanted: &[ImageRef]) -> Vec<(i64, String)> {
    wanted.iter().map(|at| (at.space, at.id.clone())).collect()
}

fn by_key(images: Vec<Image>) -> Found {
    images.into_iter().map(|image| ((image.at.space, image.at.id.clone()), image)).collect()
}

/// What was found, in the order in which it was wanted.
fn in_order(wanted: Vec<(i64, String)>, mut found: Found) -> Vec<Image> {
    wanted.into_iter().filter_map(|key| found.remove(&key)).collect()
}

/// Those of a customer's images that exist, in the order of the list.
///
/// # Errors
/// Whatever the database says.
pub async fn find(db: &Db, customer: i64, wanted: &[ImageRef]) -> Result<Vec<Image>, Error> {
    let wanted = keys(wanted);
    let found = store::images::find_many(db, customer, &wanted).await?;
    Ok(in_order(wanted, by_key(found)))
}

/// Deletes those of a customer's images that exist; answers what they were.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(db: &Db, customer: i64, wanted: &[ImageRef]) -> Result<Vec<Image>, Error> {
    let wanted = keys(wanted);
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, customer).await?;
            let found = store::images::lock_many(tx, customer, &wanted).await?;
            if !found.is_empty() {
                remove(tx, &found, &mut usage).await?;
                store::usage::put(tx, customer, &usage).await?;
            }
            Ok(found)
        }
        .boxed()
    })
    .await
}

/// Changes images, each in its own way, all or none; every one must exist. None of the changes may be one that asks
/// for another ingest. Answers the images in the order of the changes.
///
/// # Errors
/// [`Error::Invalid`] with a pointer to each member at fault, or whatever the database says.
pub async fn update(db: &Db, customer: i64, changes: Vec<(ImageRef, Changes)>) -> Result<Vec<Image>, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let (wanted, changes): (Vec<ImageRef>, Vec<Changes>) = changes.into_iter().unzip();
            let mut found = by_key(store::images::lock_many(tx, customer, &keys(&wanted)).await?);
            let mut faults = Vec::new();
            let mut images = Vec::with_capacity(wanted.len());
            let mut touched = Vec::new();
            let mut homes: BTreeMap<i64, Space> = BTreeMap::new();
            for (i, (at, changes)) in wanted.into_iter().zip(changes).enumerate() {
                let Some(mut image) = found.remove(&(at.space, at.id.clone())) else {
                    faults.push(unknown(i, &at));
                    continue;
                };
                let home = match homes.entry(at.space) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => place.insert(spaces::home(tx, customer, at.space).await?),
                };
                let new = changed(image.settings.clone(), changes, home);
                let pointer = format!("/member/{i}/mediaType");
                let channels = new.channels.iter().filter(|_| new.media_type != image.settings.media_type);
                // The channels stay, so that a media type they are not for is at fault.
                let misfits = channels.flat_map(|c| check_channels(c, &new.media_type, ""));
                faults.extend(misfits.map(|fault| Fault::new(pointer.clone(), fault.detail)));
                if set(&mut image, new) {
                    touched.push(image.clone());
                }
                images.push(image);
            }
            check(faults)?;
            store::images::put_many(tx, &touched).await?;
            Ok(images)
        }
        .boxed()
    })
    .await
}

/// That a member names an image that doesn't exist.
pub fn unknown(member: usize, at: &ImageRef) -> Fault {
    let detail = format!("The space {} has no image `{}`: register it first.", at.space, at.id);
    Fault::new(format!("/member/{member}/id"), detail)
}

fn set(image: &mut Image, new: Settings) -> bool {
    if new == image.settings {
        return false;
    }
    image.settings = new;
    image.version += 1;
    true
}

/// What is done with the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Those that a list lacks are appended.
    Add,
    /// They are taken out of a list.
    Remove,
    /// They take the place of what was there.
    Replace,
}

impl Operation {
    /// The operation of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "add" => Some(Self::Add),
            "remove" => Some(Self::Remove),
            "replace" => Some(Self::Replace),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Manifests,
    Tags,
    Roles,
}

const NUMBERS: [&str; 3] = ["number1", "number2", "number3"];

/// Whether a field, by its name on the wire, holds a number.
pub fn is_number(field: &str) -> bool {
    NUMBERS.contains(&field)
}

/// The change of one field, the same for many images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    List(List, Operation, Vec<String>),
    Text(usize, String),
    Number(usize, i64),
}

impl FieldChange {
    /// The change of a field by its name on the wire.
    ///
    /// # Errors
    /// Everything that is wrong with it: an unknown field, an operation the field doesn't have, a value out of its
    /// limits.
    pub fn new(field: &str, operation: Operation, values: Vec<String>) -> Result<Self, Vec<Fault>> {
        let list = match field {
            "manifests" => Some(List::Manifests),
            "tags" => Some(List::Tags),
            "roles" => Some(List::Roles),
            _ => None,
        };
        if let Some(list) = list {
            let faults: Vec<Fault> = values
                .iter()
                .enumerate()
                .filter_map(|(i, value)| Some(Fault::new(format!("/value/{i}"), fault_of(list, value)?)))
                .collect();
            return if faults.is_empty() { Ok(Self(Kind::List(list, operation, values))) } else { Err(faults) };
        }
        single(field, operation, values).map(Self).map_err(|fault| vec![fault])
    }

    fn apply(&self, mut settings: Settings) -> Settings {
        match &self.0 {
            Kind::Text(i, text) => settings.strings[*i].clone_from(text),
            Kind::Number(i, number) => settings.numbers[*i] = *number,
            Kind::List(list, operation, values) => {
                let target = match list {
                    List::Manifests => &mut settings.manifests,
                    List::Tags => &mut settings.tags,
                    List::Roles => &mut settings.roles,
                };
                match operation {
                    Operation::Replace => target.clone_from(values),
                    Operation::Remove => target.retain(|value| !values.contains(value)),
                    Operation::Add => {
                        for value in values {
                            if !target.contains(value) {
                                target.push(value.clone());
                            }
                        }
                    }
                }
            }
        }
        settings
    }
}

fn fault_of(list: List, value: &str) -> Option<&'static str> {
    match list {
        _ if value.is_empty() => Some("The value is empty: leave it out."),
        List::Tags if value.contains(',') => Some("A tag has no commas: send two tags."),
        List::Tags if value.chars().count() > MAX_TEXT => Some("A tag has at most 500 characters: shorten it."),
        _ => None,
    }
}

/// The change of a field that holds one value.
fn single(field: &str, operation: Operation, values: Vec<String>) -> Result<Kind, Fault> {
    let place = |names: [&str; 3]| names.iter().position(|name| *name == field);
    let text = place(["string1", "string2", "string3"]);
    let number = place(NUMBERS);
    if text.is_none() && number.is_none() {
        let detail = format!(
            "Unsupported field '{field}': use manifests, tags, roles, string1 to string3 or number1 to number3."
        );
        return Err(Fault::new("/field", detail));
    }
    if operation != Operation::Replace {
        return Err(Fault::new("/operation", format!("`{field}` holds one value: use `replace`.")));
    }
    if values.len() > 1 {
        return Err(Fault::new("/value", format!("`{field}` holds one value, but {} are given.", values.len())));
    }
    let value = values.into_iter().next();
    match (text, number) {
        (Some(_), _) if value.as_ref().is_some_and(|v| v.chars().count() > MAX_TEXT) => {
            Err(Fault::new("/value/0", format!("`{field}` has at most {MAX_TEXT} characters: shorten it.")))
        }
        (Some(i), _) => Ok(Kind::Text(i, value.unwrap_or_default())),
        (None, i) => match value.as_deref().map_or(Ok(0), |v| v.trim().parse()) {
            Ok(parsed) => Ok(Kind::Number(i.unwrap_or_default(), parsed)),
            Err(_) => Err(Fault::new("/value/0", format!("`{field}` takes a whole number of 64 bits."))),
        },
    }
}

/// Changes one field of those images that exist, all or none; answers them in the order of the list.
///
/// # Errors
/// [`Error::Invalid`] when a list would become too long, or whatever the database says.
pub async fn update_field(
    db: &Db,
    customer: i64,
    wanted: &[ImageRef],
    change: FieldChange,
) -> Result<Vec<Image>, Error> {
    let wanted = keys(wanted);
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let found = store::images::lock_many(tx, customer, &wanted).await?;
            let mut images = in_order(wanted, by_key(found));
            let mut touched = Vec::new();
            for image in &mut images {
                let new = change.apply(image.settings.clone());
                if [&new.tags, &new.roles, &new.manifests].iter().any(|list| list.len() > MAX_LIST) {
                    let detail = format!(
                        "The image `{}` of space {} would have more than {MAX_LIST} values: add fewer.",
                        image.at.id, image.at.space
                    );
                    return Err(Error::invalid("/value", detail));
                }
                if set(image, new) {
                    touched.push(image.clone());
                }
            }
            store::images::put_many(tx, &touched).await?;
            Ok(images)
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn fields_take_what_they_can_hold() {
        let number = FieldChange::new("number2", Operation::Replace, texts(&["-7"]));
        assert_eq!(number, Ok(FieldChange(Kind::Number(1, -7))));
        let text = FieldChange::new("string1", Operation::Replace, Vec::new());
        assert_eq!(text, Ok(FieldChange(Kind::Text(0, String::new()))));
        for (field, operation, values, pointer) in [
            ("origin", Operation::Replace, texts(&["x"]), "/field"),
            ("string1", Operation::Add, texts(&["x"]), "/operation"),
            ("number1", Operation::Replace, texts(&["x"]), "/value/0"),
            ("number1", Operation::Replace, texts(&["1", "2"]), "/value"),
            ("tags", Operation::Add, texts(&["fine", "a,b"]), "/value/1"),
            ("manifests", Operation::Add, texts(&[""]), "/value/0"),
        ] {
            let faults = FieldChange::new(field, operation, values).unwrap_err();
            assert_eq!(faults[0].pointer, pointer, "{field}");
        }
    }
}
