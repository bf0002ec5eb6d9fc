//! What the real containers run: with a number as argument it ends with that exit code, without one it runs for ever.

fn main() {
    match std::env::args().nth(1).map(|code| code.parse()) {
        Some(code) => std::process::exit(code.unwrap_or(1)),
        None => loop {
            std::thread::park();
        },
    }
}
