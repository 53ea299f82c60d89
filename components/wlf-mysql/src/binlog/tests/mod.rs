//! Binlogs as servers wrote them, as they would write them, and as none should.

pub(crate) mod composed;
mod mariadb_types;
mod payload_events;
mod recorded;
mod recorded_images;
mod recorded_mariadb;
mod recorded_origin;
mod replaced_text;
mod rewritten_events;
