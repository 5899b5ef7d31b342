//! The largest policies and conditions, in one place.

/// Bytes of a policy file.
pub const POLICY_BYTES: usize = 1024 * 1024;
/// Documents in one policy file.
pub const POLICY_DOCUMENTS: usize = 64;
/// Nesting of a policy document.
pub const POLICY_DEPTH: usize = 16;
/// Values in a policy file, aliases expanded (the "billion laughs" of YAML).
pub const POLICY_VALUES: usize = 20_000;
/// Entries of any list of a policy: patterns, authorities, requirements.
pub const POLICY_ENTRIES: usize = 256;
/// Characters of a pattern of image names.
pub const PATTERN_CHARS: usize = 512;
/// Characters of a condition.
pub const CONDITION_CHARS: usize = 4096;
/// Parts of a condition, once its macros are written out.
pub const CONDITION_PARTS: usize = 500;
/// Brackets inside of brackets of a condition. The parser's frames are large:
/// fifteen fill a thread's stack in a build without optimisation, and its own
/// limit of 96 comes too late.
pub const CONDITION_NESTING: u16 = 8;
/// Operators inside of operators of a condition, as in `a + b + c + …`: the
/// evaluator's frames are large too.
pub const CONDITION_DEPTH: usize = 48;
/// Macros inside of macros, or one behind the other.
pub const CONDITION_LOOPS: u32 = 3;
/// Characters of a regular expression in a condition.
pub const CONDITION_EXPRESSION_CHARS: usize = 512;
/// Values of a predicate that a condition looks at.
pub const PREDICATE_VALUES: usize = 1_000_000;
/// Steps that the loops of a condition may take on one predicate: each costs
/// some hundred nanoseconds (cel-go has the like of it, the `cel` crate none).
pub const CONDITION_STEPS: u64 = 1_000_000;
/// Steps that the loops of a condition may take on all components of an SBOM.
pub const COMPONENT_STEPS: u64 = 20_000_000;
/// Characters of untrusted text that are shown.
pub const SHOWN_CHARS: usize = 512;
/// Rejected or unread candidates that are shown for one requirement.
pub const SHOWN_CANDIDATES: usize = 12;
/// Bytes of the one-line message of a decision.
pub const MESSAGE_BYTES: usize = 1024;
