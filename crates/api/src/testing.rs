//! What the tests of this crate share.

use std::time::Duration;

use strongroom_control::Settings;
use strongroom_model::Quota;

/// Settings of an installation that runs nowhere.
pub(crate) fn settings() -> Settings {
    let hour = Duration::from_hours(1);
    Settings {
        region: "eu-test".to_owned(),
        zone: "eu-test-01".to_owned(),
        public_url: "https://backup.example.test".to_owned(),
        object_url: None,
        quota: Quota::default(),
        token_life: 24 * hour,
        grave_delay: hour,
        collect_every: hour,
        verify_every: hour,
    }
}
