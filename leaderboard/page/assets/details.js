// What an opened row shows. Everything an entry says becomes a text node, never markup.

const DATA = JSON.parse(document.getElementById("data").textContent);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value)) return size < 1e7 ? value.toLocaleString("en") : value.toExponential(3);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

const fixed = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// Only addresses that start with http:// or https:// become links.
function linked(text) {
  const parts = String(text).split(/(https?:\/\/[^\s<>"'()]+)/);
  return parts.map((part, place) =>
    place % 2 ? make("a", { href: part, rel: "noopener noreferrer nofollow" }, part) : part);
}

function list(pairs) {
  const items = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", { class: "pairs" }, ...items.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, ...(Array.isArray(value) ? value : [shown(value)])))));
}

function grid(label, header, lines) {
  const head = make("tr", {}, ...header.map((text) => make("th", { scope: "col" }, text)));
  const body = lines.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first),
    ...rest.map((text) => make("td", { class: "num" }, text))));
  return make("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": label },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function block(title, ...children) {
  return make("section", { class: "block" }, make("h3", {}, title), ...children);
}

function folded(title, ...children) {
  return make("details", {}, make("summary", {}, title), ...children);
}

function perSeed(seeds) {
  const effect = (score) => fixed(score.effect, 4);
  const lines = seeds.map((seed) => {
    const [poisoned, retrain, second] = ["poisoned", "retrain", "second_retrain"].map((role) => DATA.pool[seed[role]]);
    const own = seed.unlearned;
    const rise = poisoned.effect - retrain.effect;
    const gap = own.accuracy === null || retrain.accuracy === null ? null : 100 * (own.accuracy - retrain.accuracy);
    return [String(seed.seed), effect(own), effect(poisoned), effect(retrain), effect(second),
      own.effect === null || rise <= 0 ? "–" : fixed((own.effect - retrain.effect) / rise, 3),
      own.accuracy === null ? "–" : fixed(100 * own.accuracy, 2),
      retrain.accuracy === null ? "–" : fixed(100 * retrain.accuracy, 2), fixed(gap, 2),
      fixed((100 * seed.cost.passes) / seed.cost.training_passes, 2), fixed(seed.cost.wall_clock_s, 2)];
  });
  return grid("Values of each seed", ["seed", "E(unlearned)", "E(poisoned)", "E(retrain)", "E(second retrain)",
    "ratio", "acc. %", "retrain acc. %", "gap", "passes %", "seconds"], lines);
}

function measurements(seeds) {
  const names = [...new Set(seeds.flatMap((seed) => Object.keys(seed.unlearned.extra)))].sort();
  if (!names.length) return null;
  const lines = names.flatMap((name) => [["unlearned", (seed) => seed.unlearned],
    ["poisoned", (seed) => DATA.pool[seed.poisoned]], ["retrain", (seed) => DATA.pool[seed.retrain]]].map(([role, score]) =>
    [`${name}, ${role}`, ...seeds.map((seed) => shown(score(seed).extra[name]))]));
  return folded("All measurements", grid("All measurements", ["measurement", ...seeds.map((seed) => `seed ${seed.seed}`)], lines));
}

function cost(seeds) {
  const costs = seeds.map((seed) => seed.cost);
  const known = (name) => costs.map((one) => one[name]).filter((value) => value !== null);
  const average = (name, text) => (known(name).length ? text(mean(known(name))) : null);
  const inexplicable = costs.filter((one) => !one.explained).length;
  return list([
    ["network passes", `${shown(Math.round(mean(known("passes"))))} of ${shown(Math.round(mean(known("training_passes"))))}, ` +
      `${fixed(mean(costs.map((one) => (100 * one.passes) / one.training_passes)), 2)} %`],
    ["forward, backward", `${shown(Math.round(mean(known("forward_passes"))))}, ${shown(Math.round(mean(known("backward_passes"))))}`],
    ["wall-clock", average("wall_clock_s", (value) => `${shown(value)} s`)],
    ["processor", average("cpu_s", (value) => `${shown(value)} s`)],
    ["explained by the ledger", average("allowed_s", (value) => `up to ${shown(value)} s`)],
    ["peak memory", average("peak_memory_bytes", (value) => `${shown(value / 2 ** 20)} MiB`)],
    ["FLOPs", average("flops", (value) => value.toExponential(2))],
    ["device", [...new Set(costs.map((one) => one.device))].join(", ")],
    ["stopped by its budget", `${costs.filter((one) => one.stopped_by_budget).length} of ${costs.length} seeds`],
    ["time not explained", inexplicable ? `${inexplicable} of ${costs.length} seeds` : null],
  ]);
}

function trust(entry, row) {
  const tuning = entry.tuning && `${entry.tuning.trials} trials on seeds ${entry.tuning.seeds.join(", ")}; ` +
    `minimised: ${entry.tuning.criterion} (file version ${entry.tuning.version})`;
  const found = entry.verification;
  const limit = entry.protection.memory_limit_bytes;
  const parts = [list([
    ["status", entry.status],
    ["protection", entry.protection.kind + (entry.protection.detail ? `: ${entry.protection.detail}` : "")],
    ["memory limit", limit ? `${shown(limit / 2 ** 20)} MiB` : null],
    ["tuning", tuning || "none: defaults, or what the name says"],
    ["verification", found ? `${found.differences.length} of ${found.compared} values differ by more than allowed; largest ` +
      `difference ${shown(found.largest)} of what is allowed (effect ${shown(found.tolerance)} of E(poisoned) − E(retrain), ` +
      `accuracy ${shown(100 * found.accuracy_tolerance)} points)` : "not run again yet"],
    ["fresh seeds", found && found.fresh_seeds.length ? found.fresh_seeds.join(", ") : null],
    ["verified by", found ? `commit ${found.commit}, ${found.device}, ${found.created}` : null],
  ])];
  const bullets = (items) => make("ul", {}, ...items.map((text) => make("li", {}, text)));
  if (row.doubts.length) parts.push(make("p", { class: "alarm" }, "Reasons to doubt it:"), bullets(row.doubts));
  if (found && found.differences.length) parts.push(folded(`Differences (${found.differences.length})`, bullets(found.differences)));
  return parts;
}

function provenance(entry, seeds) {
  const from = entry.provenance;
  const addresses = seeds.map((seed) => [`seed ${seed.seed}`, ...Object.entries(seed.addresses).map((pair) => pair.join(" "))]);
  const pairs = (mapping) => list(Object.entries(mapping).sort());
  return [list([
    ["commit", from.commit + (from.dirty ? " (with uncommitted changes)" : "")],
    ["command", [make("code", {}, from.command)]],
    ["made", from.created],
    ["Python", from.python], ["platform", from.platform], ["device", from.device], ["precision", from.precision],
    ["file", entry.source ? `${entry.source.file}, class ${entry.source.class_name}` : null],
    ["SHA-256 of the file", entry.source ? [make("code", {}, entry.source.sha256)] : null],
  ]),
  folded("Packages", pairs(DATA.pool[from.packages])),
  folded("Fingerprints", pairs(DATA.pool[from.fingerprints])),
  folded("Artifacts", make("pre", { tabindex: "0" }, addresses.map((lines) => lines.join("\n  ")).join("\n")))];
}

function details(row) {
  if (row.entry === null) return [make("p", {}, "This anchor was read off the baselines of the entries: nobody needs to run it.")];
  const entry = DATA.entries[row.entry];
  const seeds = Object.entries(entry.results).find(([budget]) => Number(budget) === row.budget)[1];
  const card = entry.method;
  const settings = Object.entries(entry.hyperparameters).sort();
  return [
    block("Each seed", make("p", { class: "sub" }, `Effect: ${DATA.pool[entry.effect].title}. The residual of the row is the ratio of the means over ` +
      "seeds, not the mean of the ratios."), perSeed(seeds), measurements(seeds)),
    make("div", { class: "blocks" },
      block("Method", list([["name", card.name], ["paper", linked(card.paper)], ["update", [make("code", {}, card.formula)]], ["checked against", linked(card.source)]])),
      block("Settings", settings.length ? list(settings) : make("p", {}, "None.")),
      block("Cost, mean over seeds", cost(seeds)),
      block("How far to trust it", ...trust(entry, row)),
      block("Provenance", ...provenance(entry, seeds)),
      block("Configuration of the scenario", folded("Show", make("pre", { tabindex: "0" }, JSON.stringify(DATA.pool[entry.configuration], null, 2))))),
  ];
}
