use std::fs::File;
use std::io::Write as _;

use anyhow::anyhow;
use tempfile::TempDir;

use super::*;

fn folder(clouds: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut file = File::create(dir.path().join("clouds.yaml")).expect("a file");
    file.write_all(clouds.as_bytes()).expect("written");
    dir
}

fn choose(clouds: &str, name: Option<&str>, variables: &[(&str, &str)]) -> Result<Cloud> {
    let dir = folder(clouds);
    Cloud::choose(name, None, &Environment::of(variables, dir.path().to_owned()))
}

fn refusal(clouds: &str, name: Option<&str>, variables: &[(&str, &str)]) -> anyhow::Error {
    choose(clouds, name, variables).err().unwrap_or_else(|| anyhow!("was taken"))
}

const TWO: &str = "
clouds:
  one:
    auth:
      auth_url: https://one.example/iam
      username: u
      password: p
      project_name: proj
      user_domain_name: dom
    region_name: eu
  two:
    auth: {auth_url: 'https://two.example/iam/v3/', user_id: abc, password: 12, project_id: def}
    cacert: /etc/ca.pem
    verify: yes
";

#[test]
fn choose_reads_the_named_cloud() {
    let cloud = choose(TWO, Some("one"), &[("OS_AUTH_URL", "https://other")]).expect("complete");
    assert_eq!(cloud.auth_url.as_str(), "https://one.example/iam/v3");
    assert_eq!((cloud.region.as_deref(), &cloud.trust), (Some("eu"), &Trust::System));
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {
            "user": {"name": "u", "password": "p", "domain": {"name": "dom"}},
        }},
        "scope": {"project": {"name": "proj", "domain": {"name": "dom"}}},
    }});
    assert_eq!(cloud.token_request(), expected);
}

#[test]
fn choose_names_by_id_without_a_domain() {
    let cloud = choose(TWO, Some("two"), &[]).expect("complete");
    assert_eq!(cloud.auth_url.as_str(), "https://two.example/iam/v3");
    assert_eq!(cloud.trust, Trust::Authority("/etc/ca.pem".into()));
    let body = cloud.token_request();
    let user = &body["auth"]["identity"]["password"]["user"];
    assert_eq!(user, &json!({"id": "abc", "password": "12"}));
    assert_eq!(body["auth"]["scope"], json!({"project": {"id": "def"}}));
}

#[test]
fn choose_takes_variables_when_no_cloud_is_named() {
    let variables = [
        ("OS_AUTH_URL", "http://three.example"),
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "p"),
        ("OS_PROJECT_NAME", "proj"),
        ("OS_PROJECT_DOMAIN_ID", "d1"),
        ("OS_REGION_NAME", ""),
        ("OS_INSECURE", "True"),
    ];
    let cloud = choose(TWO, None, &variables).expect("complete");
    assert_eq!(cloud.auth_url.as_str(), "http://three.example/v3");
    assert_eq!((cloud.region, cloud.trust), (None, Trust::Anyone));
    assert_eq!(cloud.user_domain, Some(Named::Id("d1".to_owned())));
}

#[test]
fn choose_takes_the_only_cloud() {
    let one = TWO.split("  two:").next().unwrap_or_default();
    assert!(choose(one, None, &[]).is_ok());
}

#[test]
fn choose_says_what_is_missing() {
    let check = |clouds: &str, name, variables: &[(&str, &str)], expected: &str| {
        let said = refusal(clouds, name, variables).to_string();
        assert!(said.contains(expected), "{said:?} and not {expected:?}");
    };
    check(TWO, None, &[], "several clouds");
    check("clouds:", None, &[], "no cloud was given");
    check(TWO, Some("three"), &[], "there is no cloud \"three\"");
    check("clouds: {a: {auth: {auth_url: x}}}", None, &[], "no address");
    check("clouds: {a: {auth_type: token}}", None, &[], "auth_type \"token\"");
    let without_password = "clouds: {a: {auth: {auth_url: 'http://x', username: u}}}";
    check(without_password, None, &[], "password is not known");
    check("", None, &[("OS_AUTH_URL", "http://x"), ("OS_PASSWORD", "p")], "username is not known");
    let no_domain = "clouds: {a: {auth: {auth_url: 'http://x', username: u, password: p, \
                     project_id: d}}}";
    check(no_domain, None, &[], "user_domain_name is not known");
}
