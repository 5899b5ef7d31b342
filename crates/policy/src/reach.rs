//! What a policy asks for that its trust root has nobody to give.

use waxseal_verify::{Authority, Demand, TrustedRoot};

use crate::Policy;

impl Policy {
    /// The lints of [`Policy::lints`], and what no evidence can meet under the
    /// trust root of an authority, else under `shared`. Where neither is known,
    /// nothing can be said of it.
    #[must_use]
    pub fn lints_under(&self, shared: Option<&TrustedRoot>) -> Vec<String> {
        let mut lints = self.lints();
        for (name, authority) in &self.authorities {
            let (root, log, timestamp, sct) = match authority {
                Authority::Key(key) => (shared, key.log, key.timestamp, Demand::Optional),
                Authority::Keyless(keyless) => (
                    keyless.root.as_ref().or(shared),
                    keyless.log,
                    keyless.timestamp,
                    keyless.sct,
                ),
                _ => continue,
            };
            let Some(root) = root else { continue };
            let counts = [
                (log, root.logs(), "transparency log"),
                (
                    timestamp,
                    root.timestamp_authorities(),
                    "timestamp authority",
                ),
                (
                    sct,
                    usize::from(root.has_ct_logs()),
                    "certificate transparency log",
                ),
            ];
            for (demand, there, what) in counts {
                let needed = demand.needed();
                if needed > there {
                    lints.push(format!(
                        "authority `{name}` asks for {}, and its trust root has {}: nothing can meet that",
                        counted(needed, what),
                        counted(there, what),
                    ));
                }
            }
        }
        lints
    }
}

fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (0, _) => format!("no {what}"),
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}
