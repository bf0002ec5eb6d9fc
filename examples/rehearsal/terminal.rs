//! The runner's log on a terminal.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use tokio::time::Instant;

/// Shows workflow commands as the runner does, and lets simulated time pass visibly.
pub(crate) struct Terminal {
    line: String,
    shown: Instant,
    is_watched: bool,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { line: String::new(), shown: Instant::now(), is_watched: io::stdout().is_terminal() }
    }

    fn show(&mut self, line: &str) {
        self.let_time_pass();
        if line.starts_with("::debug") || line.starts_with("::endgroup") {
            return;
        }
        if let Some(group) = line.strip_prefix("::group::") {
            println!("▼ {group}");
            return;
        }
        for (command, word) in [("::error", "Error"), ("::warning", "Warning"), ("::notice", "Notice")] {
            if let Some((_, message)) = line.strip_prefix(command).and_then(|rest| rest.split_once("::")) {
                let message = message.replace("%0D", "").replace("%0A", "\n       ").replace("%25", "%");
                println!("{word}: {message}");
                return;
            }
        }
        println!("{line}");
    }

    #[expect(clippy::disallowed_methods, reason = "time is simulated; this is for the eyes of whoever watches")]
    fn let_time_pass(&mut self) {
        if self.is_watched {
            std::thread::sleep((self.shown.elapsed() / 60).min(Duration::from_millis(400)));
        }
        self.shown = Instant::now();
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = self.line.find('\n') {
            let rest = self.line.split_off(end + 1);
            let line = std::mem::replace(&mut self.line, rest);
            self.show(line.trim_end());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
