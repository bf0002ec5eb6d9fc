//! What the exit code of a container means.

/// In words, as far as the number and AWS's reason tell. `None` for a code that means only what the program means by it.
///
/// 125 to 127 are the container runtime's and the shell's own; 128 + n is death by signal n.
pub fn meaning(code: i32, reason: Option<&str>) -> Option<&'static str> {
    // ECS: "OutOfMemoryError: Container killed due to memory usage".
    if reason.is_some_and(|reason| reason.contains("OutOfMemory")) {
        return Some("out of memory");
    }
    match code {
        0 => Some("ended without an error"),
        1 => Some("failed with a general error"),
        2 => Some("failed, often for wrong arguments"),
        125 => Some("the container runtime failed"),
        126 => Some("the command is not executable"),
        127 => Some("the command was not found"),
        129 => Some("SIGHUP: hung up"),
        130 => Some("SIGINT: interrupted"),
        132 => Some("SIGILL: illegal instruction, often the wrong CPU architecture"),
        134 => Some("SIGABRT: the program aborted itself"),
        135 => Some("SIGBUS: bad memory access"),
        136 => Some("SIGFPE: arithmetic error"),
        137 => Some("SIGKILL: out of memory, or not gone when its stop time was over"),
        139 => Some("SIGSEGV: crashed with a memory error"),
        141 => Some("SIGPIPE: wrote to a closed pipe"),
        143 => Some("SIGTERM: stopped when asked to"),
        255 => Some("failed to start, or ended with −1"),
        _ => None,
    }
}

/// The code with its meaning: `137 (SIGKILL: …)`.
pub fn explained(code: i32, reason: Option<&str>) -> String {
    meaning(code, reason).map_or_else(|| code.to_string(), |meaning| format!("{code} ({meaning})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_knows_more_than_the_number() {
        for (code, reason, expected) in [
            (137, Some("OutOfMemoryError: Container killed due to memory usage"), "137 (out of memory)"),
            (137, None, "137 (SIGKILL: out of memory, or not gone when its stop time was over)"),
            (139, Some(""), "139 (SIGSEGV: crashed with a memory error)"),
            (127, None, "127 (the command was not found)"),
            (42, None, "42"),
        ] {
            assert_eq!(explained(code, reason), expected);
        }
    }
}
