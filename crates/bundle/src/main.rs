//! Build step between `cargo build` and `wasm-opt`: splits the compiled browser half into a main module and its chunks,
//! and writes the JavaScript bindings.
//!
//! The libraries behind the command lines of `wasm-split` and `wasm-bindgen`, called directly: the command lines bring a
//! test server and an HTTP client along (225 crates instead of 45), and their versions had to be kept equal to
//! `Cargo.lock` by hand.
//!
//! Usage: `bundle MODULE.wasm FOLDER` writes into `FOLDER`:
//! - `campfire.wasm`, the main module, and `campfire.js`, its loader;
//! - `split_NAME.wasm` for each split point, `chunk_NUMBER.wasm` for code that several of them share, and `chunks.js`,
//!   which fetches them.
//!
//! Modules and scripts name each other relatively, so they must be served from one folder.

#![warn(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use wasm_bindgen_cli_support::Bindgen;

/// The name of the main module and its loader, without the ending.
const NAME: &str = "campfire";

/// In the names of functions that are exported for streams of Rust that JavaScript reads or writes. There are none here, but
/// the library that makes calls to the server (`server_fn` with `wasm-streams`) has them, and an export is never removed as
/// unused.
const UNUSED: &str = "intounderlying";

/// The script that fetches the chunks.
const CHUNKS: &str = "./chunks.js";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bundle MODULE.wasm FOLDER");
    };
    fs::create_dir_all(&folder)?;
    remove_chunks(&folder)?;
    let main_module = folder.join(format!("{NAME}_main.wasm"));
    split(&module, &main_module, &folder)?;
    bind(&main_module, &folder)?;
    fs::remove_file(&main_module)?;
    Ok(())
}

/// Removes the chunks of an earlier build, which may have had others.
fn remove_chunks(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".wasm") && (name.starts_with("split_") || name.starts_with("chunk_")) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Splits the module at the functions with `#[wasm_split]`.
fn split(module: &Path, main_module: &Path, folder: &Path) -> anyhow::Result<()> {
    let code = fs::read(module).with_context(|| module.display().to_string())?;
    let loader = format!("./{NAME}.js");
    let mut options = wasm_split_cli_support::Options::new(&code);
    options.output_dir = folder;
    options.main_out_path = main_module;
    options.link_name = CHUNKS;
    options.main_module = &loader;
    wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("{} could not be split: {error:?}", module.display()))?;
    Ok(())
}

/// Writes the loader of the main module, and the module that fits it.
fn bind(main_module: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut bindgen = Bindgen::new();
    // The chunks import the linker's own symbols: the stack pointer, the table of functions.
    bindgen.input_path(main_module).out_name(NAME).typescript(false).keep_lld_exports(true).web(true)?;
    let mut output = bindgen.generate_output().with_context(|| format!("no bindings for {}", main_module.display()))?;
    let exports = &mut output.wasm_mut().exports;
    let unused: Vec<_> =
        exports.iter().filter(|export| export.name.contains(UNUSED)).map(|export| export.id()).collect();
    for id in unused {
        exports.delete(id);
    }
    output.emit(folder)?;
    let written = folder.join(format!("{NAME}_bg.wasm"));
    fs::rename(&written, folder.join(format!("{NAME}.wasm")))
        .with_context(|| format!("{} cannot be renamed", written.display()))
}
