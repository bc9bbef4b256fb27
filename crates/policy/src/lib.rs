//! Who may do what: Cedar schema, policies, decisions, explanations.
