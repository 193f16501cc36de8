//! swarmlab
