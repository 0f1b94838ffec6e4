// The matrices in any view; the default one comes from reports/table.py and looks the same.
{

// The worst answer of each line and column: by rank of its mark, then by the metric.
function worst(block, state, column, fits) {
  const value = state.metric === "bound" ? i => block.ratio(i) ?? 0 : i => block.columns.ulp[i] ?? 0;
  const lines = new Map();
  for (let i = 0; i < block.answers; i++) {
    if (!block.line(i)[7] || !fits(i)) continue;
    const name = drawnBy(block.word(column, i)), line = block.columns.line[i];
    if (!lines.has(line)) lines.set(line, new Map());
    const cells = lines.get(line), old = cells.get(name), rank = block.columns.rank;
    if (old === undefined || rank[i] > rank[old] || rank[i] === rank[old] && value(i) > value(old)) cells.set(name, i);
  }
  return lines;
}

function cell(block, state, i) {
  if (i === undefined) return element("td", {}, "–");
  const symbol = block.word("symbols", i), ulp = block.columns.ulp[i], bound = state.metric === "bound";
  const value = bound ? block.ratio(i) : ulp;
  const level = ulp === null || value === null ? undefined : bound ? ratioLevel(value) : ulpLevel(value);
  const text = ulp === null ? (symbol === "∅" ? "" : block.word("states", i))
    : bound ? (value === null ? "no bound" : short(value) + " " + block.budget(i)) : short(value);
  const mark = { "✗": " new", "!": " known", "⚠": " bare", "∅": " bare" }[symbol] || "";
  return element("td", { class: "c" + (level === undefined ? "" : " l" + level) + mark, "data-i": i }, text + " ", element("b", {}, symbol));
}

function table(block, state, op, view, columns, lines) {
  const apart = view === "family" ? columns.filter(name => block.pages.matrix.includes(name)).length : 0;
  const side = (span, words) => span ? [element("th", { scope: "colgroup", colspan: span }, words)] : [];
  const sides = apart ? [element("tr", { class: "sides" }, element("td"), ...side(columns.length - apart, "ordinary inputs"), ...side(apart, "extreme inputs"))] : [];
  const head = element("tr", {}, element("th", { scope: "col" }, "Implementation @ mode"),
    ...columns.map(name => element("th", { scope: "col", title: block.descriptions[name] }, ...named(name))));
  const made = element("table", { class: "matrix" }, element("caption", {}, element("code", {}, op)), element("thead", {}, ...sides, head));
  let body, last;
  for (const [line, cells] of lines) {
    const [, framework, name, kind, mode, device, , also] = block.lines[line];
    if (framework !== last) {
      const title = element("th", { scope: "rowgroup", colspan: columns.length + 1 }, dot(framework), framework);
      made.append(body = element("tbody", {}, element("tr", { class: "group" }, title)));
      last = framework;
    }
    const label = element("th", { scope: "row" }, element("code", {}, ...named(name)), " ",
      ...also.length ? [element("span", { class: "also", title: also.join("\n") }, `and ${also.length} name${also.length === 1 ? "" : "s"}`), " "] : [],
      element("span", { class: "mode" }, "@" + mode + (device === "cpu" ? "" : ":" + device)), ...kind === "fused" ? [] : [" ", element("span", { class: "kind" }, kind)]);
    body.append(element("tr", {}, label,
      ...columns.map(column => cell(block, state, cells.get(column)))));
  }
  return element("div", { class: "scroll wide", role: "region", "aria-label": op + " by " + view }, made);
}

// Draw one view into its place.
function draw(block, state, view) {
  const column = view === "dtype" ? "dtypes" : "families";
  const chosen = i => {
    const [op, framework, , kind, mode] = block.line(i);
    return !block.word("families", i).startsWith("published/") && block.word("quantities", i) === state.quantity
      && (view === "dtype" || block.word("dtypes", i) === state.dtype)
      && (!state.op || op === state.op) && (!state.framework || framework === state.framework)
      && (!state.kind || kind === state.kind) && (!state.mode || mode === state.mode);
  };
  const lines = [...worst(block, state, column, chosen)].sort((a, b) => a[0] - b[0])
    .filter(([, cells]) => !state.only || [...cells.values()].some(i => block.columns.rank[i] >= Number(state.only)));
  const order = view === "dtype" ? ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"] : [...new Set(block.words[column].map(drawnBy))];
  const apart = name => block.pages.matrix.includes(name), asked = members => order.filter(name => members.some(([, cells]) => cells.has(name))).sort((a, b) => apart(a) - apart(b));
  const ops = Map.groupBy ? Map.groupBy(lines, ([line]) => block.lines[line][0]) : lines.reduce((map, line) => {
    const op = block.lines[line[0]][0];
    return map.set(op, [...(map.get(op) || []), line]);
  }, new Map());
  const tables = [...ops].map(([op, members]) => table(block, state, op, view, asked(members), members));
  document.getElementById(view).replaceChildren(...(tables.length ? tables : [element("p", { class: "note" }, "No answer fits these filters.")]));
  const metric = state.metric === "bound" ? "error / bound of class S, and the tightest class met" : "max ulp";
  document.querySelector(`[data-view=${view}]`).textContent = view === "dtype"
    ? `${state.quantity}, ${metric}, the worst over all input families` : `${state.quantity}, ${state.dtype}, ${metric}`;
}

// One tab stop a table; arrow keys move inside it.
function rove(views) {
  views.querySelectorAll(".wide").forEach(box => sideways.observe(box));
  for (const made of views.querySelectorAll(".matrix")) {
    made.setAttribute("role", "grid");
    made.querySelectorAll(".c").forEach((cell, n) => { cell.tabIndex = n ? -1 : 0; });
  }
}

function move(cell, right, down) {
  const rows = [...cell.closest("table").querySelectorAll("tr:has(.c)")];
  let row = rows.indexOf(cell.parentNode), at = cell.cellIndex, next;
  do {
    row += down; at += right; next = rows[row]?.cells[at];
  } while (next && !next.matches(".c"));
  if (!next) return;
  cell.tabIndex = -1; next.tabIndex = 0; next.focus();
}

let drawn, defaults;

function count(views) {
  const [dtype, family] = ["dtype", "family"].map(view => views.querySelectorAll(`#${view} tbody tr:not(.group)`).length);
  document.getElementById("shown").textContent = `${dtype} lines by dtype, ${family} by family`;
}

function start(views, form, block) {
  defaults = Object.fromEntries(new FormData(form));
  drawn = JSON.stringify(defaults);
  const filter = () => {
    const kept = [...new FormData(form)].filter(([name, value]) => value && value !== defaults[name]);
    pages.go("matrix", kept, true);
  };
  const open = cell => pages.go("case", { r: address(block, Number(cell.dataset.i)) });
  views.addEventListener("click", event => { const cell = event.target.closest(".c"); if (cell) open(cell); });
  views.addEventListener("keydown", event => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!event.target.matches(".c")) return;
    if (step) { event.preventDefault(); move(event.target, ...step); }
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(event.target); }
  });
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", event => event.preventDefault());
  rove(views);
  count(views);
}

pages.matrix = {
  show(views, asked, block) {
    const form = document.getElementById("filters");
    if (!defaults) start(views, form, block);
    const state = { ...defaults };
    for (const [name, value] of Object.entries(defaults)) {
      form.elements[name].value = asked.get(name) ?? value;
      if (form.elements[name].selectedIndex < 0) form.elements[name].value = value;
      state[name] = form.elements[name].value;
    }
    const wanted = JSON.stringify(state);
    if (wanted === drawn) return;
    drawn = wanted;
    for (const view of ["dtype", "family"]) draw(block, state, view);
    count(views);
    document.querySelector(".ramp").style.display = state.metric === "bound" ? "none" : "";
    rove(views);
  },
};
}
