//! The writer's thread: many tasks hand it records, it makes groups of what has come and answers each.

use std::sync::Arc;
use std::thread;

use tlog::SignedCheckpoint;
use tokio::sync::{mpsc, oneshot};

use crate::ledger::Group;
use crate::{Acked, Fault, GROUP_MAX_RECORDS, Ledger, Record};

/// Records waiting for the disk. Beyond it the crawler waits, which slows it to what the disk can take.
const QUEUE_RECORDS: usize = 2 * GROUP_MAX_RECORDS;

/// Why a record was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The ledger refused the record, or can take nothing more.
    #[error("{0}")]
    Ledger(Arc<Fault>),
    /// The writer has finished.
    #[error("the ledger's writer has finished and takes no more records")]
    Finished,
}

impl AppendError {
    /// Whether this record alone was refused and others may still be logged.
    pub fn is_about_the_record(&self) -> bool {
        matches!(self, Self::Ledger(fault) if matches!(**fault, Fault::Refused(_)))
    }
}

enum Request {
    Append(Box<Record>, oneshot::Sender<Result<Acked, AppendError>>),
    Checkpoint(oneshot::Sender<Result<SignedCheckpoint, AppendError>>),
    Attach(Box<SignedCheckpoint>, oneshot::Sender<Result<SignedCheckpoint, AppendError>>),
    Finish,
}

/// Appends records, and can do nothing else. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Appender {
    queue: mpsc::Sender<Request>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A record is personal data.
        f.write_str("Request")
    }
}

impl Appender {
    /// Logs a record. Waits until it is durable, and while the queue is full.
    ///
    /// If the caller stops waiting, the record may or may not be logged.
    ///
    /// # Errors
    /// If the record is refused, a write failed, or the writer has finished.
    pub async fn append(&self, record: Record) -> Result<Acked, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Request::Append(Box::new(record), answer)).await.map_err(|_| AppendError::Finished)?;
        answered.await.map_err(|_| AppendError::Finished)?
    }
}

/// The thread that owns the ledger while a run appends to it.
#[derive(Debug)]
pub struct Writer {
    queue: mpsc::Sender<Request>,
    ledger: oneshot::Receiver<Ledger>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(ledger: Ledger) -> Result<(Self, Appender), Fault> {
        Self::start_with(ledger, |_| {})
    }

    /// As [`Writer::start`], and tells `on_ack` of each record once it is durable, in the order of the log, before
    /// whoever handed it in hears of it. It runs on the writer's thread: what it takes, the log waits for.
    ///
    /// # Errors
    /// As [`Writer::start`].
    pub fn start_with(ledger: Ledger, on_ack: impl FnMut(&Acked) + Send + 'static) -> Result<(Self, Appender), Fault> {
        let (queue, requests) = mpsc::channel(QUEUE_RECORDS);
        let (back, ledger_back) = oneshot::channel();
        let folder = ledger.shard();
        let work = move || {
            let ledger = serve(ledger, requests, on_ack);
            // Nobody waits for it if the writer was dropped; the ledger is then closed here.
            drop(back.send(ledger));
        };
        thread::Builder::new().name("ledger".into()).spawn(work).map_err(Fault::io("start the writer of", &folder))?;
        Ok((Self { queue: queue.clone(), ledger: ledger_back }, Appender { queue }))
    }

    /// Signs and publishes a checkpoint of what is acknowledged so far.
    ///
    /// # Errors
    /// As [`Ledger::checkpoint`].
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Request::Checkpoint(answer)).await.map_err(|_| AppendError::Finished)?;
        answered.await.map_err(|_| AppendError::Finished)?
    }

    /// Keeps cosignatures with the last checkpoint.
    ///
    /// # Errors
    /// As [`Ledger::attach_cosignatures`].
    pub async fn attach_cosignatures(&self, cosigned: SignedCheckpoint) -> Result<SignedCheckpoint, AppendError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Request::Attach(Box::new(cosigned), answer)).await.map_err(|_| AppendError::Finished)?;
        answered.await.map_err(|_| AppendError::Finished)?
    }

    /// Logs what is still in the queue, refuses what comes later, and gives the ledger back.
    ///
    /// # Errors
    /// If the thread has died.
    pub async fn finish(self) -> Result<Ledger, AppendError> {
        // If the thread has finished already the ledger is waiting, and if it died there is none.
        let _ = self.queue.send(Request::Finish).await;
        self.ledger.await.map_err(|_| AppendError::Finished)
    }
}

type Waiting = Vec<oneshot::Sender<Result<Acked, AppendError>>>;

/// Takes requests until told to finish, or until nobody is left to make any.
fn serve(mut ledger: Ledger, mut requests: mpsc::Receiver<Request>, mut on_ack: impl FnMut(&Acked)) -> Ledger {
    let mut held = None;
    while let Some(request) = held.take().or_else(|| requests.blocking_recv()) {
        match request {
            Request::Append(record, answer) => held = serve_group(&mut ledger, *record, answer, &mut requests, &mut on_ack),
            Request::Checkpoint(answer) => {
                drop(answer.send(ledger.checkpoint().map_err(|fault| AppendError::Ledger(Arc::new(fault)))))
            }
            Request::Attach(cosigned, answer) => {
                let attached = ledger.attach_cosignatures(&cosigned);
                drop(answer.send(attached.map_err(|fault| AppendError::Ledger(Arc::new(fault)))))
            }
            Request::Finish => requests.close(),
        }
    }
    ledger
}

/// Logs a record together with those that wait behind it. Returns the request that did not fit the group.
fn serve_group(
    ledger: &mut Ledger,
    record: Record,
    answer: oneshot::Sender<Result<Acked, AppendError>>,
    requests: &mut mpsc::Receiver<Request>,
    on_ack: &mut impl FnMut(&Acked),
) -> Option<Request> {
    let (mut group, mut waiting) = (Group::default(), Waiting::new());
    let mut next = Some(Request::Append(Box::new(record), answer));
    let rest = loop {
        match next {
            Some(Request::Append(record, answer)) if group.has_room_for(&record) => match ledger.stage(*record, &mut group) {
                Ok(()) => waiting.push(answer),
                Err(fault) => drop(answer.send(Err(AppendError::Ledger(Arc::new(fault))))),
            },
            other => break other,
        }
        next = requests.try_recv().ok();
    };
    match ledger.commit(group) {
        Ok(acked) => {
            acked.iter().for_each(on_ack);
            waiting.into_iter().zip(acked).for_each(|(answer, acked)| drop(answer.send(Ok(acked))));
        }
        Err(fault) => {
            let fault = Arc::new(fault);
            waiting.into_iter().for_each(|answer| drop(answer.send(Err(AppendError::Ledger(Arc::clone(&fault))))));
        }
    }
    rest
}
