//! What the fuzz targets share.

pub mod body;
pub mod der;
pub mod forge;
pub mod house;
pub mod keys;
pub mod mutation;
pub mod played;
