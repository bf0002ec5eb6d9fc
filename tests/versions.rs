//! One version, wherever it is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use regex_lite::Regex;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The major version that users write: before 1.0.0, that of the first release to come.
fn major() -> &'static str {
    VERSION.split('.').next().filter(|&major| major != "0").unwrap_or("1")
}

#[test]
fn the_changelog_begins_with_the_version_of_the_crate() {
    let changelog = read("CHANGELOG.md");

    let newest = changelog.lines().find(|line| line.starts_with("## [")).unwrap();

    let heading = Regex::new(r"^## \[(.+)\] - (unreleased|\d{4}-\d{2}-\d{2})$").unwrap();
    let found = heading.captures(newest).unwrap_or_else(|| panic!("{newest}"));
    assert_eq!(&found[1], VERSION);
    assert!(changelog.contains(&format!("\n[{VERSION}]: https://")), "the heading's link is missing");
}

#[test]
fn every_document_and_example_names_the_same_major_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["docs", "docs/decisions", "examples/workflows", "examples/composite-action", "."];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let paths = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| ["md", "yml"].iter().any(|known| extension == *known)));
    let used = Regex::new(r"uses: org/ecs-deploy-action@(\S+)").unwrap();
    let mut checked = 0;
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        for found in used.captures_iter(&text) {
            assert_eq!(&found[1], format!("v{}", major()), "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} were found");
}

#[test]
fn main_builds_its_image_and_a_release_names_it_by_digest() {
    let action = read("action.yml");
    let image = action.lines().find_map(|line| line.strip_prefix("  image: ")).unwrap();

    let released = Regex::new(r"^docker://ghcr\.io/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$").unwrap();
    assert!(image == "Dockerfile" || released.is_match(image), "{image}");
    // The workflow that makes the release looks for this very line.
    assert!(read(".github/workflows/release.yml").contains(r"s|^  image: Dockerfile\$|"));
}
