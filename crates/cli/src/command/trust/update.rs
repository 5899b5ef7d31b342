//! `waxseal trust update`

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use waxseal_trust::{Fetch, Name, Origin, Store, UpdateError, Updated};

use super::VERSION;
use crate::context::{Context, Output, OutputArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::trust_args::{failed, store};

/// Fetch the current roots from their TUF repositories
///
/// Each repository is followed from its pinned root. Metadata that is expired, older
/// than what was seen before, wrongly signed, endless or not what the repository vouches
/// for is refused (exit code 3), and the last good root stays.
#[derive(clap::Args, Debug)]
pub(super) struct Update {
    /// Which roots (default: `sigstore`, and every one that was pinned or fetched before)
    #[arg(value_name = "NAME")]
    names: Vec<Name>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Update {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let store = store()?;
        let asked = !self.names.is_empty();
        let names = match asked {
            true => self.names.into_iter().collect(),
            false => all(&store)?,
        };
        let fetch: Arc<dyn Fetch> = Arc::new(context.repository_http()?);
        let mut items = Vec::new();
        let mut exit = Exit::Ok;
        for name in names {
            let work = store.update(&name, Arc::clone(&fetch), context.now());
            match context.block_on(work)? {
                Ok(updated) => items.push(Item::of(&name, &updated)),
                // Nobody asked for this one.
                Err(UpdateError::NoRepository { .. }) if !asked => {}
                Err(error) => {
                    let one = match error.is_refusal() {
                        true => Exit::Refused,
                        false => Exit::Failed,
                    };
                    Failure::new(format_args!("trust root `{name}`: {error}"))
                        .maybe_hint(error.hint())
                        .print();
                    items.push(Item::failed(&name, &error));
                    exit = exit.max(one);
                }
            }
        }
        match self.output.output {
            Output::Json => context.print_json(&Report {
                api_version: VERSION,
                kind: "TrustUpdate",
                items: &items,
            })?,
            Output::Text => {
                for item in items.iter().filter(|item| item.error.is_none()) {
                    context.print(item.text())?;
                }
            }
        }
        Ok(exit)
    }
}

fn all(store: &Store) -> Result<BTreeSet<Name>, Failure> {
    let mut names = store.kept().map_err(failed)?;
    names.extend("sigstore".parse::<Name>());
    Ok(names)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Item],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    updated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Item {
    fn of(name: &Name, updated: &Updated) -> Self {
        let mut item = Self {
            name: name.to_string(),
            updated: true,
            changed: Some(updated.changed),
            url: None,
            root_version: None,
            expires: None,
            error: None,
        };
        if let Origin::Repository {
            url,
            expires,
            root_version,
            ..
        } = &updated.root.origin
        {
            item.url = Some(url.clone());
            item.root_version = Some(*root_version);
            item.expires = Some(*expires);
        }
        item
    }

    fn failed(name: &Name, error: &UpdateError) -> Self {
        Self {
            name: name.to_string(),
            updated: false,
            changed: None,
            url: None,
            root_version: None,
            expires: None,
            error: Some(error.to_string()),
        }
    }

    fn text(&self) -> String {
        let what = match self.changed {
            Some(true) => "updated",
            _ => "unchanged",
        };
        let until = self.expires.unwrap_or_default();
        let root = self.root_version.unwrap_or_default();
        format!(
            "{}: {what}, vouched for until {until} (TUF root {root})\n",
            self.name
        )
    }
}
