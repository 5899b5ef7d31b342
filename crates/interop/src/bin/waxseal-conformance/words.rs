//! The command line of the suite's protocol.

use std::collections::BTreeMap;

use crate::Failure;

/// What the suite says behind the command.
#[derive(Debug, Default)]
pub(crate) struct Words {
    switches: Vec<String>,
    flags: BTreeMap<String, String>,
    last: String,
}

impl Words {
    pub(crate) fn read(given: &[String]) -> Result<Self, Failure> {
        let mut words = Self::default();
        let mut rest = Vec::new();
        let mut given = given.iter();
        while let Some(word) = given.next() {
            match word.strip_prefix("--") {
                None => rest.push(word.clone()),
                Some(name) if SWITCHES.contains(&name) => words.switches.push(name.to_owned()),
                Some(name) if FLAGS.contains(&name) => {
                    let value = given.next().ok_or(format!("--{name} lacks its value"))?;
                    if words.flags.insert(name.to_owned(), value.clone()).is_some() {
                        return Err(format!("--{name} is given twice").into());
                    }
                }
                Some(_) => return Err(format!("the protocol has no `{word}`").into()),
            }
        }
        let [last] = rest.as_slice() else {
            return Err(format!("one file is wanted, and {} are given", rest.len()).into());
        };
        words.last.clone_from(last);
        Ok(words)
    }

    pub(crate) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|given| given == switch)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    pub(crate) fn wanted(&self, name: &str) -> Result<&str, Failure> {
        Ok(self
            .flag(name)
            .ok_or_else(|| format!("--{name} is missing"))?)
    }

    /// The file, or the digest in its place.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }
}

const SWITCHES: [&str; 2] = ["in-toto", "staging"];
const FLAGS: [&str; 7] = [
    "bundle",
    "certificate-identity",
    "certificate-oidc-issuer",
    "identity-token",
    "key",
    "signing-config",
    "trusted-root",
];
