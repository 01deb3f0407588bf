//! Worlds in memory in which every workflow is proven.
//!
//! # Invariants
//! - What is shown of a world is what clients can come to see. A manifest that a worker committed
//!   after it had lost its task is named by no row and is left out (CTL-13).

// proves: CTL-13, CTL-14
mod lab;

use std::sync::Arc;

use strongroom_model::backup::BackupStatus;
use strongroom_model::{BackupId, ResourceId, VaultId};
use strongroom_task::testing::Proven;
use strongroom_task::{Completion, TaskRow};

use self::lab::Lab;
use super::{
    BackupParams, BackupWorkflow, Bury, BuryWorkflow, Deletion, Doomed, Ended, Ground,
    RestoreParams, RestoreWorkflow, VerifyParams, VerifyWorkflow, Write,
};

const VAULT: VaultId = VaultId([1; 16]);
const OLD: BackupId = BackupId([2; 16]);
const NEW: BackupId = BackupId([3; 16]);
const HELD: BackupId = BackupId([4; 16]);
const FAILED: BackupId = BackupId([5; 16]);
const DISKS: [ResourceId; 2] = [ResourceId([6; 16]), ResourceId([7; 16])];

fn tell(world: &Lab, completion: &Completion) {
    let ended: Ended = serde_json::from_value(completion.0.clone()).expect("we wrote it");
    world.end(&ended);
}

impl Proven for BackupWorkflow {
    type World = Lab;

    fn world() -> Lab {
        let world = Lab::new(&DISKS);
        world.put(OLD);
        world
    }

    fn wire(world: &Arc<Lab>) -> Self {
        let ground: Arc<dyn Ground> = Arc::clone(world) as Arc<dyn Ground>;
        Self::new(&ground)
    }

    fn params(_: &Lab) -> BackupParams {
        BackupParams {
            backup: NEW,
            vault: VAULT,
            resource: DISKS[0],
            disks: DISKS.to_vec(),
            is_incremental: true,
        }
    }

    fn complete(world: &Lab, _: &TaskRow, completion: &Completion) {
        tell(world, completion);
    }

    fn look(world: &Lab) -> String {
        world.look()
    }
}

impl Proven for RestoreWorkflow {
    type World = Lab;

    fn world() -> Lab {
        let world = Lab::new(&DISKS);
        world.put(OLD);
        world.change(&DISKS);
        world
    }

    fn wire(world: &Arc<Lab>) -> Self {
        Self(Arc::clone(world) as Arc<dyn Ground>)
    }

    fn params(_: &Lab) -> RestoreParams {
        let write = |disk: ResourceId| Write { name: disk.to_string(), disk, was_spoilt: false };
        RestoreParams { backup: OLD, vault: VAULT, writes: DISKS.map(write).into() }
    }

    fn complete(world: &Lab, _: &TaskRow, completion: &Completion) {
        tell(world, completion);
    }

    fn look(world: &Lab) -> String {
        world.look()
    }
}

impl Proven for BuryWorkflow {
    type World = Lab;

    fn world() -> Lab {
        let world = Lab::new(&DISKS);
        for backup in [OLD, NEW, HELD] {
            world.put(backup);
        }
        world.hold(HELD);
        world
    }

    fn wire(world: &Arc<Lab>) -> Self {
        Self(Arc::clone(world) as Arc<dyn Ground>)
    }

    fn params(world: &Lab) -> Bury {
        let doomed = |backup| Doomed {
            backup,
            manifest: world.named(backup),
            was: if backup == FAILED { BackupStatus::Error } else { BackupStatus::Available },
        };
        Bury {
            deletion: Deletion::Resources { vault: VAULT, resources: DISKS.to_vec() },
            vault: VAULT,
            backups: [OLD, NEW, HELD, FAILED].map(doomed).into(),
        }
    }

    fn complete(world: &Lab, _: &TaskRow, completion: &Completion) {
        tell(world, completion);
    }

    fn look(world: &Lab) -> String {
        world.look()
    }
}

impl Proven for VerifyWorkflow {
    type World = Lab;

    fn world() -> Lab {
        let world = Lab::new(&DISKS);
        world.put(OLD);
        world
    }

    fn wire(world: &Arc<Lab>) -> Self {
        Self(Arc::clone(world) as Arc<dyn Ground>)
    }

    fn params(_: &Lab) -> VerifyParams {
        VerifyParams { vault: VAULT, backup: Some(OLD) }
    }

    fn complete(world: &Lab, _: &TaskRow, completion: &Completion) {
        tell(world, completion);
    }

    fn look(world: &Lab) -> String {
        world.look()
    }
}
