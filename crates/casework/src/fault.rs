//! Why casework stops. None of these is a refusal of a report: refusals are decisions and are recorded.

use std::error::Error;

use evidence::Digest;

use crate::deadlines::HolidayFault;

/// An error of whoever reads the log or writes the files.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a plan, a bundle or a process report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The log could not be read, or a file could not be written.
    #[error(transparent)]
    Shell(BoxError),
    /// The origin does not name a shard.
    #[error("the origin '{0}' is not of the form <name>/<YYYY-MM>")]
    Origin(String),
    /// The entries do not come as 0, 1, 2 …, or end before the last checkpoint's size.
    #[error("entry {found} of the log came where {expected} was due")]
    Order {
        /// The index that was due.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// An entry is not what it must be.
    #[error("entry {index} of the log: {rule}")]
    Entry {
        /// Which one.
        index: u64,
        /// What is wrong with it.
        rule: String,
    },
    /// One person in both roles.
    #[error("'{0}' launched the job and cannot approve the issue: it needs another person")]
    SamePerson(String),
    /// Nobody of that name could sign.
    #[error("no analyst key that is delegated and not revoked belongs to the approver '{0}'")]
    Approver(String),
    /// Nobody of that name could have launched the job.
    #[error("no analyst key that is delegated and not revoked belongs to the investigator '{0}'")]
    Investigator(String),
    /// A deadline cannot be computed.
    #[error(transparent)]
    Holidays(#[from] HolidayFault),
    /// A value has no canonical encoding.
    #[error("a report has no canonical encoding: {0}")]
    Encoding(evidence::canonical::Fault),
    /// A table that a report names was not handed in.
    #[error("the table {0} is named by the record and was not handed in")]
    Table(Digest),
    /// A transcript that an owed opening names was not handed in, or has other bytes.
    #[error("the transcript {0} is named by an opening that the recipient is owed and was not handed in")]
    Transcript(Digest),
    /// The block digests of a dossier that a report rests on were not handed in, or are others.
    #[error("the block digests of the dossier {0} were not handed in, or are not those that its note commits to")]
    Dossier(Digest),
    /// The issue is not in the log, or is another one.
    #[error("entry {0} of the log is not the issue note of these reports")]
    Issue(u64),
    /// The recipient is owed nothing of this issue.
    #[error("'{0}' is neither 'audit' nor an ISP of the register on the day of the issue")]
    Recipient(String),
    /// A file cannot stand in a bundle.
    #[error("'{0}' cannot stand in a bundle: {1}")]
    File(String, &'static str),
    /// The log changed while the bundle was written.
    #[error("'{0}' had other bytes when it was read again: write the bundle anew")]
    Changed(String),
}
