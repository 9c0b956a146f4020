//! Every rule is silent on the whole canonical document.

use serde_json::Value;

use super::*;

fn canonical() -> Value {
    crate::generate::canonical(&crate::generate::repository()).unwrap().document
}

fn silent(rules: &[Rule]) {
    let document = canonical();
    let mut loud = Vec::new();
    for rule in rules {
        match rule.alarms(&document) {
            None => println!("{}: nowhere to apply it", rule.name),
            Some(found) if found.is_empty() => {}
            Some(found) => loud.push(format!("{}: {} alarms, first {}", rule.name, found.len(), found[0])),
        }
    }
    assert!(loud.is_empty(), "{} of {} rules:\n{}", loud.len(), rules.len(), loud.join("\n"));
}

#[test]
fn known_rules_are_silent() {
    silent(known());
}

#[test]
fn held_out_rules_are_silent() {
    silent(held_out());
}

#[test]
fn rules_are_many_and_each_has_a_name_of_its_own() {
    let mut names: Vec<&str> = known().iter().chain(held_out()).map(|rule| rule.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all >= 40 && held_out().len() * 2 >= all, "{all}");
}
