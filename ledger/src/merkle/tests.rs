//! The published vectors, the definition itself as oracle, and proofs that must fail.

use super::*;
use proptest::prelude::*;

fn hex(text: &str) -> Hash {
    Hash::from_hex(text).unwrap()
}

/// The definition of RFC 6962 §2.1, as written there.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(split(more.len() as u64) as usize);
            node(mth(left), mth(right))
        }
    }
}

/// `PATH(m, D[n])` as written in RFC 6962 §2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = split(leaves.len() as u64) as usize;
    let (mut path, other) = match index < k {
        true => (path(index, &leaves[..k]), mth(&leaves[k..])),
        false => (path(index - k, &leaves[k..]), mth(&leaves[..k])),
    };
    path.push(other);
    path
}

/// `SUBPROOF(m, D[n], b)` as written in RFC 6962 §2.1.2.
fn subproof(older: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if older == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = split(leaves.len() as u64) as usize;
    let (mut proof, other) = match older <= k {
        true => (subproof(older, &leaves[..k], whole), mth(&leaves[k..])),
        false => (subproof(older - k, &leaves[k..], false), mth(&leaves[..k])),
    };
    proof.push(other);
    proof
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf(&n.to_be_bytes())).collect()
}

/// A tree in tiles, grown in steps, each step resumed from the stored tiles alone.
fn grown(leaves: &[Hash], steps: &[usize]) -> (HashMap<(u8, u64), Vec<Hash>>, Hash) {
    let mut stored: HashMap<(u8, u64), Vec<Hash>> = HashMap::new();
    let mut done = 0;
    let mut root = empty_root();
    for step in steps.iter().copied().chain([leaves.len()]) {
        let step = step.min(leaves.len() - done);
        let read = |level, number| {
            Ok::<_, ProofError>(stored.get(&(level, number)).cloned().unwrap_or_default())
        };
        let mut tree = Tree::resume(done as u64, read).unwrap();
        leaves[done..done + step].iter().for_each(|l| tree.push(*l));
        done += step;
        root = tree.root();
        for tile in tree.take_tiles() {
            stored.insert((tile.level, tile.number), tile.hashes);
        }
    }
    (stored, root)
}

fn reader(
    stored: &HashMap<(u8, u64), Vec<Hash>>,
) -> Tiles<impl FnMut(u8, u64) -> Result<Vec<Hash>, ProofError> + '_> {
    Tiles::new(|level, number| Ok(stored.get(&(level, number)).cloned().unwrap_or_default()))
}

/// Leaves and roots that the Certificate Transparency implementations share.
const INPUTS: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_published_roots() {
    let mut tree = Tree::default();
    assert_eq!(
        tree.root(),
        hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    );
    for (input, root) in INPUTS.iter().zip(ROOTS) {
        tree.push(leaf(&::hex::decode(input).unwrap()));
        assert_eq!(tree.root(), hex(root), "after {input}");
    }
}

/// The example of RFC 6962 §2.1.3: seven leaves d0 … d6 with the names of its figure.
#[test]
fn the_worked_example_of_the_rfc() {
    let d: Vec<Hash> = INPUTS[..7]
        .iter()
        .map(|input| leaf(&::hex::decode(input).unwrap()))
        .collect();
    let [a, b, c, d_, e, f, j] = d[..] else {
        panic!("seven leaves")
    };
    let (g, h, i) = (node(a, b), node(c, d_), node(e, f));
    let (k, l) = (node(g, h), node(i, j));
    let (stored, root) = grown(&d, &[]);
    assert_eq!(root, node(k, l));
    let mut tiles = reader(&stored);
    for (index, expected) in [
        (0, vec![b, h, l]),
        (3, vec![c, g, l]),
        (4, vec![f, j, k]),
        (6, vec![i, k]),
    ] {
        assert_eq!(tiles.prove_inclusion(index, 7).unwrap(), expected);
    }
    for (older, expected) in [
        (3, vec![c, d_, g, l]),
        (4, vec![l]),
        (6, vec![i, j, k]),
        (7, vec![]),
    ] {
        assert_eq!(tiles.prove_consistency(older, 7).unwrap(), expected);
    }
}

#[test]
fn every_pair_of_sizes_and_every_leaf() {
    const MOST: usize = 70;
    let all = leaves(MOST);
    let (stored, _) = grown(&all, &[1, 6, 30]);
    let mut tiles = reader(&stored);
    for size in 0..=MOST {
        let root = mth(&all[..size]);
        assert_eq!(tiles.root(size as u64).unwrap(), root);
        for older in 0..=size {
            let proof = tiles.prove_consistency(older as u64, size as u64).unwrap();
            let by_definition = match older {
                0 => Vec::new(),
                _ => subproof(older, &all[..size], true),
            };
            assert_eq!(proof, by_definition, "{older} in {size}");
            let before = mth(&all[..older]);
            verify_consistency(older as u64, size as u64, before, root, &proof).unwrap();
        }
        for index in 0..size {
            let proof = tiles.prove_inclusion(index as u64, size as u64).unwrap();
            assert_eq!(proof, path(index, &all[..size]), "{index} in {size}");
            verify_inclusion(all[index], index as u64, size as u64, &proof, root).unwrap();
        }
    }
}

#[test]
fn what_is_not_in_the_tree_has_no_proof() {
    let all = leaves(300);
    let (stored, root) = grown(&all, &[]);
    let mut tiles = reader(&stored);
    let outside = ProofError::OutOfRange {
        index: 300,
        size: 300,
    };
    assert_eq!(tiles.prove_inclusion(300, 300), Err(outside.clone()));
    assert_eq!(verify_inclusion(all[0], 300, 300, &[], root), Err(outside));
    assert!(tiles.prove_consistency(301, 300).is_err());
    assert!(verify_consistency(301, 300, root, root, &[]).is_err());
    let missing = ProofError::MissingTile {
        level: 0,
        number: 1,
    };
    assert_eq!(tiles.prove_inclusion(299, 310), Err(missing.clone()));
    assert!(missing.to_string().contains("tile/0/001"), "{missing}");
    let empty = |_, _| Ok::<_, ProofError>(Vec::new());
    assert!(Tree::resume(5, empty).is_err());
    assert!(Tree::resume(0, empty).is_ok());
}

#[test]
fn paths_have_one_spelling() {
    for (path, tile) in [
        ("tile/0/000", (0, 0, None)),
        ("tile/0/x001/000", (0, 1000, None)),
        ("tile/2/x001/x234/067.p/255", (2, 1_234_067, Some(255))),
    ] {
        assert_eq!(parse_tile_path(path), Some(tile));
        assert_eq!(tile_path(tile.0, tile.1, tile.2), path);
    }
    for wrong in [
        "",
        "tile/0/",
        "tile/0/0",
        "tile/0/1000",
        "tile/8/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/entries/000",
        "tile/00/000",
        "tile/0/+01",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(parse_tile_path(wrong), None, "{wrong}");
    }
}

#[test]
fn tiles_are_plain_bytes() {
    let all = leaves(3);
    assert_eq!(tile_hashes(&tile_bytes(&all)), Some(all));
    assert_eq!(tile_hashes(&[0; 33]), None);
}

fn change(proof: &mut Vec<Hash>, how: u8, place: usize) {
    let place = place % proof.len().max(1);
    match how % 4 {
        0 => proof.push(Hash([7; 32])),
        1 => drop(proof.pop()),
        2 if proof.len() > 1 && proof.first() != proof.last() => proof.reverse(),
        _ if !proof.is_empty() => proof[place].0[31] ^= 1,
        _ => proof.push(Hash::ZERO),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn growing_in_steps_is_growing_at_once(steps in prop::collection::vec(0usize..400, 0..6), more in 0usize..300) {
        let all = leaves(steps.iter().sum::<usize>() + more);
        let (stored, root) = grown(&all, &steps);
        prop_assert_eq!(root, mth(&all));
        let (at_once, _) = grown(&all, &[]);
        // A tile left unfinished by an earlier step is finished by a later one.
        prop_assert_eq!(stored, at_once);
    }

    #[test]
    fn large_trees_prove_by_their_definition(size in 1usize..2_000, index: prop::sample::Index, older: prop::sample::Index) {
        let all = leaves(size);
        let (stored, root) = grown(&all, &[size / 3, size / 2]);
        let mut tiles = reader(&stored);
        let (index, older) = (index.index(size), older.index(size) + 1);
        let proof = tiles.prove_inclusion(index as u64, size as u64).unwrap();
        prop_assert_eq!(&proof, &path(index, &all));
        prop_assert_eq!(verify_inclusion(all[index], index as u64, size as u64, &proof, root), Ok(()));
        let proof = tiles.prove_consistency(older as u64, size as u64).unwrap();
        prop_assert_eq!(&proof, &subproof(older, &all, true));
        prop_assert_eq!(verify_consistency(older as u64, size as u64, mth(&all[..older]), root, &proof), Ok(()));
    }

    #[test]
    fn a_changed_proof_fails(size in 1usize..600, index: prop::sample::Index, how: u8, place: usize) {
        let all = leaves(size);
        let (stored, root) = grown(&all, &[]);
        let index = index.index(size);
        let mut proof = reader(&stored).prove_inclusion(index as u64, size as u64).unwrap();
        let sound = proof.clone();
        let verify = |leaf, index: usize, size: usize, proof: &[Hash], root| {
            verify_inclusion(leaf, index as u64, size as u64, proof, root)
        };
        change(&mut proof, how, place);
        if proof != sound {
            prop_assert!(verify(all[index], index, size, &proof, root).is_err());
        }
        prop_assert!(verify(Hash([1; 32]), index, size, &sound, root).is_err());
        prop_assert!(verify(all[index], index, size, &sound, Hash([1; 32])).is_err());
        if size > 1 {
            prop_assert!(verify(all[index], (index + 1) % size, size, &sound, root).is_err());
        }
    }

    #[test]
    fn a_rewritten_past_is_not_consistent(size in 2usize..600, older: prop::sample::Index, changed: prop::sample::Index, how: u8, place: usize) {
        let all = leaves(size);
        let older = older.index(size - 1) + 1;
        let before = mth(&all[..older]);
        let mut other = all.clone();
        other[changed.index(older)] = Hash([9; 32]);
        let (stored, root) = grown(&other, &[]);
        let proof = reader(&stored).prove_consistency(older as u64, size as u64).unwrap();
        prop_assert!(verify_consistency(older as u64, size as u64, before, root, &proof).is_err());
        let (stored, root) = grown(&all, &[]);
        let sound = reader(&stored).prove_consistency(older as u64, size as u64).unwrap();
        let mut proof = sound.clone();
        change(&mut proof, how, place);
        if proof != sound {
            prop_assert!(verify_consistency(older as u64, size as u64, before, root, &proof).is_err());
        }
    }
}
