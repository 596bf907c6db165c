//! Writes the JavaScript and the types for a module that uses wasm-bindgen: `.ci/wasm` runs it.
//!
//! ```sh
//! wasm_glue MODULE.wasm NAME FOLDER
//! ```

use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [module, name, folder] = &arguments[..] else { panic!("MODULE.wasm NAME FOLDER") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(name).remove_producers_section(true).typescript(true);
    // `init()` loads the module from its own folder.
    bindgen.omit_default_module_path(false).remove_name_section(true);
    bindgen.web(true).expect("one kind of output");
    bindgen.generate(folder).expect("a module that uses wasm-bindgen");
}
