//! Progress of long work: on stderr, and only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of known length.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{msg:>24} {bar:40} {pos}/{len} {eta}").expect("the template is fixed and well formed");
    bar.set_style(style);
    bar.set_message(what);
    bar
}

/// A line that says what is happening.
pub fn spinner(what: impl Into<String>) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is fixed and well formed"));
    spinner.set_message(what.into());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
