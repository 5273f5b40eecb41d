//! Classes of personal data: what an owner declares of a column, and what a licence covers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// From harmless to grave; the order is that of what a licence has to cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonalClass {
    /// No personal data: invented, public or about things.
    None,
    /// About persons, whose names were replaced by codes.
    Pseudonymous,
    /// About persons who can be named.
    Personal,
    /// Of a special category (health, belief, origin, sex life), or secrets.
    Sensitive,
}

impl PersonalClass {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::Pseudonymous,
        Self::Personal,
        Self::Sensitive,
    ];

    /// Its name in contracts and terms.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pseudonymous => "pseudonymous",
            Self::Personal => "personal",
            Self::Sensitive => "sensitive",
        }
    }

    /// The class with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for PersonalClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_graver_classes_are_greater() {
        for class in PersonalClass::ALL {
            assert_eq!(PersonalClass::by_name(class.name()), Some(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        assert!(PersonalClass::ALL.is_sorted());
        assert_eq!(PersonalClass::by_name("Personal"), None);
    }
}
