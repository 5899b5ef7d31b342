//! Which images a pattern covers.

use waxseal_oci::Reference;
use waxseal_policy::ImagePattern;

/// Pattern, image, whether it covers it.
const TABLE: [(&str, &str, bool); 59] = [
    // The whole name, fully qualified.
    ("r.io/app", "r.io/app", true),
    ("r.io/app", "r.io/app:1.2", true),
    (
        "r.io/app",
        "r.io/app:1@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        true,
    ),
    ("r.io/app", "r.io/apps", false),
    ("r.io/app", "r.io/ap", false),
    ("r.io/app", "r.io/app/x", false),
    ("r.io/app", "r.io/x/app", false),
    ("r.io/app", "r.ioo/app", false),
    // Portieris and others looked for the pattern somewhere in the name.
    ("registry.io/app", "evil.io/registry.io/app", false),
    ("registry.io/*", "evil.io/registry.io/app", false),
    ("registry.io/**", "evil.io/registry.io/app", false),
    ("registry.io/app*", "evil.io/registry.io/app", false),
    ("registry.io/**", "registry.io.evil.io/app", false),
    ("registry.io/**", "xregistry.io/app", false),
    // `*` stays inside a component.
    ("r.io/shop/*", "r.io/shop/api", true),
    ("r.io/shop/*", "r.io/shop/a/b", false),
    ("r.io/shop/*", "r.io/shop", false),
    ("r.io/*/api", "r.io/x/api", true),
    ("r.io/*/api", "r.io/x/y/api", false),
    ("r.io/*/api", "r.io/api", false),
    ("r.io/app*", "r.io/app", true),
    ("r.io/app*", "r.io/app2", true),
    ("r.io/app*", "r.io/app/x", false),
    ("r.io/*-api", "r.io/shop-api", true),
    ("r.io/*-api", "r.io/shop-api-2", false),
    ("r.io/a*b*c", "r.io/axbxc", true),
    ("r.io/a*b*c", "r.io/axcxb", false),
    // `**` crosses components.
    ("r.io/**", "r.io/a", true),
    ("r.io/**", "r.io/a/b/c", true),
    ("r.io/shop/**", "r.io/shop/api", true),
    ("r.io/shop/**", "r.io/shop/a/b", true),
    ("r.io/shop/**", "r.io/shop", false),
    ("r.io/shop/**", "r.io/shopping/a", false),
    ("r.io/**/api", "r.io/x/y/api", true),
    ("r.io/**/api", "r.io/api", false),
    ("r.io/**api", "r.io/x/y-api", true),
    // Hosts.
    ("*.r.io/app", "x.r.io/app", true),
    ("*.r.io/app", "r.io/app", false),
    ("*.r.io/app", "evil.io/x.r.io/app", false),
    ("*.r.io/app", "x.r.io.evil.io/app", false),
    ("*.r.io/app", "x.r.io:5000/app", false),
    ("mirror-*.r.io/**", "mirror-eu.r.io/a/b", true),
    ("localhost:5000/**", "localhost:5000/a", true),
    ("localhost:5000/**", "localhost:5001/a", false),
    // One registry has one name.
    ("r.io/app", "R.IO/app", true),
    ("R.io/app", "r.io/app", true),
    ("r.io/app", "r.io:443/app", true),
    ("r.io:443/app", "r.io/app", true),
    // The names that a runtime fills in.
    ("docker.io/library/*", "nginx", true),
    ("docker.io/library/nginx", "index.docker.io/nginx", true),
    ("docker.io/**", "acme/app", true),
    (
        "docker.io/library/nginx",
        "INDEX.docker.io/library/nginx",
        true,
    ),
    (
        "docker.io/library/nginx",
        "registry-1.docker.io/library/nginx",
        true,
    ),
    ("index.docker.io/library/nginx", "nginx", true),
    ("registry-1.docker.io/**", "nginx", true),
    ("docker.io/**", "docker.io:443/acme/app", true),
    ("*.docker.io/**", "registry-1.docker.io/acme/app", true),
    ("*.docker.io/**", "acme/app", false),
    ("docker.io/library/nginx", "nginx/nginx", false),
];

#[test]
fn covers_whole_names_only() {
    for (pattern, image, wanted) in TABLE {
        let pattern = ImagePattern::parse(pattern).expect(pattern);
        let image: Reference = image.parse().expect(image);
        assert_eq!(pattern.covers(&image), wanted, "{pattern} {image}");
    }
}

#[test]
fn takes_time_in_proportion() {
    let pattern = format!("r.io/{}b", "a*".repeat(250));
    let pattern = ImagePattern::parse(&pattern).expect("a pattern");
    let image: Reference = format!("r.io/{}", "a".repeat(240)).parse().expect("a name");
    assert!(!pattern.covers(&image));
}
