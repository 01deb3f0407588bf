//! Workflows that cannot be right are refused when they are registered.

use std::marker::PhantomData;

use strongroom_task::{
    Plan, Registry, RegistryError, Step, StepCx, StepError, UndoError, Workflow,
};

struct Named<const NUMBER: u8, const FINAL: bool>;

impl<const NUMBER: u8, const FINAL: bool> Step for Named<NUMBER, FINAL> {
    const NAME: &'static str = if NUMBER == 1 { "one" } else { "two" };
    const FINAL: bool = FINAL;
    type In = ();
    type Out = ();

    async fn run(&self, _: &StepCx<'_>, (): ()) -> Result<(), StepError> {
        Ok(())
    }

    async fn undo(&self, _: &StepCx<'_>, (): (), _: Option<()>) -> Result<(), UndoError> {
        Ok(())
    }
}

/// The steps of a workflow.
trait Steps: Send + Sync + 'static {
    fn plan() -> Plan<()>;
}

struct Of<S>(PhantomData<fn() -> S>);

impl<S: Steps> Workflow for Of<S> {
    const NAME: &'static str = "odd";
    type Params = ();

    fn plan(&self) -> Plan<()> {
        S::plan()
    }
}

fn register<S: Steps>(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.register(&Of::<S>(PhantomData))
}

macro_rules! steps {
    ($name:ident: $($step:expr),*) => {
        struct $name;
        impl Steps for $name {
            fn plan() -> Plan<()> {
                Plan::new()$(.step($step, |(), _| Ok(())))*
            }
        }
    };
}

steps!(Empty:);
steps!(Same: Named::<1, false>, Named::<1, true>);
steps!(TwoFinal: Named::<1, true>, Named::<2, true>);
steps!(Sound: Named::<1, false>, Named::<2, true>);

#[test]
fn odd_workflows_are_refused() {
    let (mut registry, workflow) = (Registry::new(), "odd");
    let refusals = [
        (register::<Empty>(&mut registry), RegistryError::Empty { workflow }),
        (register::<Same>(&mut registry), RegistryError::SameStep { workflow, step: "one" }),
        (register::<TwoFinal>(&mut registry), RegistryError::TwoFinal { workflow }),
    ];
    for (result, error) in refusals {
        assert_eq!(result, Err(error));
    }
    assert_eq!(register::<Sound>(&mut registry), Ok(()));
    assert_eq!(register::<Sound>(&mut registry), Err(RegistryError::Twice { workflow }));
    assert_eq!(registry.kinds(), [Of::<Sound>::kind()]);
}
