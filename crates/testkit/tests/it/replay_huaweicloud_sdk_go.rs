//! What huaweicloud-sdk-go sent, replayed.

use crate::replayed;

// proves: API-11
#[test]
fn huaweicloud_sdk_go_is_answered_as_recorded() {
    replayed::check("huaweicloud-sdk-go");
}
