//! What terraform-opentelekomcloud sent, replayed.

use crate::replayed;

// proves: API-11
#[test]
fn terraform_opentelekomcloud_is_answered_as_recorded() {
    replayed::check("terraform-opentelekomcloud");
}
