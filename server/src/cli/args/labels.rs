//! Labels that people gave, on this machine.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Print;

/// Agreement, consensus and exchange of labels, on this machine.
///
/// A file is a table (Parquet, CSV, Arrow) with the columns item, annotator and label, and if you
/// like question, kind, start, end and time; or a JSON export of Label Studio. Nothing is sent
/// anywhere and the labelled data is not needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  granary labels import project-7.json --out labels.parquet
  granary labels agree labels.parquet
  granary labels agree ratings.csv --scale ordinal --order poor,fair,good
  granary labels consensus labels.parquet --out consensus.csv
  granary labels export consensus.csv --out tasks.json")]
pub struct Labels {
    #[command(subcommand)]
    pub action: LabelsAction,
}

#[derive(Debug, Subcommand)]
pub enum LabelsAction {
    /// How far annotators agree beyond chance: Krippendorff, Cohen, Fleiss.
    Agree {
        #[command(flatten)]
        input: LabelInput,
        /// What differences mean [default: by the kind of answers]
        #[arg(long, value_enum)]
        scale: Option<ScaleArg>,
        #[command(flatten)]
        print: Print,
    },
    /// The most probable labels, everybody's errors, and what each annotator contributed.
    ///
    /// Estimated after Dawid and Skene. The weights follow the rule of contributions: whoever is
    /// right about an item shares it.
    Consensus {
        #[command(flatten)]
        input: LabelInput,
        /// Write the consensus as a table; the ending chooses the form: .parquet, .csv, .json
        /// (Label Studio).
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        print: Print,
    },
    /// Turn an export of Label Studio into a table.
    Import {
        /// Exported JSON.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Field of the tasks' data that names the item [default: the task's id]
        #[arg(long, default_value = "item", value_name = "FIELD")]
        item: String,
        /// Table to write: .parquet or .csv.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Turn a table into JSON that Label Studio imports.
    Export {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Name of the object that is labelled in the labelling interface.
        #[arg(long, default_value = "text", value_name = "NAME")]
        to_name: String,
        /// JSON to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Files and the question to look at.
#[derive(Debug, Args)]
pub struct LabelInput {
    /// Tables of annotations, or JSON of Label Studio.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Look at this question alone [default: all of them, one after the other]
    #[arg(long, value_name = "NAME")]
    pub question: Option<String>,
    /// Labels from low to high, for the ordinal scale.
    #[arg(long, value_delimiter = ',', value_name = "LABEL,LABEL…")]
    pub order: Option<Vec<String>>,
}

/// Scales of Krippendorff's alpha.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScaleArg {
    /// Equal or not.
    Nominal,
    /// In order.
    Ordinal,
    /// Numbers, by difference.
    Interval,
    /// Numbers with a zero, by proportion.
    Ratio,
}
