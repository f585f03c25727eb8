//! Which texts readers take for the same: folding of case, accents, width and look-alike punctuation, by Unicode.
//!
//! Each function returns a key: two texts are the same exactly if their keys are equal. There are three samenesses, from
//! the strictest to the widest: of e-mail addresses, of names, and of words, by which people search and filter. Keys are
//! compared with keys of the same function only, and never shown. Some are stored; [`VERSION`] tells when they have to
//! be computed anew.
//!
//! Text is folded in segments: a character and the marks that belong to it. The key of a text is the keys of its segments
//! one after the other, so that parts of a text are compared without folding the text for every possible start and end
//! ([`FoldedWords`]).
//!
//! The tables of Unicode are constant data of the executable. None of them may reach the browser's half, which has its
//! own: see [`fold_for_filter`](crate::model::fold_for_filter).

use std::ops::RangeInclusive;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Grows whenever a function of this module returns another key for some text: keys that an older version stored are
/// then computed anew.
pub const VERSION: i64 = 2;

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
const DECOMPOSED: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const COMPOSED: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// The key of an e-mail address: case and width of letters do not count, accents do. `İ`, `I`, `ı` and `i` are one
/// letter, `ß` is `ss`, and a domain is the same in its Unicode and in its ASCII form (`xn--…`).
#[must_use]
pub fn address(text: &str) -> String {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return fold(text, Sameness::Name) };
    let (readable, result) = idna::domain_to_unicode(domain);
    let domain = if result.is_ok() { &readable } else { domain };
    format!("{}@{}", fold(local, Sameness::Name), fold(domain, Sameness::Name))
}

/// The key of a person's name, for mentions and duplicates. As of an address: case, width, invisible characters and the
/// form of apostrophes, quotes and dashes do not count, accents do.
#[must_use]
pub fn name(text: &str) -> String {
    fold(text, Sameness::Name)
}

/// The key of words, for searches and filters.
///
/// Beside what does not count in names, there count neither accents of Latin, Greek, Cyrillic, Hebrew and Arabic
/// letters, nor strokes through Latin ones (`ł`, `ø`), nor the Arabic tatweel and forms of alef, katakana are hiragana, and
/// digits are those of ASCII. Marks that make another letter stay: those of Indic and Southeast Asian scripts, kana, and `й`, `ї` and `ў`.
#[must_use]
pub fn words(text: &str) -> String {
    fold(text, Sameness::Words)
}

/// The key of words, with the place in the text of each of its segments: what is found in the key is found in the text.
#[derive(Debug)]
pub struct FoldedWords {
    /// The key of the whole text, as [`words`] returns it.
    pub key: String,
    /// Where each segment begins, in the key and in the text, and where both end.
    bounds: Vec<(usize, usize)>,
}

impl FoldedWords {
    /// Folds a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut key = String::with_capacity(text.len());
        let mut bounds = Vec::with_capacity(text.len() + 1);
        let mut at = 0;
        while at < text.len() {
            let length = segment_len(&text[at..]);
            let key_at = key.len();
            push_key(&mut key, &text[at..at + length], Sameness::Words);
            // What is not in the key belongs to the segment before.
            if key.len() > key_at {
                bounds.push((key_at, at));
            }
            at += length;
        }
        bounds.push((key.len(), text.len()));
        Self { key, bounds }
    }

    /// The offset in the text of an offset in the key, if a segment begins or the text ends there.
    #[must_use]
    pub fn text_offset(&self, key_offset: usize) -> Option<usize> {
        let index = self.bounds.binary_search_by_key(&key_offset, |(key_at, _)| *key_at).ok()?;
        Some(self.bounds[index].1)
    }

    /// The offset in the key at which the next segment begins.
    #[must_use]
    pub fn next_offset(&self, key_offset: usize) -> usize {
        let index = self.bounds.partition_point(|(key_at, _)| *key_at <= key_offset);
        self.bounds.get(index).map_or(self.key.len(), |(key_at, _)| *key_at)
    }
}

/// Whether a character belongs to the one before it, like an accent or a vowel sign.
#[must_use]
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Whether a character is a symbol outside ASCII, like `°` and most emoji.
#[must_use]
pub fn is_symbol(c: char) -> bool {
    !c.is_ascii() && CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::OtherSymbol
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sameness {
    Name,
    Words,
}

fn fold(text: &str, sameness: Sameness) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut key = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let segment;
        (segment, rest) = rest.split_at(segment_len(rest));
        push_key(&mut key, segment, sameness);
    }
    key
}

/// The length in bytes of the first segment of `text`: a character and what belongs to it.
fn segment_len(text: &str) -> usize {
    let mut chars = text.char_indices();
    chars.next();
    chars.find(|(_, c)| !continues_segment(*c)).map_or(text.len(), |(at, _)| at)
}

/// Whether a character belongs to the one before it: a mark, an invisible character, the vowel or final consonant of a
/// Korean syllable that is spelled out, or the voiced mark of half-width kana.
fn continues_segment(c: char) -> bool {
    const JAMO_AND_VOICED_MARKS: [RangeInclusive<char>; 3] =
        ['\u{1160}'..='\u{11ff}', '\u{d7b0}'..='\u{d7fb}', '\u{ff9e}'..='\u{ff9f}'];
    !c.is_ascii()
        && (is_mark(c) || is_invisible(c) || JAMO_AND_VOICED_MARKS.iter().any(|continuing| continuing.contains(&c)))
}

/// Whether a character is displayed as nothing: Unicode's default ignorable characters, such as U+00AD and U+200B.
fn is_invisible(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Appends the key of one segment.
fn push_key(key: &mut String, segment: &str, sameness: Sameness) {
    if let &[byte] = segment.as_bytes() {
        key.push(byte.to_ascii_lowercase().into());
        return;
    }
    // Some of what looks alike decomposes into a blank and a mark: it is replaced before. Other letters decompose into
    // what is replaced afterwards.
    let plain: String = segment.chars().map(plain_punctuation).collect();
    let folded = DECOMPOSED.normalize(&CASES.fold_string(&DECOMPOSED.normalize(&plain))).into_owned();
    let mut base = '\0';
    let mut letters = String::with_capacity(folded.len());
    for c in folded.chars().filter(|c| !is_invisible(*c)).map(plain_punctuation).map(plain_letter) {
        if !is_mark(c) {
            base = c;
        } else if (base == 'i' && c == '\u{307}') || (sameness == Sameness::Words && is_accent(base, c)) {
            continue;
        }
        match sameness {
            Sameness::Name => letters.push(c),
            Sameness::Words => push_word_letter(&mut letters, c),
        }
    }
    key.push_str(&COMPOSED.normalize(&letters));
}

/// The ASCII form of a quote, apostrophe or dash; other characters as they are.
const fn plain_punctuation(c: char) -> char {
    match c {
        '\u{b4}'
        | '\u{2b9}'
        | '\u{2bb}'
        | '\u{2bc}'
        | '\u{2018}'..='\u{201b}'
        | '\u{2032}'
        | '\u{2039}'
        | '\u{203a}'
        | '\u{5f3}'
        | '\u{a78c}' => '\'',
        '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{5f4}' | '\u{301d}'..='\u{301f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{5be}' => '-',
        _ => c,
    }
}

/// The dotless i as an i: both have the capital `I`.
const fn plain_letter(c: char) -> char {
    if c == 'ı' { 'i' } else { c }
}

/// Whether readers of words overlook this mark on this letter.
const fn is_accent(base: char, mark: char) -> bool {
    match mark {
        // Cyrillic: stress marks, and the diaeresis of ё. The others make another letter.
        '\u{300}'..='\u{36f}' if matches!(base, '\u{400}'..='\u{52f}') => {
            matches!(mark, '\u{300}' | '\u{301}') || (mark == '\u{308}' && base == 'е')
        }
        // Combining marks for letters of any script, with those for symbols and phonetics.
        '\u{300}'..='\u{36f}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => true,
        // Hebrew vowels and accents.
        '\u{591}'..='\u{5c7}' => true,
        // Arabic: hamza and madda count except on alef; vowels and signs of recitation do not.
        '\u{653}'..='\u{655}' => base == '\u{627}',
        '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{8d3}'..='\u{8ff}' => {
            true
        }
        // Syriac vowels.
        '\u{711}' | '\u{730}'..='\u{74a}' => true,
        _ => false,
    }
}

/// Appends a letter or mark as words have it.
fn push_word_letter(letters: &mut String, c: char) {
    let plain = match c {
        'æ' => return letters.push_str("ae"),
        'œ' => return letters.push_str("oe"),
        'þ' => return letters.push_str("th"),
        'ŀ' | 'ł' | 'ƚ' | 'ⱡ' | 'ɫ' => 'l',
        'ø' | 'ɵ' => 'o',
        'đ' | 'ð' | 'ɖ' | 'ɗ' => 'd',
        'ħ' | 'ⱨ' => 'h',
        'ŧ' | 'ƭ' | 'ʈ' | 'ⱦ' => 't',
        'ƀ' | 'ɓ' => 'b',
        'ƈ' | 'ȼ' => 'c',
        'ɇ' => 'e',
        'ǥ' | 'ɠ' => 'g',
        'ɨ' => 'i',
        'ɉ' => 'j',
        'ƙ' | 'ⱪ' => 'k',
        'ɲ' | 'ƞ' => 'n',
        'ƥ' | 'ᵽ' => 'p',
        'ɍ' => 'r',
        'ʉ' => 'u',
        'ʋ' => 'v',
        'ƴ' | 'ɏ' => 'y',
        'ƶ' | 'ⱬ' => 'z',
        'ⱥ' => 'a',
        // The Arabic tatweel only stretches the line.
        '\u{640}' => return,
        // Alef wasla; teh marbuta; alef maksura and the Persian yeh; the Persian and Urdu kaf and heh.
        '\u{671}' => '\u{627}',
        '\u{629}' | '\u{6be}' | '\u{6c1}' => '\u{647}',
        '\u{649}' | '\u{6cc}' => '\u{64a}',
        '\u{6a9}' => '\u{643}',
        '\u{30a1}'..='\u{30f6}' | '\u{30fd}'..='\u{30fe}' => hiragana(c),
        other => ascii_digit(other).unwrap_or(other),
    };
    letters.push(plain);
}

/// The hiragana of a katakana that has one: both blocks have the same order.
fn hiragana(c: char) -> char {
    char::from_u32(u32::from(c) - 0x60).unwrap_or(c)
}

/// The ASCII digit of a decimal digit of another script.
fn ascii_digit(c: char) -> Option<char> {
    /// The zeros; nine digits follow each.
    const ZEROS: [u32; 20] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
        0x1040, 0x17e0, 0x1810, 0x1946,
    ];
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same(key: fn(&str) -> String, groups: &[&[&str]]) {
        for group in groups {
            for text in *group {
                assert_eq!(key(text), key(group[0]), "{text} and {}", group[0]);
            }
        }
    }

    fn assert_different(key: fn(&str) -> String, texts: &[&str]) {
        for (index, text) in texts.iter().enumerate() {
            for other in &texts[..index] {
                assert_ne!(key(text), key(other), "{text} and {other}");
            }
        }
    }

    #[test]
    fn addresses_are_the_same_in_any_case_width_and_form_of_the_domain() {
        assert_same(
            address,
            &[
                &[
                    "ada@example.com",
                    "ADA@Example.COM",
                    " ada@example.com ",
                    "ａｄａ@ｅxample。com",
                    "a\u{ad}da@example.com",
                ],
                &["Élodie@example.com", "élodie@example.com", "E\u{301}lodie@example.com", "ÉLODIE@EXAMPLE.COM"],
                &["ipek@example.com", "İPEK@example.com", "IPEK@example.com", "ıpek@example.com", "i̇pek@example.com"],
                &["STRASSE@example.com", "straße@example.com", "STRAẞE@example.com"],
                &["иван@почта.рф", "ИВАН@ПОЧТА.РФ", "иван@xn--80a1acny.xn--p1ai"],
                &["ada@bücher.example", "Ada@BÜCHER.example", "ada@xn--bcher-kva.example", "ada@bu\u{308}cher.example"],
                &["ΟΔΥΣΣΕΥΣ@example.com", "οδυσσευς@example.com", "οδυσσευσ@example.com"],
            ],
        );
        let different = [
            "ada@example.com",
            "áda@example.com",
            "adä@example.com",
            "ada@example.org",
            "a.da@example.com",
            "ада@example.com",
        ];
        assert_different(address, &different);
        assert_same(address, &[&["no address", "NO ADDRESS"]]);
    }

    #[test]
    fn names_are_the_same_in_any_case_and_normal_form() {
        assert_same(
            name,
            &[
                &["Élodie", "ÉLODIE", "e\u{301}lodie", "Él\u{200b}odie"],
                &["Νίκος", "ΝΊΚΟΣ", "νίκοσ"],
                &["O'Brien", "O’Brien", "o‘brien", "OʼBRIEN", "O＇Brien"],
                &["Jean-Luc", "Jean‑Luc", "JEAN–LUC"],
                &["Weiß", "WEISS", "WEIẞ", "weiss"],
                &["İpek", "ipek", "IPEK"],
                &["한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "하\u{11ab}글"],
                &["ガク", "ｶﾞｸ", "カ\u{3099}ク"],
                &["Ada Lovelace", "ADA\u{a0}LOVELACE", "Ada\u{3000}Lovelace", "Ａｄａ Lovelace"],
            ],
        );
        assert_different(name, &["Émile", "Emile", "Èmile", "Ada", "Ada L", "ม้า", "มา", "かく", "がく", "й", "и"]);
    }

    #[test]
    fn words_are_the_same_without_accents_that_readers_overlook() {
        assert_same(
            words,
            &[
                &["ёлка", "елка", "ЁЛКА", "е\u{308}лка", "е\u{301}лка"],
                &["Straße", "strasse", "STRASSE", "STRAẞE"],
                &["Łódź", "lodz", "ŁÓDŹ"],
                &["Smørrebrød", "smorrebrod"],
                &["œuvre", "OEUVRE", "Œuvre"],
                &["Ærø", "aero"],
                &["Đặng", "dang"],
                &["ΟΔΟΣ", "οδος", "οδός", "Οδοσ"],
                &["مُحَمَّد", "محمد", "محـــمد"],
                &["أحمد", "احمد", "إحمد", "ٱحمد"],
                &["مدرسة", "مدرسه"],
                &["علی", "علي", "على"],
                &["کتاب", "كتاب"],
                &["שָׁלוֹם", "שלום"],
                &["צה״ל", "צה\"ל"],
                &["ﾎﾟｹｯﾄ", "ポケット", "ぽけっと", "ホ\u{309a}ケット"],
                &["ラーメン", "らーめん", "ﾗｰﾒﾝ"],
                &["ヴァイオリン", "ゔぁいおりん"],
                &["いすゞ", "イスヾ"],
                &["｢東京｣､", "「東京」、"],
                &["ﾡ", "ᄀ", "ㄱ"],
                &["ＡＢＣ１２３", "abc123"],
                &["٢٠٢٦", "2026", "२०२६", "๒๐๒๖", "۲۰۲۶"],
                &["I", "ı", "İ", "i"],
                &["ﬁle", "FILE"],
                &["don’t", "don't"],
                &["क़लम", "\u{958}लम"],
            ],
        );
        assert_different(words, &["มา", "ม้า", "ม่า", "มะ", "กิน", "กน"]);
        assert_different(words, &["कि", "की", "क", "का", "कु"]);
        assert_different(words, &["мой", "мои", "мої"]);
        assert_different(words, &["は", "ば", "ぱ", "ハート", "つ", "ッ"]);
        assert_different(words, &["سأل", "سئل", "سيل"]);
        assert_eq!(words("a-b \"c\""), "a-b \"c\"");
    }

    #[test]
    fn the_key_of_a_key_is_itself_for_every_character() {
        // Without the blocks of ideographs and Korean syllables, and the planes that have no letters.
        let codes = (0..0x3400).chain(0xa000..0xac00).chain(0xd7a4..0x2_0000).chain(0xe_0000..0xe_0200);
        for c in codes.filter_map(char::from_u32) {
            for sameness in [Sameness::Name, Sameness::Words] {
                let key = fold(&c.to_string(), sameness);
                assert_eq!(fold(&key, sameness), key, "U+{:04X}", u32::from(c));
            }
        }
    }

    #[test]
    fn offsets_in_a_key_lead_to_offsets_in_the_text() {
        let folded = FoldedWords::new("a\u{ad} ße\u{301}x");
        assert_eq!(folded.key, "a ssex");
        let offsets: Vec<_> = (0..=folded.key.len()).map(|at| folded.text_offset(at)).collect();
        assert_eq!(offsets, [Some(0), Some(3), Some(4), None, Some(6), Some(9), Some(10)]);
        assert_eq!((folded.next_offset(2), folded.next_offset(5), folded.next_offset(6)), (4, 6, 6));
        assert_eq!(FoldedWords::new("").text_offset(0), Some(0));
    }

    proptest! {
        #[test]
        fn a_text_begins_with_itself_in_any_case(text in "(\\PC|[a-zßéёй]|\u{301}|\u{308}|\u{ad}|각|\u{1161}){0,20}", rest in "( |[a-z]|\\PC){0,5}") {
            let whole = format!("{text}.{rest}");
            let folded = FoldedWords::new(&whole);
            prop_assert_eq!(&folded.key, &words(&whole));
            let key = words(&text);
            prop_assert!(folded.key.starts_with(&key));
            prop_assert_eq!(words(&whole[..folded.text_offset(key.len()).unwrap()]), key);
            prop_assert_eq!(words(&name(&text)), words(&text), "words are wider than names");
        }
    }
}
