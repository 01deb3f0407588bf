//! The workflows that a process can carry out.
//!
//! # Why
//! A workflow without proofs must not come to life. Declare all workflows of a crate in one list,
//! with [`registry!`](crate::registry): it makes the function that registers them and, in test
//! builds, the test that proves each. What is in the list and has no test world
//! (`testing::Proven`) does not compile as a test; nothing of the worlds is linked otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::erased::Flow;
use crate::task::Kind;
use crate::workflow::Workflow;

/// Why a workflow cannot be registered. All of these are mistakes in code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Its name and version are taken.
    #[error("workflow {workflow} is registered twice")]
    Twice {
        /// The workflow.
        workflow: &'static str,
    },
    /// It has no steps.
    #[error("workflow {workflow} has no steps")]
    Empty {
        /// The workflow.
        workflow: &'static str,
    },
    /// Two of its steps have one name.
    #[error("workflow {workflow} has two steps named {step}")]
    SameStep {
        /// The workflow.
        workflow: &'static str,
        /// The step.
        step: &'static str,
    },
    /// It has more than one point of no return.
    #[error("workflow {workflow} has more than one final step")]
    TwoFinal {
        /// The workflow.
        workflow: &'static str,
    },
}

/// The workflows that a process can carry out.
#[derive(Default)]
pub struct Registry {
    flows: BTreeMap<Kind, Arc<Flow>>,
}

impl Registry {
    /// A registry without workflows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a workflow.
    pub fn register<W: Workflow>(&mut self, workflow: &W) -> Result<(), RegistryError> {
        self.add(W::NAME, workflow.plan().erase(W::kind()))
    }

    pub(crate) fn add(&mut self, workflow: &'static str, flow: Flow) -> Result<(), RegistryError> {
        let mut names = BTreeSet::new();
        if let Some(step) = flow.steps.iter().find(|step| !names.insert(step.name())) {
            return Err(RegistryError::SameStep { workflow, step: step.name() });
        }
        if flow.steps.is_empty() {
            return Err(RegistryError::Empty { workflow });
        }
        if flow.steps.iter().filter(|step| step.is_final()).count() > 1 {
            return Err(RegistryError::TwoFinal { workflow });
        }
        if self.flows.contains_key(&flow.kind) {
            return Err(RegistryError::Twice { workflow });
        }
        self.flows.insert(flow.kind.clone(), Arc::new(flow));
        Ok(())
    }

    /// What a worker with this registry can carry out.
    pub fn kinds(&self) -> Vec<Kind> {
        self.flows.keys().cloned().collect()
    }

    pub(crate) fn flow(&self, kind: &Kind) -> Option<Arc<Flow>> {
        self.flows.get(kind).cloned()
    }
}

/// Declares all workflows of a crate: the function that registers them, and the test that proves
/// them, which exists in test builds only and needs the feature `testing` of this crate there.
///
/// ```text
/// registry! {
///     /// All that the service does in the background.
///     pub fn registry(parts: &Parts);
///     proven by every_workflow_keeps_its_promises;
///     Backup = Backup::new(parts),
///     Restore = Restore::new(parts),
/// }
/// ```
#[macro_export]
macro_rules! registry {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),*);
        proven by $test:ident;
        $($workflow:ty = $value:expr),+ $(,)?
    ) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) -> Result<$crate::Registry, $crate::RegistryError> {
            let mut registry = $crate::Registry::new();
            $(registry.register::<$workflow>(&$value)?;)+
            Ok(registry)
        }

        #[cfg(test)]
        #[test]
        fn $test() {
            $($crate::testing::prove::<$workflow>().unwrap();)+
        }
    };
}
