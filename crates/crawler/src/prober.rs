//! One connection and the engine that leads it. There is no decision here: bytes and moments in, bytes out.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use evidence::{Mono, Now};
use swarm::probe::{self, Hearsay, Input, Visit, Why};
use swarm::{Probe, metadata};

use crate::ear::Ear;
use crate::link::Link;
use crate::{Clock, Stop};

/// An engine of `swarm` that leads one connection.
pub(crate) trait Engine {
    /// What it ends in.
    type End;

    /// Takes in what happened.
    fn handle_input(&mut self, now: Now, input: Input<'_>);

    /// What to do next.
    fn poll_output(&mut self) -> Step<Self::End>;
}

/// What an engine wants.
pub(crate) enum Step<E> {
    Send(Vec<u8>),
    Heard(Box<Hearsay>),
    Wait(Mono),
    Done(E),
}

impl Engine for Probe<'_> {
    type End = Box<Visit>;

    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        Probe::handle_input(self, now, input);
    }

    fn poll_output(&mut self) -> Step<Box<Visit>> {
        match Probe::poll_output(self) {
            probe::Output::Send(bytes) => Step::Send(bytes),
            probe::Output::Heard(hearsay) => Step::Heard(hearsay),
            probe::Output::Wait(until) => Step::Wait(until),
            probe::Output::Done(visit) => Step::Done(visit),
        }
    }
}

impl Engine for metadata::Fetch<'_> {
    type End = Result<Vec<u8>, metadata::Fault>;

    fn handle_input(&mut self, now: Now, input: Input<'_>) {
        metadata::Fetch::handle_input(self, now, input);
    }

    fn poll_output(&mut self) -> Step<Self::End> {
        match metadata::Fetch::poll_output(self) {
            metadata::Output::Send(bytes) => Step::Send(bytes),
            metadata::Output::Heard(hearsay) => Step::Heard(hearsay),
            metadata::Output::Wait(until) => Step::Wait(until),
            metadata::Output::Done(result) => Step::Done(result),
        }
    }
}

/// Waits for a dial and lets the engine lead the connection to its end.
pub(crate) async fn call<E: Engine>(
    engine: &mut E,
    dialled: impl Future<Output = Result<Link, Why>>,
    ear: Option<&Ear>,
    clock: &Arc<dyn Clock>,
    stop: &mut Stop,
) -> E::End {
    tokio::pin!(dialled);
    let mut is_stopped = false;
    let link = loop {
        let until = match engine.poll_output() {
            Step::Done(end) => return end,
            // Before the connection an engine has nothing to say.
            Step::Send(_) | Step::Heard(_) => continue,
            Step::Wait(until) => until,
        };
        tokio::select! {
            biased;
            dialled = &mut dialled => match dialled {
                Ok(link) => break link,
                Err(why) => engine.handle_input(clock.now(), Input::Closed(why)),
            },
            () = stop.stopped(), if !is_stopped => {
                is_stopped = true;
                engine.handle_input(clock.now(), Input::Stop);
            }
            () = sleep_until(until, clock) => engine.handle_input(clock.now(), Input::Timeout),
        }
    };
    lead(engine, link, (&[], clock.now()), ear, clock, stop).await
}

/// Lets the engine lead a connection that was established at the moment `connected`, and of which `first` has already
/// been read.
pub(crate) async fn lead<E: Engine>(
    engine: &mut E,
    mut link: Link,
    (first, connected): (&[u8], Now),
    ear: Option<&Ear>,
    clock: &Arc<dyn Clock>,
    stop: &mut Stop,
) -> E::End {
    engine.handle_input(connected, Input::Connected { observer: link.observer, peer: link.peer });
    engine.handle_input(clock.now(), Input::Received(first));
    let mut outbox = Vec::new();
    let mut is_stopped = false;
    loop {
        let until = match engine.poll_output() {
            Step::Done(end) => {
                return end;
            }
            Step::Send(bytes) => {
                outbox.extend(bytes);
                continue;
            }
            Step::Heard(hearsay) => {
                if let Some(ear) = ear {
                    ear.hear(link.peer, hearsay).await;
                }
                continue;
            }
            Step::Wait(until) => until,
        };
        let moved = poll_fn(|context| {
            if !outbox.is_empty() && link.poll_write(context, &mut outbox).is_ready() {
                return Poll::Ready(Ok(()));
            }
            link.poll_read(context, |bytes| engine.handle_input(clock.now(), Input::Received(bytes)))
        });
        tokio::select! {
            biased;
            moved = moved => if let Err(why) = moved {
                engine.handle_input(clock.now(), Input::Closed(why));
            },
            () = stop.stopped(), if !is_stopped => {
                is_stopped = true;
                engine.handle_input(clock.now(), Input::Stop);
            }
            () = sleep_until(until, clock) => engine.handle_input(clock.now(), Input::Timeout),
        }
    }
}

/// Sleeps until a moment of the run's clock.
pub(crate) async fn sleep_until(until: Mono, clock: &Arc<dyn Clock>) {
    let wait_us = until.us().saturating_sub(clock.now().mono.us());
    // The runtime's timers count milliseconds and round up; a day is longer than anything here waits for.
    tokio::time::sleep(Duration::from_micros(wait_us.min(86_400_000_000))).await;
}
