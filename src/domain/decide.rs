//! May it be, and what then has happened?
