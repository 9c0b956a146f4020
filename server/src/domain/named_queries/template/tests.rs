use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"))
}

/// The one mistake in a text.
fn mistake(text: &str) -> (usize, String) {
    let mistakes = Template::parse(text).expect_err(text);
    assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
    (mistakes[0].position, mistakes[0].detail.clone())
}

#[test]
fn templates_in_use_are_read() {
    use Operand::{Argument, Literal};
    let order = |field, descending| Term { field, descending };
    let read = parsed("assetOrder=n1;n2 desc;s3+asc&space=p1&s1=Prints of ships&#=ship-12");
    assert_eq!(
        read.pairs,
        [
            Pair::Order(
                OrderKey::AssetOrder,
                vec![
                    order(Field::Number(Slot::One), false),
                    order(Field::Number(Slot::Two), true),
                    order(Field::Text(Slot::Three), false),
                ],
            ),
            Pair::Space(Argument(1)),
            Pair::Text(Slot::One, Literal("Prints of ships".to_owned())),
            Pair::Fixed("ship-12".to_owned()),
        ]
    );
    assert_eq!(parsed("batch=7,8").pairs, [Pair::Batch(Literal(vec![7, 8]))]);
    assert_eq!(parsed("s1=p").pairs, [Pair::Text(Slot::One, Literal("p".to_owned()))]);
    assert_eq!(parsed("#=prints").pairs, [Pair::Fixed("prints".to_owned())]);
    assert_eq!(parsed("manifest=a,prints").pairs, [Pair::Manifest(Literal(vec!["a".to_owned(), "prints".to_owned()]))]);
    assert_eq!(parsed("canvas=n1 DESC").to_string(), "canvas=n1 desc");
}

#[test]
fn mistakes_tell_where_they_are_and_what_to_write() {
    let cases = [
        ("s1=prints", 4, "write `s1=p1&#=prints`"),
        ("é=1&s1=p1x", 8, "`s1=p1&#=p1x`"),
        ("s1=p2&s2=plans", 10, "write `s2=p3&#=plans`"),
        ("s1=p0", 4, "from `p1`"),
        ("s1=p101", 4, "from `p1`"),
        ("s1=p99999999999", 4, "from `p1`"),
        ("", 1, "nothing here"),
        ("s1=p1&", 7, "nothing here"),
        ("s1=p1&&n1=p2", 7, "nothing here"),
        ("s1", 1, "has no value"),
        ("s1=", 4, "has no value"),
        ("=p1", 1, "no key"),
        ("s1=a=b", 5, "second `=`"),
        ("?s1=p1", 1, "`s1=…`"),
        ("n1=many", 4, "no whole number,"),
        ("space=0", 7, "no whole number from 1"),
        ("batch=7,,8", 9, "no whole number from 1"),
        ("manifest=a,", 12, "empty"),
        ("canvas=n4", 8, "no field"),
        ("canvas=n1;; n2", 11, "empty"),
        ("canvas=n1; n2 down", 15, "no direction"),
        ("s1=p1&n1=2&s1=p2", 12, "already"),
        ("canvas=n1&assetOrder=n2", 11, "already"),
    ];
    for (text, position, detail) in cases {
        let (at, said) = mistake(text);
        assert_eq!(at, position, "{text}: {said}");
        assert!(said.contains(detail) && said.ends_with('.'), "{text}: {said}");
    }
    let all = Template::parse("s1=prints&&n1=x").expect_err("three mistakes");
    assert_eq!(all.iter().map(|m| m.position).collect::<Vec<_>>(), [4, 11, 15]);
    assert!(all[0].fault().detail.starts_with("Character 4: `prints`"));
}

#[test]
fn warnings_tell_what_has_no_effect_or_may_select_everything() {
    let warnings = |text: &str| parsed(text).warnings();
    assert_eq!(warnings("canvas=n1&space=p1&s1=p2"), [""; 0]);
    assert_eq!(warnings("canvas=n1&s1=p2&s2=p3&#=a&#=b"), [""; 0]);
    assert_eq!(warnings("s1=p2&space=3"), [""; 0]);
    assert!(warnings("canvas=n1&s1=p2")[0].starts_with("Every condition is skipped"));
    assert!(warnings("canvas=n1&#=a")[0].starts_with("The template has no condition"));
    let old = warnings("manifest=s1&sequence=n1&canvas=n2&spacename=p1&S1=p2");
    assert_eq!(old.len(), 3, "{old:?}");
    assert!(old[0].contains("`manifest=s1`") && old[1].contains("`sequence`") && old[2].ends_with("write `s1`."));
}

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![Just(Slot::One), Just(Slot::Two), Just(Slot::Three)]
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![slot().prop_map(Field::Text), slot().prop_map(Field::Number)]
}

fn operand_of<T: Clone + fmt::Debug>(literal: impl Strategy<Value = T>) -> impl Strategy<Value = Operand<T>> {
    prop_oneof![(1..=MAX_ARGUMENT).prop_map(Operand::Argument), literal.prop_map(Operand::Literal)]
}

/// A text that can stand in a condition as it is.
fn literal() -> impl Strategy<Value = String> {
    "[^&=]{1,12}".prop_filter("begins like an argument", |t| !(t.starts_with('p') && t.len() > 1))
}

fn pairs() -> impl Strategy<Value = Pair> {
    let term = (field(), any::<bool>()).prop_map(|(field, descending)| Term { field, descending });
    let manifests = proptest::collection::vec("[^&=,p]{1,5}", 1..4)
        .prop_filter("of an older form", |m| m.len() > 1 || Field::read(&m[0]).is_none());
    let ignored = ("[^&=?]{1,8}", "[^&=]{1,8}")
        .prop_filter("a known key", |(key, _)| !KEYS.contains(&key.as_str()))
        .prop_map(|(key, value)| Pair::Ignored { key, value });
    let order_key = prop_oneof![Just(OrderKey::Canvas), Just(OrderKey::AssetOrder)];
    prop_oneof![
        operand_of(1..=spaces::MAX_ID).prop_map(Pair::Space),
        operand_of(literal()).prop_map(Pair::SpaceName),
        (slot(), operand_of(literal())).prop_map(|(slot, text)| Pair::Text(slot, text)),
        (slot(), operand_of(any::<i64>())).prop_map(|(slot, number)| Pair::Number(slot, number)),
        operand_of(proptest::collection::vec(1..i64::MAX, 1..4)).prop_map(Pair::Batch),
        operand_of(manifests).prop_map(Pair::Manifest),
        (order_key, proptest::collection::vec(term, 1..4)).prop_map(|(key, terms)| Pair::Order(key, terms)),
        "[^&=]{1,12}".prop_map(Pair::Fixed),
        "[^&=]{1,12}".prop_map(Pair::ObjectName),
        "[^&=]{1,12}".prop_map(Pair::CoverPage),
        "[^&=]{1,12}".prop_map(Pair::RedactedMessage),
        ignored,
    ]
}

/// Templates without a key that stands twice.
fn templates() -> impl Strategy<Value = Template> {
    proptest::collection::vec(pairs(), 1..8).prop_map(|pairs| {
        let mut seen = Vec::new();
        let once = |pair: &Pair| {
            let key = match pair {
                Pair::Fixed(_) | Pair::Ignored { .. } => return true,
                Pair::Order(..) => "canvas".to_owned(),
                pair => pair.to_string().split('=').next().unwrap_or_default().to_owned(),
            };
            let new = !seen.contains(&key);
            seen.push(key);
            new
        };
        Template { pairs: pairs.into_iter().filter(once).collect() }
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(template in templates()) {
        prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
    }

    #[test]
    fn whatever_is_read_prints_as_itself(text in "([snp#][1-4]?|space|canvas|batch|x)(=([pns][0-9]{0,3}|[0-9]{0,3}|[a-z;, +]{0,4})){0,2}(&[sn][1-3]=p?[0-9]{1,2}){0,3}&?") {
        if let Ok(template) = Template::parse(&text) {
            prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
        }
    }

    #[test]
    fn any_text_is_a_template_or_has_mistakes_within_it(text in any::<String>()) {
        match Template::parse(&text) {
            Ok(template) => drop(template.warnings()),
            Err(mistakes) => {
                let length = text.chars().count();
                prop_assert!(!mistakes.is_empty());
                prop_assert!(mistakes.iter().all(|m| (1..=length + 1).contains(&m.position)));
                prop_assert!(mistakes.is_sorted_by_key(|m| m.position));
            }
        }
    }
}
