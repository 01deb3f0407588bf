//! What huaweicloud-sdk-python sent, replayed.

use crate::replayed;

// proves: API-11
#[test]
fn huaweicloud_sdk_python_is_answered_as_recorded() {
    replayed::check("huaweicloud-sdk-python");
}
