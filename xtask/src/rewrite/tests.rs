//! The rules themselves; that they are silent is asked by `cargo xtask mutate`.

use super::*;

#[test]
fn rules_are_many_and_each_has_a_name_of_its_own() {
    let mut names: Vec<&str> = known().iter().chain(held_out()).map(|rule| rule.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all >= 40 && held_out().len() * 2 >= all, "{all}");
}
