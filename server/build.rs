//! Embeds the assets in the executable: compressed, with content hashes in their paths.
//!
//! Scripts and WASM name each other, so none can have its own hash in its name. They share one folder, named by the hash
//! of all of them.
//!
//! `bin/build` and `bin/release` build the scripts and the WASM first and set `CAMPFIRE_SITE` to their folder. Without it, as
//! in unit tests, the executable contains neither, and Node is not required: all pages also work without scripts.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// The style sheets in the order of the cascade: rules that several components share come before those of components.
const STYLES: &[&str] = &[
    "tokens",
    "base",
    "icon",
    "avatar",
    "button",
    "empty",
    "notice",
    "field",
    "picture-form",
    "choice",
    "install",
    "notifications",
    "people",
    "card",
    "sheet",
    "section",
    "list",
    "involvement",
    "link-field",
    "sidebar",
    "pings",
    "unread",
    "chat",
    "room-header",
    "timeline",
    "welcome",
    "message",
    "reply",
    "message-body",
    "highlight",
    "message-menu",
    "preview",
    "pins",
    "boosts",
    "threads",
    "bots",
    "composer",
    "lost",
    "notes",
    "files",
    "completions",
    "toast",
    "dialog",
    "picker",
    "search",
    "inbox",
];

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    // The executable is position-independent, for which some 67,000 addresses in it are relocated at every start. Packed,
    // their table takes a fiftieth of its 1.6 MB.
    if packed_relocations_work(&out) {
        println!("cargo:rustc-link-arg-bins={PACK_RELOCATIONS}");
    }
    println!("cargo:rerun-if-changed={}", root.join("style").display());
    println!("cargo:rerun-if-changed={}", root.join("public").display());
    println!("cargo:rerun-if-env-changed=CAMPFIRE_SITE");

    let mut assets =
        Assets { out: &out, code: "static ASSETS: &[Asset] = &[\n".to_owned(), paths: Vec::new(), build: None };
    let style: String = STYLES.iter().map(|name| read_text(&root.join(format!("style/{name}.css")))).collect();
    assets.add_hashed("main.css", strip(&style).as_bytes());
    assets.add_hashed("icon.svg", &read(&root.join("public/icon.svg")));
    for picture in [
        "apple-touch-icon.png",
        "icon-maskable.png",
        "icon-monochrome.png",
        "screenshot-narrow.png",
        "screenshot-wide.png",
    ] {
        assets.add_hashed(picture, &read(&root.join("public").join(picture)));
    }
    if let Ok(site) = env::var("CAMPFIRE_SITE") {
        assets.add_client(Path::new(&site));
        assets.add_workers(Path::new(&site));
    }
    assets.code.push_str("];\n");
    writeln!(assets.code, "static BUILD: Option<&str> = {:?};", assets.build).expect("writing to a string cannot fail");
    assets.add_sounds(&root.join("public/sounds"));
    fs::write(out.join("assets.rs"), assets.code).expect("the list of assets can be written");
}

/// Packs the table of relative relocations (`DT_RELR`).
const PACK_RELOCATIONS: &str = "-Wl,-z,pack-relative-relocs";

/// A program that succeeds if its relative relocation was applied.
const RELOCATED_PROGRAM: &str = "static int x; int *volatile p = &x; int main(void) { return p != &x; }";

/// Whether this machine's linker packs relocations, and its C library (glibc 2.36, musl 1.2.4) applies them. One that does
/// not know them starts the executable without any.
fn packed_relocations_work(out: &Path) -> bool {
    let is_for_here = env::var("HOST") == env::var("TARGET");
    if !is_for_here || env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system != "linux") {
        return false;
    }
    let source = out.join("relocated.c");
    let program = out.join("relocated");
    fs::write(&source, RELOCATED_PROGRAM).expect("a source can be written");
    let succeeds = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let mut compiler = Command::new("cc");
    compiler.args(["-fPIE", "-pie", PACK_RELOCATIONS, "-Wl,--fatal-warnings", "-o"]).arg(&program).arg(&source);
    succeeds(&mut compiler) && succeeds(&mut Command::new(&program))
}

/// The generated code of the assets.
struct Assets<'a> {
    /// The folder for the compressed files.
    out: &'a Path,
    /// The Rust code, which `http::assets` includes.
    code: String,
    /// The paths of the assets.
    paths: Vec<String>,
    /// The id of the build, if it contains scripts.
    build: Option<String>,
}

/// The service workers, which are served at a path of their own.
const WORKERS: [&str; 2] = ["service-worker.js", "emergency-worker.js"];

impl Assets<'_> {
    /// Embeds the sounds, which are compressed already, as a list sorted by name.
    fn add_sounds(&mut self, folder: &Path) {
        self.code.push_str("static CLIPS: &[(&str, &[u8])] = &[\n");
        for path in files_in(folder, &["mp3"]) {
            let name = path.file_stem().expect("a file has a name");
            let path = path.canonicalize().expect("the file exists");
            writeln!(self.code, "({name:?}, include_bytes!({path:?})),").expect("writing to a string cannot fail");
        }
        self.code.push_str("];\n");
    }

    /// Embeds scripts and WASM under paths like `/assets/0123456789abcdef/campfire.js`.
    fn add_client(&mut self, folder: &Path) {
        println!("cargo:rerun-if-changed={}", folder.display());
        for name in ["boot.js", "chat.js", "crop.js", "campfire.js", "campfire.wasm", "chunks.js"] {
            let path = folder.join(name);
            assert!(path.is_file(), "{} is missing: bin/build makes it", path.display());
        }
        let mut files = Vec::new();
        for path in files_in(folder, &["js", "wasm"]) {
            println!("cargo:rerun-if-changed={}", path.display());
            let name = path.file_name().and_then(|name| name.to_str()).expect("names of scripts are ASCII").to_owned();
            if !WORKERS.contains(&name.as_str()) {
                files.push((name, read(&path)));
            }
        }
        let mut all = Sha256::new();
        for (name, content) in &files {
            all.update(name);
            all.update(Sha256::digest(content));
        }
        let hash = hex(&all.finalize());
        for (name, content) in &files {
            self.add(name, &format!("/assets/{hash}/{name}"), content);
        }
    }

    /// Embeds the service workers. That of the build begins with what the build consists of: its id, which is a hash of
    /// everything, and the paths of its files, without the pictures that only systems request.
    fn add_workers(&mut self, folder: &Path) {
        let [worker, emergency_worker] = WORKERS.map(|name| {
            let path = folder.join(name);
            assert!(path.is_file(), "{} is missing: bin/build makes it", path.display());
            read(&path)
        });
        let mut all = Sha256::new();
        all.update(&worker);
        self.paths.iter().for_each(|path| all.update(path));
        let id = hex(&all.finalize());
        let files: Vec<_> = self.paths.iter().filter(|path| !path.ends_with(".png")).collect();
        let build = format!("const BUILD={{id:{id:?},files:{files:?}}};\n");
        self.add(WORKERS[0], "/service-worker.js", &[build.as_bytes(), &worker].concat());
        self.add(WORKERS[1], "/emergency-worker.js", &emergency_worker);
        self.build = Some(id);
    }

    /// Embeds an asset under a path like `/assets/main-0123456789abcdef.css`.
    fn add_hashed(&mut self, source: &str, content: &[u8]) {
        let hash = hex(&Sha256::digest(content));
        let (stem, ending) = source.rsplit_once('.').expect("assets have an ending");
        self.add(source, &format!("/assets/{stem}-{hash}.{ending}"), content);
    }

    /// Embeds an asset in both compressed forms.
    fn add(&mut self, source: &str, path: &str, content: &[u8]) {
        let content_type = match source.rsplit_once('.').map(|(_, ending)| ending) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("wasm") => "application/wasm",
            _ => panic!("no content type for {source}"),
        };
        self.paths.push(path.to_owned());
        let [brotli, gzip] = ["br", "gz"].map(|ending| self.out.join(format!("{source}.{ending}")));
        fs::write(&brotli, compress_brotli(content)).expect("an asset can be written");
        fs::write(&gzip, compress_gzip(content)).expect("an asset can be written");
        writeln!(
            self.code,
            "Asset {{ source: {source:?}, path: {path:?}, content_type: {content_type:?}, \
             brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},"
        )
        .expect("writing to a string cannot fail");
    }
}

/// The files of a folder with one of these endings, sorted by name.
fn files_in(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| endings.iter().any(|other| ending == *other)));
    files.sort();
    files
}

/// The first 16 hexadecimal digits of a hash.
fn hex(hash: &[u8]) -> String {
    hash[..8].iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("writing to a string cannot fail");
        digits
    })
}

/// Removes comments and indentation, a quarter of the size after compression. Line breaks are kept: they may be the only
/// white space between two values.
fn strip(style: &str) -> String {
    let mut code = String::new();
    let mut rest = style;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").expect("comments end").1;
    }
    code.push_str(rest);
    code.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

fn compress_brotli(content: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 64 * 1024, 11, 22);
    writer.write_all(content).expect("writing to memory cannot fail");
    drop(writer);
    compressed
}

fn compress_gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).expect("writing to memory cannot fail");
    writer.finish().expect("writing to memory cannot fail")
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_text(path: &Path) -> String {
    String::from_utf8(read(path)).expect("style sheets are text")
}
