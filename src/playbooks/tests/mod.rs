//! Playbooks over a small catalogue: what is wrong with a file, and what a good one would do.

mod edr;
mod mistakes;
mod planned;

use super::{Checked, Known, check};
use crate::domain::ids::RoleName;
use crate::yaml::Problem;

/// Reads a playbook that could stand in `playbooks/test.yaml`.
fn read(text: &str) -> Result<Checked, Vec<Problem>> {
    let catalogue = edr::catalogue();
    let roles = ["analyst", "lead"].map(RoleName::from);
    check("test.yaml", text, Known { catalogue: &catalogue, roles: Some(&roles) })
}

fn good(text: &str) -> Checked {
    let told = |problems: Vec<Problem>| {
        problems.iter().map(|problem| format!("{problem}\n")).collect::<String>()
    };
    read(text).unwrap_or_else(|problems| panic!("{}", told(problems)))
}
