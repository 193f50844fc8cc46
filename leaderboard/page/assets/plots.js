// Tips of points, by pointer and by keyboard. A plot is one stop of the tab key; arrow keys go from point to point.

const tip = document.getElementById("tip");
let current = null;

function showTip(mark) {
  current = mark;
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const at = (mark.querySelector(".dot") || mark).getBoundingClientRect();
  const width = tip.offsetWidth, height = tip.offsetHeight;
  const above = at.top > height + 14;
  const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), document.documentElement.clientWidth - width - 8);
  tip.style.left = `${left}px`;
  tip.style.top = `${above ? at.top - height - 8 : at.bottom + 8}px`;
  light(mark.dataset.row, true);
}

function hideTip() {
  if (current) light(current.dataset.row, false);
  current = null;
  tip.hidden = true;
}

function light(row, on) {
  if (!row) return;
  for (const node of document.querySelectorAll(`.curve[data-row="${CSS.escape(row)}"]`)) node.classList.toggle("lit", on);
}

function wirePlots() {
  for (const plot of document.querySelectorAll("svg.plot")) {
    const seen = () => [...plot.querySelectorAll(".mark")].filter((mark) => !mark.classList.contains("off"));
    plot.querySelectorAll(".mark").forEach((mark, place) => mark.setAttribute("tabindex", place ? "-1" : "0"));
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const marks = seen(), place = marks.indexOf(event.target.closest(".mark"));
      if (!step || place < 0) return;
      event.preventDefault();
      const next = marks[(place + step + marks.length) % marks.length];
      for (const mark of plot.querySelectorAll(".mark")) mark.setAttribute("tabindex", mark === next ? "0" : "-1");
      next.focus();
    });
  }
  for (const [start, end] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(start, (event) => {
      const mark = event.target.closest?.(".mark");
      if (mark && mark !== current) { hideTip(); showTip(mark); }
    });
    document.addEventListener(end, (event) => { if (event.target.closest?.(".mark") === current) hideTip(); });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });
}

// A hidden point must not be the one stop of the tab key.
function sparePoints(visible) {
  for (const plot of document.querySelectorAll("svg.plot")) {
    for (const node of plot.querySelectorAll("[data-row]")) node.classList.toggle("off", !visible.has(node.dataset.row));
    const marks = [...plot.querySelectorAll(".mark")];
    const stop = marks.find((mark) => !mark.classList.contains("off"));
    for (const mark of marks) mark.setAttribute("tabindex", mark === stop ? "0" : "-1");
  }
}
