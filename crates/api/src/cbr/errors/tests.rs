use strongroom_model::resource::ResourceType;
use strongroom_model::vault::VaultStatus;
use strongroom_model::{Action, FieldError, Refusal, ResourceId, VaultId};

use super::*;
use crate::invalid::Invalid;

const NOUNS: [Noun; 12] = [
    Noun::Vault,
    Noun::Policy,
    Noun::Checkpoint,
    Noun::Backup,
    Noun::Task,
    Noun::Resource,
    Noun::Disk,
    Noun::Server,
    Noun::Project,
    Noun::Domain,
    Noun::User,
    Noun::Token,
];

/// Every refusal once, with the status and code of the contract's table.
fn refusals() -> Vec<(Refusal, u16, u16)> {
    use Refusal as R;
    let resource = ResourceId([1; 16]);
    let status = VaultStatus::Deleting;
    vec![
        (R::Field(FieldError::new("name", "a word")), 400, 9900),
        (R::NothingToBackUp, 400, 1),
        (R::TargetTooSmall { disk: resource }, 400, 2001),
        (R::TargetBeingBackedUp { target: resource }, 400, 2002),
        (R::TargetNotSource { target: resource }, 400, 2003),
        (R::BackupNotAvailable, 400, 2005),
        (R::ServerDeleted { server: resource }, 400, 2007),
        (R::ServerNotRestorable { server: resource }, 400, 2008),
        (R::TypeNotRestorable, 400, 2009),
        (R::TargetBeingRestored { target: resource }, 400, 2010),
        (R::DiskNotDetached { disk: resource }, 400, 2011),
        (R::MappedDiskNotAllowed { disk: resource }, 400, 2012),
        (R::DataToSystemDisk { disk: resource }, 400, 2013),
        (R::TooManyResources, 400, 6100),
        (R::SizeInvalid, 400, 6101),
        (R::ResourceTypeMismatch { resource_type: ResourceType::Disk }, 400, 6102),
        (R::BoundElsewhere { resource, vault: VaultId([2; 16]) }, 400, 6103),
        (R::NamedTwice { resource }, 400, 6104),
        (R::TakesNoResources, 400, 6108),
        (R::Prepaid, 400, 6109),
        (R::Unlocking, 400, 6110),
        (R::VaultLocked, 400, 6110),
        (R::HasLockedBackups, 400, 6111),
        (R::VaultStatusForbids { status }, 400, 6112),
        (R::VaultStatusForbidsBackup { status }, 400, 6113),
        (R::VaultFull, 400, 6114),
        (R::ProtectTypeUnsupported, 400, 6116),
        (R::SizeChanging, 400, 6123),
        (R::VaultTypeForbidsBackup, 400, 6124),
        (R::VaultBusy, 400, 6125),
        (R::ResourceBusy { resource }, 400, 6125),
        (R::ResourceBeingRemoved { resource }, 400, 6134),
        (R::NotInVault { resource }, 400, 6135),
        (R::BackupNotDeletable, 400, 6201),
        (R::VaultStatusForbidsRestore { status }, 400, 6202),
        (R::ResourceNotProtectable { resource }, 400, 6215),
        (R::BackupInUse, 400, 6216),
        (R::BackupLocked, 400, 6220),
        (R::TooManyTags, 400, 6600),
        (R::TagAbsent, 404, 6601),
        (R::DiskNotProtectable { disk: resource }, 400, 7003),
        (R::DiskBoundHere { disk: resource }, 400, 7006),
        (R::ServerNotProtectable { server: resource }, 400, 7101),
        (R::ServerWithoutDisks { server: resource }, 400, 7108),
    ]
}

fn told(error: Error) -> (u16, String) {
    let told = tell(&Failure::Service(error));
    assert!(!told.message.is_empty());
    (told.status.as_u16(), told.code)
}

#[test]
fn refusals_have_the_status_and_code_of_the_table() {
    for (refusal, status, code) in refusals() {
        let name = format!("{refusal:?}");
        let expected = (status, format!("BackupService.{code:04}"));
        assert_eq!(told(refusal.into()), expected, "{name}");
    }
}

#[test]
fn refusal_does_not_tell_of_a_vault_that_may_be_another_project_s() {
    let vault = VaultId([2; 16]);
    let bound = Refusal::BoundElsewhere { resource: ResourceId([1; 16]), vault };
    let told = tell(&Failure::Service(bound.into()));
    assert!(!told.message.contains(&vault.to_string()));
}

#[test]
fn everything_absent_is_404_with_the_code_of_its_noun() {
    for noun in NOUNS {
        let (status, code) = told(Error::NotFound(noun));
        assert_eq!((status, code), (404, code_of_absent(noun).to_string()), "{noun:?}");
    }
    let told = tell(&Failure::Service(Error::NotFound(Noun::Task)));
    assert_eq!(told.message, "Operation log does not exist.");
}

#[test]
fn other_errors_have_the_status_that_clients_know() {
    let cause = || std::io::Error::other("host 10.0.0.1 is down").into();
    let check = |error: Error, status: u16, code: &str| {
        assert_eq!(told(error), (status, code.to_owned()));
    };
    check(Error::ForeignProject, 403, "Forbidden");
    check(Error::Forbidden { action: Action::VaultGet }, 403, "Forbidden");
    check(Error::Conflict, 409, "BackupService.9910");
    check(Error::Unavailable { source: cause() }, 503, "BackupService.9910");
    check(Error::Busy, 503, "BackupService.9910");
    check(Error::Internal { source: cause() }, 500, "BackupService.9910");
    check(Error::Unusable { why: "/a is no disk".to_owned() }, 400, "BackupService.9900");
    check(Error::Unauthenticated, 401, "401");
    let lost = tell(&Failure::Authentication(Error::Unavailable { source: cause() }));
    assert_eq!((lost.status.as_u16(), lost.code.as_str()), (503, "BackupService.9998"));
    assert!(!lost.message.contains("10.0.0.1"));
}

#[test]
fn forbidden_names_the_action_and_the_locked_attribute_is_named_as_clients_ask() {
    let told = tell(&Failure::Service(Error::Forbidden { action: Action::VaultGet }));
    assert_eq!(told.message, "cbr:vaults:get is not allowed");
    let told = tell(&Failure::Service(Refusal::Unlocking.into()));
    assert!(
        told.message.contains("vault not support to modify locked attribute from true to false.")
    );
}

#[test]
fn fields_have_the_code_of_parameters_unless_they_have_their_own() {
    let field = Invalid::path_id("vault_id");
    let told = tell(&Failure::Invalid(field.clone()));
    assert_eq!((told.status.as_u16(), told.code.as_str()), (400, "BackupService.9900"));
    assert_eq!(told.message, "Invalid vault_id provided.");
    assert_eq!(tell(&Failure::Invalid(field.coded(6102))).code, "BackupService.6102");
}
