//! The gate in front of a real registry on loopback.

mod cache;
mod evidence;
mod excuses;
mod faults;
mod index;
mod places;
mod requests;
mod shop;
mod tree;
