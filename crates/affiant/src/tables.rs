//! Loads the dated tables and the ISP register that the configuration names.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use casework::{
    attribution::Attributor,
    register::{Register, SHIPPED},
    tables::{Table, TableInfo},
};
use evidence::{Digest, sha256};

use crate::config::{Config, TableFile, TableKind};

/// What the register is called where tables are listed.
pub const REGISTER_NAME: &str = "isp-register.toml";

/// The tables in use and their bytes.
pub struct Loaded {
    /// Answers for an address at a moment.
    pub attributor: Attributor,
    /// The register in force.
    pub register: Register,
    /// What names each of them: registers no longer in force, which records may still name, then the tables in the order
    /// consulted, then the register.
    pub infos: Vec<TableInfo>,
    /// Their bytes, by their SHA-256.
    pub bytes: BTreeMap<Digest, Vec<u8>>,
}

/// Reads everything that `config` names from `folder`.
pub fn load(config: &Config, folder: &Path) -> Result<Loaded> {
    let mut bytes = BTreeMap::new();
    let mut tables = Vec::new();
    for file in &config.tables {
        let content = read(folder, &file.file, file.sha256)?;
        tables.push(parse(file, &content).with_context(|| format!("{} is refused", file.file))?);
        bytes.insert(file.sha256, content);
    }
    let mut earlier = Vec::new();
    let mut register = parse_register(SHIPPED)?;
    let mut register_bytes = SHIPPED.as_bytes().to_vec();
    for (position, file) in config.isp_registers.iter().enumerate() {
        if position > 0 {
            earlier.push(register.info().clone());
            bytes.insert(register.sha256(), register_bytes);
        }
        register_bytes = read(folder, &file.file, file.sha256)?;
        let text = std::str::from_utf8(&register_bytes).with_context(|| format!("{} is not UTF-8", file.file))?;
        register = parse_register(text)?;
    }
    bytes.insert(register.sha256(), register_bytes);
    let attributor = Attributor::new(tables, register.clone())?;
    let infos = earlier.into_iter().chain(attributor.infos().into_iter().cloned()).collect();
    Ok(Loaded { attributor, register, infos, bytes })
}

fn parse_register(text: &str) -> Result<Register> {
    Register::parse(REGISTER_NAME, text).map_err(|fault| anyhow::anyhow!("the ISP register is refused: {fault}"))
}

/// Reads one table in the form that its entry states.
pub fn parse(file: &TableFile, content: &[u8]) -> Result<Table> {
    let table = match file.kind {
        TableKind::Iptoasn => Table::iptoasn(&file.name, file.built, content)?,
        TableKind::Mmdb => Table::mmdb(&file.name, content)?,
    };
    if table.info().built != file.built {
        bail!("it says that it was built on {}, and the configuration says {}", table.info().built, file.built);
    }
    Ok(table)
}

fn read(folder: &Path, file: &str, expected: Digest) -> Result<Vec<u8>> {
    let path = folder.join(file);
    let content = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if sha256(&content) != expected {
        bail!(
            "{} is not the file that the configuration names: its SHA-256 is {}, not {expected}",
            path.display(),
            sha256(&content)
        );
    }
    Ok(content)
}
