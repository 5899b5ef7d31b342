//! A policy in words, and what is probably not meant.

use std::collections::BTreeSet;

use waxseal_verify::{Authority, Demand, KeylessAuthority};

use crate::identity;
use crate::rules::Rule;
use crate::{Mode, Platforms, Policy};

impl Policy {
    /// What the policy means, for people: whom it covers, and who would be let in.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut lines = vec![format!("policy {} ({})", self.name, in_force(self.mode))];
        match &self.images {
            Some(images) => {
                let list: Vec<_> = images.iter().map(ToString::to_string).collect();
                lines.push(format!("  covers images in {}", list.join(", ")));
            }
            None => lines.push("  covers the images that it is asked about".to_owned()),
        }
        if let Some(selector) = &self.namespaces {
            lines.push(format!(
                "  in namespaces with {selector} (ignored outside a cluster)"
            ));
        }
        lines.push(format!("  of an index, {}", looked_at(&self.platforms)));
        lines.push("  trusts".to_owned());
        for (name, authority) in &self.authorities {
            let mut words = describe(authority);
            if let Some((_, demand)) = self.roots.iter().find(|(of, _)| of == name) {
                words.push_str(&format!(", {demand}"));
            }
            lines.push(format!("    {name}: {words}"));
        }
        lines.push("  lets an image in if it has all of".to_owned());
        for requirement in &self.requirements {
            lines.push(format!("    {}", requirement.title()));
        }
        lines.join("\n")
    }

    /// What loads and is probably not meant.
    #[must_use]
    pub fn lints(&self) -> Vec<String> {
        let mut lints = Vec::new();
        let used: BTreeSet<&String> = self
            .requirements
            .iter()
            .flat_map(|r| r.from.iter().chain(r.rule.others()))
            .collect();
        for (name, authority) in &self.authorities {
            if !used.contains(name) {
                lints.push(format!("authority `{name}` is named by no requirement"));
            }
            let twin = self.authorities.iter().take_while(|(n, _)| n != name).find(|(_, other)| {
                matches!((authority, other), (Authority::Key(a), Authority::Key(b)) if a.key.id() == b.key.id())
            });
            if let Some((other, _)) = twin {
                lints.push(format!(
                    "authorities `{other}` and `{name}` are one key, and count as one signer"
                ));
            }
        }
        for (n, requirement) in self.requirements.iter().enumerate() {
            let patterns = requirement.from.iter().any(|name| {
                let found = self.authorities.iter().find(|(n, _)| n == name);
                matches!(found, Some((_, Authority::Keyless(k))) if !identity::is_one(k))
            });
            if requirement.threshold > 1 && patterns {
                lints.push(format!(
                    "the threshold of requirement {} can be met by several identities of one pattern",
                    n + 1
                ));
            }
        }
        if !self
            .requirements
            .iter()
            .any(|r| matches!(r.rule, Rule::Signature(_)))
        {
            lints.push(
                "no signature is required: an attestation may say anything but `signed`".to_owned(),
            );
        }
        if self.mode != Mode::Enforce {
            lints.push(format!(
                "the mode is `{}`: nothing is refused",
                self.mode.word()
            ));
        }
        lints
    }
}

fn in_force(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforced",
        Mode::Warn => "only warns",
        Mode::Audit => "only recorded",
    }
}

fn looked_at(platforms: &Platforms) -> String {
    match platforms {
        Platforms::Index => "the index itself is looked at; its members inherit".to_owned(),
        Platforms::All => "each member is looked at".to_owned(),
        Platforms::Only(list) => {
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            format!("the members for {} are looked at", list.join(", "))
        }
    }
}

fn describe(authority: &Authority) -> String {
    match authority {
        Authority::Key(key) => format!(
            "the holder of the {} key {}{}{}",
            key.key.algorithm(),
            key.key.id(),
            asks(key.log, LOG),
            asks(key.timestamp, TIMESTAMP),
        ),
        Authority::Keyless(keyless) => identity_in_words(keyless),
        _ => "an authority".to_owned(),
    }
}

fn asks(demand: Demand, (one, many): (&str, &str)) -> String {
    match demand.needed() {
        0 => String::new(),
        1 => format!(", with {one}"),
        count => format!(", with {many} of {count} different ones"),
    }
}

const LOG: (&str, &str) = (
    "an entry in a transparency log",
    "entries in transparency logs,",
);
const TIMESTAMP: (&str, &str) = ("a timestamp", "timestamps");

fn identity_in_words(authority: &KeylessAuthority) -> String {
    let mut words = format!(
        "whoever `{}` says is `{}`",
        authority.issuer, authority.subject
    );
    for (claim, wanted) in &authority.claims {
        words.push_str(&format!(", with {claim} `{wanted}`"));
    }
    if let Some(root) = &authority.root {
        words.push_str(&format!(", by the trust root {}", root.digest()));
    }
    words.push_str(&asks(authority.log, LOG));
    words.push_str(&asks(authority.timestamp, TIMESTAMP));
    words
}
