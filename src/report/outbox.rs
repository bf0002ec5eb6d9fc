//! What reports still have to send when the cycle goes on, or has ended.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::runner::Console;

/// Runs what readers send beside the cycle, which never waits for it.
#[derive(Default)]
pub struct Outbox {
    letters: RefCell<Vec<(JoinHandle<()>, Rc<Complaint>)>>,
}

impl Outbox {
    /// Sends something beside everything else. Has to be called on a [`LocalSet`](tokio::task::LocalSet).
    pub fn send(&self, letter: impl Future<Output = ()> + 'static, complaint: Rc<Complaint>) {
        self.letters.borrow_mut().push((tokio::task::spawn_local(letter), complaint));
    }

    /// Waits until everything is sent, or until `patience` ends. What is not sent by then is complained about, and given up.
    pub async fn close(&self, patience: impl Future<Output = ()>) {
        let mut letters = self.letters.take();
        // A letter with a defect is lost, and nothing else.
        let sent = join_all(letters.iter_mut().map(|(letter, _)| letter));
        tokio::select! {
            biased;
            _ = sent => return,
            () = patience => {}
        }
        for (letter, complaint) in letters.iter().filter(|(letter, _)| !letter.is_finished()) {
            letter.abort();
            complaint.make("Not everything was told: there was no answer in time. The deployment is not affected.");
        }
    }
}

/// Says what goes wrong with one reader's letters: once where everybody sees it, because what is refused once is mostly refused
/// again, and then to those who debug.
pub struct Complaint {
    console: Console,
    title: &'static str,
    is_made: Cell<bool>,
}

impl Complaint {
    /// Nothing went wrong so far.
    pub fn new(console: Console, title: &'static str) -> Rc<Self> {
        Rc::new(Self { console, title, is_made: Cell::new(false) })
    }

    /// Something went wrong.
    pub fn make(&self, text: &str) {
        if self.is_made.replace(true) {
            self.console.debug(&format!("{}: {text}", self.title));
        } else {
            self.console.warn(self.title, text);
        }
    }
}
