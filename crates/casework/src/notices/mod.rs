//! The forms in which one report is sent: ACNS 2.0 XML, XARF JSON, a letter and a mail.
//!
//! *In scope*: each form as a function of one record and of who writes to whom; identifiers derived from the UIN.
//! *Out of scope*: signing the letter (the caller signs what [`Mail::to_sign`] gives), sending, receipts.
//! Names that strangers chose reach every form inert and cut to a stated length; `cir.json` holds them whole.
//! evidence-schema/notices.md says what each file holds and how it is checked.

mod acns;
mod addressing;
mod facts;
mod identifiers;
mod letter;
mod mail;
mod mime;
mod shown;
mod xarf;
mod xml;

#[cfg(test)]
mod tests;

pub use acns::{Retraction, acns_retraction, acns_xml};
pub use addressing::{Addressing, Mailbox, NotAMailbox, Sender};
pub use identifiers::{message_id, report_id};
pub use letter::{letter, retraction_letter};
pub use mail::Mail;
pub use xarf::xarf_json;
