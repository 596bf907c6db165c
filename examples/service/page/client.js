// Makes requests, sends them to the server, and words the errors.

const PATH = "/v1/liveness";
// The server's limit on a body. Base64 makes four bytes of three, so files may take three quarters.
const MAX_BODY_BYTES = 5_000_000;

/** An error to show to the user. `needsKey`: the server requires an API key. */
export class PageError extends Error {
  constructor(message, { answer = null, needsKey = false } = {}) {
    super(message);
    this.answer = answer;
    this.needsKey = needsKey;
  }
}

/**
 * Scores a file, or the frames of a burst. `send` takes the body, and returns the status and the
 * text of the answer. Returns the answer, as text and parsed, and the time in milliseconds.
 */
export async function detect(files, send) {
  const images = await Promise.all(files.map(async (file, index) => (
    { index, type: "RGB", data: await base64(file) })));
  const request = { images, autoRotate: true, quality: true };
  if (files.length > 1) request.model = "rgb-burst-v2";
  const body = JSON.stringify(request);
  if (body.length > MAX_BODY_BYTES) {
    const limit = Math.floor(MAX_BODY_BYTES * 0.75 / 1e5) / 10;
    throw new PageError(`Too large: the server accepts photos of ${limit} MB in total.`);
  }
  const began = performance.now();
  const { status, body: text } = await send(body);
  const time = performance.now() - began;
  if (status !== 200) throw toError(status, text);
  return { text, answer: JSON.parse(text), time };
}

/** Sends a body to the server. */
export const toServer = (key) => async (body) => {
  const headers = { "content-type": "application/json" };
  if (key) headers.authorization = `Bearer ${key}`;
  try {
    const response = await fetch(PATH, { method: "POST", headers, body });
    return { status: response.status, body: await response.text() };
  } catch {
    throw new PageError("The server cannot be reached.");
  }
};

const CODES = {
  112: "The frames do not show one face. Hold still, and keep others out of the picture.",
  219: "The server needs more frames.",
  223: "No face was found. The face must be upright and at least 32 pixels wide.",
};
const STATUSES = {
  408: "The upload took too long.",
  413: "This photo is too large for the server.",
  429: "Too many requests; wait a moment.",
  502: "The server cannot reach its workers.",
  503: "The server is busy; try again in a moment.",
  504: "The server took too long.",
};

function toError(status, text) {
  if (status === 401) {
    return new PageError("This server requires an API key.", { answer: text, needsKey: true });
  }
  let error = {};
  try { ({ error } = JSON.parse(text)); } catch { /* an answer of a proxy */ }
  const known = error.code === 215
    ? aboutFile(error.description)
    : CODES[error.code] ?? STATUSES[status];
  const message = known ?? error.description ?? `The server answered ${status}.`;
  return new PageError(message, { answer: text });
}

/** "images[0].data cannot be used: the file is …" as a sentence without its beginning. */
function aboutFile(description) {
  const reason = description.slice(description.indexOf(": ") + 2);
  return `${reason[0].toUpperCase()}${reason.slice(1)}.`;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new PageError("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}

/** A shell command that sends the same request. */
export function curl(files, needsKey) {
  const images = files.map((file, index) =>
    `printf '${index ? "," : ""}{"index":${index},"type":"RGB","data":"'; `
    + `base64 < ${quoted(file.name)} | tr -d '\\n'; printf '"}'`);
  const model = files.length > 1 ? ',"model":"rgb-burst-v2"' : "";
  const header = needsKey ? ` -H "Authorization: Bearer $KEY"` : "";
  const options = `"autoRotate":true,"quality":true${model}`;
  const body = `printf '{"images":['; ${images.join("; ")}; printf '],${options}}'`;
  return `{ ${body}; } |\n`
    + `  curl --json @-${header} ${location.origin}${PATH}`;
}

const quoted = (name) => `'${name.replaceAll("'", `'\\''`)}'`;
