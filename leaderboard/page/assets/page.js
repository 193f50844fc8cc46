// Filters, order and opened rows. All of them stand in the address after the #, so that a view can be shared.

const FIELDS = ["attack", "modality", "suite", "scenario", "budget"];
const form = document.getElementById("filters");
const control = (name) => form.elements.namedItem(name);
const flat = document.getElementById("flat");
const boards = new Map([...document.querySelectorAll(".board")].map((node) => [node.id, node]));
const state = { q: "", attack: "", modality: "", suite: "", scenario: "", budget: "", sort: "rank", desc: false, verified: false, flat: false, open: new Set() };

const rows = [...document.querySelectorAll("tr.row")].map((node, place) => {
  const about = DATA.rows[node.id], board = boards.get(about.board);
  const card = about.entry === null ? null : DATA.entries[about.entry].method;
  const words = [node.id, ...FIELDS.map((name) => board.dataset[name]), about.keys.method, ...(card ? [card.name, card.title, card.paper] : [])];
  return { node, place, about, board, anchor: node.parentNode.classList.contains("anchors"), home: node.parentNode, text: words.join(" ").toLowerCase() };
});
const byId = new Map(rows.map((row) => [row.node.id, row]));

function fits(row) {
  if (FIELDS.some((name) => state[name] !== "" && row.board.dataset[name] !== state[name])) return false;
  if (row.anchor) return true;
  if (state.verified && row.about.keys.status !== "verified") return false;
  return state.q.toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}

function compare(a, b) {
  const [x, y] = [a.about.keys[state.sort], b.about.keys[state.sort]];
  if (x === null || y === null) return (x === null) - (y === null) || a.place - b.place;
  const order = x < y ? -1 : x > y ? 1 : 0;
  return (state.desc ? -order : order) || a.place - b.place;
}

function arrange() {
  const places = new Map();
  for (const row of rows) {
    if (row.anchor) continue;
    const body = state.flat ? flat.querySelector(".methods") : row.home;
    if (!places.has(body)) places.set(body, []);
    places.get(body).push(row);
  }
  for (const [body, own] of places) {
    own.sort(compare);
    const wanted = own.flatMap((row) => (row.detail ? [row.node, row.detail] : [row.node]));
    if (wanted.some((node, place) => body.children[place] !== node)) body.append(...wanted);
  }
  for (const head of document.querySelectorAll("th[data-sort]")) {
    if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.desc ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function sift() {
  const counted = new Set(), visible = new Set();
  let methods = 0;
  for (const row of rows) {
    row.fits = fits(row);
    if (row.fits && !row.anchor) { counted.add(row.board); methods += 1; }
  }
  const narrowed = state.q !== "" || state.verified;
  for (const row of rows) {
    const stays = row.fits && (!row.anchor || counted.has(row.board) || (!narrowed && !hasMethods(row.board)));
    row.node.hidden = !stays;
    if (row.detail) row.detail.hidden = !stays || !state.open.has(row.node.id);
    if (stays) { visible.add(row.node.id); counted.add(row.board); }
  }
  for (const board of boards.values()) board.hidden = state.flat || !counted.has(board);
  for (const line of document.querySelectorAll("tr[data-of]")) line.hidden = !counted.has(boards.get(line.dataset.of));
  for (const view of document.querySelectorAll(".overview")) {
    view.hidden = ["suite", "budget"].some((name) => state[name] !== "" && view.dataset[name] !== state[name]);
  }
  flat.hidden = !state.flat || methods === 0;
  document.getElementById("none").hidden = counted.size > 0;
  document.getElementById("count").textContent = `${methods} of ${rows.filter((row) => !row.anchor).length} results in ${counted.size} of ${boards.size} boards`;
  sparePoints(visible);
}

const populated = new Set(rows.filter((row) => !row.anchor).map((row) => row.board));
function hasMethods(board) { return populated.has(board); }

function toggle(row, open) {
  const button = row.node.querySelector(".opener");
  if (!button) return;
  if (open && !row.detail) {
    const cell = make("td", { role: "cell", colspan: "10" }, ...details(row.about));
    row.detail = make("tr", { role: "row", class: "detail", id: `${row.node.id}-d` }, cell);
    row.node.after(row.detail);
  }
  if (row.detail) {
    row.detail.hidden = !open;
    button.setAttribute("aria-controls", row.detail.id);
  }
  button.setAttribute("aria-expanded", String(open));
  row.node.classList.toggle("opened", open);
  if (open) state.open.add(row.node.id); else state.open.delete(row.node.id);
}

function remember() {
  const parts = new URLSearchParams();
  for (const name of ["q", ...FIELDS]) if (state[name] !== "") parts.set(name, state[name]);
  if (state.sort !== "rank") parts.set("sort", state.sort);
  for (const name of ["desc", "verified", "flat"]) if (state[name]) parts.set(name, "1");
  if (state.open.size) parts.set("open", [...state.open].join(" "));
  const text = parts.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function recall() {
  const text = location.hash.slice(1);
  const plain = text !== "" && !text.includes("=");
  const parts = new URLSearchParams(plain ? "" : text);
  const choices = (name) => [...control(name).options].map((option) => option.value);
  const known = (name, otherwise) => (choices(name).includes(parts.get(name)) ? parts.get(name) : otherwise);
  state.q = parts.get("q") ?? "";
  for (const name of FIELDS) state[name] = known(name, "");
  state.sort = known("sort", "rank");
  for (const name of ["desc", "verified", "flat"]) state[name] = parts.get(name) === "1";
  for (const row of rows) if (row.detail || state.open.has(row.node.id)) toggle(row, false);
  for (const id of (parts.get("open") ?? "").split(" ")) if (byId.has(id)) toggle(byId.get(id), true);
  for (const name of ["q", "sort", ...FIELDS]) control(name).value = state[name];
  for (const name of ["desc", "verified", "flat"]) control(name).checked = state[name];
  arrange();
  sift();
  if (plain) visit(decodeURIComponent(text));
}

// Show what a link inside the page names: a row is opened, whatever hides it is cleared.
function visit(id) {
  const row = byId.get(id);
  const node = row ? row.node : document.getElementById(id);
  if (!node) return;
  if (row) toggle(row, true);
  if (node.closest("[hidden]")) {
    Object.assign(state, { q: "", verified: false, flat: false });
    for (const name of FIELDS) state[name] = "";
    for (const name of ["q", ...FIELDS]) control(name).value = "";
    for (const name of ["verified", "flat"]) control(name).checked = false;
    arrange();
    sift();
  }
  remember();
  node.scrollIntoView({ block: row ? "center" : "start" });
  (row ? row.node.querySelector(".opener") ?? node : node).focus({ preventScroll: true });
}

function change() {
  for (const name of ["q", "sort", ...FIELDS]) state[name] = control(name).value.trim();
  for (const name of ["desc", "verified", "flat"]) state[name] = control(name).checked;
  arrange();
  sift();
  remember();
}

function wireTheme() {
  const button = document.getElementById("theme"), root = document.documentElement;
  const label = () => { button.querySelector("span").textContent = root.dataset.theme ?? "system"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = { system: "light", light: "dark", dark: "system" }[root.dataset.theme ?? "system"];
    if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem("unpoison-theme", next); } catch { /* no storage: until the page is closed */ }
    label();
  });
  label();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) {
    event.preventDefault();
    visit(decodeURIComponent(link.getAttribute("href").slice(1)));
    return;
  }
  const sorter = event.target.closest(".sorter");
  if (sorter) {
    const key = sorter.parentNode.dataset.sort;
    state.desc = state.sort === key && !state.desc;
    state.sort = key;
    if (control("sort").querySelector(`[value="${key}"]`)) control("sort").value = key;
    control("desc").checked = state.desc;
    arrange();
    remember();
    return;
  }
  const node = event.target.closest("tr.row");
  const reading = !event.target.closest(".opener") && String(getSelection()) !== "";
  if (node && !reading) { toggle(byId.get(node.id), !state.open.has(node.id)); remember(); }
});

form.hidden = false;
form.addEventListener("input", change);
form.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("clear").addEventListener("click", () => {
  form.reset();
  for (const row of rows) if (state.open.has(row.node.id)) toggle(row, false);
  change();
});
addEventListener("hashchange", recall);
addEventListener("beforeprint", () => { for (const notes of document.querySelectorAll(".notes")) notes.open = true; });
wireTheme();
wirePlots();
recall();
