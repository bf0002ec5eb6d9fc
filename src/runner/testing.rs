//! Stand-ins for the runner, for tests.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::command::Console;

/// A standard output that can be read.
#[derive(Clone, Default)]
pub(crate) struct Screen(Rc<RefCell<Vec<u8>>>);

impl Screen {
    pub(crate) fn console(&self) -> Console {
        Console::new(self.clone())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
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
