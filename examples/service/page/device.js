// Scores on this device: the engine runs in a worker, so that the page stays responsive.

let worker = null;
// The promises of the questions that the worker has not answered yet.
const waiting = new Map();
let asked = 0;

function ask(question, transfer = []) {
  worker ??= start();
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, ...question }, transfer);
  });
}

function start() {
  const started = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data: { id, answer, failed } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (!failed) return resolve(answer);
    reject(new Error(failed));
    // After a trap the engine's memory is in no known state: the next question starts another.
    stop();
  };
  started.onerror = () => stop();
  return started;
}

function stop() {
  worker?.terminate();
  worker = null;
  for (const { reject } of waiting.values()) reject(new Error("The engine stopped."));
  waiting.clear();
}

/** Loads the engine, so that the first question is answered at once. */
export const load = () => ask({ kind: "load" });

/** Answers the body of a request: its status, and the text of the answer. */
export const send = (body) => ask({ kind: "json", body });

/** Scores a frame, which is closed. Returns the response, or null for a frame without a face. */
export const frame = (bitmap) => ask({ kind: "frame", bitmap }, [bitmap]);
