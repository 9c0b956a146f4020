//! Images as clients send them: to be registered, or to be changed.

use super::{change, image_list::shorten_id};
use crate::{
    domain::{
        Error, Fault, check,
        images::{self, Changes, ImageRef},
        register::Registration,
    },
    http::{
        body::Input,
        read_only::agree,
        types::{Family, ImageName, ManifestReference, MediaType, RoleReference, Tag as TagText},
    },
};
use poem_openapi::{Object, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue, json};

/// An output that is asked for.
#[derive(Debug, Clone, Object)]
pub struct DeliveryChannelInput {
    #[oai(validator(min_length = 1))]
    channel: String,
    #[oai(validator(min_length = 1))]
    policy: Option<String>,
}

/// The inputs that register an image share all members but those that say which.
macro_rules! registration {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* } $id:expr, $space:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$attribute])* $field: $type,)*
            #[oai(validator(min_length = 1, max_length = 1000))]
            origin: String,
            #[oai(validator(max_length = 1000))]
            initial_origin: Option<String>,
            #[oai(validator(minimum(value = "-1")))]
            max_unauthorised: Option<i64>,
            #[oai(validator(max_items = 100))]
            tags: Option<Vec<TagText>>,
            #[oai(validator(max_length = 500))]
            string1: Option<String>,
            #[oai(validator(max_length = 500))]
            string2: Option<String>,
            #[oai(validator(max_length = 500))]
            string3: Option<String>,
            number1: Option<i64>,
            number2: Option<i64>,
            number3: Option<i64>,
            #[oai(validator(max_items = 100))]
            roles: Option<Vec<RoleReference>>,
            #[oai(validator(max_items = 100))]
            manifests: Option<Vec<ManifestReference>>,
            media_type: Option<MediaType>,
            family: Option<Family>,
            #[oai(validator(min_items = 1))]
            delivery_channels: Option<Vec<DeliveryChannelInput>>,
        }

        impl $name {
            /// The registration, for `space` unless the input says another; names that contradict each other are
            /// faults under `at`.
            pub(super) fn registration(self, space: i64, at: &str) -> Result<Registration, Fault> {
                let id: fn(&Self, &str) -> Result<Option<String>, Fault> = $id;
                let own_space: fn(&Self) -> Option<i64> = $space;
                Ok(Registration {
                    id: id(&self, at)?,
                    space: own_space(&self).unwrap_or(space),
                    origin: self.origin,
                    // What fills in a table sends an empty text where it has none.
                    initial_origin: self.initial_origin.filter(|origin| !origin.is_empty()),
                    max_unauthorised: self.max_unauthorised,
                    tags: self.tags.map(|all| all.into_iter().map(|t| t.0).collect()),
                    roles: self.roles.map(|all| all.into_iter().map(|r| r.0).collect()),
                    manifests: self.manifests.map(|all| all.into_iter().map(|m| m.0).collect()),
                    strings: [self.string1, self.string2, self.string3].map(Option::unwrap_or_default),
                    numbers: [self.number1, self.number2, self.number3].map(Option::unwrap_or_default),
                    media_type: self.media_type.map(|m| m.0),
                    family: self.family.map(|f| f.0),
                    channels: self.delivery_channels.map(channels),
                })
            }
        }
    };
}

registration!(
    /// An image to be registered in the space of the path.
    ImageCreate {
        id: Option<ImageName>,
        #[oai(deprecated)]
        model_id: Option<ImageName>,
    }
    |input, at| name(input.id.as_ref(), input.model_id.as_ref(), at), |_| None
);
registration!(
    /// What an image is to be.
    ImageReplace {}
    |_, _| Ok(None), |_| None
);
registration!(
    /// A member of a batch.
    ImageRegistration {
        id: Option<ImageName>,
        #[oai(deprecated)]
        model_id: Option<ImageName>,
        #[oai(validator(minimum(value = "1")))]
        space: i64,
    }
    |input, at| name(input.id.as_ref(), input.model_id.as_ref(), at), |input| Some(input.space)
);

impl ImageRegistration {
    /// Which image it registers, if it says so.
    pub(super) fn at(&self, customer: i64) -> Option<ImageRef> {
        let id = self.id.as_ref().or(self.model_id.as_ref())?.0.clone();
        Some(ImageRef { customer, space: self.space, id })
    }
}

fn name(new: Option<&ImageName>, old: Option<&ImageName>, at: &str) -> Result<Option<String>, Fault> {
    agree(new, old, "id", "modelId", at).map(|name| name.map(|n| n.0.clone()))
}

fn channels(given: Vec<DeliveryChannelInput>) -> Vec<images::Channel> {
    given.into_iter().map(|c| images::Channel { channel: c.channel, policy: c.policy }).collect()
}

/// Channels may be given by their names alone.
fn spell_out_channels(members: &mut Map<String, JsonValue>) {
    let Some(JsonValue::Array(all)) = members.get_mut("deliveryChannels") else { return };
    for channel in all {
        if let JsonValue::String(name) = channel {
            *channel = json!({ "channel": std::mem::take(name) });
        }
    }
}

/// Brings other spellings of an image into the form of the schemas.
pub(super) fn spell_out(members: &mut Map<String, JsonValue>) {
    spell_out_channels(members);
    shorten_id(members);
}

macro_rules! inputs {
    ($($name:ident: $patch:literal),*) => {
        $(impl Input for $name {
            const CLASS: &'static str = "Image";
            const PATCH: bool = $patch;

            fn prepare(members: &mut Map<String, JsonValue>) {
                spell_out(members);
            }
        })*
    };
}
inputs!(ImageCreate: false, ImageReplace: false, ImageRegistration: false, ImageUpdate: true);

/// Changes to an image.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ImageUpdate {
    #[oai(validator(min_length = 1, max_length = 1000))]
    origin: Option<String>,
    #[oai(nullable, validator(minimum(value = "-1")))]
    max_unauthorised: MaybeUndefined<i64>,
    #[oai(nullable, validator(max_items = 100))]
    tags: MaybeUndefined<Vec<TagText>>,
    #[oai(nullable, validator(max_length = 500))]
    string1: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 500))]
    string2: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 500))]
    string3: MaybeUndefined<String>,
    #[oai(nullable)]
    number1: MaybeUndefined<i64>,
    #[oai(nullable)]
    number2: MaybeUndefined<i64>,
    #[oai(nullable)]
    number3: MaybeUndefined<i64>,
    #[oai(nullable, validator(max_items = 100))]
    roles: MaybeUndefined<Vec<RoleReference>>,
    #[oai(nullable, validator(max_items = 100))]
    manifests: MaybeUndefined<Vec<ManifestReference>>,
    #[oai(nullable)]
    media_type: MaybeUndefined<MediaType>,
    #[oai(nullable, validator(min_items = 1))]
    delivery_channels: MaybeUndefined<Vec<DeliveryChannelInput>>,
}

impl ImageUpdate {
    pub(super) fn changes(self) -> Changes {
        Changes {
            origin: self.origin,
            max_unauthorised: change(self.max_unauthorised),
            tags: change(self.tags).map(|all| all.into_iter().map(|t| t.0).collect()),
            roles: change(self.roles).map(|all| all.into_iter().map(|r| r.0).collect()),
            manifests: change(self.manifests).map(|all| all.into_iter().map(|m| m.0).collect()),
            strings: [self.string1, self.string2, self.string3].map(change),
            numbers: [self.number1, self.number2, self.number3].map(change),
            media_type: change(self.media_type).map(|m| m.0),
            channels: change(self.delivery_channels).map(channels),
        }
    }
}

/// The registrations of a batch, with everything that is wrong with them.
pub(super) fn registrations(members: Vec<ImageRegistration>) -> Result<Vec<Registration>, Error> {
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(members.len());
    for (i, member) in members.into_iter().enumerate() {
        match member.registration(0, &format!("/member/{i}")) {
            Ok(registration) => all.push(registration),
            Err(fault) => faults.push(fault),
        }
    }
    check(faults)?;
    Ok(all)
}
