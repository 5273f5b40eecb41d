//! Ready-made terms, each with the text that governs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::{
    Access, GoverningText, ModelTraining, Redistribution, Revisions, Terms, Window,
};
use crate::digest::Sha256;

/// Ready-made terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Anything, for anybody who buys, with attribution.
    Open,
    /// Research without commercial use.
    Research,
    /// Commercial use inside the buyer's organisation.
    CommercialInternal,
    /// The same, and training of models.
    CommercialTraining,
}

impl Template {
    /// All of them, from the most to the least open and then commercial.
    pub const ALL: [Self; 4] = [
        Self::Open,
        Self::Research,
        Self::CommercialInternal,
        Self::CommercialTraining,
    ];

    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Research => "research",
            Self::CommercialInternal => "commercial_internal",
            Self::CommercialTraining => "commercial_training",
        }
    }

    /// The template with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.name() == name)
    }

    /// The text that governs licences made from the template.
    pub fn text(self) -> &'static str {
        match self {
            Self::Open => include_str!("texts/open.txt"),
            Self::Research => include_str!("texts/research.txt"),
            Self::CommercialInternal => include_str!("texts/commercial_internal.txt"),
            Self::CommercialTraining => include_str!("texts/commercial_training.txt"),
        }
    }

    /// The terms.
    pub fn terms(self) -> Terms {
        let commercial = matches!(self, Self::CommercialInternal | Self::CommercialTraining);
        let open = self == Self::Open;
        Terms {
            window: if open {
                Window::Unlimited
            } else {
                Window::Duration { days: 365 }
            },
            revisions: if self == Self::Research {
                Revisions::Fixed
            } else {
                Revisions::AllDuringTerm
            },
            access: vec![Access::Download],
            download_cap: None,
            purpose: (self == Self::Research).then(|| "scientific research and teaching".into()),
            commercial_use: open || commercial,
            model_training: match self {
                Self::Open => ModelTraining::SellOutputs,
                Self::Research => ModelTraining::PublishWeights,
                Self::CommercialInternal => ModelTraining::None,
                Self::CommercialTraining => ModelTraining::SellOutputs,
            },
            redistribution: match self {
                Self::Open => Redistribution::Allowed,
                Self::Research | Self::CommercialTraining => Redistribution::Derived,
                Self::CommercialInternal => Redistribution::None,
            },
            attribution: (open || self == Self::Research)
                .then(|| "the dataset and its node".into()),
            delete_after_term: commercial,
            personal_data: None,
            governing_text: GoverningText {
                id: format!("granary-{}-1", self.name().replace('_', "-")),
                sha256: Sha256::of(self.text().as_bytes()),
            },
            unknown: BTreeMap::new(),
        }
    }
}
