//! Search queries: parsing what a person types, and the full-text index expressions made from it.
//!
//! Messages are in two FTS5 tables: one of whole words, stemmed, and one of trigrams, which finds parts of words. Both get
//! the text folded, and terms are folded alike. The SQL that runs the expressions is in `store`.

mod indexed;
mod match_expression;
mod query;
mod zone;

pub use indexed::{INDEX_VERSION, IndexedText};
pub use query::{MAX_QUERY_CHARS, Query, without_each_filter};
pub use zone::Zone;
