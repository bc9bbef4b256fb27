//! `options:` of a rule.

use super::Reader;
use crate::yaml::Node;

/// Those that change something here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// A name that is set once, to a constant, is that constant.
    pub(crate) constants: bool,
    /// A name that is set once is what it is set to.
    pub(crate) symbols: bool,
    /// `foo();` also is `x = foo();` among statements.
    pub(crate) deep_statements: bool,
    /// `x = 1` also is `let x = 1`.
    pub(crate) declarations: bool,
    pub(crate) safe_functions: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            constants: true,
            symbols: false,
            deep_statements: true,
            declarations: true,
            safe_functions: false,
        }
    }
}

/// Those that are known and change nothing here: limits of time, other engines, equivalences that always or never hold.
const KNOWN: &[&str] = &[
    "ac_matching",
    "arrow_is_function",
    "attr_expr",
    "commutative_boolop",
    "commutative_compop",
    "cpp_parsing_pref",
    "decorators_order_matters",
    "dynamic_timeout",
    "dynamic_timeout_max_multiplier",
    "dynamic_timeout_unit_kb",
    "flddef_assign",
    "generic_braces",
    "generic_caseless",
    "generic_comment_style",
    "generic_ellipsis_max_span",
    "generic_engine",
    "generic_extra_word_characters",
    "generic_multiline",
    "go_deeper_expr",
    "go_deeper_stmt",
    "implicit_ellipsis",
    "interfile",
    "let_is_var",
    "max_match_per_file",
    "taint_assume_safe_booleans",
    "taint_assume_safe_comparisons",
    "taint_assume_safe_indexes",
    "taint_assume_safe_numbers",
    "taint_fixpoint_timeout",
    "taint_focus_on",
    "taint_intrafile",
    "taint_match_on",
    "taint_only_propagate_through_assignments",
    "taint_unify_mvars",
    "timeout",
    "unify_ids_strictly",
    "xml_attrs_implicit_ellipsis",
    "xml_children_ordered",
    "xml_singleton_loose_matching",
];

impl Reader {
    pub(super) fn options(&mut self, node: &Node) -> Options {
        let mut options = Options::default();
        for (key, value) in node.entries() {
            let truth = value.truth();
            let set = match key.as_str() {
                "constant_propagation" => &mut options.constants,
                "symbolic_propagation" => &mut options.symbols,
                "implicit_deep_exprstmt" => &mut options.deep_statements,
                "vardef_assign" => &mut options.declarations,
                "taint_assume_safe_functions" => &mut options.safe_functions,
                known if KNOWN.contains(&known) => continue,
                _ => {
                    self.unknown(key, value.line, "`options`");
                    continue;
                }
            };
            match truth {
                Some(truth) => *set = truth,
                None => self.wrong(value.line, format!("`{key}` is `true` or `false`")),
            }
        }
        options
    }
}
