// Shows a photo upright, as the engine sees it. Every browser applies the Exif orientation of a
// JPEG. Some apply that of a WebP or a PNG, some do not, and some only if it precedes the pixels.

import { PageError } from "./client.js";

// The matrix of each orientation, for a bitmap of w × h pixels (Exif 2.32, 4.6.4.A).
const MATRICES = {
  2: (w, h) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (w, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w, h) => [0, -1, 1, 0, 0, w],
};

/** The file, or an upright picture of it where the browser might not show it upright. */
export async function upright(file) {
  const bytes = new Uint8Array(await read(file));
  try {
    const tag = orientation(bytes);
    const matrix = tag && MATRICES[tag.value];
    if (!matrix) return file;
    // Without the tag, no browser rotates the pixels.
    tag.remove();
    const bitmap = await createImageBitmap(new Blob([bytes], { type: file.type }));
    const { width, height } = bitmap;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = tag.value < 5 ? [width, height] : [height, width];
    const context = canvas.getContext("2d");
    context.setTransform(...matrix(width, height));
    context.drawImage(bitmap, 0, 0);
    return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file)));
  } catch {
    // A malformed file: the engine answers it.
    return file;
  }
}

async function read(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new PageError("The file cannot be read.");
  }
}

/** The Exif orientation of a WebP or a PNG; `remove` overwrites it. */
function orientation(bytes) {
  const exif = chunk(bytes);
  if (!exif) return null;
  const mark = text(exif, 0, 4) === "Exif" ? 6 : 0;
  const tiff = new DataView(exif.buffer, exif.byteOffset + mark, exif.byteLength - mark);
  const little = tiff.getUint8(0) === 0x49;
  const directory = tiff.getUint32(4, little);
  const count = tiff.getUint16(directory, little);
  for (let entry = directory + 2; entry < directory + 2 + 12 * count; entry += 12) {
    if (tiff.getUint16(entry, little) === 0x0112) {
      const value = tiff.getUint16(entry + 8, little);
      return { value, remove: () => tiff.setUint16(entry + 8, 1, little) };
    }
  }
  return null;
}

/** The content of the chunk that holds Exif: `EXIF` of a WebP, `eXIf` of a PNG. */
function chunk(bytes) {
  const isWebp = text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 4) === "WEBP";
  if (!isWebp && text(bytes, 1, 3) !== "PNG") return null;
  const view = new DataView(bytes.buffer);
  const [name, length, end] = isWebp ? [0, 4, 8] : [4, 0, 12];
  for (let at = isWebp ? 12 : 8; at + 12 <= bytes.length;) {
    const size = view.getUint32(at + length, isWebp);
    if (["EXIF", "eXIf"].includes(text(bytes, at + name, 4))) {
      return bytes.subarray(at + 8, at + 8 + size);
    }
    // The chunks of a WebP have an even length.
    at += end + size + (isWebp ? size % 2 : 0);
  }
  return null;
}

const text = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
