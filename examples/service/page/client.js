// The request to the server, and its errors in words.

const PATH = "/v1/liveness";
// What the server reads of a body; of a file about three quarters remain, for base64 makes three bytes four.
const MAX_BODY_BYTES = 5_000_000;

/** Something to tell the user. `needsKey`: the server asks for an API key. */
export class Trouble extends Error {
  constructor(message, { answer = null, needsKey = false } = {}) {
    super(message);
    this.answer = answer;
    this.needsKey = needsKey;
  }
}

/** Has the files (one, or the frames of a burst) scored. The answer, as text and read, and the time in milliseconds. */
export async function detect(files, key) {
  const images = await Promise.all(files.map(async (file, index) => ({ index, type: "RGB", data: await base64(file) })));
  const request = { images, autoRotate: true };
  if (files.length > 1) request.model = "rgb-burst-v1";
  const body = JSON.stringify(request);
  if (body.length > MAX_BODY_BYTES) {
    const limit = Math.floor(MAX_BODY_BYTES * 0.75 / 1e5) / 10;
    throw new Trouble(`This is too large: the server takes pictures of ${limit} MB in all.`);
  }
  const headers = { "content-type": "application/json" };
  if (key) headers.authorization = `Bearer ${key}`;
  const began = performance.now();
  let response, text;
  try {
    response = await fetch(PATH, { method: "POST", headers, body });
    text = await response.text();
  } catch {
    throw new Trouble("The server cannot be reached.");
  }
  const time = performance.now() - began;
  if (!response.ok) throw trouble(response, text);
  return { text, answer: JSON.parse(text), time };
}

const CODES = {
  215: "This file is not a JPEG, PNG, GIF, WebP or BMP that can be read.",
  219: "More frames are needed.",
  223: "No face was found. The face must be upright, and at least 32 pixels wide.",
};
const STATUSES = {
  408: "The picture took too long to arrive.",
  413: "This picture is too large for the server.",
  429: "Too many requests: wait a moment.",
  502: "The server does not reach its workers.",
  503: "The server is busy: try again in a moment.",
  504: "The server took too long.",
};

function trouble(response, text) {
  if (response.status === 401) return new Trouble("This server asks for an API key.", { answer: text, needsKey: true });
  let error = {};
  try { ({ error } = JSON.parse(text)); } catch { /* not the service's own answer */ }
  const words = CODES[error.code] ?? STATUSES[response.status];
  return new Trouble(words ?? error.description ?? `The server answered ${response.status}.`, { answer: text });
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Trouble("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}

/** A shell command that sends the same request. */
export function curl(files, needsKey) {
  const images = files.map((file, index) =>
    `printf '${index ? "," : ""}{"index":${index},"type":"RGB","data":"'; base64 < ${quoted(file.name)} | tr -d '\\n'; printf '"}'`);
  const model = files.length > 1 ? ',"model":"rgb-burst-v1"' : "";
  const header = needsKey ? ` -H "Authorization: Bearer $KEY"` : "";
  return `{ printf '{"images":['; ${images.join("; ")}; printf '],"autoRotate":true${model}}'; } |\n`
    + `  curl --json @-${header} ${location.origin}${PATH}`;
}

const quoted = (name) => `'${name.replaceAll("'", `'\\''`)}'`;
