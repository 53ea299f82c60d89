//! Values in their binary forms; text and JSON have folders of their own.

pub mod address;
pub mod compressed;
pub mod decimal;
pub mod old_temporal;
pub mod temporal;
