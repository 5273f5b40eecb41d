//! Rates of sales tax, billing data, invoices and the tax report.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Amount, PartyView};

/// Body of `POST /api/v1/admin/tax-rates`: the rate of a jurisdiction from a moment on. It
/// supersedes the one before; none is ever edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTaxRate {
    /// Country of ISO 3166, with a subdivision where one taxes for itself: `DE`, `US-CA`.
    pub jurisdiction: String,
    /// As invoices name the tax, such as `VAT DE`.
    pub name: String,
    /// Basis points of the price without the tax: 19 % are 1,900; 0 to 10,000. The price holds it.
    pub bps: u16,
    /// Whether a business with a tax id owes the tax itself (reverse charge).
    #[serde(default)]
    pub reverse_charge: bool,
    /// From when; now when absent. Never before now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
    /// Until when; open when absent. Afterwards the node's default applies again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<DateTime<Utc>>,
}

/// A rate of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxRateView {
    /// Identifier.
    pub id: Uuid,
    /// Where.
    pub jurisdiction: String,
    /// As invoices name the tax.
    pub name: String,
    /// Basis points of the price without the tax.
    pub bps: i32,
    /// Whether a business with a tax id owes the tax itself.
    pub reverse_charge: bool,
    /// From when.
    pub valid_from: DateTime<Utc>,
    /// Until when, as far as this row says; a later row may supersede it before.
    pub valid_until: Option<DateTime<Utc>>,
    /// `in_force`, `coming`, `superseded` or `ended`.
    pub state: String,
    /// When it was set.
    pub created_at: DateTime<Utc>,
}

/// Body of `PUT /api/v1/billing`: whom invoices are made out to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBilling {
    /// Person or company.
    pub name: String,
    /// Postal address, in lines.
    pub address: String,
    /// Country, with a subdivision where one taxes for itself: `DE`, `US-CA`.
    pub jurisdiction: String,
    /// Tax id of a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
}

/// Whom invoices are made out to from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillingView {
    /// Person or company.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// Where tax is owed.
    pub jurisdiction: String,
    /// Tax id of a business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// Since when.
    pub updated_at: DateTime<Utc>,
}

/// Seller or buyer, as an invoice froze them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceParty {
    /// Person or company.
    pub name: String,
    /// Postal address; empty where none was known.
    pub address: String,
    /// Country; empty where none was known.
    pub jurisdiction: String,
    /// Tax id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceLine {
    /// What was sold, or given back.
    pub text: String,
    /// Without tax.
    pub net: Amount,
    /// The tax.
    pub tax: Amount,
    /// With tax.
    pub gross: Amount,
}

/// An invoice or a credit note. It is written once and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceView {
    /// Identifier.
    pub id: Uuid,
    /// Number without a gap within the node and year, such as `2026-000001`.
    pub number: String,
    /// `invoice` or `credit_note`.
    pub kind: String,
    /// Of a credit note: the invoice it corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrects: Option<InvoiceRef>,
    /// The order.
    pub order_id: Uuid,
    /// Who bought.
    pub party: PartyView,
    /// Seller as it was.
    pub seller: InvoiceParty,
    /// Buyer as it was.
    pub buyer: InvoiceParty,
    /// Lines; they sum to the totals.
    pub lines: Vec<InvoiceLine>,
    /// Without tax.
    pub net: Amount,
    /// The tax; what a credit note gives back is positive too.
    pub tax: Amount,
    /// With tax.
    pub gross: Amount,
    /// Where the tax is owed; `main` where the node's default applied.
    pub jurisdiction: String,
    /// Name of the tax.
    pub tax_name: String,
    /// Basis points of the price without the tax.
    pub tax_bps: i32,
    /// Whether the buyer owes the tax.
    pub reverse_charge: bool,
    /// What has to stand on the paper about the tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Journal book and entry number.
    pub entry: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
}

/// An invoice by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceRef {
    /// Identifier.
    pub id: Uuid,
    /// Its number.
    pub number: String,
}

/// Query of `GET /api/v1/admin/tax-report`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TaxQuery {
    /// Period `YYYY-MM`; the running month when absent.
    #[serde(default)]
    pub period: Option<String>,
}

/// Sales tax of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxReport {
    /// Period booked in, `YYYY-MM`.
    pub period: String,
    /// By jurisdiction, currency and rate.
    pub lines: Vec<TaxReportLine>,
    /// What the accounts of sales tax moved by in the period.
    pub accounts: Vec<TaxAccountLine>,
}

/// Sales of one jurisdiction, currency and rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxReportLine {
    /// Where.
    pub jurisdiction: String,
    /// Basis points of the price without the tax; absent for sales from before there were invoices.
    pub bps: Option<i32>,
    /// Sales whose buyer owes the tax.
    pub reverse_charge: bool,
    /// Number of sales.
    pub sales: i64,
    /// Price of the sales without tax.
    pub net: Amount,
    /// Tax taken with them.
    pub collected: Amount,
    /// Number of refunds and disputed payments of such sales, less those that came back.
    pub refunds: i64,
    /// Price given back, without tax.
    pub net_refunded: Amount,
    /// Tax given back.
    pub refunded: Amount,
    /// Tax owed: collected less given back.
    pub owed: Amount,
}

/// One account of sales tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxAccountLine {
    /// Where.
    pub jurisdiction: String,
    /// What is owed more than before the period, by every kind of entry.
    pub moved: Amount,
    /// Part of it that no sale, refund or dispute explains: corrections and other entries.
    pub other: Amount,
}
