//! What openstack-cli sent, replayed.

use crate::replayed;

// proves: API-11
#[test]
fn openstack_cli_is_answered_as_recorded() {
    replayed::check("openstack-cli");
}
