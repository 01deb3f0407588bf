//! What the service promises about two vaults and three disks, as a pure function of requests and
//! ends of tasks; and the search for an order of them that explains what was seen.

use std::collections::BTreeSet;

/// A request, on things by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    BackUp(usize),
    DeleteVault(usize),
    Add(usize, usize),
    Remove(usize, usize),
    DeleteBackup(usize),
    Restore(usize),
}

/// What a request was answered: the contract's number, and for a run the disks that it took.
pub(crate) type Answer = (u16, BTreeSet<usize>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VaultState {
    Open,
    Deleting,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BackupState {
    Available,
    Making,
    Restoring,
    Deleting,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Backup {
    pub(crate) vault: usize,
    pub(crate) disk: usize,
    pub(crate) state: BackupState,
}

/// A task that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Make(usize),
    Restore(usize),
    Delete(usize),
    Remove(usize, Vec<usize>),
    DeleteVault(usize),
}

/// All that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Model {
    pub(crate) vaults: Vec<VaultState>,
    /// The vault of each disk.
    pub(crate) bound: Vec<Option<usize>>,
    /// In the order in which they were made.
    pub(crate) backups: Vec<Backup>,
    removing: BTreeSet<usize>,
    tasks: Vec<Task>,
}

impl Model {
    /// A quiet world.
    pub(crate) fn new(
        vaults: Vec<VaultState>,
        bound: Vec<Option<usize>>,
        backups: Vec<Backup>,
    ) -> Self {
        Self { vaults, bound, backups, removing: BTreeSet::new(), tasks: Vec::new() }
    }

    /// Does a request; the answer is what the client is told.
    fn ask(&mut self, request: Request) -> Answer {
        let mut taken = BTreeSet::new();
        let refused = match request {
            Request::BackUp(vault) => self.back_up(vault, &mut taken),
            Request::DeleteVault(vault) => self.delete_vault(vault),
            Request::Add(vault, disk) => self.add(vault, disk),
            Request::Remove(vault, disk) => self.remove(vault, disk),
            Request::DeleteBackup(backup) => self.delete_backup(backup),
            Request::Restore(backup) => self.restore(backup),
        };
        (refused.err().unwrap_or(0), taken)
    }

    fn open(&self, vault: usize, otherwise: u16) -> Result<(), u16> {
        match self.vaults[vault] {
            VaultState::Open => Ok(()),
            VaultState::Deleting => Err(otherwise),
            VaultState::Gone => Err(6105),
        }
    }

    fn has(&self, disk: usize, state: BackupState) -> bool {
        self.backups.iter().any(|one| one.disk == disk && one.state == state)
    }

    fn is_busy(&self, disk: usize) -> bool {
        self.has(disk, BackupState::Making) || self.has(disk, BackupState::Restoring)
    }

    fn back_up(&mut self, vault: usize, taken: &mut BTreeSet<usize>) -> Result<(), u16> {
        self.open(vault, 6113)?;
        for disk in 0..self.bound.len() {
            let is_idle = !self.is_busy(disk) && !self.removing.contains(&disk);
            if self.bound[disk] == Some(vault) && is_idle {
                taken.insert(disk);
            }
        }
        if taken.is_empty() {
            return Err(1);
        }
        for disk in &*taken {
            self.tasks.push(Task::Make(self.backups.len()));
            self.backups.push(Backup { vault, disk: *disk, state: BackupState::Making });
        }
        Ok(())
    }

    fn delete_vault(&mut self, vault: usize) -> Result<(), u16> {
        self.open(vault, 6112)?;
        if self.tasks.iter().any(|task| self.vault_of(task) == vault) {
            return Err(6125);
        }
        if self.in_vault(vault).is_empty() {
            self.end(&Task::DeleteVault(vault));
        } else {
            self.vaults[vault] = VaultState::Deleting;
            self.set(&self.in_vault(vault), BackupState::Deleting);
            self.tasks.push(Task::DeleteVault(vault));
        }
        Ok(())
    }

    fn add(&mut self, vault: usize, disk: usize) -> Result<(), u16> {
        self.open(vault, 6112)?;
        match self.bound[disk] {
            Some(here) if here == vault => Err(7006),
            Some(_) => Err(6103),
            None => {
                self.bound[disk] = Some(vault);
                Ok(())
            }
        }
    }

    fn remove(&mut self, vault: usize, disk: usize) -> Result<(), u16> {
        self.open(vault, 6112)?;
        if self.bound[disk] != Some(vault) {
            return Err(6135);
        }
        if self.removing.contains(&disk) {
            return Err(6134);
        }
        if self.is_busy(disk) || self.has(disk, BackupState::Deleting) {
            return Err(6125);
        }
        let mut backups = self.in_vault(vault);
        backups.retain(|backup| self.backups[*backup].disk == disk);
        if backups.is_empty() {
            self.bound[disk] = None;
        } else {
            self.removing.insert(disk);
            self.set(&backups, BackupState::Deleting);
            self.tasks.push(Task::Remove(disk, backups));
        }
        Ok(())
    }

    fn delete_backup(&mut self, backup: usize) -> Result<(), u16> {
        let Backup { vault, disk, state } = self.backups[backup];
        if state == BackupState::Gone {
            return Err(6200);
        }
        if self.vaults[vault] != VaultState::Open {
            return Err(6201);
        }
        let of_disk = |one: &&Backup| one.disk == disk && one.state == BackupState::Available;
        let newest = self.backups.iter().rev().find(of_disk);
        let is_newest =
            newest.is_some_and(|one| std::ptr::eq(one, &raw const self.backups[backup]));
        match state {
            BackupState::Restoring => Err(6216),
            BackupState::Available if is_newest && self.has(disk, BackupState::Making) => Err(6201),
            BackupState::Available => {
                self.set(&[backup], BackupState::Deleting);
                self.tasks.push(Task::Delete(backup));
                Ok(())
            }
            _ => Err(6201),
        }
    }

    fn restore(&mut self, backup: usize) -> Result<(), u16> {
        let Backup { vault, disk, state } = self.backups[backup];
        if state == BackupState::Gone {
            return Err(6200);
        }
        if self.vaults[vault] != VaultState::Open {
            return Err(6202);
        }
        if state != BackupState::Available {
            return Err(2005);
        }
        if self.has(disk, BackupState::Restoring) {
            return Err(2010);
        }
        if self.has(disk, BackupState::Making) {
            return Err(2002);
        }
        self.set(&[backup], BackupState::Restoring);
        self.tasks.push(Task::Restore(backup));
        Ok(())
    }

    fn in_vault(&self, vault: usize) -> Vec<usize> {
        let is_here = |at: &usize| {
            let one = &self.backups[*at];
            one.vault == vault && one.state != BackupState::Gone
        };
        (0..self.backups.len()).filter(is_here).collect()
    }

    fn set(&mut self, backups: &[usize], state: BackupState) {
        for backup in backups {
            self.backups[*backup].state = state;
        }
    }

    fn vault_of(&self, task: &Task) -> usize {
        match task {
            Task::Make(backup) | Task::Restore(backup) | Task::Delete(backup) => {
                self.backups[*backup].vault
            }
            Task::Remove(disk, _) => self.bound[*disk].unwrap(),
            Task::DeleteVault(vault) => *vault,
        }
    }

    /// A task ends well.
    fn end(&mut self, task: &Task) {
        match task {
            Task::Make(backup) | Task::Restore(backup) => {
                self.set(&[*backup], BackupState::Available);
            }
            Task::Delete(backup) => self.set(&[*backup], BackupState::Gone),
            Task::Remove(disk, backups) => {
                self.set(backups, BackupState::Gone);
                self.removing.remove(disk);
                self.bound[*disk] = None;
            }
            Task::DeleteVault(vault) => {
                self.set(&self.in_vault(*vault), BackupState::Gone);
                self.vaults[*vault] = VaultState::Gone;
                for bound in &mut self.bound {
                    *bound = bound.filter(|it| it != vault);
                }
            }
        }
        self.tasks.retain(|one| one != task);
    }

    /// What is left: of the first `known` backups which, of the later ones how many of each disk.
    fn rest(&self, known: usize) -> (Vec<VaultState>, Vec<Option<usize>>, Vec<bool>, Vec<Backup>) {
        let is_there: Vec<_> = self.backups.iter().map(|one| one.state).collect();
        let kept = is_there.iter().take(known).map(|state| *state != BackupState::Gone).collect();
        let mut new: Vec<_> = self.backups.iter().skip(known).copied().collect();
        new.retain(|one| one.state != BackupState::Gone);
        new.sort_unstable();
        (self.vaults.clone(), self.bound.clone(), kept, new)
    }

    /// Whether some order of the requests, with the ends of tasks anywhere between them, gives these
    /// answers and at last what `after` is.
    pub(crate) fn explains(&self, seen: &[(Request, Answer)], after: &Self) -> bool {
        let mut known = BTreeSet::new();
        let wanted = after.rest(self.backups.len());
        let mut open = vec![(self.clone(), (0..seen.len()).collect::<Vec<_>>())];
        while let Some((model, left)) = open.pop() {
            if !known.insert((model.clone(), left.clone())) {
                continue;
            }
            if left.is_empty() && model.tasks.is_empty() {
                if model.rest(self.backups.len()) == wanted {
                    return true;
                }
                continue;
            }
            for task in &model.tasks {
                let mut next = model.clone();
                next.end(task);
                open.push((next, left.clone()));
            }
            for at in &left {
                let (request, answer) = &seen[*at];
                let mut next = model.clone();
                if next.ask(*request) == *answer {
                    open.push((next, left.iter().copied().filter(|one| one != at).collect()));
                }
            }
        }
        false
    }
}
