use std::process::ExitCode;

fn main() -> ExitCode {
    wlf_aio::main(wlf_aio::SYSTEMS)
}
