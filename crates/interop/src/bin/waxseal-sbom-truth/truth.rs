//! What the tools of the ecosystems say, as package URLs without escapes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::Peers;

pub(crate) type Packages = Result<BTreeSet<String>, String>;

pub(crate) fn dpkg(root: &Path) -> Packages {
    let purl = "pkg:deb/debian/${Package}@${Version}?arch=${Architecture}";
    let said = output(
        Command::new("dpkg-query")
            .arg(format!(
                "--admindir={}",
                root.join("var/lib/dpkg").display()
            ))
            .args(["-W", "-f", &format!("{purl}\\n")]),
    )?;
    let release =
        std::fs::read_to_string(root.join("etc/os-release")).map_err(|e| e.to_string())?;
    let member = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    let id = member("ID=").ok_or("no ID")?;
    let distro = match member("VERSION_ID=") {
        Some(version) => format!("{id}-{version}"),
        None => id.clone(),
    };
    let each = said.lines().map(|line| {
        let line = line.replacen("/debian/", &format!("/{id}/"), 1);
        format!("{line}&distro={distro}")
    });
    Ok(each.collect())
}

pub(crate) fn rpm(peers: &Peers, root: &Path) -> Packages {
    let tools = peers.folder.join("tools");
    let architecture = std::env::consts::ARCH;
    let said = output(
        Command::new(tools.join("usr/bin/rpm"))
            .env(
                "LD_LIBRARY_PATH",
                tools.join(format!("usr/lib/{architecture}-linux-gnu")),
            )
            .env("RPM_CONFIGDIR", tools.join("usr/lib/rpm"))
            .args(["--define", &format!("_db_backend {}", backend(root))])
            .arg("--dbpath")
            .arg(root.join("var/lib/rpm"))
            .args(["-qa", "--qf"])
            .arg("pkg:rpm/fedora/%{NAME}@%{VERSION}-%{RELEASE}?arch=%{ARCH}&distro=fedora-40&epoch=%{EPOCH}\\n"),
    )?;
    Ok(said
        .lines()
        .map(|line| line.replace("&epoch=(none)", ""))
        .collect())
}

fn backend(root: &Path) -> &'static str {
    match root.join("var/lib/rpm/rpmdb.sqlite").exists() {
        true => "sqlite",
        false => "bdb_ro",
    }
}

/// `usr/share/maven-repo/GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.jar`, links to
/// the archives, which Debian's tools name by the `pom.xml`.
pub(crate) fn maven(root: &Path) -> Packages {
    let repository = root.join("usr/share/maven-repo");
    let said = output(
        Command::new("find")
            .arg(&repository)
            .args(["-name", "*.jar"]),
    )?;
    let mut purls = BTreeSet::new();
    for line in said.lines() {
        let path = Path::new(line)
            .strip_prefix(&repository)
            .map_err(|e| e.to_string())?;
        let path = path.to_string_lossy().into_owned();
        let mut parts: Vec<&str> = path.split('/').collect();
        let (_, version, artifact) = (parts.pop(), parts.pop(), parts.pop());
        let (Some(version), Some(artifact)) = (version, artifact) else {
            continue;
        };
        // The version `debian` is whichever is installed.
        if version != "debian" {
            purls.insert(format!(
                "pkg:maven/{}/{artifact}@{version}",
                parts.join(".")
            ));
        }
    }
    Ok(purls)
}

/// `list` is everything; `freeze` is what is not pip's own.
pub(crate) fn pip(root: &Path, verb: &str) -> Packages {
    let said = output(
        Command::new(root.join("bin/pip"))
            .args(["--disable-pip-version-check", verb])
            .args(if verb == "list" {
                &["--format=freeze"][..]
            } else {
                &[]
            }),
    )?;
    let each = said.lines().filter_map(|line| {
        let (name, version) = line.split_once("==")?;
        let mut normal = String::new();
        for c in name.to_lowercase().chars() {
            let c = if matches!(c, '_' | '.') { '-' } else { c };
            if c != '-' || !normal.ends_with('-') {
                normal.push(c);
            }
        }
        Some(format!("pkg:pypi/{normal}@{version}"))
    });
    Ok(each.collect())
}

pub(crate) fn npm(folder: &Path, more: &[&str]) -> Packages {
    let said = output(
        Command::new("npm")
            .args(["ls", "--all", "--json", "--long"])
            .args(more)
            .current_dir(folder),
    )?;
    let tree: Value = serde_json::from_str(&said).map_err(|e| e.to_string())?;
    let mut purls = BTreeSet::new();
    let mut waiting = vec![&tree];
    while let Some(node) = waiting.pop() {
        let below = node["dependencies"].as_object();
        for package in below.into_iter().flatten().map(|(_, package)| package) {
            // What is optional and for another machine is not there.
            if let (Some(name), Some(version)) =
                (package["name"].as_str(), package["version"].as_str())
            {
                purls.insert(format!("pkg:npm/{name}@{version}"));
            }
            waiting.push(package);
        }
    }
    Ok(purls)
}

pub(crate) fn go_program(root: &Path) -> Packages {
    let program = root.join("usr/bin/truth");
    let said = output(Command::new("go").args(["version", "-m"]).arg(program))?;
    let mut modules: Vec<(String, String)> = Vec::new();
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, go] if line.starts_with('/') => {
                modules.push(("stdlib".to_owned(), go.trim_start_matches("go").to_owned()));
            }
            ["mod", path, "(devel)", ..] => modules.push(((*path).to_owned(), String::new())),
            ["mod" | "dep", path, version, ..] => {
                modules.push(((*path).to_owned(), (*version).to_owned()));
            }
            ["=>", path, version, ..] => {
                modules.pop();
                modules.push(((*path).to_owned(), (*version).to_owned()));
            }
            _ => {}
        }
    }
    Ok(modules
        .iter()
        .map(|(path, version)| golang(path, version))
        .collect())
}

pub(crate) fn go_mod(root: &Path) -> Packages {
    let said = output(
        Command::new("go")
            .args(["mod", "edit", "-json"])
            .arg(root.join("src/go.mod")),
    )?;
    let module: Value = serde_json::from_str(&said).map_err(|e| e.to_string())?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let replaced: BTreeMap<String, &Value> = module["Replace"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|replace| (text(&replace["Old"]["Path"]), &replace["New"]))
        .collect();
    let required = module["Require"].as_array().into_iter().flatten();
    let each = required.map(|required| {
        let path = text(&required["Path"]);
        match replaced.get(&path) {
            Some(new) => golang(&text(&new["Path"]), &text(&new["Version"])),
            None => golang(&path, &text(&required["Version"])),
        }
    });
    Ok(each.collect())
}

fn golang(path: &str, version: &str) -> String {
    match version {
        "" => format!("pkg:golang/{path}"),
        version => format!("pkg:golang/{path}@{version}"),
    }
}

pub(crate) fn cargo_tree(peers: &Peers) -> Packages {
    let said = output(
        Command::new("cargo")
            .args(["tree", "--locked", "--prefix", "none", "--edges"])
            .args(["normal,no-proc-macro", "--format", "{p}"])
            .current_dir(peers.pins.join("rust")),
    )?;
    let each = said.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some(format!("pkg:cargo/{name}@{version}"))
    });
    Ok(each.collect())
}

pub(crate) fn cargo_lock(peers: &Peers) -> Packages {
    let said = output(
        Command::new("cargo")
            .args(["metadata", "--locked", "--format-version", "1"])
            .current_dir(peers.pins.join("rust")),
    )?;
    let metadata: Value = serde_json::from_str(&said).map_err(|e| e.to_string())?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let released = packages.filter(|package| package["source"].is_string());
    let each = released.map(|package| {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        format!("pkg:cargo/{}@{}", text("name"), text("version"))
    });
    Ok(each.collect())
}

fn output(command: &mut Command) -> Result<String, String> {
    let done = command
        .output()
        .map_err(|e| format!("cannot run {}: {e}", command.get_program().display()))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
