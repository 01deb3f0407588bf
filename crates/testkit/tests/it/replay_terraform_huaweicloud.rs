//! What terraform-huaweicloud sent, replayed.

use crate::replayed;

// proves: API-11
#[test]
fn terraform_huaweicloud_is_answered_as_recorded() {
    replayed::check("terraform-huaweicloud");
}
