//! Commands of invoices and the taxes on them.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Print, Remote};

/// Whom your invoices are made out to: set or show.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  granary billing set --name 'Bo GmbH' --address 'Weg 1\\n10115 Berlin' --jurisdiction DE \\
    --tax-id DE123456789

It holds for invoices from now on and decides which tax you pay; an invoice that was issued keeps
what it says.")]
pub struct Billing {
    #[command(subcommand)]
    pub action: BillingAction,
}

#[derive(Debug, Subcommand)]
pub enum BillingAction {
    /// Set it.
    Set {
        /// Person or company.
        #[arg(long)]
        name: String,
        /// Postal address; write \n between lines.
        #[arg(long)]
        address: String,
        /// Country, or country and subdivision, like DE or US-CA.
        #[arg(long)]
        jurisdiction: String,
        /// Tax id of a business.
        #[arg(long)]
        tax_id: Option<String>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show it.
    Show {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Your invoices and credit notes: list, show, keep as PDF.
#[derive(Debug, Args)]
pub struct Invoice {
    #[command(subcommand)]
    pub action: InvoiceAction,
}

#[derive(Debug, Subcommand)]
pub enum InvoiceAction {
    /// List them, newest first.
    List {
        /// Those of everybody; operators only.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one, or keep it on paper.
    Show {
        /// Its id; that of an order shows the order's invoice.
        invoice: Uuid,
        /// Write the PDF here.
        #[arg(long, value_name = "FILE.pdf")]
        pdf: Option<PathBuf>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Rates of sales tax, and the report of a month.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary tax set --jurisdiction DE --name 'VAT DE' --bps 1900
  granary tax set --jurisdiction FR --name 'TVA FR' --bps 2000 --reverse-charge
  granary tax report 2026-11 --csv

A rate is on top of the price without the tax, 1900 for 19 %; prices hold their tax. It is never
edited, only superseded by one that begins later. Where no rate is in force, --tax-bps of the
node applies.")]
pub struct Tax {
    #[command(subcommand)]
    pub action: TaxAction,
}

#[derive(Debug, Subcommand)]
pub enum TaxAction {
    /// The table of rates.
    Rates {
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// Set the rate of a jurisdiction.
    Set {
        /// Country, or country and subdivision, like DE or US-CA.
        #[arg(long)]
        jurisdiction: String,
        /// As invoices name the tax.
        #[arg(long)]
        name: String,
        /// Basis points of the price without the tax: 19 % are 1900.
        #[arg(long)]
        bps: u16,
        /// Businesses elsewhere with a tax id owe the tax themselves.
        #[arg(long)]
        reverse_charge: bool,
        /// From when [default: now]
        #[arg(long, value_name = "TIME")]
        from: Option<DateTime<Utc>>,
        /// Until when [default: open]
        #[arg(long, value_name = "TIME")]
        until: Option<DateTime<Utc>>,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
    /// What was taken and given back in a month, by jurisdiction and rate.
    Report {
        /// The month [default: the running one]
        #[arg(value_name = "YYYY-MM")]
        period: Option<String>,
        /// Print CSV, amounts in minor units.
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        #[command(flatten)]
        print: Print,
        #[command(flatten)]
        remote: Remote,
    },
}
