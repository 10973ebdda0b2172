"use strict";
// Everything that is drawn on a canvas: boards with trails, the wall, and strips for episodes without boards.
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SHOWN = 7;
const FONT = '-apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
const letter = (agent) => LETTERS[agent] ?? String(agent + 1);
// The page's colours by name, read once a picture: forgetColours before anything is drawn anew.
const colours = new Map();
function theme(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
  return colours.get(name);
}
const forgetColours = () => colours.clear();
const agentsOn = (cell) => [0, 1, 2, 3, 4, 5, 6].filter((agent) => (cell >> (agent + 1)) & 1);

// Every board as it is after each step, made once from the cells that change.
function unpack(play) {
  play.steps = play.actions.length;
  if (!play.wide) return;
  play.frames = [Uint8Array.from(play.first)];
  for (const change of play.changes) {
    const next = play.frames.at(-1).slice();
    for (let i = 0; i < change.length; i += 2) next[change[i]] = change[i + 1];
    play.frames.push(next);
  }
  play.high = play.first.length / play.wide;
}
const frameOf = (play, step) => play.frames[Math.min(step, play.frames.length - 1)];

function boardWords(play, step) {
  const where = [];
  frameOf(play, step).forEach((cell, place) => agentsOn(cell).forEach((agent) => where.push(
    `${letter(agent)} in row ${Math.floor(place / play.wide) + 1}, column ${place % play.wide + 1}`)));
  return where.sort().join("; ") || "nobody";
}

// The canvas in device pixels, and a pen that counts in the page's.
function canvas(element, wide, high) {
  const ratio = window.devicePixelRatio || 1;
  element.width = Math.round(wide * ratio);
  element.height = Math.round(high * ratio);
  element.style.aspectRatio = `${wide} / ${high}`;
  const pen = element.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

function drawBoard(pen, play, step, shade, spot, stretch) {
  const { left, top, cell } = spot, wide = play.wide * cell, high = play.high * cell, edge = Math.max(1, Math.min(4, cell / 7));
  pen.fillStyle = theme(shade || "grid");
  pen.fillRect(left - edge, top - edge, wide + 2 * edge, high + 2 * edge);
  pen.fillStyle = theme(shade ? shade + "-floor" : "floor");
  pen.fillRect(left, top, wide, high);
  if (cell >= 8) {
    pen.strokeStyle = theme("grid");
    pen.globalAlpha = shade ? .3 : 1;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let i = 1; i < play.wide; i++) { pen.moveTo(left + i * cell, top); pen.lineTo(left + i * cell, top + high); }
    for (let i = 1; i < play.high; i++) { pen.moveTo(left, top + i * cell); pen.lineTo(left + wide, top + i * cell); }
    pen.stroke();
    pen.globalAlpha = 1;
  }
  const board = frameOf(play, step);
  board.forEach((value, place) => {
    if (!(value & 1)) return;
    pen.fillStyle = theme("wall-colour");
    pen.fillRect(left + (place % play.wide) * cell, top + Math.floor(place / play.wide) * cell, cell, cell);
  });
  if (stretch) drawTrails(pen, play, spot, stretch);
  board.forEach((value, place) => {
    const here = agentsOn(value);
    if (here.length) drawAgents(pen, here, left + (place % play.wide) * cell, top + Math.floor(place / play.wide) * cell, cell);
  });
}

function drawAgents(pen, here, x, y, cell) {
  const disc = (radius, fill, from, to) => {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.moveTo(x + cell / 2, y + cell / 2);
    pen.arc(x + cell / 2, y + cell / 2, radius * cell, from, to);
    pen.fill();
  };
  if (here.length > 1) { disc(.5, theme("meeting"), 0, 7); disc(.4, "#fff", 0, 7); }
  here.forEach((agent, i) => {
    const turn = 2 * Math.PI / here.length, from = Math.PI / 2 + i * turn;
    disc(here.length > 1 ? .36 : .4, theme("agent" + agent), from, from + turn);
    if (cell < 16) return;
    const reach = here.length > 1 ? .19 * cell : 0;
    pen.fillStyle = "#fff";
    pen.font = `600 ${cell * (here.length > 1 ? .24 : .4)}px ${FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(letter(agent), x + cell / 2 + reach * Math.cos(from + turn / 2), y + cell / 2 + reach * Math.sin(from + turn / 2));
  });
}

// Each agent's way from before the stretch's first step to after its last, a little aside of the others'.
function drawTrails(pen, play, { left, top, cell }, stretch) {
  const agents = Math.min(play.actions[0].length, SHOWN);
  pen.lineWidth = Math.max(2, cell * .1);
  pen.lineJoin = pen.lineCap = "round";
  pen.globalAlpha = .7;
  for (let agent = 0; agent < agents; agent++) {
    const aside = (agent - (agents - 1) / 2) * .16 * cell;
    let joined = false;
    pen.strokeStyle = theme("agent" + agent);
    pen.beginPath();
    for (let step = stretch.first - 1; step <= stretch.last; step++) {
      const spots = [];
      frameOf(play, step).forEach((cell_, place) => { if ((cell_ >> (agent + 1)) & 1) spots.push(place); });
      if (spots.length !== 1) { joined = false; continue; }
      const x = left + (spots[0] % play.wide + .5) * cell + aside, y = top + (Math.floor(spots[0] / play.wide) + .5) * cell + aside;
      if (joined) pen.lineTo(x, y); else pen.moveTo(x, y);
      joined = true;
    }
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

// Where there is no board: what every agent did (a row an action) and earned (bars from zero), step by step. Of actions
// that are amounts, which are texts, the first is a bar from zero.
const BLOCK = { action: 15, reward: 34, head: 24, gap: 18, left: 74 };
function stripWindow(play, step, wide) {
  const room = Math.max(20, Math.floor((wide - BLOCK.left) / 7));
  if (play.steps <= room) return { first: 1, last: play.steps };
  const first = Math.min(play.steps - room + 1, Math.floor(Math.max(0, step - 1) / room) * room + 1);
  return { first, last: first + room - 1 };
}
function drawStrips(element, play, step, stretch, names, wide) {
  const agents = play.actions[0]?.length ?? 0, shown = stripWindow(play, step, wide);
  const acts = play.actions.flat(), bars = acts.filter((one) => typeof one === "string").map((one) => Math.abs(parseFloat(one)));
  const rows = Math.max(bars.length ? 2 : 1, names.length, ...acts.filter(Number.isInteger).map((one) => one + 1));
  const longestBar = Math.max(1e-12, ...bars);
  const tall = rows <= 10 ? BLOCK.action : Math.max(3, 150 / rows), block = BLOCK.head + rows * tall + BLOCK.reward + BLOCK.gap;
  const pen = canvas(element, wide, agents * block + 22), count = shown.last - shown.first + 1;
  const cell = Math.min(26, (wide - BLOCK.left - 2) / Math.max(1, count)), x = (at_) => BLOCK.left + (at_ - shown.first) * cell;
  const largest = Math.max(1e-12, ...play.rewards.flat().map((one) => Math.abs(one ?? 0)));
  const write = (text, left, top, align, name, weight) => {
    pen.fillStyle = theme(name);
    pen.font = `${weight} 12px ${FONT}`;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.fillText(text, left, top, BLOCK.left - 8 > 0 && align === "right" ? BLOCK.left - 8 : undefined);
  };
  const band = (from, to, name, alpha) => {
    const first = Math.max(from, shown.first), last = Math.min(to, shown.last);
    pen.fillStyle = theme(name);
    pen.globalAlpha = alpha;
    if (first <= last) pen.fillRect(x(first), 0, (last - first + 1) * cell, agents * block - BLOCK.gap + 4);
    pen.globalAlpha = 1;
  };
  if (stretch) band(stretch.first, stretch.last, "stretch", .45);
  for (let agent = 0; agent < agents; agent++) {
    const top = agent * block + BLOCK.head, under = top + rows * tall + 8, middle = under + (BLOCK.reward - 8) / 2;
    const colour = theme("agent" + Math.min(agent, SHOWN - 1));
    write(`Agent ${letter(agent)}`, 0, top - 12, "left", "ink", 600);
    const amounts = typeof play.actions[0]?.[agent] === "string";
    if (amounts) write("first amount", BLOCK.left - 8, top + rows * tall / 2, "right", "faint", 400);
    else if (tall >= 12) for (let row = 0; row < rows; row++) write(names[row] ?? String(row), BLOCK.left - 8, top + (row + .5) * tall, "right", "faint", 400);
    write("reward", BLOCK.left - 8, middle, "right", "faint", 400);
    pen.fillStyle = theme("rule");
    for (let row = 0; row <= (amounts ? 2 : rows); row++) pen.fillRect(BLOCK.left, top + row * (amounts ? rows / 2 : 1) * tall, count * cell, 1);
    pen.fillRect(BLOCK.left, middle, count * cell, 1);
    for (let k = shown.first; k <= shown.last; k++) {
      const act = play.actions[k - 1][agent], earned = play.rewards[k - 1][agent] ?? 0;
      pen.fillStyle = colour;
      const bar = amounts ? (parseFloat(act) / longestBar) * rows * tall / 2 : 0;
      if (amounts) pen.fillRect(x(k) + .5, top + rows * tall / 2 - Math.max(0, bar), Math.max(1, cell - 1), Math.abs(bar));
      else if (act >= 0) pen.fillRect(x(k) + .5, top + act * tall + 1.5, Math.max(1, cell - 1), Math.max(1.5, tall - 2));
      const size = (earned / largest) * (BLOCK.reward - 8) / 2;
      pen.fillStyle = theme(earned < 0 ? "circle" : "success");
      pen.fillRect(x(k) + .5, middle - Math.max(0, size), Math.max(1, cell - 1), Math.abs(size));
    }
  }
  if (step) {
    pen.strokeStyle = theme("ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(x(step), 1, cell, agents * block - BLOCK.gap + 2);
  }
  const foot = agents * block + 8;
  write(`step ${shown.first}`, BLOCK.left, foot, "left", "faint", 400);
  if (count * cell > 130) write(String(shown.last), x(shown.last) + cell, foot, "right", "faint", 400);
  return (offset) => Math.max(shown.first, Math.min(shown.last, shown.first + Math.floor((offset - BLOCK.left) / cell)));
}
