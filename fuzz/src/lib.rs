//! What the targets share. Their input is text that a person can read and write: see `corpus/`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;

use ecs_deploy_action::runner::{Console, Environment, Inputs};

/// Stands for a value that nobody may see.
pub const SECRET: &str = "hunter2";

/// The pieces between lines that begin with `== `, by the rest of that line. What stands before the first one is the piece
/// without a name.
pub fn pieces(data: &[u8]) -> Vec<(String, String)> {
    let mut pieces = vec![(String::new(), String::new())];
    for line in String::from_utf8_lossy(data).split_inclusive('\n') {
        match (line.strip_prefix("== "), pieces.last_mut()) {
            (Some(name), _) => pieces.push((name.trim_end_matches('\n').to_owned(), String::new())),
            (None, Some((_, piece))) => piece.push_str(line),
            (None, None) => {}
        }
    }
    pieces
}

/// The inputs of these names and values, as the runner hands them over.
pub fn inputs<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Inputs, Vec<String>) {
    // One value a name, whatever its case, as in an environment that the runner makes.
    let variables: BTreeMap<String, &str> =
        values.into_iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value)).collect();
    let environment = Environment::new(variables.into_iter().map(|(name, value)| (name, value.to_owned())));
    Inputs::read(&environment).expect("inputs that are text can be read")
}

/// A standard output that can be read.
#[derive(Clone, Default)]
pub struct Screen(Rc<RefCell<Vec<u8>>>);

impl Screen {
    /// The console that writes to it.
    pub fn console(&self) -> Console {
        Console::new(self.clone())
    }

    /// What was written.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("the console writes UTF-8")
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
