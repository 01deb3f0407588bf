//! A transfer between two accounts: the plainest workflow with effects that show. Flawed on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom_base::ErrorClass;
use strongroom_base::ids::TaskId;
use strongroom_task::testing::Proven;
use strongroom_task::{
    Completion, Fence, Outcome, Plan, Retry, Step, StepCx, StepError, TaskRow, UndoError, Workflow,
};

/// What is wrong with the workflow.
pub(crate) mod flaw {
    pub(crate) const NONE: u8 = 0;
    /// The undo gives back one coin too few.
    pub(crate) const WRONG_UNDO: u8 = 1;
    /// The run takes the money again each time.
    pub(crate) const NOT_REPEATABLE: u8 = 2;
    /// The undo gives the money back again each time.
    pub(crate) const UNDO_NOT_REPEATABLE: u8 = 3;
    /// The undo does nothing when the run had not finished.
    pub(crate) const UNDO_NEEDS_OUTPUT: u8 = 4;
    /// The bank listens to workers that lost the task.
    pub(crate) const UNFENCED: u8 = 5;
    /// Nothing happens at all.
    pub(crate) const IDLE: u8 = 6;
}

#[derive(Default)]
pub(crate) struct Books {
    balances: BTreeMap<String, i64>,
    /// What was booked for a task's step.
    booked: BTreeMap<(TaskId, &'static str), i64>,
    fences: BTreeMap<TaskId, Fence>,
    pub(crate) completions: Vec<Value>,
}

/// Two accounts.
#[derive(Default)]
pub(crate) struct Bank(Mutex<Books>);

impl Bank {
    pub(crate) fn open() -> Self {
        let balances = BTreeMap::from([("alice".to_owned(), 100), ("bob".to_owned(), 5)]);
        Self(Mutex::new(Books { balances, ..Books::default() }))
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    pub(crate) fn balances(&self) -> String {
        format!("{:?}", self.books().balances)
    }

    /// The books, for a worker that still has the task.
    fn books_for(&self, cx: &StepCx<'_>, is_fenced: bool) -> Option<MutexGuard<'_, Books>> {
        let mut books = self.books();
        let highest = books.fences.entry(cx.task()).or_default();
        if is_fenced && cx.fence() < *highest {
            return None;
        }
        *highest = cx.fence();
        Some(books)
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Booking {
    account: String,
    amount: i64,
}

fn refused<E>(make: impl FnOnce(ErrorClass, &str, &str) -> E) -> E {
    make(ErrorClass::Permanent, "Bank.Refused", "another worker has this transfer")
}

/// One side of a transfer.
struct Book<const TAKE: bool, const FLAW: u8>(Arc<Bank>);

impl<const TAKE: bool, const FLAW: u8> Step for Book<TAKE, FLAW> {
    const NAME: &'static str = if TAKE { "take" } else { "give" };
    type In = Booking;
    type Out = i64;

    async fn run(&self, cx: &StepCx<'_>, input: Booking) -> Result<i64, StepError> {
        cx.progress().begin(Self::NAME, 1);
        let mut books = self
            .0
            .books_for(cx, FLAW != flaw::UNFENCED)
            .ok_or_else(|| refused(StepError::failed))?;
        let is_new = books.booked.insert((cx.task(), Self::NAME), input.amount).is_none();
        if (is_new || FLAW == flaw::NOT_REPEATABLE) && FLAW != flaw::IDLE {
            *books.balances.entry(input.account).or_default() += input.amount;
        }
        cx.progress().add_done(1);
        Ok(input.amount)
    }

    async fn undo(
        &self,
        cx: &StepCx<'_>,
        input: Booking,
        out: Option<i64>,
    ) -> Result<(), UndoError> {
        let mut books =
            self.0.books_for(cx, FLAW != flaw::UNFENCED).ok_or_else(|| refused(UndoError::new))?;
        let was_booked = books.booked.remove(&(cx.task(), Self::NAME)).is_some();
        let is_due = match FLAW {
            flaw::UNDO_NOT_REPEATABLE => true,
            flaw::UNDO_NEEDS_OUTPUT => was_booked && out.is_some(),
            _ => was_booked,
        };
        if is_due {
            let less = i64::from(FLAW == flaw::WRONG_UNDO);
            *books.balances.entry(input.account).or_default() -= input.amount - less;
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: i64,
}

pub(crate) fn order() -> Order {
    Order { from: "alice".to_owned(), to: "bob".to_owned(), amount: 30 }
}

/// Takes from one account and gives to another.
pub(crate) struct Transfer<const FLAW: u8 = { flaw::NONE }>(pub(crate) Arc<Bank>);

impl<const FLAW: u8> Workflow for Transfer<FLAW> {
    const NAME: &'static str = "transfer";
    type Params = Order;

    fn plan(&self) -> Plan<Order> {
        Plan::new()
            .step(Book::<true, FLAW>(Arc::clone(&self.0)), |order: &Order, _| {
                Ok(Booking { account: order.from.clone(), amount: -order.amount })
            })
            .step(Book::<false, FLAW>(Arc::clone(&self.0)), |order: &Order, outputs| {
                let taken = outputs.of::<Book<true, FLAW>>()?;
                Ok(Booking { account: order.to.clone(), amount: -taken })
            })
            .retry(Retry::default())
            .on_end(|order: &Order, outcome: &Outcome<'_>| {
                let code = outcome.failure.map(|failure| failure.code.clone());
                Ok(json!({ "end": outcome.end, "amount": order.amount, "code": code }))
            })
    }
}

impl<const FLAW: u8> Proven for Transfer<FLAW> {
    type World = Bank;

    fn world() -> Bank {
        Bank::open()
    }

    fn wire(world: &Arc<Bank>) -> Self {
        Self(Arc::clone(world))
    }

    fn params(_: &Bank) -> Order {
        order()
    }

    fn complete(world: &Bank, _: &TaskRow, completion: &Completion) {
        world.books().completions.push(completion.0.clone());
    }

    fn look(world: &Bank) -> String {
        world.balances()
    }
}
