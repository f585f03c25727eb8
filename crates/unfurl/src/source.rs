//! Which URL is fetched for a link, and which answers are worth reading.

use url::Url;

/// Endings of URLs of files that have no metadata to read: archives, programs, pictures, audio and video.
const FILE_EXTENSIONS: [&str; 41] = [
    "zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "gz", "bz2", "rar", "7z", "dmg", "exe", "msi", "pkg", "deb", "iso",
    "jpg", "jpeg", "png", "gif", "bmp", "mp4", "mov", "avi", "mkv", "wmv", "flv", "heic", "heif", "mp3", "wav", "ogg",
    "aac", "wma", "webm", "ogv", "mpg", "mpeg", "xz", "webp", "avif", "svg",
];

/// Hosts of X, whose pages need scripts. [`POSTS`] has the same paths, with metadata.
const X: [&str; 4] = ["twitter.com", "www.twitter.com", "x.com", "www.x.com"];

/// The host that has metadata of posts on X.
const POSTS: &str = "fxtwitter.com";

/// The URL to fetch for a link, or `None` if there is nothing to read: not http(s), or a file.
#[must_use]
pub fn source(link: &Url) -> Option<Url> {
    if !matches!(link.scheme(), "http" | "https") || !link.has_host() || is_file(link) {
        return None;
    }
    let mut source = link.clone();
    source.set_fragment(None);
    if link.host_str().is_some_and(|host| X.contains(&host)) && link.path() != "/" {
        source.set_host(Some(POSTS)).ok()?;
    }
    Some(source)
}

/// Whether a URL ends like that of a file: its path, or the whole of it.
fn is_file(link: &Url) -> bool {
    let mut whole = link.clone();
    whole.set_fragment(None);
    [whole.path(), whole.as_str()].iter().any(|text| {
        let text = text.to_ascii_lowercase();
        FILE_EXTENSIONS.iter().any(|extension| text.strip_suffix(extension).is_some_and(|name| name.ends_with('.')))
    })
}

/// Whether a content type is that of HTML, with any parameters.
#[must_use]
pub fn is_html(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("text/html")
}

/// Whether a content type is that of a picture that is kept for a preview: JPEG, PNG, GIF or WebP.
#[must_use]
pub fn is_picture(content_type: &str) -> bool {
    let essence = essence(content_type);
    ["image/jpeg", "image/png", "image/gif", "image/webp"].iter().any(|known| essence.eq_ignore_ascii_case(known))
}

/// The `charset` of a content type.
#[must_use]
pub fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// A content type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source_of(link: &str) -> Option<String> {
        source(&Url::parse(link).unwrap()).map(String::from)
    }

    #[test]
    fn pages_are_fetched() {
        for link in [
            "http://example.com/",
            "https://example.com:8443/a/b?c=d",
            "https://example.com/zip",
            "https://example.com/a.png/b",
            "https://example.com/archive.zipper",
            "https://example.com/a.html",
        ] {
            assert_eq!(source_of(link).as_deref(), Some(link));
        }
        assert_eq!(source_of("https://example.com/a#b").as_deref(), Some("https://example.com/a"));
        assert_eq!(source_of("https://example.com/a#b.png").as_deref(), Some("https://example.com/a"));
    }

    #[test]
    fn files_are_not_fetched() {
        for extension in FILE_EXTENSIONS {
            for link in [
                format!("https://example.com/file.{extension}"),
                format!("https://example.com/FILE.{}", extension.to_uppercase()),
                format!("https://example.com/file.{extension}?size=2"),
                format!("https://example.com/file.{extension}#part"),
                format!("https://example.com/get?name=file.{extension}"),
                format!("http://example.com:8080/a/b/file.{extension}"),
            ] {
                assert_eq!(source_of(&link), None, "{link}");
            }
        }
        for link in ["ftp://example.com/", "mailto:ada@example.com", "data:text/html,x", "javascript:alert(1)"] {
            assert_eq!(source_of(link), None, "{link}");
        }
    }

    #[test]
    fn posts_on_x_are_fetched_from_elsewhere() {
        for host in X {
            let post = format!("https://{host}/ada/status/41?s=20");
            assert_eq!(source_of(&post).as_deref(), Some("https://fxtwitter.com/ada/status/41?s=20"));
            for home in [format!("https://{host}/"), format!("https://{host}")] {
                assert_eq!(source_of(&home), Some(format!("https://{host}/")));
            }
        }
        let other = "https://nottwitter.com/ada/status/41";
        assert_eq!(source_of(other).as_deref(), Some(other));
    }

    #[test]
    fn content_types() {
        for html in ["text/html", "TEXT/HTML", "text/html; charset=utf-8", "text/html ;x=y"] {
            assert!(is_html(html), "{html}");
        }
        for other in ["", "text/plain", "application/xhtml+xml", "text/htmlx", "image/png, text/html"] {
            assert!(!is_html(other), "{other}");
        }
        for picture in ["image/jpeg", "Image/PNG", "image/gif", "image/webp; q=1"] {
            assert!(is_picture(picture), "{picture}");
        }
        for other in ["image/svg+xml", "image/avif", "image", "text/html", ""] {
            assert!(!is_picture(other), "{other}");
        }
        assert_eq!(charset("text/html"), None);
        assert_eq!(charset("text/html; charset=\"ISO-8859-1\""), Some("ISO-8859-1"));
        assert_eq!(charset("text/html; a=b; Charset = utf-8 "), Some("utf-8"));
    }
}
