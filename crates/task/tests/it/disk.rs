//! A workflow of long steps on a disk of which only one task may work at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_base::ids::TaskId;
use strongroom_task::testing::Proven;
use strongroom_task::{Plan, Step, StepCx, StepError, UndoError, Workflow};

#[derive(Default)]
pub(crate) struct Disks {
    /// Who is between its first step and its last.
    users: Mutex<BTreeMap<String, TaskId>>,
    written: Mutex<BTreeMap<String, BTreeSet<TaskId>>>,
}

impl Disks {
    pub(crate) fn look(&self) -> String {
        format!("{:?} {:?}", self.users.lock().unwrap(), self.written.lock().unwrap())
    }

    pub(crate) fn writers(&self, disk: &str) -> usize {
        self.written.lock().unwrap().get(disk).map_or(0, BTreeSet::len)
    }

    fn take(&self, disk: &str, task: TaskId) {
        let user = *self.users.lock().unwrap().entry(disk.to_owned()).or_insert(task);
        assert_eq!(user, task, "two tasks work on {disk}");
    }

    fn leave(&self, disk: &str, task: TaskId) {
        self.users.lock().unwrap().retain(|it, user| it != disk || *user != task);
    }
}

struct Fill(Arc<Disks>);

impl Step for Fill {
    const NAME: &'static str = "fill";
    type In = String;
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, disk: String) -> Result<(), StepError> {
        cx.progress().begin("fill", 40);
        for _ in 0..4 {
            cx.sleep(Duration::from_secs(5)).await?;
            cx.progress().add_done(10);
        }
        // All in one moment and at the end, so that a worker that lost the task changes nothing.
        self.0.take(&disk, cx.task());
        self.0.written.lock().unwrap().entry(disk).or_default().insert(cx.task());
        Ok(())
    }

    async fn undo(&self, cx: &StepCx<'_>, disk: String, _: Option<()>) -> Result<(), UndoError> {
        let mut written = self.0.written.lock().unwrap();
        if let Some(tasks) = written.get_mut(&disk) {
            tasks.remove(&cx.task());
            if tasks.is_empty() {
                written.remove(&disk);
            }
        }
        self.0.leave(&disk, cx.task());
        Ok(())
    }
}

struct Check(Arc<Disks>);

impl Step for Check {
    const NAME: &'static str = "check";
    type In = String;
    type Out = ();

    async fn run(&self, cx: &StepCx<'_>, disk: String) -> Result<(), StepError> {
        cx.sleep(Duration::from_secs(5)).await?;
        self.0.leave(&disk, cx.task());
        Ok(())
    }

    async fn undo(&self, _: &StepCx<'_>, _: String, _: Option<()>) -> Result<(), UndoError> {
        Ok(())
    }
}

/// Fills a disk and checks it.
pub(crate) struct Filling(pub(crate) Arc<Disks>);

impl Workflow for Filling {
    const NAME: &'static str = "filling";
    type Params = String;

    fn plan(&self) -> Plan<String> {
        let disk = |disk: &String, _: &strongroom_task::Outputs<'_>| Ok(disk.clone());
        Plan::new()
            .step(Fill(Arc::clone(&self.0)), disk)
            .step(Check(Arc::clone(&self.0)), disk)
            .limit(Duration::from_hours(12))
    }
}

impl Proven for Filling {
    type World = Disks;

    fn world() -> Disks {
        Disks::default()
    }

    fn wire(world: &Arc<Disks>) -> Self {
        Self(Arc::clone(world))
    }

    fn params(_: &Disks) -> String {
        "disk-1".to_owned()
    }

    fn look(world: &Disks) -> String {
        world.look()
    }
}
