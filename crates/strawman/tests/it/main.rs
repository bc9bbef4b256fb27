//! The list is true: every hole can be exploited in the vulnerable application and in none of the repaired
//! ones, and every feature works in both.

mod exploits;
mod gate;
mod list;
mod live;
mod serving;
