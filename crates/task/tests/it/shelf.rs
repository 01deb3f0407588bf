//! A workflow with a point of no return: a text is set, published, announced. What was published
//! cannot be taken back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use strongroom_base::ErrorClass;
use strongroom_base::ids::TaskId;
use strongroom_task::testing::Proven;
use strongroom_task::{Fence, Plan, Step, StepCx, StepError, UndoError, Workflow};

#[derive(Debug, Default)]
pub(crate) struct Texts {
    drafts: BTreeMap<TaskId, String>,
    published: BTreeMap<TaskId, String>,
    announced: BTreeMap<TaskId, String>,
    fences: BTreeMap<TaskId, Fence>,
}

#[derive(Default)]
pub(crate) struct Shelf(Mutex<Texts>);

impl Shelf {
    /// The texts, for a worker that still has the task.
    fn texts(&self, cx: &StepCx<'_>) -> Result<MutexGuard<'_, Texts>, StepError> {
        let mut texts = self.0.lock().unwrap();
        let highest = texts.fences.entry(cx.task()).or_default();
        if cx.fence() < *highest {
            return Err(StepError::failed(ErrorClass::Permanent, "Shelf.Refused", "too late"));
        }
        *highest = cx.fence();
        Ok(texts)
    }

    fn texts_to_undo(&self, cx: &StepCx<'_>) -> Result<MutexGuard<'_, Texts>, UndoError> {
        let refused = UndoError::new(ErrorClass::Permanent, "Shelf.Refused", "too late");
        self.texts(cx).map_err(|error| refused.caused_by(error))
    }

    pub(crate) fn look(&self) -> String {
        let texts = self.0.lock().unwrap();
        format!("{:?} {:?} {:?}", texts.drafts, texts.published, texts.announced)
    }
}

struct Set(Arc<Shelf>);

impl Step for Set {
    const NAME: &'static str = "set";
    type In = String;
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, text: String) -> Result<(), StepError> {
        self.0.texts(cx)?.drafts.insert(cx.task(), text);
        Ok(())
    }

    async fn undo(&self, cx: &StepCx<'_>, _: String, _: Option<()>) -> Result<(), UndoError> {
        self.0.texts_to_undo(cx)?.drafts.remove(&cx.task());
        Ok(())
    }
}

struct Publish(Arc<Shelf>);

impl Step for Publish {
    const NAME: &'static str = "publish";
    const FINAL: bool = true;
    type In = String;
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, text: String) -> Result<(), StepError> {
        let mut texts = self.0.texts(cx)?;
        texts.published.insert(cx.task(), text);
        Ok(())
    }

    async fn undo(&self, cx: &StepCx<'_>, _: String, _: Option<()>) -> Result<(), UndoError> {
        // A permanent failure said that nothing was published.
        drop(self.0.texts_to_undo(cx)?);
        Ok(())
    }
}

struct Announce(Arc<Shelf>);

impl Step for Announce {
    const NAME: &'static str = "announce";
    type In = String;
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, text: String) -> Result<(), StepError> {
        cx.sleep(std::time::Duration::from_secs(1)).await?;
        let mut texts = self.0.texts(cx)?;
        texts.drafts.remove(&cx.task());
        texts.announced.insert(cx.task(), text);
        Ok(())
    }

    async fn undo(&self, _: &StepCx<'_>, _: String, _: Option<()>) -> Result<(), UndoError> {
        panic!("nothing after the point of no return is undone");
    }
}

/// Sets a text, publishes it for ever, announces it.
pub(crate) struct Publication(pub(crate) Arc<Shelf>);

impl Workflow for Publication {
    const NAME: &'static str = "publication";
    type Params = String;

    fn plan(&self) -> Plan<String> {
        let text = |text: &String, _: &strongroom_task::Outputs<'_>| Ok(text.clone());
        Plan::new()
            .step(Set(Arc::clone(&self.0)), text)
            .step(Publish(Arc::clone(&self.0)), text)
            .step(Announce(Arc::clone(&self.0)), text)
    }
}

impl Proven for Publication {
    type World = Shelf;

    fn world() -> Shelf {
        Shelf::default()
    }

    fn wire(world: &Arc<Shelf>) -> Self {
        Self(Arc::clone(world))
    }

    fn params(_: &Shelf) -> String {
        "all is well".to_owned()
    }

    fn look(world: &Shelf) -> String {
        world.look()
    }
}
