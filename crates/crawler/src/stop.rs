//! One signal to all tasks of a run: finish with what is known.

use tokio::sync::watch;

/// Ends a run. Dropping it ends the run too, so that none outlives its owner.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears that a run is to end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A signal and its receiver.
pub fn stopper() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks the run to end. Asking twice changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the run is to end.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until the run is to end.
    pub async fn stopped(&mut self) {
        // An error means that the stopper is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
