//! Labels go from Label Studio's own tools to a table and back: its Python SDK makes the tasks,
//! validates what comes back, and its converter finds the same labels in both.

use std::process::Command;

use serde_json::Value;

use crate::support::granary;
use crate::support::outside::{python, run};

const INSTALL: &str = "pip install label-studio-sdk, and GRANARY_TEST_PYTHON set to that python";

/// The labelling configuration of the project, and what both scripts need.
const CONFIG: &str = r#"
import json, sys
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.converter import Converter
folder = sys.argv[1]
config = '''<View><Text name="text" value="$text"/>
  <Choices name="grain" toName="text" choice="multiple"><Choice value="rye"/><Choice value="oat"/></Choices>
  <Rating name="stars" toName="text" maxRating="5"/>
  <Number name="weight" toName="text"/>
  <Labels name="who" toName="text"><Label value="PER"/><Label value="LOC"/></Labels></View>'''
interface = LabelInterface(config)
"#;

const MAKE: &str = r#"
import random
random.seed(7)
texts = ["Ada sold rye to Ben in Oslo.", "Oats from Ölfus, 12 sacks.", "Nobody came."]
tasks = []
for number, text in enumerate(texts * 5):
    annotations = []
    for person in random.sample(["ada@example.org", "ben@example.org", "cy@example.org"], 2):
        def result(name, kind, value):
            return {"id": f"{name}{len(results)}", "from_name": name, "to_name": "text", "type": kind, "value": value}
        results = []
        results.append(result("grain", "choices", {"choices": random.choice([["rye"], ["oat"], ["rye", "oat"]])}))
        results.append(result("stars", "rating", {"rating": random.randint(1, 5)}))
        results.append(result("weight", "number", {"number": random.choice([0.25, 12, 1000000.5])}))
        for start in sorted(random.sample(range(len(text) - 3), random.randint(0, 2))):
            results.append(result("who", "labels", {"start": start, "end": start + 3, "text": text[start:start + 3], "labels": [random.choice(["PER", "LOC"])]}))
        annotation = {"completed_by": {"email": person}, "was_cancelled": False,
                      "created_at": "2026-01-31T12:00:00.500000Z", "result": results}
        assert interface.validate_annotation(annotation), annotation
        annotations.append(annotation)
    tasks.append({"id": number + 1, "data": {"item": f"field-{number}", "text": text}, "annotations": annotations})
json.dump(tasks, open(f"{folder}/export.json", "w"), ensure_ascii=False)
"#;

const COMPARE: &str = r#"
def answers(tasks):
    found = []
    for task in tasks:
        for annotation in task["annotations"]:
            assert interface.validate_annotation(annotation), annotation
            who = annotation["completed_by"]["email"]
            for r in annotation["result"]:
                value = {k: v for k, v in r["value"].items() if k != "text"}
                if "choices" in value: value["choices"] = sorted(value["choices"])
                found.append(json.dumps([task["data"]["item"], who, annotation["created_at"], r["from_name"], r["to_name"], r["type"], value], sort_keys=True))
    return sorted(found)
def converted(name):
    converter = Converter(config, None)
    converter.convert_to_json_min(f"{folder}/{name}", f"{folder}/{name}.out", is_dir=False)
    rows = json.load(open(f"{folder}/{name}.out/result.json"))
    keys = ["item", "annotator", "grain", "stars", "weight", "who"]
    def plain(row):
        said = {k: row.get(k) for k in keys}
        if isinstance(said["grain"], dict): said["grain"] = sorted(said["grain"]["choices"])
        said["who"] = sorted((w["start"], w["end"], w["labels"]) for w in said["who"] or [])
        return json.dumps(said, sort_keys=True)
    return sorted(map(plain, rows))
theirs, ours = (json.load(open(f"{folder}/{name}")) for name in ["export.json", "back.json"])
for task in ours: task["data"].setdefault("text", "")
same = [x.replace("500000Z", "500Z") for x in answers(theirs)] == [x.replace("500000Z", "500Z") for x in answers(ours)]
print(json.dumps({"tasks": len(ours), "answers": len(answers(ours)), "same": same,
                  "converted": converted("export.json") == converted("back.json"), "rows": len(converted("back.json"))}))
"#;

#[test]
fn labels_of_label_studio_come_back_the_same() {
    let Some(python) = python("label_studio_sdk.converter", INSTALL) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let script = |body: &str| {
        let code = format!("{CONFIG}{body}");
        run(Command::new(&python).args(["-c", &code]).arg(path))
    };
    script(MAKE);
    let labels = |args: &[&str]| {
        run(Command::new(granary())
            .arg("labels")
            .args(args)
            .current_dir(path))
    };
    for table in ["labels.parquet", "labels.csv"] {
        let said = labels(&["import", "export.json", "--out", table]);
        assert!(said.contains("15 tasks"), "{said}");
        labels(&["export", table, "--to-name", "text", "--out", "back.json"]);
        let found: Value = serde_json::from_str(&script(COMPARE)).unwrap();
        assert_eq!(found["tasks"], 15, "{table}: {found}");
        assert_eq!(found["same"], true, "{table}: {found}");
        assert_eq!(found["converted"], true, "{table}: {found}");
        assert_eq!(found["rows"], 30, "two people each, {table}: {found}");
    }
}
