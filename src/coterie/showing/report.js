// The player: one clock for the wall and the large board, and stretches of episodes that findings point to.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const plays = data.plays, drawn = plays.filter((play) => play.wide), walled = drawn.length > 1;
const tints = { success: "success", circle: "circle", still: "circle", failed: "time", time: "time" };
const says = { success: data.met, circle: "circle", still: "stand still", failed: "failed", time: "out of time" };
const dark = matchMedia("(prefers-color-scheme: dark)"), calm = matchMedia("(prefers-reduced-motion: reduce)");
const PACE = 320;
let step = 0, chosen = 0, stretch = null, timer = 0, geometry = null, stepAt = null, lastWidth = 0;
plays.forEach(unpack);
const longest = Math.max(0, ...drawn.map((play) => play.steps));
const limit = () => (walled && !stretch && plays[chosen].wide ? longest : plays[chosen].steps);
const tint = (play) => (step >= play.shows ? tints[play.kind] : "");
const plain = (value) => (value === null || value === undefined ? "–" : String(value));
// An action is a number, which may have a name, or its amounts as a text.
const actionName = (one) => (typeof one === "string" ? one : one === undefined || one < 0 ? "–" : data.actions[one] ?? String(one));

function make(tag, text, kind) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function drawWall() {
  at("wall").hidden = !walled || !plays[chosen].wide;
  at("stage").classList.toggle("alone", at("wall").hidden);
  if (at("wall").hidden) return;
  const across = Math.min(10, drawn.length), wide = at("wall").clientWidth || 360;
  const widest = Math.max(...drawn.map((play) => play.wide)), highest = Math.max(...drawn.map((play) => play.high));
  const cell = Math.min(wide / (across * (widest + 1)), 48);
  geometry = { across, wide: (widest + 1) * cell, high: (highest + 1) * cell };
  const pen = canvas(at("wall"), wide, geometry.high * Math.ceil(drawn.length / across));
  drawn.forEach((play, i) => {
    const left = (i % across) * geometry.wide, top = Math.floor(i / across) * geometry.high;
    if (play === plays[chosen]) {
      pen.strokeStyle = theme("ink");
      pen.lineWidth = 2;
      pen.strokeRect(left + 1, top + 1, geometry.wide - 2, geometry.high - 2);
    }
    drawBoard(pen, play, step, tint(play), { left: left + cell / 2, top: top + cell / 2, cell }, null);
  });
  at("wall").setAttribute("aria-label", `${drawn.length} boards at step ${step}: ${at("counts").textContent}`);
}

function drawCounts() {
  const counts = {};
  for (const play of walled ? drawn : plays) {
    const kind = step >= play.shows || !walled ? play.kind : "open";
    counts[kind] = (counts[kind] || 0) + 1;
  }
  const kinds = ["success", "circle", "still", "failed", "time", "open"].filter((kind) => counts[kind] || kind === "success");
  at("counts").hidden = plays.length < 2;
  at("counts").replaceChildren(...kinds.flatMap((kind, i) => {
    const part = make("span", `${counts[kind] || 0} ${says[kind] || "under way"}`, tints[kind] || "");
    return i ? [" · ", part] : [part];
  }));
}

// One row an agent: what it saw (where no board shows it), did, earned, and expected to earn.
function drawMoves(play, now) {
  const index = Math.max(0, now - 1), moved = now > 0;
  const columns = [["Agent", (agent) => letter(agent), ""]];
  if (play.seen) columns.push(["Saw", (agent) => plain(play.seen[agent]?.[index]), ""]);
  columns.push(["Action", (agent) => (moved ? actionName(play.actions[index][agent]) : "–"), ""]);
  columns.push(["Reward", (agent) => (moved ? plain(play.rewards[index][agent]) : "–"), "number"]);
  if (play.values) columns.push(["Value", (agent) => (moved ? plain(play.values[index]?.[agent]) : "–"), "number"]);
  const head = document.createElement("tr"), body = document.createElement("tbody"), top = document.createElement("thead");
  head.append(...columns.map(([name, , kind]) => make("th", name, kind)));
  head.querySelectorAll("th").forEach((one) => { one.scope = "col"; });
  top.append(head);
  (play.actions[0] ?? []).forEach((_, agent) => {
    const row = document.createElement("tr");
    row.append(...columns.map(([, text, kind], i) => make(i ? "td" : "th", text(agent), kind)));
    const dot = make("span", "", "dot");
    dot.style.background = `var(--agent${Math.min(agent, SHOWN - 1)})`;
    row.firstChild.prepend(dot);
    row.firstChild.scope = "row";
    body.append(row);
  });
  at("moves").replaceChildren(top, body);
}

function drawLarge() {
  const play = plays[chosen], now = Math.min(step, play.steps), wide = at("board").clientWidth || 340;
  at("team").value = String(chosen);
  at("large").className = play.wide ? "boarded" : "bare";
  if (play.wide) {
    const cell = Math.min(wide / (play.wide + .6), 72), side = (wide - play.wide * cell) / 2, top = .3 * cell;
    drawBoard(canvas(at("board"), wide, (play.high + .6) * cell), play, now, tint(play), { left: side, top, cell }, stretch);
    stepAt = null;
    at("board").setAttribute("aria-label", `The board of ${play.who} at step ${now}: ${boardWords(play, now)}`);
  } else {
    stepAt = drawStrips(at("board"), play, now, stretch, data.actions, wide);
    const does = now ? play.actions[now - 1].map((one, agent) => `${letter(agent)} does ${actionName(one)} and earns ${plain(play.rewards[now - 1][agent])}`).join("; ") : "the start";
    at("board").setAttribute("aria-label", `Actions and rewards of ${play.who} over ${play.steps} steps; at step ${now}: ${does}`);
  }
  at("who").textContent = `${play.who}, step ${now} of ${play.steps}`;
  drawMoves(play, now);
  at("earned").textContent = `Reward so far ${now ? play.earned[now - 1] : "0.00"}`;
  const ending = step >= play.shows ? play.ending : "";
  if (at("ending").textContent !== ending) at("ending").textContent = ending;
}

function drawStretch() {
  const part = (value) => (value >= limit() ? 1.1 : value / limit());
  at("step").style.setProperty("--from", stretch ? part(stretch.first) : -.1);
  at("step").style.setProperty("--to", stretch ? part(stretch.last) : part(step));
  at("stretch").hidden = !stretch;
  if (!stretch) return;
  const which = stretch.first === stretch.last ? `step ${stretch.first}` : `steps ${stretch.first} to ${stretch.last}`;
  at("stretch-words").textContent = `${stretch.name}: ${which} of ${plays[chosen].who}, over and over`;
}

function show() {
  forgetColours();
  at("step").max = String(limit());
  at("step").value = String(step);
  at("at").textContent = `step ${step} of ${limit()}`;
  at("step").setAttribute("aria-valuetext", at("at").textContent);
  drawStretch();
  drawCounts();
  drawLarge();
  drawWall();
}
function go(to) { step = Math.max(0, Math.min(limit(), to)); show(); }
function choose(place) {
  chosen = place;
  stretch = null;
  go(step);
}
function select(place, first, last, name) {
  const steps = plays[place].steps;
  chosen = place;
  first = Math.max(1, Math.min(first, steps));
  stretch = { first, last: Math.max(first, Math.min(last, steps)), name };
  go(first);
}
function forward() {
  if (stretch && (step >= stretch.last || step < stretch.first - 1)) go(stretch.first);
  else if (step >= limit()) run(false);
  else go(step + 1);
}
function run(on) {
  clearInterval(timer);
  timer = 0;
  at("play").textContent = on ? "Pause" : "Play";
  at("play").setAttribute("aria-pressed", String(on));
  if (!on) return;
  if (!stretch && step >= limit()) go(0);
  timer = setInterval(forward, PACE);
}
function whole() { stretch = null; show(); }

function placeOf({ dataset }) {
  return plays.findIndex((one) => one.team === Number(dataset.team) && one.episode === Number(dataset.episode));
}

function begin() {
  plays.forEach((play, i) => at("team").append(new Option(play.who, String(i))));
  at("play").onclick = () => run(!timer);
  at("back").onclick = () => { run(false); go(step - 1); };
  at("on").onclick = () => { run(false); go(step + 1); };
  at("step").oninput = () => { run(false); go(Number(at("step").value)); };
  at("team").onchange = () => choose(Number(at("team").value));
  at("whole").onclick = () => { whole(); at("large").focus({ preventScroll: true }); };
  at("board").onclick = (event) => { if (stepAt) { run(false); go(stepAt(event.offsetX)); } };
  at("wall").onclick = (event) => {
    const column = Math.floor(event.offsetX / geometry.wide), row = Math.floor(event.offsetY / geometry.high);
    const place = row * geometry.across + column;
    if (column < geometry.across && place < drawn.length) choose(plays.indexOf(drawn[place]));
  };
  for (const button of document.querySelectorAll("button.evidence")) {
    button.onclick = () => {
      const place = placeOf(button);
      if (place < 0) return;
      run(false);
      select(place, Number(button.dataset.first), Number(button.dataset.last), button.dataset.name);
      at("player").scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
      at("large").focus({ preventScroll: true });
      if (!calm.matches && stretch.last > stretch.first) run(true);
    };
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") { run(false); go(step + 1); }
    else if (event.key === "ArrowLeft") { run(false); go(step - 1); }
    else if (event.key === "Home") { run(false); go(0); }
    else if (event.key === "End") { run(false); go(limit()); }
    else if (event.key === "Escape" && stretch) whole();
    else if (event.key === " " && !event.target.closest("button, summary")) run(!timer);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(() => {
    if (at("player").clientWidth !== lastWidth) { lastWidth = at("player").clientWidth; show(); }
  }).observe(at("player"));
  dark.addEventListener("change", show);
  // Paper is light, whatever the screen is.
  window.addEventListener("beforeprint", () => { document.documentElement.dataset.paper = ""; show(); });
  window.addEventListener("afterprint", () => { delete document.documentElement.dataset.paper; show(); });
  const first = document.querySelector("button.evidence");
  chosen = Math.max(0, first ? placeOf(first) : 0);
  go(limit());
}

async function copyText(button) {
  const code = button.parentElement.querySelector("code");
  let copied = false;
  try {
    await navigator.clipboard.writeText(code.textContent);
    copied = true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    copied = document.execCommand("copy");
  }
  button.textContent = copied ? "Copied" : "Select it";
  setTimeout(() => { button.textContent = "Copy"; }, 1600);
}
for (const button of document.querySelectorAll("button.copy")) button.onclick = () => copyText(button);
if (plays.length) begin();
