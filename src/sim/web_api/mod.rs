//! The Web API.
