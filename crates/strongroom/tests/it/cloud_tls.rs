//! The real server over TLS, and what it says of its own address.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};

use strongroom_testkit::Ask;

use crate::cloud_client::log_in;
use crate::installation::{Installation, Setup};
use crate::program::text;

/// A port of all addresses that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port()
}

/// A server for other machines, known as `localhost`.
fn public(arguments: &[&str]) -> Installation {
    let mut world = Installation::new(&[]);
    let port = free_port();
    let (listen, url) = (format!("0.0.0.0:{port}"), format!("https://localhost:{port}"));
    world.setup.arguments.clear();
    world.setup = world.setup.with(&["--listen", &listen, "--public-url", &url]).with(arguments);
    world
}

/// Lists the vaults as a person would, with the `clouds.yaml` of the first start.
fn list_vaults(setup: &Setup, authority: Option<&Path>) -> Output {
    let mut clouds = fs::read_to_string(setup.data.join("clouds.yaml")).unwrap();
    if let Some(path) = authority {
        writeln!(clouds, "    cacert: {}", path.display()).unwrap();
    }
    let file = setup.scratch.join("clouds.yaml");
    write(&file, clouds.as_bytes());
    let mut list = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    list.env_clear().env("OS_CLIENT_CONFIG_FILE", &file).args(["vault", "list"]);
    list.output().unwrap()
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

/// Writes a new certificate for `localhost` and its key.
fn make_certificate(folder: &Path, name: &str) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let texts = [("pem", made.cert.pem()), ("key", made.signing_key.serialize_pem())];
    texts.map(|(extension, text)| {
        let path = folder.join(format!("{name}.{extension}"));
        write(&path, text.as_bytes());
        path.display().to_string()
    })
}

#[test]
fn own_certificate_lets_in_who_knows_it() {
    let world = public(&["--tls", "own"]);
    let (server, _) = world.setup.start();
    let known = list_vaults(&world.setup, Some(&world.setup.data.join("tls/certificate.pem")));
    assert!(known.status.success(), "{}", text(&known.stderr));
    let unknown = list_vaults(&world.setup, None);
    assert!(!unknown.status.success());
    let said = text(&unknown.stderr);
    assert!(said.contains("certificate") || said.contains("UnknownIssuer"), "{said}");
    server.stop();
    // It is the same after a restart.
    let (server, _) = world.setup.start();
    let known = list_vaults(&world.setup, Some(&world.setup.data.join("tls/certificate.pem")));
    assert!(known.status.success(), "{}", text(&known.stderr));
    server.stop();
}

#[test]
fn given_certificate_lets_in_who_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = make_certificate(folder.path(), "good");
    let [_, other_key] = make_certificate(folder.path(), "other");
    let mut world = public(&["--tls", "given"]);
    let set = |world: &mut Installation, certificate: &str, key: &str| {
        world.setup.variables = vec![
            ("STRONGROOM_TLS_CERTIFICATE".to_owned(), certificate.to_owned()),
            ("STRONGROOM_TLS_KEY".to_owned(), key.to_owned()),
        ];
    };
    let broken = folder.path().join("broken.pem").display().to_string();
    write(Path::new(&broken), b"-----BEGIN CERTIFICATE-----\nnot base64\n");
    for (certificate, key, expected) in [
        (&certificate, &other_key, vec![&certificate, &other_key]),
        (&broken, &key, vec![&broken]),
        (&certificate, &broken, vec![&broken]),
        (&certificate, &"/nowhere.key".to_owned(), vec![&"/nowhere.key".to_owned()]),
    ] {
        set(&mut world, certificate, key);
        let (said, code) = world.setup.refused();
        assert_eq!(code, Some(2), "{said}");
        assert!(expected.iter().all(|path| said.contains(*path)), "{expected:?}: {said}");
        assert!(!world.setup.data.join("openrc").exists(), "it left a first start behind");
    }
    set(&mut world, &certificate, &key);
    let (server, _) = world.setup.start();
    let known = list_vaults(&world.setup, Some(Path::new(&certificate)));
    assert!(known.status.success(), "{}", text(&known.stderr));
    assert!(!list_vaults(&world.setup, None).status.success());
    server.stop();
}

#[test]
fn passwords_do_not_cross_a_network_in_the_clear() {
    let mut world = public(&[]);
    let (said, code) = world.setup.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("hint: ") && said.contains("tls"), "{said}");
    assert!(!world.setup.data.exists());
    world.setup.arguments = ["--listen", "[::]:0"].map(str::to_owned).to_vec();
    assert_eq!(world.setup.refused().1, Some(2));
}

#[test]
fn no_address_that_is_handed_out_comes_from_a_request() {
    for public_url in [None, Some("https://backup.example.org/cloud")] {
        let mut world = Installation::new(&[]);
        if let Some(url) = public_url {
            world.setup = world.setup.with(&["--public-url", url]);
        }
        let (server, address) = world.setup.start();
        let base = public_url.map_or_else(|| format!("http://{address}"), str::to_owned);
        let hostile = |method: &str, target: &str| {
            let ask = Ask::new(method, target).header("host", "evil.example");
            ask.header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example")
        };
        for target in ["/", "/v3", "/v3/", "/iam", "/iam/", "/iam/v3", "/evs/", "/ecs/", "/cbr/"] {
            let answer = hostile("GET", target).send(address).unwrap();
            let all = format!("{:?} {}", answer.headers, answer.text());
            assert!(!all.contains("evil"), "{target}: {all}");
            let urls = all.match_indices("http").map(|(at, _)| &all[at..]);
            assert!(urls.clone().all(|url| url.starts_with(&base)), "{target}: {all}");
        }
        let found = hostile("GET", "/iam/v3").send(address).unwrap();
        assert!(found.text().contains(&base), "{}", found.text());
        let token = log_in(address, &world.setup.openrc()).header("x-subject-token").to_owned();
        let catalog = hostile("GET", "/iam/v3/auth/catalog").token(&token).send(address).unwrap();
        let urls: Vec<_> = catalog
            .json()
            .pointer("/catalog")
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|service| service["endpoints"].as_array().unwrap().clone())
            .map(|endpoint| endpoint["url"].as_str().unwrap().to_owned())
            .collect();
        assert!(urls.len() > 3, "{urls:?}");
        assert!(urls.iter().all(|url| url.starts_with(&base)), "{urls:?}");
        server.stop();
    }
}
