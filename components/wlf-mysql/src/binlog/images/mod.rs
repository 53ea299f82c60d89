//! One image of a row, over the plan of its table.

pub mod extent;
pub mod row_image;
