//! Whole sales over real mTLS on loopback: a prepared house folder, the real
//! server in this process, and clients that speak both protocols byte by byte.

mod bidder;
mod log;
mod odd;
mod openssl;
mod revocation;
mod seed_defects;
mod sessions;
mod slow;
mod who_gets_in;
mod wire;
mod world;
