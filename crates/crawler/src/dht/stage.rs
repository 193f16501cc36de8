//! What the run sees of our node: what it says, and what it is told.

use std::num::NonZeroU16;
use std::sync::Arc;

use evidence::{InfoHashV1, Stamp};
use swarm::dht::Hearsay;
use swarm::{Scope, Seed};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::node::Node;
use super::sockets::Sockets;
use super::{DhtPlan, LookedUp};
use crate::{Clock, Stop};

/// What our node says. A number is the place of an info-hash in the list of those looked for.
pub(crate) enum Said {
    /// A node named peers, one of them at least not named before in this look-up.
    Peers { number: usize, hearsay: Box<Hearsay> },
    /// A look-up is over, and so are its announces.
    LookedUp { number: usize, at: Stamp, looked_up: Box<LookedUp>, network_size: Option<u64> },
    /// Everything has been looked up once.
    FirstRound,
}

/// What our node is made of.
pub(crate) struct Making {
    pub(crate) plan: DhtPlan,
    /// Their addresses are among our own in the scope.
    pub(crate) sockets: Sockets,
    pub(crate) scope: Scope,
    /// What is looked for.
    pub(crate) hashes: Vec<InfoHashV1>,
    /// The port of ours that is announced for each, if any is, by family.
    pub(crate) announce: [Option<NonZeroU16>; 2],
    pub(crate) seed: Seed,
}

/// Our node, if there is one.
pub(crate) struct Stage {
    said: mpsc::Receiver<Said>,
    closed: mpsc::Sender<usize>,
    task: JoinSet<()>,
    is_over: bool,
    is_first_over: bool,
}

/// What is said and not taken in yet. Our node waits while there is more: then it reads no datagrams either.
const SAID_MAX: usize = 256;

impl Stage {
    /// None.
    pub(crate) fn none() -> Self {
        let (_, said) = mpsc::channel(1);
        let (closed, _) = mpsc::channel(1);
        Self { said, closed, task: JoinSet::new(), is_over: true, is_first_over: true }
    }

    /// Starts our node, which looks for its info-hashes until the run is stopped.
    pub(crate) fn begin(part: Making, clock: Arc<dyn Clock>, stop: Stop) -> Self {
        let (sender, said) = mpsc::channel(SAID_MAX);
        let (closed, receiver) = mpsc::channel(part.hashes.len().max(1));
        let mut task = JoinSet::new();
        task.spawn(async move {
            Node::new(part, clock, sender).await.run(receiver, stop).await;
        });
        Self { said, closed, task, is_over: false, is_first_over: false }
    }

    /// What our node says next; nothing once it is gone.
    pub(crate) async fn said(&mut self) -> Option<Said> {
        let said = self.said.recv().await;
        match &said {
            Some(Said::FirstRound) => self.is_first_over = true,
            Some(_) => {}
            None => {
                self.is_over = true;
                if let Some(Err(error)) = self.task.join_next().await
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        said
    }

    /// Nobody looks for this one any more.
    pub(crate) fn close(&self, number: usize) {
        // Each is closed once, so there is room; or our node is gone.
        let _ = self.closed.try_send(number);
    }

    /// Whether our node is gone, or never was.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether everything has been looked up once.
    pub(crate) fn is_first_over(&self) -> bool {
        self.is_first_over || self.is_over
    }
}
