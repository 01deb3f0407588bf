//! One table of routes under several mounts: what of a path names the service, and what the route.
//!
//! # Why
//! Some clients reach every service at the root of the server, others under a prefix, `/cbr/v3/..`,
//! because they derive the address of one service from that of another (contract related-services
//! 1.1). The routes do not collide, so the prefix is taken off and one flat table serves all.
//! Nothing is redirected: a signature covers the path as it was sent.
//!
//! # Not here
//! Signatures, which cover the path before any of this: [`crate::signature`].

/// The services that the server speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are named by the contract")]
pub enum Service {
    Iam,
    Ecs,
    Evs,
    Ims,
    Vpc,
    SfsTurbo,
    Cts,
    Smn,
    Tms,
    Ces,
    Cbr,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Iam,
        Self::Ecs,
        Self::Evs,
        Self::Ims,
        Self::Vpc,
        Self::SfsTurbo,
        Self::Cts,
        Self::Smn,
        Self::Tms,
        Self::Ces,
        Self::Cbr,
    ];

    /// The name that stands in paths.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Ecs => "ecs",
            Self::Evs => "evs",
            Self::Ims => "ims",
            Self::Vpc => "vpc",
            Self::SfsTurbo => "sfs-turbo",
            Self::Cts => "cts",
            Self::Smn => "smn",
            Self::Tms => "tms",
            Self::Ces => "ces",
            Self::Cbr => "cbr",
        }
    }
}

/// A path without its mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The service that the prefix named; none at the root.
    pub service: Option<Service>,
    /// The region that the prefix named.
    pub region: Option<String>,
    /// What the table of routes knows: begins with a slash, ends with none but at the root, and
    /// holds no empty segment. Still percent-encoded, so that an escaped slash parts nothing.
    pub path: String,
}

impl Mounted {
    /// Takes a service and a region (one of `regions`) off the front of `path`, one of each at
    /// most and in either order.
    pub fn at(path: &str, regions: &[String]) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty()).peekable();
        let (mut service, mut region) = (None, None);
        while let Some(&segment) = segments.peek() {
            let named = Service::ALL.into_iter().find(|known| known.prefix() == segment);
            let is_region = regions.iter().any(|known| known == segment);
            if service.is_none() && named.is_some() {
                service = named;
            } else if region.is_none() && is_region {
                region = Some(segment.to_owned());
            } else {
                break;
            }
            segments.next();
        }
        let rest: Vec<&str> = segments.collect();
        Self { service, region, path: format!("/{}", rest.join("/")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_takes_prefixes_off_in_either_order() {
        let regions = ["eu-test".to_owned(), "eu-nl".to_owned()];
        let check = |path: &str, service: Option<Service>, region: Option<&str>, rest: &str| {
            let mounted = Mounted::at(path, &regions);
            let expected =
                Mounted { service, region: region.map(str::to_owned), path: rest.to_owned() };
            assert_eq!(mounted, expected, "{path}");
        };
        let cbr = Some(Service::Cbr);
        let region = Some("eu-test");
        check("/v3/p/vaults", None, None, "/v3/p/vaults");
        check("/cbr/v3/p/vaults", cbr, None, "/v3/p/vaults");
        check("/eu-test/v3/p/vaults", None, region, "/v3/p/vaults");
        check("/cbr/eu-test/v3/p/vaults", cbr, region, "/v3/p/vaults");
        check("/eu-test/cbr/v3/p/vaults", cbr, region, "/v3/p/vaults");
        // One of each, and none behind the first segment of the route.
        check("/cbr/ecs/v3", cbr, None, "/ecs/v3");
        check("/cbr/cbr/v3", cbr, None, "/cbr/v3");
        check("/eu-test/eu-nl/v3", None, region, "/eu-nl/v3");
        check("/eu-test/cbr/eu-nl", cbr, region, "/eu-nl");
        check("/v3/cbr/eu-test", None, None, "/v3/cbr/eu-test");
        check(
            "/sfs-turbo/v1/p/sfs-turbo/shares",
            Some(Service::SfsTurbo),
            None,
            "/v1/p/sfs-turbo/shares",
        );
        // Regions are those of the configuration, and case counts.
        check("/eu-west/v3", None, None, "/eu-west/v3");
        check("/CBR/v3", None, None, "/CBR/v3");
        check("/V1.0/p/metrics", None, None, "/V1.0/p/metrics");
        check("/%63br/v3", None, None, "/%63br/v3");
    }

    #[test]
    fn at_makes_nothing_of_slashes() {
        let check = |path: &str, service: Option<Service>, rest: &str| {
            let mounted = Mounted::at(path, &[]);
            assert_eq!((mounted.service, mounted.path.as_str()), (service, rest), "{path}");
        };
        check("", None, "/");
        check("/", None, "/");
        check("//", None, "/");
        check("/iam", Some(Service::Iam), "/");
        check("/ims/", Some(Service::Ims), "/");
        check("//iam//v3/", Some(Service::Iam), "/v3");
        check("/v3//p///vaults/", None, "/v3/p/vaults");
        check("/v3/tags/a%2Fb%2F/", None, "/v3/tags/a%2Fb%2F");
    }

    #[test]
    fn every_service_has_a_prefix_of_its_own() {
        for service in Service::ALL {
            let path = format!("/{}/v1/x", service.prefix());
            assert_eq!(Mounted::at(&path, &[]).service, Some(service));
        }
    }
}
