//! Build step between `cargo build` and `wasm-opt`: writes the JavaScript bindings of a compiled WASM module.
//!
//! The library behind `wasm-bindgen`'s own command line, called directly: the command line brings a test server and an
//! HTTP client along (225 crates instead of 45), and its version had to be kept equal to `Cargo.lock` by hand.
//!
//! Usage: `bundle MODULE.wasm FOLDER` writes `FOLDER/campfire.js` and `FOLDER/campfire.wasm`.

#![warn(missing_docs)]

use std::path::PathBuf;

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

/// The name of the module and its loader, without the ending.
const NAME: &str = "campfire";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bundle MODULE.wasm FOLDER");
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&module).out_name(NAME).typescript(false).web(true)?;
    bindgen.generate(&folder).with_context(|| format!("no bindings for {}", module.display()))?;
    let written = folder.join(format!("{NAME}_bg.wasm"));
    std::fs::rename(&written, folder.join(format!("{NAME}.wasm")))
        .with_context(|| format!("{} cannot be renamed", written.display()))
}
