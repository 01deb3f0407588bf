//! What the service's answers come to.

use super::{Kind, Verdict};
use crate::client::{ClientError, Refusal};

pub(super) fn judge_client(error: &ClientError) -> Verdict {
    match error {
        ClientError::Unreachable { .. } => Verdict::hint(
            Kind::Unavailable,
            "check auth_url, the network and whether the service runs; a request may have been \
             carried out all the same",
        ),
        ClientError::Refused(refusal) => judge_refusal(refusal),
        ClientError::SignIn { refusal, .. } => match refusal.status.as_u16() {
            400 | 401 | 403 => Verdict::hint(
                Kind::Unavailable,
                "check the user, the password, the project and their domains in clouds.yaml or \
                 OS_*",
            ),
            404 => Verdict::hint(Kind::Unavailable, "check auth_url: it ends in /iam/v3"),
            _ => Verdict::of(Kind::Unavailable),
        },
        ClientError::NoService { .. } => {
            Verdict::hint(Kind::NotFound, "check region_name; --region chooses another one")
        }
        ClientError::Malformed { .. } => {
            Verdict::hint(Kind::Failed, "check that auth_url belongs to the service")
        }
        ClientError::Prepare(_) => Verdict::of(Kind::Failed),
    }
}

/// By status, and for 400, which says little, by the service's code (cbr-v3, 6.2).
fn judge_refusal(refusal: &Refusal) -> Verdict {
    let number = refusal.code.as_deref().and_then(|code| code.strip_prefix("BackupService."));
    match (refusal.status.as_u16(), number) {
        (404, _) => Verdict::of(Kind::NotFound),
        // Not what stands against it, but what was asked for.
        (400, None | Some("2001" | "6101" | "6102" | "6104" | "6116" | "9900"))
        | (405 | 413 | 416, _) => Verdict::of(Kind::Usage),
        (400 | 409 | 412, _) => Verdict::of(Kind::Conflict),
        (401 | 403, _) => Verdict::hint(
            Kind::Unavailable,
            "the user may not do that in this project; an administrator can grant it a role",
        ),
        (408 | 429 | 502..=504, _) => Verdict::hint(Kind::Unavailable, "try again later"),
        (507, _) => Verdict::of(Kind::Store),
        _ => Verdict::hint(Kind::Failed, "--verbose names the request, for who looks into it"),
    }
}
