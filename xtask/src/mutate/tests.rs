//! The measuring itself, on the canonical document held against itself.

use super::*;
use operators::Operator;

fn verdicts(asked: Asked, every: u64) -> (Bundle, Verdicts) {
    let bundle = generate::canonical(&generate::repository()).unwrap();
    let uses = Uses::of(&bundle.document);
    let subject =
        Subject { document: &bundle.document, sources: &bundle.sources, emitted: &bundle.document, uses: &uses };
    let verdicts = quietly(|| all(subject, asked, every));
    (bundle, verdicts)
}

#[test]
fn the_normal_form_sees_every_change_of_the_contract() {
    let (bundle, verdicts) = verdicts(Asked::Structure, 7);
    assert!(verdicts.list.len() > 1000);
    let missed: Vec<String> = verdicts
        .list
        .iter()
        .filter(|one| one.mutant.class == Class::Contract && !one.caught.structure)
        .filter(|one| harmless::reason(&bundle.document, &one.mutant, one.value.as_ref()).is_none())
        .map(|one| one.mutant.to_string())
        .collect();
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn rules_and_client_catch_their_share() {
    let (_, verdicts) = verdicts(Asked::All, 997);
    assert!(verdicts.list.len() > 10);
    assert!(verdicts.list.iter().any(|one| one.caught.client == Some(true)));
    assert!(verdicts.list.iter().any(|one| one.caught.lint == Some(true)));
    let rows = rows(&verdicts, Asked::All, &Alarms::default());
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.cells.len() == Class::ALL.len()));
}

#[test]
fn what_the_oracles_with_a_server_say_counts() {
    let of = |class, caught: Caught, unseen: Option<&str>| Verdict {
        mutant: Mutant { pointer: "/info/title".into(), operator: Operator::Change, class },
        value: None,
        caught,
        operations: Vec::new(),
        unseen: unseen.map(str::to_owned),
    };
    let asked = |behaviour: Option<bool>, examples| Caught {
        open: behaviour.map(|_| false),
        behaviour,
        examples,
        lint: Some(false),
        ..Caught::default()
    };
    let list = vec![
        of(Class::Contract, asked(Some(true), None), None),
        of(Class::Contract, Caught { open: Some(true), ..asked(None, None) }, None),
        of(Class::Example, asked(None, Some(true)), None),
        of(Class::Example, asked(None, Some(false)), Some("taken")),
        of(Class::Example, asked(None, Some(false)), None),
        of(Class::Example, asked(None, None), None),
    ];
    let verdicts = Verdicts { list, ..Verdicts::default() };
    let rows = rows(&verdicts, Asked::All, &Alarms::default());
    let cells = |oracle| rows.iter().find(|row| row.oracle == oracle).map(|row| row.cells.clone()).unwrap();
    assert_eq!(cells(OPEN), [(1, 2), (0, 0), (0, 0)]);
    assert_eq!(cells(B), [(1, 1), (0, 0), (0, 0)]);
    assert_eq!(cells(X), [(0, 0), (1, 3), (0, 0)]);
    assert_eq!(cells(ANY), [(2, 2), (1, 4), (0, 0)]);
    let bundle = generate::canonical(&generate::repository()).unwrap();
    assert_eq!(survivors(&bundle, &verdicts.list, Asked::All, false), 1);
}

#[test]
fn a_node_is_named_by_its_keyword() {
    let of = |pointer: &str, class| keyword(&Mutant { pointer: pointer.into(), operator: Operator::Delete, class });
    assert_eq!(of("/a/enum/0", Class::Contract), "enum");
    assert_eq!(of("/a/example/b/0", Class::Example), "example");
    assert_eq!(of("/a/description", Class::Prose), "description");
}
