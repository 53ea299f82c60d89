//! What we brought up ourselves, as remembered in `target/servers/state.json`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::home;
use super::kind::Kind;
use super::process::Process;

/// A server that was brought up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    pub address: String,
    /// `None` for one that runs in a container.
    pub process: Option<Process>,
}

impl Running {
    pub fn is_up(&self, kind: Kind) -> bool {
        self.process.as_ref().is_none_or(Process::is_alive) && kind.answers(&self.address)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State(pub BTreeMap<Kind, Running>);

impl State {
    /// Reads the state; one that cannot be read is as good as none: the servers are then started anew, on other ports.
    pub fn load() -> State {
        let text = fs::read(home().join("state.json")).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub fn save(&self) -> Result<()> {
        let path = home().join("state.json");
        let partial = path.with_added_extension("partial");
        fs::write(&partial, serde_json::to_string_pretty(self)? + "\n")?;
        fs::rename(partial, path).context("writing target/servers/state.json")
    }
}
