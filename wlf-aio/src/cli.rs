//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use wlf_core::config::{Checked, ComponentType, Environment, Level, check, closest};
use wlf_core::{Exit, Fault};

use crate::config_file::{Onlooker, Process};
use crate::graph::GraphFormat;
use crate::{
    components, config_file, connect, graph, left_out, logging, output, report, run, schema,
};

/// Carries the changes of databases to where they are wanted.
#[derive(Debug, Parser)]
#[command(name = "wlf-aio", version, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration, or `-` for stdin; without it the first of configs/wlf.yaml, /configs/wlf.yaml, wlf.yaml and
    /// /etc/wlf/wlf.yaml.
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The least severe message that is shown, instead of the configuration's `log.level`.
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the pipeline; the default.
    Run,
    /// Checks the configuration: everything that `run` does before it connects to anything.
    Check {
        /// Also logs in to everything, and says what is there and what is lacking; nothing is written or consumed.
        #[arg(long)]
        connect: bool,
    },
    /// Draws the pipeline.
    Graph {
        #[arg(long, value_enum, default_value_t)]
        format: GraphFormat,
    },
    /// Lists the components of this program, or shows the options of one.
    Components {
        /// The type of a component, as in `KafkaDispatcher`.
        name: Option<String>,
    },
    /// Prints the JSON Schema of a configuration, for editors.
    Schema,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Warn,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
            LogLevel::Trace => Level::Trace,
        }
    }
}

/// Does what the command line says, with these components; the exit codes are those of [`Exit`].
pub fn main(systems: &[&[ComponentType]]) -> ExitCode {
    report::bugs();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let written = error.print();
            return match error.use_stderr() {
                // Whether stderr is gone makes no difference to the exit code.
                true => ExitCode::from(Exit::Usage.code()),
                false => output::written(written),
            };
        }
    };
    match cli.command.as_ref().unwrap_or(&Command::Run) {
        Command::Run => with_config(&cli, systems, |checked| {
            match logging::start(&checked.settings.log, cli.log_level.map(Level::from)) {
                Ok(()) => run::run(checked),
                Err(fault) => report::fault(&fault),
            }
        }),
        Command::Check { connect } => {
            with_config_in(environment(*connect), &cli, systems, |checked| {
                report::say(&checked.warnings.to_string());
                let found = match checked.warnings.list.len() {
                    0 => "nothing is wrong".to_owned(),
                    1 => "nothing is wrong for sure, 1 warning".to_owned(),
                    n => format!("nothing is wrong for sure, {n} warnings"),
                };
                let (source, components) = (&checked.source, checked.components.len());
                let printed =
                    output::print(&format!("{source}: {found}, {components} components\n"));
                if !connect || printed != ExitCode::SUCCESS {
                    return printed;
                }
                let level = cli.log_level.map_or(Level::Warn, Level::from);
                match logging::start(&checked.settings.log, Some(level)) {
                    Ok(()) => connect::connect(checked),
                    Err(fault) => report::fault(&fault),
                }
            })
        }
        Command::Graph { format } => with_config(&cli, systems, |checked| {
            output::print(&graph::draw(&checked, *format))
        }),
        Command::Components { name: None } => output::print(&components::overview(systems)),
        Command::Components { name: Some(name) } => match components::find(systems, name) {
            Some(component) => output::print(&components::detail(component)),
            None => report::fault(&no_component(systems, name)),
        },
        Command::Schema => output::print(&schema::text(systems)),
    }
}

/// What a configuration is filled from. Where components only look, what they keep stays as it is.
fn environment(connect: bool) -> &'static dyn Environment {
    if connect { &Onlooker } else { &Process }
}

/// Goes on with the configuration if there is one and nothing is wrong with it.
fn with_config(
    cli: &Cli,
    systems: &[&[ComponentType]],
    and_then: impl FnOnce(Checked) -> ExitCode,
) -> ExitCode {
    with_config_in(&Process, cli, systems, and_then)
}

fn with_config_in(
    environment: &dyn Environment,
    cli: &Cli,
    systems: &[&[ComponentType]],
    and_then: impl FnOnce(Checked) -> ExitCode,
) -> ExitCode {
    let source = match config_file::read(cli.config.as_deref()) {
        Ok(source) => source,
        Err(fault) => return report::fault(&fault),
    };
    match check(source, &left_out::beside(systems), environment) {
        Ok(checked) => and_then(checked),
        Err(problems) => report::problems(&problems),
    }
}

fn no_component(systems: &[&[ComponentType]], name: &str) -> Fault {
    let names = systems
        .iter()
        .flat_map(|system| system.iter())
        .map(ComponentType::name);
    let hint = match (left_out::feature_of(name), closest(name, names)) {
        (Some(feature), _) => left_out::hint(feature),
        (None, Some(closest)) => format!("did you mean `{closest}`?"),
        (None, None) => "`components` lists those that it has".to_owned(),
    };
    Fault::stop(
        Exit::Usage,
        format!("show `{name}`"),
        "this program has no such component",
    )
    .with_hint(hint)
}
