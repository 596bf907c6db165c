// In Node.js the module is read from its file: `fetch` does not open files there.

import { readFile } from "node:fs/promises";
import load from "./face_liveness.js";

export * from "./face_liveness.js";

export default async function init(options) {
  const file = new URL("face_liveness_bg.wasm", import.meta.url);
  return load(options ?? { module_or_path: await readFile(file) });
}
