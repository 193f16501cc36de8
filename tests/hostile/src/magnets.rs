//! Links and URLs that strangers hand out.

pub(crate) mod magnet;
pub(crate) mod url;
