//! Who sells on this node: stands on every invoice.

use clap::Args;
use schema::wire::InvoiceParty;

/// The company behind the node.
#[derive(Debug, Clone, Args)]
pub struct SellerConfig {
    /// Seller on invoices: the company that runs the node [default: the name of the node]
    #[arg(long, env = "GRANARY_SELLER_NAME", value_name = "NAME")]
    pub seller_name: Option<String>,

    /// Its postal address; write \n between lines.
    #[arg(long, env = "GRANARY_SELLER_ADDRESS", value_name = "TEXT")]
    pub seller_address: Option<String>,

    /// Its tax id.
    #[arg(long, env = "GRANARY_SELLER_TAX_ID", value_name = "ID")]
    pub seller_tax_id: Option<String>,

    /// Where it is taxed, like DE or US-CA; needed for reverse charge.
    #[arg(long, env = "GRANARY_SELLER_JURISDICTION", value_name = "CODE", value_parser = jurisdiction)]
    pub seller_jurisdiction: Option<String>,
}

impl SellerConfig {
    /// As it stands on an invoice.
    #[must_use]
    pub fn party(&self, node: &str) -> InvoiceParty {
        let address = self.seller_address.as_deref().unwrap_or_default();
        InvoiceParty {
            name: self.seller_name.clone().unwrap_or_else(|| node.to_owned()),
            address: address.replace("\\n", "\n"),
            jurisdiction: self.seller_jurisdiction.clone().unwrap_or_default(),
            tax_id: self.seller_tax_id.clone(),
        }
    }

    /// For `granary config`.
    pub(crate) fn facts(&self, node: &str) -> Vec<(&'static str, String)> {
        let unset = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        vec![
            ("seller-name", self.party(node).name),
            ("seller-address", unset(&self.seller_address)),
            ("seller-tax-id", unset(&self.seller_tax_id)),
            ("seller-jurisdiction", unset(&self.seller_jurisdiction)),
        ]
    }
}

/// Reads the code of a jurisdiction: a country of ISO 3166, with a subdivision where one taxes
/// for itself.
///
/// # Errors
/// What is wrong with it.
pub fn jurisdiction(text: &str) -> Result<String, String> {
    let code = text.trim().to_ascii_uppercase();
    let (country, part) = match code.split_once('-') {
        Some((country, part)) => (country, Some(part)),
        None => (code.as_str(), None),
    };
    let sound = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if crate::ports::bank::iban::country(country).is_ok() && part.is_none_or(sound) {
        Ok(code)
    } else {
        Err(format!(
            "{text:?} is no jurisdiction: write the two letters of a country (ISO 3166), such as \
             DE, or with its subdivision, such as US-CA"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::jurisdiction;

    #[test]
    fn a_jurisdiction_is_a_country_or_a_part_of_one() {
        for (text, code) in [
            (" de ", "DE"),
            ("us-ca", "US-CA"),
            ("FR", "FR"),
            ("ES-CN", "ES-CN"),
        ] {
            assert_eq!(jurisdiction(text).as_deref(), Ok(code));
        }
        for wrong in [
            "", "main", "XQ", "D", "US-", "US-CALI", "US-C A", "DE:X", "DE-B-C",
        ] {
            assert!(jurisdiction(wrong).is_err(), "{wrong}");
        }
    }
}
