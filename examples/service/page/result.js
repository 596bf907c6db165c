// The answer, shown.

const WARNINGS = {
  multipleFaces: "There is more than one face; the largest was used.",
  smallFace: "The face is small: 200 pixels or more are better. Come closer.",
  faceNearEdge: "The face is at the edge of the picture.",
  lowLight: "The face is dark.",
  blurred: "The face is blurred.",
  greyscale: "The face has no colour.",
  rotated: "The face lies sideways in the picture.",
};

const $ = (id) => document.getElementById(id);
let score = null;

/** Shows an answer beside the picture that it is about. */
export function show({ text, answer, time }, photo) {
  score = answer.spoofScore;
  const { left, top, width, height } = answer.position;
  $("overlay").setAttribute("viewBox", `0 0 ${photo.naturalWidth} ${photo.naturalHeight}`);
  for (const [name, value] of Object.entries({ x: left, y: top, width, height })) $("box").setAttribute(name, value);
  $("overlay").removeAttribute("hidden");
  $("warnings").replaceChildren(...(answer.warnings ?? []).map((name) => {
    const item = document.createElement("li");
    item.textContent = WARNINGS[name] ?? name;
    return item;
  }));
  $("face").textContent = `${width} × ${height} px at ${left}, ${top}`;
  $("model").textContent = answer.model;
  $("time").textContent = `${time.toFixed(0)} ms`;
  $("answer").hidden = false;
  raw(text);
  judge();
}

/** The score against the threshold. */
export function judge() {
  const threshold = Number($("threshold").value);
  $("threshold-value").textContent = threshold.toFixed(2);
  $("limit").style.left = `${100 * threshold}%`;
  if (score === null) return;
  const spoof = score >= threshold;
  $("verdict").textContent = spoof ? "Taken for a spoof" : "Taken for live";
  $("verdict-why").textContent = `spoof score ${score < 0.0001 ? score.toExponential(1) : score.toFixed(4)}`;
  $("verdict").parentElement.classList.toggle("spoof", spoof);
  $("overlay").classList.toggle("spoof", spoof);
  $("needle").style.left = `${100 * score}%`;
  $("gauge").setAttribute("aria-valuenow", score);
}

/** The answer's text, laid out. */
export function raw(text) {
  let pretty = text;
  try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it is */ }
  $("json").textContent = pretty;
  $("raw").hidden = false;
}

export function clear() {
  score = null;
  $("overlay").setAttribute("hidden", "");
  for (const id of ["answer", "raw", "repeat", "error"]) $(id).hidden = true;
}
