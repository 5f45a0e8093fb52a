//! Completions and the manual page, made from the arguments themselves.

use super::Cli;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};

/// Writes the completions of a shell.
pub fn completions(shell: Shell, to: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "halfstep", &mut script);
    to.write_all(&script)
}

/// Writes the manual page of the program and of each command that is not hidden, as roff for `man -l`.
pub fn manual(to: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(to)?;
    for order in command.get_subcommands().filter(|order| !order.is_hide_set() && order.get_name() != "help") {
        let page = clap_mangen::Man::new(order.clone());
        to.write_all(format!(".SH \"{}\"\n", format!("halfstep {}", order.get_name()).to_uppercase()).as_bytes())?;
        page.render_description_section(to)?;
        page.render_options_section(to)?;
    }
    Ok(())
}
