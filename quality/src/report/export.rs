//! The report in the words of others.

use serde_json::{Value, json};

use super::{DimensionScore, Report, hundredths};

/// A number with as many digits as it has.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// W3C Data Quality Vocabulary (<https://www.w3.org/TR/vocab-dqv/>).
pub(super) fn dqv(report: &Report, name: &str) -> Value {
    let measurements = report.dimensions.iter().filter_map(measurement);
    let score = json!({
        "@type": "dqv:QualityMeasurement",
        "dqv:isMeasurementOf": {
            "@id": "gq:score", "@type": "dqv:Metric",
            "skos:definition": "Weighted geometric mean of the dimensions that apply, 0 to 100.",
            "dqv:expectedDataType": {"@id": "xsd:decimal"},
        },
        "dqv:value": typed(&hundredths(report.q_hundredths)),
        "prov:generatedAtTime": {"@type": "xsd:dateTime", "@value": report.as_of},
    });
    let annotations = report.gates.iter().map(|gate| {
        json!({
            "@type": "dqv:QualityAnnotation",
            "oa:motivatedBy": {"@id": "dqv:qualityAssessment"},
            "oa:bodyValue": gate.reason,
        })
    });
    json!({
        "@context": {
            "dqv": "http://www.w3.org/ns/dqv#",
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "oa": "http://www.w3.org/ns/oa#",
            "prov": "http://www.w3.org/ns/prov#",
            "skos": "http://www.w3.org/2004/02/skos/core#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "gq": "urn:granary:quality:",
        },
        "@type": "dcat:Distribution",
        "dct:title": name,
        "dcat:byteSize": report.input.as_ref().map(|input| input.bytes),
        "dqv:hasQualityMeasurement":
            std::iter::once(score).chain(measurements).collect::<Vec<_>>(),
        "dqv:hasQualityAnnotation": annotations.collect::<Vec<_>>(),
    })
}

fn typed(value: &str) -> Value {
    json!({"@type": "xsd:decimal", "@value": value})
}

fn measurement(dimension: &DimensionScore) -> Option<Value> {
    let ppm = dimension.score_ppm?;
    let name = dimension.name.name();
    Some(json!({
        "@type": "dqv:QualityMeasurement",
        "dqv:isMeasurementOf": {
            "@id": format!("gq:metric-{name}"), "@type": "dqv:Metric",
            "dqv:inDimension": {
                "@id": format!("gq:{name}"), "@type": "dqv:Dimension",
                "skos:prefLabel": name,
                "skos:altLabel": [dimension.iso_25012, dimension.gb_t_36344],
            },
            "dqv:expectedDataType": {"@id": "xsd:decimal"},
        },
        "dqv:value": typed(&format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000)),
    }))
}

/// Croissant 1.0 (<https://docs.mlcommons.org/croissant/>): the record set, to be put beside
/// what only the owner can say.
pub(super) fn croissant(report: &Report, name: &str) -> Value {
    let described = |column: &str| {
        let rules = report.rules.as_ref()?;
        let rule = rules.columns.iter().find(|rule| rule.name == column)?;
        rule.description.clone()
    };
    let fields = report.profile.iter().map(|column| {
        let mut field = json!({
            "@type": "cr:Field",
            "@id": format!("rows/{}", column.name),
            "name": column.name,
            "dataType": schema_org(&column.kind),
            "source": {
                "fileObject": {"@id": "file"},
                "extract": {"column": column.name},
            },
        });
        if let (Some(text), Some(field)) = (described(&column.name), field.as_object_mut()) {
            field.insert("description".into(), text.into());
        }
        field
    });
    let qualities = report.dimensions.iter().filter_map(|dimension| {
        let ppm = dimension.score_ppm?;
        Some(json!({
            "@type": "sc:PropertyValue",
            "name": dimension.name.name(),
            "value": number(&format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000)),
        }))
    });
    let score = json!({
        "@type": "sc:PropertyValue", "name": "quality score", "maxValue": 100,
        "value": number(&hundredths(report.q_hundredths)),
    });
    let rules = report.rules.as_ref();
    json!({
        "@context": {
            "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject",
            "column": "cr:column", "recordSet": "cr:recordSet", "source": "cr:source",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "license": rules.and_then(|rules| rules.license.clone()),
        "rai:dataCollection": rules.and_then(|rules| rules.method.clone()),
        "distribution": [{
            "@type": "cr:FileObject", "@id": "file", "name": name, "contentUrl": name,
            "encodingFormat": encoding(report),
            "sha256": report.input.as_ref().map(|input| &input.sha256),
        }],
        "recordSet": [{
            "@type": "cr:RecordSet", "@id": "rows", "name": "rows",
            "field": fields.collect::<Vec<_>>(),
        }],
        "additionalProperty": std::iter::once(score).chain(qualities).collect::<Vec<_>>(),
    })
}

fn encoding(report: &Report) -> &'static str {
    match report.input.as_ref().map(|input| input.format.as_str()) {
        Some("csv") => "text/csv",
        Some("arrow") => "application/vnd.apache.arrow.file",
        _ => "application/vnd.apache.parquet",
    }
}

fn schema_org(kind: &str) -> &'static str {
    match kind {
        "bool" => "sc:Boolean",
        "int64" | "uint64" => "sc:Integer",
        "date" => "sc:Date",
        "timestamp" => "sc:DateTime",
        "time" => "sc:Time",
        "string" | "binary" => "sc:Text",
        _ => "sc:Float",
    }
}
