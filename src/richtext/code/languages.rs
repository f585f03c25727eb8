//! What the lexer knows of each language that is offered.

/// How a language is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Css,
    Markup,
    Diff,
}

/// A kind of string.
#[derive(Debug)]
pub(super) struct Quote {
    pub open: &'static str,
    pub close: &'static str,
    /// A backslash escapes the character after it.
    pub escapes: bool,
    /// It may contain line breaks.
    pub lines: bool,
}

/// A language. Words are separated by single blanks.
#[derive(Debug)]
pub(super) struct Language {
    pub names: &'static [&'static str],
    pub kind: Kind,
    pub line_comments: &'static [&'static str],
    pub block_comments: &'static [(&'static str, &'static str)],
    /// The longer of two that begin alike comes first.
    pub quotes: &'static [Quote],
    pub keywords: &'static str,
    pub constants: &'static str,
    pub types: &'static str,
    /// What words consist of besides letters, digits and `_`.
    pub word_characters: &'static str,
    /// Words are the same in upper and lower case.
    pub ignores_case: bool,
    /// `'x'` is a character, and a single `'` something else.
    pub quotes_characters: bool,
    pub has_regexes: bool,
    /// `@word` is a decorator or an annotation.
    pub has_decorators: bool,
    /// `#word` at the start of a line is a directive.
    pub has_directives: bool,
    /// `[word]` at the start of a line begins a section.
    pub has_sections: bool,
    pub capitals_are_types: bool,
    /// What stands between a key and its value.
    pub key_sign: Option<char>,
}

/// The language of this name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    ALL.iter().find(|language| language.names.contains(&name))
}

/// Names of languages that are not offered, and of none: such code is shown plain.
pub(super) const PLAIN_NAMES: [&str; 82] = [
    "ada",
    "apache",
    "applescript",
    "asciidoc",
    "asm",
    "assembly",
    "awk",
    "bat",
    "batch",
    "bibtex",
    "clojure",
    "clj",
    "cmake",
    "cmd",
    "cobol",
    "coffeescript",
    "console",
    "crystal",
    "csv",
    "cuda",
    "d",
    "elm",
    "email",
    "erb",
    "erlang",
    "erl",
    "f#",
    "fish",
    "forth",
    "fortran",
    "fsharp",
    "gdscript",
    "glsl",
    "gql",
    "graphql",
    "haml",
    "handlebars",
    "hcl",
    "hlsl",
    "http",
    "jinja",
    "julia",
    "jl",
    "latex",
    "lisp",
    "log",
    "markdown",
    "matlab",
    "md",
    "mermaid",
    "nginx",
    "nim",
    "nix",
    "objc",
    "objective-c",
    "ocaml",
    "org",
    "output",
    "pascal",
    "plain",
    "plaintext",
    "prolog",
    "proto",
    "protobuf",
    "pug",
    "regex",
    "rst",
    "scheme",
    "solidity",
    "svelte",
    "tcl",
    "terraform",
    "tex",
    "text",
    "tf",
    "txt",
    "verilog",
    "vhdl",
    "vim",
    "vue",
    "wasm",
    "wat",
];

const NONE: Language = Language {
    names: &[],
    kind: Kind::Code,
    line_comments: &[],
    block_comments: &[],
    quotes: &[DOUBLE, SINGLE],
    keywords: "",
    constants: "",
    types: "",
    word_characters: "",
    ignores_case: false,
    quotes_characters: false,
    has_regexes: false,
    has_decorators: false,
    has_directives: false,
    has_sections: false,
    capitals_are_types: false,
    key_sign: None,
};

const DOUBLE: Quote = Quote { open: "\"", close: "\"", escapes: true, lines: false };
const SINGLE: Quote = Quote { open: "'", close: "'", escapes: true, lines: false };
const BACKTICK: Quote = Quote { open: "`", close: "`", escapes: true, lines: true };
const RAW_BACKTICK: Quote = Quote { open: "`", close: "`", escapes: false, lines: true };
const DOUBLE_LINES: Quote = Quote { open: "\"", close: "\"", escapes: true, lines: true };
const SINGLE_LINES: Quote = Quote { open: "'", close: "'", escapes: true, lines: true };
const RAW_SINGLE_LINES: Quote = Quote { open: "'", close: "'", escapes: false, lines: true };
const TRIPLE_DOUBLE: Quote = Quote { open: "\"\"\"", close: "\"\"\"", escapes: true, lines: true };
const TRIPLE_SINGLE: Quote = Quote { open: "'''", close: "'''", escapes: true, lines: true };
const RAW_RUST: Quote = Quote { open: "r#\"", close: "\"#", escapes: false, lines: true };
const LONG_LUA: Quote = Quote { open: "[[", close: "]]", escapes: false, lines: true };
const VERBATIM_CSHARP: Quote = Quote { open: "@\"", close: "\"", escapes: false, lines: true };
const HERE_POWERSHELL: Quote = Quote { open: "@\"\n", close: "\n\"@", escapes: false, lines: true };

/// Languages whose comments are those of C.
const LIKE_C: Language = Language {
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    quotes: &[DOUBLE, SINGLE],
    quotes_characters: true,
    ..NONE
};

const ECMASCRIPT: Language = Language {
    quotes: &[DOUBLE, SINGLE, BACKTICK],
    quotes_characters: false,
    constants: "true false null undefined NaN Infinity this super",
    word_characters: "$",
    has_regexes: true,
    has_decorators: true,
    capitals_are_types: true,
    ..LIKE_C
};

/// The languages that are offered.
pub(super) const ALL: &[Language] = &[
    Language {
        names: &["bash", "sh", "shell", "zsh", "shellscript"],
        line_comments: &["#"],
        quotes: &[DOUBLE_LINES, RAW_SINGLE_LINES],
        keywords: "if then else elif fi for while until do done case esac in function select return break continue exit local export \
                   readonly declare set unset source alias echo cd eval exec trap shift test time",
        constants: "true false",
        word_characters: "-",
        ..NONE
    },
    Language {
        names: &["c", "h"],
        keywords: "auto break case const continue default do else enum extern for goto if inline register restrict return sizeof static \
                   struct switch typedef union volatile while _Atomic _Generic _Noreturn _Static_assert",
        constants: "NULL true false nullptr",
        types: "void char short int long float double signed unsigned bool _Bool size_t ssize_t int8_t int16_t int32_t int64_t uint8_t \
                uint16_t uint32_t uint64_t FILE",
        has_directives: true,
        ..LIKE_C
    },
    Language {
        names: &["c++", "cpp", "cc", "cxx", "hpp"],
        keywords: "alignas alignof and asm auto break case catch class co_await co_return co_yield concept const consteval constexpr \
                   const_cast continue decltype default delete do dynamic_cast else enum explicit export extern final for friend goto if \
                   inline mutable namespace new noexcept not operator or override private protected public register reinterpret_cast \
                   requires return sizeof static static_assert static_cast struct switch template throw try typedef typeid typename union \
                   using virtual volatile while",
        constants: "NULL nullptr true false this",
        types: "void char short int long float double signed unsigned bool size_t string vector map wchar_t int8_t int16_t int32_t \
                int64_t uint8_t uint16_t uint32_t uint64_t",
        has_directives: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["c#", "cs", "csharp"],
        quotes: &[VERBATIM_CSHARP, TRIPLE_DOUBLE, DOUBLE, SINGLE],
        keywords: "abstract as async await base break case catch checked class const continue default delegate do else enum event \
                   explicit extern finally fixed for foreach get goto if implicit in init interface internal is lock namespace new operator \
                   out override params partial private protected public readonly record ref required return sealed set sizeof stackalloc \
                   static struct switch throw try typeof unchecked unsafe using var virtual volatile when where while with yield",
        constants: "true false null this",
        types: "bool byte char decimal double dynamic float int long nint object sbyte short string uint ulong ushort void",
        has_directives: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["css", "scss", "sass", "less"],
        kind: Kind::Css,
        line_comments: &["//"],
        block_comments: &[("/*", "*/")],
        word_characters: "-$",
        ..NONE
    },
    Language {
        names: &["dart"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        quotes_characters: false,
        keywords: "abstract as assert async await base break case catch class const continue covariant default deferred do dynamic else \
                   enum export extends extension external factory final finally for get hide if implements import in interface is late \
                   library mixin new on operator part required rethrow return sealed set show static switch sync throw try typedef var \
                   when while with yield",
        constants: "true false null this super",
        types: "void int double num bool",
        has_decorators: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language { names: &["diff", "patch"], kind: Kind::Diff, ..NONE },
    Language {
        names: &["dockerfile", "docker", "containerfile"],
        line_comments: &["#"],
        keywords: "FROM AS RUN CMD LABEL MAINTAINER EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG ONBUILD STOPSIGNAL HEALTHCHECK \
                   SHELL",
        ..NONE
    },
    Language {
        names: &["elixir", "ex", "exs"],
        line_comments: &["#"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE_LINES, SINGLE],
        keywords: "after alias and case catch cond def defmacro defmodule defp defstruct do else end fn for if import in not or quote raise \
                   receive require rescue try unless unquote use when with",
        constants: "true false nil",
        word_characters: "?!",
        has_decorators: true,
        capitals_are_types: true,
        ..NONE
    },
    Language {
        names: &["go", "golang"],
        quotes: &[DOUBLE, SINGLE, RAW_BACKTICK],
        keywords: "break case chan const continue default defer else fallthrough for func go goto if import interface map package range \
                   return select struct switch type var",
        constants: "true false nil iota",
        types: "any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 \
                uint16 uint32 uint64 uintptr",
        ..LIKE_C
    },
    Language {
        names: &["haskell", "hs"],
        line_comments: &["--"],
        block_comments: &[("{-", "-}")],
        keywords: "as case class data default deriving do else foreign forall hiding if import in infix infixl infixr instance let module \
                   newtype of qualified then type where",
        word_characters: "'",
        quotes_characters: true,
        capitals_are_types: true,
        ..NONE
    },
    Language {
        names: &["html", "xml", "svg", "xhtml", "plist", "htm", "xsl"],
        kind: Kind::Markup,
        block_comments: &[("<!--", "-->"), ("<![CDATA[", "]]>")],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        word_characters: "-:",
        ..NONE
    },
    Language {
        names: &["ini", "toml", "cfg", "conf", "properties", "env", "dotenv", "editorconfig"],
        line_comments: &["#", ";"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        constants: "true false on off yes no",
        word_characters: "-.",
        has_sections: true,
        key_sign: Some('='),
        ..NONE
    },
    Language {
        names: &["java", "groovy", "gradle"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        keywords: "abstract assert break case catch class const continue def default do else enum extends final finally for goto if \
                   implements import instanceof interface native new non-sealed package permits private protected public record return \
                   sealed static strictfp switch synchronized throw throws transient try var volatile when while yield",
        constants: "true false null this super",
        types: "boolean byte char double float int long short void",
        has_decorators: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "cjs", "node"],
        keywords: "as async await break case catch class const continue debugger default delete do else export extends finally for from \
                   function get if import in instanceof let new of return set static switch throw try typeof var void while with yield",
        ..ECMASCRIPT
    },
    Language {
        names: &["json", "jsonc", "json5", "jsonl", "ndjson"],
        line_comments: &["//"],
        block_comments: &[("/*", "*/")],
        constants: "true false null",
        key_sign: Some(':'),
        ..NONE
    },
    Language {
        names: &["kotlin", "kt", "kts"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        keywords: "abstract annotation as break by catch class companion const constructor continue crossinline data do else enum expect \
                   external final finally for fun get if import in infix init inline inner interface internal is lateinit noinline object \
                   open operator out override package private protected public reified return sealed set suspend tailrec throw try \
                   typealias val value var vararg when where while",
        constants: "true false null this super it",
        has_decorators: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["lua"],
        line_comments: &["--"],
        block_comments: &[("--[[", "]]")],
        quotes: &[LONG_LUA, DOUBLE, SINGLE],
        keywords: "and break do else elseif end for function goto if in local not or repeat return then until while",
        constants: "true false nil self",
        ..NONE
    },
    Language {
        names: &["makefile", "make", "mk"],
        line_comments: &["#"],
        keywords: "define else endef endif export ifdef ifeq ifndef ifneq include override unexport vpath",
        word_characters: "-.",
        key_sign: Some(':'),
        ..NONE
    },
    Language {
        names: &["perl", "pl", "pm"],
        line_comments: &["#"],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        keywords: "and cmp continue die do each else elsif eq for foreach ge gt if keys last le local lt my ne next no not or our package \
                   print push redo require return say shift sub undef unless until use values while x xor",
        has_regexes: true,
        ..NONE
    },
    Language {
        names: &["php"],
        line_comments: &["//", "#"],
        block_comments: &[("/*", "*/")],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        keywords: "abstract and array as break case catch class clone const continue declare default do echo else elseif empty enum \
                   extends final finally fn for foreach function global goto if implements include include_once instanceof insteadof \
                   interface isset list match namespace new or print private protected public readonly require require_once return static \
                   switch throw trait try unset use var while xor yield php",
        constants: "true false null TRUE FALSE NULL this self parent",
        types: "bool float int string void mixed never object iterable callable",
        capitals_are_types: true,
        ..NONE
    },
    Language {
        names: &["powershell", "ps1", "pwsh", "ps"],
        line_comments: &["#"],
        block_comments: &[("<#", "#>")],
        quotes: &[HERE_POWERSHELL, DOUBLE_LINES, RAW_SINGLE_LINES],
        keywords: "begin break catch class continue data do dynamicparam else elseif end enum exit filter finally for foreach from function \
                   if in param process return switch throw trap try until using while",
        ignores_case: true,
        word_characters: "-",
        ..NONE
    },
    Language {
        names: &["python", "py", "python3", "py3", "pyi"],
        line_comments: &["#"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        keywords: "and as assert async await break case class continue def del elif else except finally for from global if import in is \
                   lambda match nonlocal not or pass raise return try type while with yield",
        constants: "True False None self cls",
        types: "bool bytes dict float frozenset int list object set str tuple",
        has_decorators: true,
        capitals_are_types: true,
        ..NONE
    },
    Language {
        names: &["r"],
        line_comments: &["#"],
        keywords: "break else for function if in library next repeat require return while",
        constants: "TRUE FALSE NULL NA NaN Inf",
        word_characters: ".",
        ..NONE
    },
    Language {
        names: &["ruby", "rb"],
        line_comments: &["#"],
        block_comments: &[("=begin", "=end")],
        quotes: &[DOUBLE_LINES, SINGLE_LINES, BACKTICK],
        keywords: "alias and attr_accessor attr_reader attr_writer begin break case class def defined? do else elsif end ensure extend for if \
                   in include module next not or private protected public puts raise redo require require_relative rescue retry return then \
                   undef unless until when while yield",
        constants: "true false nil self super",
        word_characters: "?!",
        has_regexes: true,
        capitals_are_types: true,
        ..NONE
    },
    Language {
        names: &["rust", "rs"],
        quotes: &[RAW_RUST, DOUBLE_LINES, SINGLE],
        keywords: "as async await break const continue crate dyn else enum extern fn for if impl in let loop macro_rules match mod move mut \
                   pub ref return static struct super trait type union unsafe use where while",
        constants: "true false self",
        types: "Self bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize",
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["scala", "sbt", "sc"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        keywords: "abstract case catch class def do else enum export extends extension final finally for forSome given if implicit import \
                   lazy match new object override package private protected return sealed then throw trait try type using val var while \
                   with yield",
        constants: "true false null this super",
        has_decorators: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["sql", "mysql", "postgres", "postgresql", "psql", "plsql", "sqlite", "tsql"],
        line_comments: &["--"],
        block_comments: &[("/*", "*/")],
        quotes: &[DOUBLE, Quote { escapes: false, lines: true, ..SINGLE }],
        keywords: "add all alter analyze and any as asc begin between by cascade case cast check column commit conflict constraint create \
                   cross current database declare default delete desc distinct do drop else end escape except exec execute exists explain \
                   fetch for foreign from full function grant group having if in index inner insert intersect into is join key lateral left \
                   like limit materialized merge natural not nothing of offset on or order outer over partition pragma primary procedure \
                   references replace returning revoke right rollback row rows savepoint select set table temporary then to transaction \
                   trigger truncate union unique update using vacuum values view when where window with without",
        constants: "true false null",
        types: "bigint binary blob bool boolean char date datetime decimal double float int integer interval json jsonb numeric real serial \
                smallint text time timestamp timestamptz uuid varchar",
        ignores_case: true,
        ..NONE
    },
    Language {
        names: &["swift"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE],
        quotes_characters: false,
        keywords: "actor any as associatedtype async await break case catch class continue convenience default defer deinit do else enum \
                   extension fallthrough fileprivate final for func get guard if import in indirect init inout internal is lazy let mutating \
                   open operator override private protocol public repeat required rethrows return set some static struct subscript switch \
                   throw throws try typealias unowned var weak where while",
        constants: "true false nil self super Self",
        has_decorators: true,
        has_directives: true,
        capitals_are_types: true,
        ..LIKE_C
    },
    Language {
        names: &["typescript", "ts", "tsx", "mts", "cts"],
        keywords: "abstract as asserts async await break case catch class const continue debugger declare default delete do else enum export \
                   extends finally for from function get if implements import in infer instanceof interface is keyof let module namespace \
                   new of override private protected public readonly return satisfies set static switch throw try type typeof unique var \
                   void while with yield",
        types: "any bigint boolean never number object string symbol unknown",
        ..ECMASCRIPT
    },
    Language {
        names: &["yaml", "yml"],
        line_comments: &["#"],
        constants: "true false null yes no on off",
        word_characters: "-./$",
        key_sign: Some(':'),
        ..NONE
    },
    Language {
        names: &["zig"],
        line_comments: &["//"],
        keywords: "addrspace align and asm async await break callconv catch comptime const continue defer else enum errdefer error export \
                   extern fn for if inline noalias or orelse packed pub resume return struct suspend switch test threadlocal try union \
                   usingnamespace var volatile while",
        constants: "true false null undefined",
        types: "anyerror anytype bool c_int f16 f32 f64 i8 i16 i32 i64 isize noreturn type u8 u16 u32 u64 usize void",
        quotes_characters: true,
        has_decorators: true,
        capitals_are_types: true,
        ..NONE
    },
];
