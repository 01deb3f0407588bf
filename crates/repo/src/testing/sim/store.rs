//! One actor's way to the shared store, with the faults that it meets.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use strongroom_base::ByteRange;
use strongroom_base::clock::BoxFuture;
use strongroom_base::sim::{Event, Sim};
use tokio::sync::oneshot;

use super::flight::{Fate, Fault, Faults, Flight, TIMEOUT, travel_time};
use super::world::{Answer, Request, World, stale_fault};
use crate::object::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// How long a machine that stops is away: longer than any lease, shorter than the GC delay.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

/// An [`ObjectStore`] whose every call has two scheduling points, the request's arrival and the
/// answer's, and may meet a fault at each.
#[derive(Debug, Clone)]
pub struct SimStore {
    world: Arc<World>,
    actor: String,
    faults: Faults,
}

impl SimStore {
    pub(super) fn new(world: Arc<World>, actor: String, faults: Faults) -> Self {
        Self { world, actor, faults }
    }

    fn sim(&self) -> &Sim {
        self.world.sim()
    }

    fn strikes(&self, fault: Fault) -> bool {
        self.faults.strikes(self.sim(), fault)
    }

    /// The event that `request` arrives, and where its result comes out.
    fn arrival(&self, request: &Request) -> (Event, oneshot::Receiver<ObjectResult<Answer>>) {
        let (send, receive) = oneshot::channel();
        let lists = [Fault::StalePackList, Fault::StaleIndexList, Fault::StaleControlList];
        let stale: Vec<Fault> = match request {
            Request::List(prefix) => {
                let can = |fault: &Fault| prefix.is_empty() || stale_fault(prefix) == *fault;
                lists.into_iter().filter(|fault| can(fault) && self.strikes(*fault)).collect()
            }
            _ => Vec::new(),
        };
        let (world, actor, request) =
            (Arc::clone(&self.world), self.actor.clone(), request.clone());
        let event = Box::new(move || {
            // Nobody listens any more when the caller died or gave up.
            drop(send.send(world.apply(&actor, &request, &stale)));
        });
        (event, receive)
    }

    async fn call(&self, request: Request) -> ObjectResult<Answer> {
        let name = request.to_string();
        if let Some(fate) = self.world.begin_call(&self.actor) {
            self.die(&request, &name, fate).await;
        }
        if self.strikes(Fault::Pause) {
            self.pause(&name).await;
        }
        if let Some(fault) = self.transport_fault(&request) {
            return self.fail(&request, &name, fault).await;
        }
        if request.is_write() && self.strikes(Fault::Duplicate) {
            self.world.send_on(Fate::Late, self.arrival(&request).0);
            self.world.note(&self.actor, &name, Some(Fault::Duplicate), "sent twice");
        }
        let (event, receive) = self.arrival(&request);
        let is_write = request.is_write();
        let mut flight = Flight::launch(&self.world, &self.actor, name.clone(), is_write, event);
        let result = receive.await.expect("an event happens unless its flight is dropped");
        self.sim().sleep(travel_time(self.sim())).await;
        flight.land();
        match result? {
            Answer::Body(body) => Ok(Answer::Body(self.spoil(&name, body))),
            answer => Ok(answer),
        }
    }

    /// Stops this actor, by chance before it sends the request or before it sees the answer.
    async fn pause(&self, name: &str) {
        let away = self.sim().span(LONGEST_PAUSE);
        self.world.note(&self.actor, name, Some(Fault::Pause), "caller sleeps");
        self.sim().pause(&self.actor, away);
        if self.sim().below(2) == 0 {
            self.sim().sleep(away).await;
        }
    }

    /// Which fault keeps the caller from getting an answer, if any.
    fn transport_fault(&self, request: &Request) -> Option<Fault> {
        let any = [Fault::LostRequest, Fault::LostAnswer, Fault::Refused];
        let found = any.into_iter().find(|fault| self.strikes(*fault));
        found.or_else(|| (request.is_write() && self.strikes(Fault::Late)).then_some(Fault::Late))
    }

    /// Sends the request as `fault` has it; the caller learns nothing.
    async fn fail(&self, request: &Request, name: &str, fault: Fault) -> ObjectResult<Answer> {
        self.world.note(&self.actor, name, Some(fault), "no answer");
        match fault {
            Fault::LostAnswer => self.world.send_on(Fate::Applied, self.arrival(request).0),
            Fault::Late => self.world.send_on(Fate::Late, self.arrival(request).0),
            _ => {}
        }
        let wait = if fault == Fault::Refused { travel_time(self.sim()) } else { TIMEOUT };
        self.sim().sleep(wait).await;
        let source = format!("simulated {fault:?}").into();
        Err(ObjectError::Unavailable { at: name.to_owned(), source })
    }

    /// Ends this actor in the middle of a call.
    async fn die(&self, request: &Request, name: &str, fate: Fate) {
        if request.is_write() {
            self.world.send_on(fate, self.arrival(request).0);
        }
        self.world.note(&self.actor, name, Some(Fault::Abandoned(fate)), "crash");
        self.sim().kill(&self.actor);
        pending::<()>().await;
    }

    /// What arrives of a body.
    fn spoil(&self, name: &str, body: Bytes) -> Bytes {
        if body.is_empty() {
            return body;
        }
        let place = self.sim().below(body.len() as u64);
        let place = usize::try_from(place).expect("below the length, which is a usize");
        if self.strikes(Fault::TornBody) {
            self.world.note(&self.actor, name, Some(Fault::TornBody), "short");
            return body.slice(..place);
        }
        if self.strikes(Fault::FlippedBit) {
            self.world.note(&self.actor, name, Some(Fault::FlippedBit), "wrong");
            let mut wrong = BytesMut::from(body.as_ref());
            if let Some(byte) = wrong.get_mut(place) {
                *byte ^= 1 << self.sim().below(8);
            }
            return wrong.freeze();
        }
        body
    }

    async fn write(&self, request: Request) -> ObjectResult<()> {
        self.call(request).await.map(|_| ())
    }

    async fn read(&self, request: Request) -> ObjectResult<Bytes> {
        match self.call(request).await? {
            Answer::Body(body) => Ok(body),
            other => unreachable!("a read returns a body, not {other:?}"),
        }
    }
}

impl ObjectStore for SimStore {
    fn label(&self) -> String {
        format!("sim://{}", self.actor)
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.write(Request::Put(key.clone(), bytes)))
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.write(Request::Create(key.clone(), bytes)))
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.read(Request::Get(key.clone())))
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.read(Request::GetRange(key.clone(), range)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(async move {
            match self.call(Request::List(prefix.to_owned())).await? {
                Answer::Listing(listing) => Ok(listing),
                other => unreachable!("a list returns a listing, not {other:?}"),
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.write(Request::Delete(key.clone())))
    }
}
