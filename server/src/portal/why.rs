//! Why a contribution weighs what it does, in a line.

use schema::wire::PartLine;

use super::words;

/// Quality, losses, shared rows, utility and mass of a contribution.
pub fn line(part: &PartLine) -> String {
    let mut said = Vec::new();
    if part.quality_ppm > 0 {
        said.push(format!(
            "average quality {}",
            words::percent(&part.quality_ppm)
        ));
    }
    if !part.losses.is_empty() {
        let losses = part.losses.iter().map(|loss| {
            let place = match &loss.column {
                Some(column) => format!(" in {column}"),
                None => String::new(),
            };
            let points = f64::from(loss.lost_hundredths) / 100.0;
            format!("{}: {}{place} −{points:.2}", loss.dimension, loss.rule)
        });
        said.push(format!(
            "points lost: {}",
            losses.collect::<Vec<_>>().join(", ")
        ));
    }
    for shared in &part.shared {
        let others = shared.holders.saturating_sub(1);
        said.push(format!(
            "{} held by {} too",
            words::some(&shared.rows, "row"),
            words::some(&u64::from(others), "other")
        ));
    }
    if part.utility_ppm > 0 && part.utility_ppm != 1_000_000 {
        said.push(format!("utility {:.3}", part.utility_ppm as f64 / 1e6));
    }
    if part.entity_id.is_some() {
        said.push("weighed as one with linked accounts".to_owned());
    }
    said.push(format!("mass {}", part.mass));
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::samples;

    #[test]
    fn the_line_says_what_was_weighed() {
        let part = samples::shares().parts.remove(0);
        assert_eq!(
            line(&part),
            "average quality 93.14 %; points lost: completeness: missing in dep_time −4.12; \
             1,000 rows held by 1 other too; utility 1.040; mass 99"
        );
    }
}
