//! What is shown of people who have no picture: their initials on a colour.

use super::UserId;
use super::text::escape_html;

/// The colours behind initials. `style/avatar.css` has them in the same order.
pub const AVATAR_COLORS: [&str; 18] = [
    "#AF2E1B", "#CC6324", "#3B4B59", "#BFA07A", "#ED8008", "#ED3F1C", "#BF1B1B", "#736B1E", "#D07B53", "#736356",
    "#AD1D1D", "#BF7C2A", "#C09C6F", "#698F9C", "#7C956B", "#5D618F", "#3B3633", "#67695E",
];

/// Width of three or more initials in a picture, in its pixels: 85 % of them.
const SQUEEZED_WIDTH: &str = "435";

/// The colour of a user's initials: an index into [`AVATAR_COLORS`], the remainder of the CRC-32 of the id's digits.
#[must_use]
pub const fn avatar_tint(user_id: UserId) -> i64 {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut rest = user_id.0.unsigned_abs();
    loop {
        begin -= 1;
        digits[begin] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let mut sum = u32::MAX;
    while begin < digits.len() {
        sum ^= digits[begin] as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
            bit += 1;
        }
        begin += 1;
    }
    (!sum % AVATAR_COLORS.len() as u32) as i64
}

/// The first letter or digit of every word, as it is written.
#[must_use]
pub fn all_initials(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next()).collect()
}

/// A picture of a user's initials, as SVG of 512 × 512. Three or more initials are squeezed.
#[must_use]
pub fn initials_svg(user_id: UserId, name: &str) -> String {
    let initials = all_initials(name);
    let color = usize::try_from(avatar_tint(user_id)).ok().and_then(|tint| AVATAR_COLORS.get(tint)).unwrap_or(&"#000");
    let squeezed = if initials.chars().count() >= 3 {
        [" textLength=\"", SQUEEZED_WIDTH, "\" lengthAdjust=\"spacingAndGlyphs\""].concat()
    } else {
        String::new()
    };
    [
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512"><rect width="512" height="512" rx="50" fill=""#,
        color,
        r##""/><text x="256" y="256" fill="#fff" font-family="system-ui, sans-serif" font-size="230" font-weight="800" letter-spacing="-5" text-anchor="middle" dominant-baseline="central""##,
        &squeezed,
        ">",
        &escape_html(&initials),
        "</text></svg>",
    ]
    .concat()
}

/// The picture of bots that have none, as SVG.
pub const BOT_SVG: &str = concat!(
    r##"<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512"><rect width="512" height="512" rx="50" fill="#3B4B59"/>"##,
    r##"<path d="M256 96v64" stroke="#fff" stroke-width="24" stroke-linecap="round"/><circle cx="256" cy="88" r="28" fill="#fff"/>"##,
    r##"<rect x="112" y="160" width="288" height="224" rx="56" fill="#fff"/><circle cx="196" cy="256" r="30" fill="#3B4B59"/><circle cx="316" cy="256" r="30" fill="#3B4B59"/>"##,
    r##"<path d="M204 326h104" stroke="#3B4B59" stroke-width="24" stroke-linecap="round"/><path d="M80 232v80M432 232v80" stroke="#fff" stroke-width="32" stroke-linecap="round"/></svg>"##
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_chosen_by_the_crc_of_the_id() {
        // Computed with zlib's crc32 of the digits, modulo 18.
        for (id, tint) in EXPECTED_TINTS {
            assert_eq!(avatar_tint(UserId(id)), tint, "{id}");
        }
    }

    const EXPECTED_TINTS: [(i64, i64); 8] =
        [(1, 11), (2, 13), (3, 7), (7, 6), (10, 15), (42, 8), (1234567890, 5), (9223372036854775807, 4)];

    #[test]
    fn the_style_sheet_has_the_colours_in_this_order() {
        let sheet = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/style/avatar.css")).unwrap();
        for (index, color) in AVATAR_COLORS.iter().enumerate() {
            let rule = format!(".tint-{index} {{\n    --tint: {};", color.to_lowercase());
            assert!(sheet.contains(&rule), "{rule}");
        }
    }

    #[test]
    fn a_picture_has_the_first_letter_of_every_word_as_written() {
        assert_eq!(all_initials("Kevin"), "K");
        assert_eq!(all_initials("ada de la Cruz"), "adlC");
        assert_eq!(all_initials("  Élodie-Anne  "), "ÉA");
        assert_eq!(all_initials("🔥"), "");
        let svg = initials_svg(UserId(1), "Kevin");
        assert!(svg.contains(">K</text>") && svg.contains(AVATAR_COLORS[avatar_tint(UserId(1)) as usize]), "{svg}");
        assert!(!svg.contains("textLength"));
        assert!(!initials_svg(UserId(1), "Ada Lovelace").contains("textLength"));
        assert!(initials_svg(UserId(1), "Ada King Lovelace").contains(r#"textLength="435""#));
    }

    #[test]
    fn pictures_are_complete_and_have_no_markup_of_names() {
        for svg in [initials_svg(UserId(7), "<b>"), initials_svg(UserId(7), ""), BOT_SVG.to_owned()] {
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("<b"), "{svg}");
        }
    }
}
