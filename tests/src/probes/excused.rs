//! What the schemas leave to prose: here a probe may be answered otherwise than they say, for these reasons.

use super::probe::Probe;

/// One excuse.
#[derive(Debug)]
pub struct Excuse {
    /// The operations, as the beginning of their ids; all where it is empty.
    pub operation: &'static str,
    /// Where the constraint stands, or how that ends.
    pub at: &'static str,
    /// How the constraint begins.
    pub constraint: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// All of them. This list may only shrink.
pub const EXCUSES: &[Excuse] = &[];

impl Excuse {
    /// Whether it is about a probe.
    #[must_use]
    pub fn covers(&self, operation: &str, probe: &Probe) -> bool {
        operation.starts_with(self.operation)
            && probe.at.ends_with(self.at)
            && probe.constraint.starts_with(self.constraint)
    }
}

/// The excuse of a probe, by its place in the list.
#[must_use]
pub fn of(operation: &str, probe: &Probe) -> Option<usize> {
    EXCUSES.iter().position(|excuse| excuse.covers(operation, probe))
}
