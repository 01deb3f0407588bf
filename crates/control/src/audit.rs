//! Audit records: what a request did or was refused.

use strongroom_model::action::Action;
use strongroom_model::audit::{AuditEvent, AuditOutcome, AuditRecord};

use crate::caller::OpContext;
use crate::error::Error;
use crate::service::Service;

impl Service {
    /// The record of something that is done, for the transaction that does it.
    pub(crate) fn audit(
        &self,
        cx: &OpContext,
        event: AuditEvent,
        subject_id: Option<String>,
        subject_name: Option<String>,
    ) -> AuditRecord {
        AuditRecord {
            at: self.0.clock.now(),
            event,
            subject_id,
            subject_name,
            outcome: AuditOutcome::Done,
            code: None,
            actor: cx.actor(),
            project_id: cx.project,
            request_id: Some(cx.request_id.clone()),
        }
    }

    /// Records that an action was refused, in a transaction of its own; nothing where it only looks.
    /// The caller gets its refusal also when that fails.
    pub(crate) async fn audit_refused(
        &self,
        cx: &OpContext,
        action: Action,
        subject_id: Option<String>,
        code: &str,
    ) {
        let Some(event) = AuditEvent::of(action) else { return };
        let record = AuditRecord {
            outcome: AuditOutcome::Refused,
            code: Some(code.to_owned()),
            ..self.audit(cx, event, subject_id, None)
        };
        if let Err(error) = self.audit_alone(&record).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, event = %event, "a refusal was not recorded");
        }
    }

    async fn audit_alone(&self, record: &AuditRecord) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        tx.audit_insert(record).await?;
        Ok(tx.commit().await?)
    }
}
