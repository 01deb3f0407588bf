//! What can go wrong with one request on its way, and what becomes of it when its caller dies.
//!
//! # Why
//! The effect of a request and its answer are two moments, and the caller's life is a third. A
//! request therefore is an event of the simulation, and the caller only holds a [`Flight`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_base::sim::{Event, Sim, TimerId};

use super::world::World;

/// The protocol's bound (docs/format.md): no request has its effect later than this.
pub const LONGEST_FLIGHT: Duration = Duration::from_hours(7 * 24);

/// When a caller stops to wait for an answer. Above every delay of a request that is not late, and
/// so far below the time after which `RetryStore` gives up that it tries again.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The request has no effect, the caller runs into its timeout.
    LostRequest,
    /// The request has its effect, the caller runs into its timeout.
    LostAnswer,
    /// The caller runs into its timeout, the write has its effect later, up to a week.
    Late,
    /// The store answers "unavailable" and does nothing.
    Refused,
    /// A write has its effect twice, the second time much later.
    Duplicate,
    /// A list of `pack/` lacks new objects or shows deleted ones, each by chance.
    StalePackList,
    /// The same for `index/`.
    StaleIndexList,
    /// A list shows the control objects as they were [`World::staleness`] ago: a store that
    /// breaks its contract. All of them at once, so that a caller who misses an object that it
    /// has just created can know.
    StaleControlList,
    /// A read returns fewer bytes than it should, as a success.
    TornBody,
    /// A read returns one wrong bit.
    FlippedBit,
    /// The caller stops for minutes to hours, as a machine that is suspended.
    Pause,
    /// A caller died or gave up with a write on its way. Only counted; it needs no rate.
    Abandoned(Fate),
}

impl Fault {
    /// Every fault that has a rate.
    pub const RATED: [Self; 11] = [
        Self::LostRequest,
        Self::LostAnswer,
        Self::Late,
        Self::Refused,
        Self::Duplicate,
        Self::StalePackList,
        Self::StaleIndexList,
        Self::StaleControlList,
        Self::TornBody,
        Self::FlippedBit,
        Self::Pause,
    ];
}

/// What becomes of a write whose caller is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It never has its effect.
    Lost,
    /// It has its effect about when it would have had it.
    Applied,
    /// It has its effect up to a week later.
    Late,
}

impl Fate {
    /// One of the three by chance.
    pub(super) fn draw(sim: &Sim) -> Self {
        match sim.below(3) {
            0 => Self::Lost,
            1 => Self::Applied,
            _ => Self::Late,
        }
    }
}

/// How often each fault strikes, in thousandths of the calls that it can strike.
#[derive(Debug, Clone, Default)]
pub struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    /// A store that works.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything that a store within its contract may do, each at `per_mille`: all but
    /// [`Fault::StaleControlList`].
    pub fn fair(per_mille: u64) -> Self {
        let all =
            Fault::RATED.into_iter().fold(Self::none(), |it, fault| it.with(fault, per_mille));
        all.with(Fault::StaleControlList, 0)
    }

    /// The same with one rate changed.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u64) -> Self {
        self.0.insert(fault, per_mille);
        self
    }

    pub(super) fn strikes(&self, sim: &Sim, fault: Fault) -> bool {
        self.0.get(&fault).is_some_and(|rate| *rate > sim.below(1000))
    }
}

/// How long a normal request, or its answer, travels: mostly below 0.2 s, sometimes up to 5 s.
pub(super) fn travel_time(sim: &Sim) -> Duration {
    let bound = if sim.below(20) == 0 { 5_000 } else { 200 };
    sim.span(Duration::from_millis(bound))
}

/// How long a late request travels: minutes, hours or days, each as likely.
pub(super) fn late_time(sim: &Sim) -> Duration {
    let longest = match sim.below(3) {
        0 => Duration::from_hours(1),
        1 => Duration::from_hours(24),
        // A caller may hold the request for up to a timeout before it gives it up.
        _ => LONGEST_FLIGHT.saturating_sub(2 * TIMEOUT),
    };
    TIMEOUT + sim.span(longest)
}

/// A request on its way, held by its caller; decides about it when the caller goes away.
pub(super) struct Flight {
    world: Arc<World>,
    actor: String,
    name: String,
    /// The arrival, while the request has not arrived or been given up.
    arrival: Option<TimerId>,
    is_write: bool,
}

impl Flight {
    pub(super) fn launch(
        world: &Arc<World>,
        actor: &str,
        name: String,
        is_write: bool,
        event: Event,
    ) -> Self {
        let arrival = Some(world.sim().after(travel_time(world.sim()), event));
        Self { world: Arc::clone(world), actor: actor.to_owned(), name, arrival, is_write }
    }

    /// The caller has the answer, or is to know nothing more.
    pub(super) fn land(&mut self) {
        self.arrival = None;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let Some(arrival) = self.arrival.take() else {
            return;
        };
        let pending = self.world.sim().cancel(arrival);
        if !self.is_write {
            return;
        }
        let fate = match pending {
            None => Fate::Applied,
            Some(event) => {
                let fate = Fate::draw(self.world.sim());
                self.world.send_on(fate, event);
                fate
            }
        };
        self.world.note(&self.actor, &self.name, Some(Fault::Abandoned(fate)), "caller gone");
    }
}
