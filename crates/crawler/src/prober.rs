//! One connection and the engine that leads it. There is no decision here: bytes and moments in, bytes out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{Mono, Now};
use swarm::probe::{self, Input, Visit, Why};
use swarm::{Probe, metadata};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::dial::{dial, why};
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
            metadata::Output::Wait(until) => Step::Wait(until),
            metadata::Output::Done(result) => Step::Done(result),
        }
    }
}

/// Dials a peer and lets the engine lead the connection to its end.
pub(crate) async fn call<E: Engine>(
    engine: &mut E,
    from: std::net::IpAddr,
    to: SocketAddr,
    clock: &Arc<dyn Clock>,
    stop: &mut Stop,
) -> E::End {
    let dialled = dial(from, to);
    tokio::pin!(dialled);
    let mut is_stopped = false;
    let stream = loop {
        let until = match engine.poll_output() {
            Step::Done(end) => return end,
            // Before the connection an engine has nothing to say.
            Step::Send(_) => continue,
            Step::Wait(until) => until,
        };
        tokio::select! {
            biased;
            dialled = &mut dialled => match dialled {
                Ok(stream) => break stream,
                Err(why) => engine.handle_input(clock.now(), Input::Closed(why)),
            },
            () = stop.stopped(), if !is_stopped => {
                is_stopped = true;
                engine.handle_input(clock.now(), Input::Stop);
            }
            () = sleep_until(until, clock) => engine.handle_input(clock.now(), Input::Timeout),
        }
    };
    lead(engine, &stream, &[], clock.now(), clock, stop).await
}

/// Lets the engine lead an established connection, of which `first` has already been read.
pub(crate) async fn lead<E: Engine>(
    engine: &mut E,
    stream: &TcpStream,
    first: &[u8],
    connected: Now,
    clock: &Arc<dyn Clock>,
    stop: &mut Stop,
) -> E::End {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(observer), Ok(peer)) => {
            let (observer, peer) = (evidence::endpoint::canonical(observer), evidence::endpoint::canonical(peer));
            engine.handle_input(connected, Input::Connected { observer, peer });
        }
        (Err(error), _) | (_, Err(error)) => engine.handle_input(connected, Input::Closed(why(&error))),
    }
    engine.handle_input(clock.now(), Input::Received(first));
    let mut outbox = Vec::new();
    let mut is_stopped = false;
    loop {
        let until = match engine.poll_output() {
            Step::Done(end) => return end,
            Step::Send(bytes) => {
                outbox.extend(bytes);
                continue;
            }
            Step::Wait(until) => until,
        };
        let interest = if outbox.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        tokio::select! {
            biased;
            ready = stream.ready(interest) => {
                let ended = match ready {
                    Ok(ready) => {
                        if ready.is_writable() {
                            write(stream, &mut outbox);
                        }
                        if ready.is_readable() { read(engine, stream, clock) } else { None }
                    }
                    Err(error) => Some(why(&error)),
                };
                if let Some(why) = ended {
                    engine.handle_input(clock.now(), Input::Closed(why));
                }
            }
            () = stop.stopped(), if !is_stopped => {
                is_stopped = true;
                engine.handle_input(clock.now(), Input::Stop);
            }
            () = sleep_until(until, clock) => engine.handle_input(clock.now(), Input::Timeout),
        }
    }
}

/// Reads what is there, into a buffer that lives only for the call: an idle connection holds none.
fn read<E: Engine>(engine: &mut E, stream: &TcpStream, clock: &Arc<dyn Clock>) -> Option<Why> {
    let mut buffer = [0; READ_BYTES];
    match stream.try_read(&mut buffer) {
        Ok(0) => Some(Why::EndOfStream),
        Ok(length) => {
            engine.handle_input(clock.now(), Input::Received(&buffer[..length]));
            None
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => Some(why(&error)),
    }
}

/// A block and its header fit.
const READ_BYTES: usize = 20 << 10;

/// Writes what the system takes. A peer that can no longer be written to may still have said something: reading will
/// tell how the connection ended.
fn write(stream: &TcpStream, outbox: &mut Vec<u8>) {
    match stream.try_write(outbox) {
        Ok(length) => {
            outbox.drain(..length);
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(_) => outbox.clear(),
    }
}

/// Sleeps until a moment of the run's clock.
pub(crate) async fn sleep_until(until: Mono, clock: &Arc<dyn Clock>) {
    let wait_us = until.us().saturating_sub(clock.now().mono.us());
    // The runtime's timers count milliseconds and round up; a day is longer than anything here waits for.
    tokio::time::sleep(Duration::from_micros(wait_us.min(86_400_000_000))).await;
}
