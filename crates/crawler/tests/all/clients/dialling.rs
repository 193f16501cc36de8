//! Clients that dial us.
