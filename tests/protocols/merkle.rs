//! `pymerkle` and `openssl`, with thirty lines of Python, believe a statement's proof; and
//! pymerkle gives the same roots as we do.

use std::fmt::Write;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::merkle::{self, Tree};
use schema::wire::{Admission, NewSettlement};

use crate::support::outside::{program, python, run, text};
use crate::support::{Database, TestApp, app, readings};

/// Checks a statement file against a raw public key with nothing of ours: arithmetic of each
/// line, the line in its settlement, the settlement in the log, the log's signature.
const CHECK: &str = r#"
import base64, hashlib, json, subprocess, sys
from pymerkle import InclusionProof, verify_inclusion
from pymerkle.core import _inclusion_path_layout as layout

def leaf(data): return hashlib.sha256(b"\0" + data).digest()

def included(base, index, size, path, root):
    path = [base] + [bytes.fromhex(h) for h in path]
    proof = InclusionProof("sha256", True, size, index + 1, layout(index + 1, size)[0], path)
    verify_inclusion(base, root, proof, index=index + 1, size=size, algorithm="sha256")

file, key_der, folder = sys.argv[1:4]
s = json.load(open(file))["statement"]
text, signatures = s["proof"]["checkpoint"].split("\n\n")
origin, size, root = text.split("\n")[:3]
size, root = int(size), base64.b64decode(root)
line = [l for l in signatures.split("\n") if l.startswith("\u2014 " + origin + " ")][0]
open(folder + "/text", "w").write(text + "\n")
open(folder + "/sig", "wb").write(base64.b64decode(line.split(" ")[2])[4:])
subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey",
    key_der, "-in", folder + "/text", "-sigfile", folder + "/sig"], check=True)
entries = {e["seq"]: e for e in s["proof"]["entries"]}
for l in s["lines"]:
    e = entries[l["entry"]]
    amount, carry = divmod(l["carry_before"] + l["pool_delta"] * l["share_ppt"], 10**12)
    assert (amount, carry) == (l["amount"], l["carry_after"]), l
    own = {"amount": amount, "carry_after": carry, "carry_before": l["carry_before"],
        "contributor": s["head"]["payee"], "salt": e["line"]["salt"], "share": l["share_ppt"]}
    states = json.loads(e["leaf"])["body"]["metadata"]
    assert states["delta"] == str(l["pool_delta"]) and states["revision"] == l["revision"]
    included(leaf(json.dumps(own, sort_keys=True, separators=(",", ":")).encode()),
        e["line"]["number"], int(states["lines_count"]), e["line"]["path"],
        bytes.fromhex(states["lines_root"]))
    included(leaf(e["leaf"].encode()), e["index"], size, e["path"], root)
print("believed", len(s["lines"]), "lines of a log of", size)
"#;

/// Roots of a tree that grows by one line of hexadecimal data at a time.
const ROOTS: &str = r#"
import sys
from pymerkle import InmemoryTree
tree = InmemoryTree(algorithm="sha256")
for data in open(sys.argv[1]).read().split("\n"):
    tree.append_entry(bytes.fromhex(data))
    print(tree.get_state().hex())
"#;

const INSTALL: &str = "pip install pymerkle==7.0.0, GRANARY_TEST_PYTHON in the same environment";

#[test]
fn pymerkle_gives_the_same_roots() {
    let Some(python) = python("pymerkle", INSTALL) else {
        return;
    };
    let (mut data, mut roots) = (String::new(), String::new());
    let mut tree = Tree::default();
    for n in 0..700u64 {
        let bytes = n.to_be_bytes()[..(n % 9) as usize].to_vec();
        tree.push(merkle::leaf(&bytes));
        data.extend((n > 0).then_some('\n'));
        bytes.iter().for_each(|b| write!(data, "{b:02x}").unwrap());
        writeln!(roots, "{}", tree.root()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, data).unwrap();
    let theirs = run(Command::new(python).args(["-c", ROOTS]).arg(&file));
    assert_eq!(theirs, roots);
}

#[test]
fn pymerkle_and_openssl_believe_a_statement() {
    let openssl = program("openssl", "apt-get install openssl").is_some();
    if openssl && python("pymerkle", INSTALL).is_some() {
        app::run(Database::sqlite(), believed);
    }
}

async fn believed(app: &mut TestApp) {
    let python = python("pymerkle", INSTALL).unwrap();
    let market = app.market(1999).await;
    // Two more contributors, so that there is a path to walk.
    let dataset = app.dataset(&market.owner, Admission::Open).await;
    for (n, name) in (0i64..).zip(["one", "two", "three"]) {
        let party = app.party(name).await;
        let rows = readings(n * 100..n * 100 + 60 + n);
        app.contribute(&party, &dataset, &rows).await;
    }
    app.publish(&market.owner, &dataset).await;
    let pooled = app.offer(&market.owner, &dataset, 777).await;
    let buyer = app.buyer(&market, "buyer", 90_000).await;
    for offer in [&market.offer, &pooled, &pooled] {
        buyer.buys(offer).await;
    }
    let settle = NewSettlement::default();
    let settled = market.operator.client.settle("s", &settle).await.unwrap();
    assert_eq!(settled.statements.len(), 4);
    let key = app.desk("key.der");
    let public = URL_SAFE_NO_PAD
        .decode(&app.info.verify_keys[0].public_key)
        .unwrap();
    std::fs::write(&key, [&super::openssl::SPKI[..], &public].concat()).unwrap();
    for name in ["one", "two", "three", "owner"] {
        let client = app.again(name).await.client;
        let id = client.statements().await.unwrap()[0].id;
        let document = client.statement_document(id).await.unwrap();
        let file = app.desk("statement.json");
        let check = |document: &str| {
            std::fs::write(&file, document).unwrap();
            let mut command = Command::new(&python);
            command.args(["-c", CHECK]).arg(&file).arg(&key);
            command.arg(app.desk(""));
            command
        };
        let words = run(&mut check(&document));
        assert!(words.contains("believed 1 lines of a log of 6"), "{words}");
        // One unit more, carried less: the arithmetic holds, the log does not.
        let other = document.replacen("\"seq\":", "\"seq\":1", 1);
        let refused = check(&other).output().unwrap();
        assert!(!refused.status.success(), "{}", text(&refused));
        let mut forged: serde_json::Value = serde_json::from_str(&document).unwrap();
        forged["statement"]["head"]["payee"] = market.operator.id.to_string().into();
        let refused = check(&forged.to_string()).output().unwrap();
        assert!(
            text(&refused).contains("InvalidProof"),
            "{}",
            text(&refused)
        );
    }
}
