//! Imitates a live segmenter from a recording.

fn main() -> std::process::ExitCode {
    lldash::cli::replay::main()
}
