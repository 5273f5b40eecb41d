//! A revision described for machines: Croissant 1.0, a JSON-LD vocabulary on
//! top of schema.org that dataset search engines and loaders read.
//!
//! The description is public; the file behind `contentUrl` is not, so its
//! address is one that answers with how to get a licence.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::{
    columns::{Column, Contract},
    digest::Sha256,
};

/// What is said about a revision besides its columns.
#[derive(Debug, Clone)]
pub struct Description<'a> {
    /// Title of the dataset.
    pub name: &'a str,
    /// What it is about.
    pub description: &'a str,
    /// Address of its page.
    pub url: &'a str,
    /// Who publishes it.
    pub creator: &'a str,
    /// Address of the terms or of a public licence.
    pub license: &'a str,
    /// Number of the revision.
    pub revision: u32,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// Words to find it by.
    pub keywords: &'a [String],
    /// Address of the file.
    pub content_url: &'a str,
    /// Length of the file in bytes.
    pub file_len: u64,
    /// SHA-256 of the file.
    pub file_sha256: Sha256,
}

const FILE_ID: &str = "revision.parquet";
const RECORDS_ID: &str = "rows";

/// The Croissant description of a revision.
pub fn croissant(about: &Description, contract: &Contract) -> Value {
    let date = about
        .published_at
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.name,
        "description": about.description,
        "url": about.url,
        "license": about.license,
        "creator": {"@type": "sc:Organization", "name": about.creator},
        "version": format!("{}.0.0", about.revision),
        "datePublished": date,
        "citeAs": format!("{}, revision {}, {}", about.name, about.revision, about.url),
        "isLiveDataset": true,
        "distribution": [{
            "@type": "cr:FileObject",
            "@id": FILE_ID,
            "name": FILE_ID,
            "description": "All rows of the revision, for licensed buyers",
            "contentUrl": about.content_url,
            "contentSize": format!("{} B", about.file_len),
            "encodingFormat": "application/vnd.apache.parquet",
            "sha256": about.file_sha256,
        }],
        "recordSet": [{
            "@type": "cr:RecordSet",
            "@id": RECORDS_ID,
            "name": RECORDS_ID,
            "description": "One record per row",
            "field": contract.columns.iter().map(field).collect::<Vec<_>>(),
        }],
    });
    if !about.keywords.is_empty() {
        document["keywords"] = json!(about.keywords);
    }
    if !contract.key.is_empty() {
        let keys: Vec<_> = contract.key.iter().map(|name| reference(name)).collect();
        document["recordSet"][0]["key"] = json!(keys);
    }
    document
}

fn field_id(column: &str) -> String {
    format!("{RECORDS_ID}/{column}")
}

fn reference(column: &str) -> Value {
    json!({"@id": field_id(column)})
}

fn field(column: &Column) -> Value {
    let mut words: Vec<String> = column.description.iter().cloned().collect();
    if let Some(unit) = &column.unit {
        words.push(format!("Unit: {unit}."));
    }
    let mut field = json!({
        "@type": "cr:Field",
        "@id": field_id(&column.name),
        "name": column.name,
        "dataType": column.kind.to_schema_org(),
        "source": {
            "fileObject": {"@id": FILE_ID},
            "extract": {"column": column.name},
        },
    });
    if !words.is_empty() {
        field["description"] = json!(words.join(" "));
    }
    field
}

/// The context that the specification prescribes.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataBiases": "cr:dataBiases",
        "dataCollection": "cr:dataCollection",
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract",
        "field": "cr:field",
        "fileObject": "cr:fileObject",
        "fileProperty": "cr:fileProperty",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "personalSensitiveInformation": "cr:personalSensitiveInformation",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::ColumnKind;

    #[test]
    fn every_column_is_a_field_of_the_file() {
        let mut contract = Contract::of_columns(vec![
            Column::new("carrier", ColumnKind::String),
            Column::new("dep_delay", ColumnKind::Int64).optional(),
        ]);
        contract.columns[1].unit = Some("min".into());
        contract.key = vec!["carrier".into()];
        let about = Description {
            name: "flights",
            description: "Departures",
            url: "https://node.example/d/flights",
            creator: "Example",
            license: "https://node.example/d/flights/terms",
            revision: 2,
            published_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            keywords: &["air".to_owned()],
            content_url: "https://node.example/d/flights/revision.parquet",
            file_len: 10,
            file_sha256: Sha256::of(b"file"),
        };
        let document = croissant(&about, &contract);
        assert_eq!(document["conformsTo"], "http://mlcommons.org/croissant/1.0");
        assert_eq!(
            document["distribution"][0]["sha256"],
            Sha256::of(b"file").to_string()
        );
        let fields = document["recordSet"][0]["field"].as_array().unwrap();
        assert_eq!(fields.len(), 2);
        assert_eq!(fields[1]["dataType"], "sc:Integer");
        assert_eq!(fields[1]["description"], "Unit: min.");
        for field in fields {
            assert_eq!(field["source"]["fileObject"]["@id"], "revision.parquet");
            assert_eq!(field["source"]["extract"]["column"], field["name"]);
        }
        assert_eq!(document["recordSet"][0]["key"][0]["@id"], "rows/carrier");
        assert_eq!(document["version"], "2.0.0");
    }
}
