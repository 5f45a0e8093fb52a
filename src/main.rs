//! The program: everything is in the library's `app` floor.

fn main() -> std::process::ExitCode {
    if let Err(error) = color_eyre::install() {
        eprintln!("halfstep: {error}");
    }
    halfstep::app::main()
}
