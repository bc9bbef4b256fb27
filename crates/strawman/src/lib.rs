//! A deliberately vulnerable application, its list of holes and its repaired twin.
