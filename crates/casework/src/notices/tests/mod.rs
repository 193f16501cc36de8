//! The forms against each other, against the schema and against hostile names.

mod facts;
mod generated;
mod mail;
mod schema;
