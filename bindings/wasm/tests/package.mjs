// The built package, and what its tests share.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const root = new URL("../../../", import.meta.url).pathname;
// `.ci/wasm` builds it there.
export const folder = process.env.FACE_LIVENESS_PACKAGE ?? join(root, "target/wasm-package");

const golden = join(root, "crates/face-liveness/tests/golden");
/** The native responses to the golden files, by name. */
export const responses = JSON.parse(readFileSync(join(golden, "responses.json")));

const PHOTOS = ["astronaut.png", "astronaut.jpg", "exif_6.jpg", "exif_7.jpg"];

/** The path of a golden file. */
export const path = (name) =>
  join(PHOTOS.includes(name) ? join(root, "examples/photos") : golden, name);

/** Compares a response with the native one, score and box. */
export function difference(name, { spoofScore, position, model, warnings }) {
  const native = responses[name];
  const sides = Object.keys(native.position).map(
    (side) => Math.abs(position[side] - native.position[side]));
  const texts = (response) => JSON.stringify([response.model, response.warnings ?? []]);
  return {
    score: Math.abs(spoofScore - native.spoofScore),
    box: Math.max(...sides),
    texts: texts({ model, warnings }) === texts(native),
  };
}

const entry = await import(pathToFileURL(join(folder, "node.js")));
export default entry.default;
export const { Engine } = entry;
