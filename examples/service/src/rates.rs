//! Rate limits: requests per second for each client and for all clients together.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use crate::refusal::Refusal;

/// A bucket for each client and one for all. A bucket holds one second's worth of requests and
/// fills at a constant rate (the generic cell rate algorithm).
pub(crate) struct Rates {
    per_client: Option<DefaultKeyedRateLimiter<String>>,
    total: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
}

impl Rates {
    pub(crate) fn new(per_client: Option<NonZeroU32>, total: Option<NonZeroU32>) -> Self {
        Self {
            per_client: per_client.map(|rate| RateLimiter::keyed(Quota::per_second(rate))),
            total: total.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of a client. A request beyond the client's own rate does not count against
    /// the total.
    pub(crate) fn take(&self, client: &str) -> Result<(), Refusal> {
        if let Some(limit) = &self.per_client {
            limit.check_key(&client.to_owned()).map_err(|until| self.too_many(&until))?;
        }
        if let Some(limit) = &self.total {
            limit.check().map_err(|until| self.too_many(&until))?;
        }
        Ok(())
    }

    fn too_many(&self, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Refusal {
        Refusal::TooMany { wait: until.wait_time_from(self.clock.now()) }
    }
}
