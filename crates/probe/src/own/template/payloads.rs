//! Lists of payloads, put together.

use std::collections::BTreeMap;

use super::Attack;

/// The most sets that are tried of one block.
pub(super) const MOST: usize = 200;

/// One set of values for each request, and whether there were more than are tried.
pub(super) fn sets(
    lists: &BTreeMap<String, Vec<String>>,
    attack: Attack,
) -> (Vec<BTreeMap<String, String>>, bool) {
    let of = |name: &String, value: &String| (name.clone(), value.clone());
    if lists.is_empty() {
        return (vec![BTreeMap::new()], false);
    }
    let mut all: Vec<BTreeMap<String, String>> = Vec::new();
    match attack {
        Attack::BatteringRam => {
            for (name, list) in lists {
                for value in list {
                    // One value in every place: names without a list of their own length get it too.
                    all.push(
                        lists
                            .keys()
                            .map(|other| of(if lists.len() == 1 { name } else { other }, value))
                            .collect(),
                    );
                    if all.len() > MOST {
                        break;
                    }
                }
            }
        }
        Attack::Pitchfork => {
            let shortest = lists.values().map(Vec::len).min().unwrap_or(0);
            for at in 0..shortest.min(MOST.saturating_add(1)) {
                all.push(lists.iter().filter_map(|(name, list)| Some(of(name, list.get(at)?))).collect());
            }
        }
        Attack::ClusterBomb => {
            all.push(BTreeMap::new());
            for (name, list) in lists {
                let mut next = Vec::new();
                for set in &all {
                    for value in list {
                        let mut set = set.clone();
                        set.insert(name.clone(), value.clone());
                        next.push(set);
                        if next.len() > MOST {
                            break;
                        }
                    }
                    if next.len() > MOST {
                        break;
                    }
                }
                all = next;
            }
        }
    }
    let more = all.len() > MOST;
    all.truncate(MOST);
    (all, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_go_together_in_three_ways() {
        let lists = BTreeMap::from([
            ("a".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]),
        ]);
        let shown = |attack| {
            let (all, more) = sets(&lists, attack);
            assert!(!more);
            all.iter().map(|set| format!("{}{}", set["a"], set["b"])).collect::<Vec<_>>()
        };
        assert_eq!(shown(Attack::Pitchfork), ["1x", "2y"]);
        assert_eq!(shown(Attack::ClusterBomb), ["1x", "1y", "1z", "2x", "2y", "2z"]);
        assert_eq!(shown(Attack::BatteringRam), ["11", "22", "xx", "yy", "zz"]);
        let long = BTreeMap::from([
            ("a".to_owned(), vec!["1".to_owned(); 1_000]),
            ("b".to_owned(), vec!["1".to_owned(); 1_000]),
        ]);
        for attack in [Attack::BatteringRam, Attack::Pitchfork, Attack::ClusterBomb] {
            let (all, more) = sets(&long, attack);
            assert!(more && all.len() == MOST);
        }
    }
}
