//! Why an origin could not be fetched.

use std::io;

/// Why an origin could not be fetched. Each is one sentence for the owner of the image.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not http or https.
    #[error("The origin {origin} can't be fetched over HTTP: its scheme must be https or http.")]
    Scheme {
        /// The origin as it may be shown.
        origin: String,
    },
    /// An address outside public networks.
    #[error(
        "The origin {origin} leads to {target}, a private or reserved address: use a public address, or have the operator allow its network with --origin-allow."
    )]
    Refused {
        /// The origin as it may be shown.
        origin: String,
        /// The refused host or address.
        target: String,
    },
    /// The name has no address.
    #[error("The host of the origin {origin} could not be found: check the spelling of its name.")]
    UnknownHost {
        /// The origin as it may be shown.
        origin: String,
    },
    /// Nobody answered, or not in HTTP or with a trusted certificate.
    #[error("The origin {origin} could not be reached ({reason}): check that it is up and open to this server.")]
    Unreachable {
        /// The origin as it may be shown.
        origin: String,
        /// The cause in a few words.
        reason: String,
    },
    /// A status other than success.
    #[error("The origin {origin} answered with status {status}{hint}.")]
    Status {
        /// The origin as it may be shown.
        origin: String,
        /// The HTTP status.
        status: u16,
        /// What may help, from a colon on.
        hint: &'static str,
    },
    /// A redirect that can't be followed.
    #[error("The origin {origin} redirects {problem}: use the address of the image itself.")]
    Redirect {
        /// The origin as it may be shown.
        origin: String,
        /// What is wrong with the redirect.
        problem: String,
    },
    /// The body is over the limit.
    #[error("The origin {origin} is larger than {limit} bytes, the most that is fetched.")]
    TooLarge {
        /// The origin as it may be shown.
        origin: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// No byte came.
    #[error("The origin {origin} answered with an empty body.")]
    Empty {
        /// The origin as it may be shown.
        origin: String,
    },
    /// The body is compressed though that wasn't asked for.
    #[error("The origin {origin} sent its body encoded as {encoding}: serve the image without a content encoding.")]
    Encoded {
        /// The origin as it may be shown.
        origin: String,
        /// The content encoding.
        encoding: String,
    },
    /// Too long, in all or without progress.
    #[error("The origin {origin} took too long: {problem} after {seconds} seconds.")]
    Slow {
        /// The origin as it may be shown.
        origin: String,
        /// What was missing.
        problem: &'static str,
        /// The limit that was reached.
        seconds: u64,
    },
    /// The connection broke in the middle.
    #[error("The origin {origin} broke off in the middle of its answer.")]
    Broken {
        /// The origin as it may be shown.
        origin: String,
    },
    /// Anything else, in words from the verb on.
    #[error("The origin {origin} {problem}.")]
    Problem {
        /// The origin as it may be shown.
        origin: String,
        /// What is wrong, and what to do about it.
        problem: &'static str,
    },
    /// The body could not be written here.
    #[error("The server could not store what the origin {origin} sent: {source}.")]
    Storing {
        /// The origin as it may be shown.
        origin: String,
        /// The failure.
        source: io::Error,
    },
}
