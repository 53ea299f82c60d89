//! Java and Maven: the machine's own.

use std::process::Command;

use anyhow::Result;

/// Makes a command of the Java virtual machine.
pub fn java() -> Result<Command> {
    Ok(Command::new("java"))
}

/// Makes a command of Maven.
pub fn maven() -> Result<Command> {
    Ok(Command::new("mvn"))
}
