//! How many requests a second are taken, from one key and from all.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use crate::refusal::Refusal;

/// A bucket for each key and one for all, which hold a second's worth each (the generic cell rate algorithm).
pub(crate) struct Rates {
    of_each: Option<DefaultKeyedRateLimiter<String>>,
    of_all: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
}

impl Rates {
    pub(crate) fn new(of_each: Option<NonZeroU32>, of_all: Option<NonZeroU32>) -> Self {
        Self {
            of_each: of_each.map(|rate| RateLimiter::keyed(Quota::per_second(rate))),
            of_all: of_all.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            clock: DefaultClock::default(),
        }
    }

    /// Takes a request of that client. One that its own bucket refuses takes nothing from that of all.
    pub(crate) fn take(&self, client: &str) -> Result<(), Refusal> {
        if let Some(limit) = &self.of_each {
            limit.check_key(&client.to_owned()).map_err(|until| self.too_many(&until))?;
        }
        if let Some(limit) = &self.of_all {
            limit.check().map_err(|until| self.too_many(&until))?;
        }
        Ok(())
    }

    fn too_many(&self, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Refusal {
        Refusal::TooMany { wait: until.wait_time_from(self.clock.now()) }
    }
}
