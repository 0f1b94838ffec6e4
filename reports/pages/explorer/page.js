// Every answer in one grid by AG Grid; its filters are the form above it, its order a hidden field of that form.
{
const CHOSEN = ["check", "op", "options", "framework", "mode", "device", "kind", "quantity", "dtype", "family", "class", "state"];
const SHEET = { "Worst input": "logits", Label: "label", "Incoming gradient": "upstream", "Came back": "got", "Correctly rounded": "expected", Exact: "exact" };  // in the CSV
const PRINTED = 20, ON_PAPER = ["state", "implementation", "mode", "op", "quantity", "dtype", "family", "ulp", "bound", "class", "reason"];  // rows and columns that a sheet has room for
const NONE = "-";  // of checks: the plain questions
let grid, tests = [];

const last = (a, b, x, y, descending) => a === b ? 0 : a === null || b === null ? ((a === null) === descending ? -1 : 1) : a - b;  // what has no number comes last
const LINE = { framework: 1, implementation: 2, kind: 3, mode: 4, device: 5 };
const WORD = { check: "checks", dtype: "dtypes", family: "families", quantity: "quantities", shape: "shapes", state: "states", class: "budgets" };

// name -> the value of an answer
function values(block) {
  const value = {};
  for (const [name, at] of Object.entries(LINE)) value[name] = i => block.line(i)[at];
  for (const [name, words] of Object.entries(WORD)) value[name] = i => block.word(words, i);
  const asked = (i, at) => block.line(i)[0].match(/^([^(]*)\(?(.*?)\)?$/)[at];
  const reason = i => [block.word("reasons", i), block.word("found", i)].filter(Boolean).join("; ");
  return { ...value, reason, op: i => asked(i, 1), options: i => asked(i, 2), ulp: i => block.columns.ulp[i], bound: i => block.ratio(i) };
}

function columns(block, value) {
  const column = (name, headerName, width, more) => ({ colId: name, headerName, width, valueGetter: ({ data }) => value[name](data.i), ...more });
  const number = { type: "rightAligned", comparator: last, valueFormatter: ({ value }) => short(value), useValueFormatterForExport: false };
  const worst = ([headerName, name]) => ({ headerName, hide: true, valueGetter: ({ data }) => {
    const d = block.detail.get(data.i), found = d === undefined ? "" : block.details[name][d];
    return typeof found === "number" ? block.details.texts[found] : found;
  } });
  return [
    column("state", "State", 120, { cellRenderer: ({ value, data }) => `${block.word("symbols", data.i)} ${value}` }),
    column("implementation", "Implementation", 270, { cellClass: "code", cellRenderer: ({ value, data }) => element("span", {}, dot(block.line(data.i)[1]), value) }),
    column("mode", "Mode", 78), column("op", "Op", 105), column("quantity", "Quantity", 98), column("dtype", "Dtype", 82),
    column("family", "Input family", 120), column("ulp", "Max ulp", 90, number), column("bound", "Error/bound", 105, number), column("class", "Class", 65),
    column("reason", "Reason", 420), column("check", "Check", 170), column("options", "Options", 170), column("framework", "Framework", 100),
    column("kind", "Kind", 95), column("shape", "Shape", 110), column("device", "Device", 80), ...Object.entries(SHEET).map(worst),
  ];
}

// A select of the words that the run holds, for each column that has few, and more than one.
function selects(block, value, form) {
  for (const name of CHOSEN) {
    const found = new Set(Array.from({ length: block.size }, (_, i) => value[name](i)));
    if (found.size < 2) continue;
    found.delete("");
    const choose = element("select", { name }, new Option("all", ""), ...[...found].sort().map(word => new Option(word)));
    if (name === "check") choose.add(new Option("none: a distance from the truth", NONE));
    form.elements.implementation.closest("label").before(element("label", {}, name[0].toUpperCase() + name.slice(1), choose));
  }
}

const order = api => api.getColumnState().filter(({ sort }) => sort).sort((a, b) => a.sortIndex - b.sortIndex).map(({ colId, sort }) => (sort === "desc" ? "-" : "") + colId).join(",");
const ordered = text => text.split(",").filter(Boolean).map((word, sortIndex) => ({ colId: word.replace("-", ""), sort: word[0] === "-" ? "desc" : "asc", sortIndex }));

// The first rows as a plain table: the grid itself would be cut off at the edge of the sheet.
function onPaper(block, value) {
  const rows = Array.from({ length: Math.min(PRINTED, grid.getDisplayedRowCount()) }, (_, at) => grid.getDisplayedRowAtIndex(at));
  const line = (name, texts) => element("tr", {}, ...texts.map(text => element(name, {}, ...named(text))));
  const text = (i, name) => name === "state" ? `${block.word("symbols", i)} ${value.state(i)}` : name === "ulp" || name === "bound" ? short(value[name](i)) : value[name](i);
  return [
    element("p", {}, `${grouped(rows.length)} of ${grouped(grid.getDisplayedRowCount())} answers; “Save as CSV” and xentbench export have them all.`),
    element("table", { class: "plain" }, element("thead", {}, line("th", ON_PAPER.map(name => grid.getColumn(name).getColDef().headerName))),
      element("tbody", {}, ...rows.map(row => line("td", ON_PAPER.map(name => text(row.data.i, name)))))),
  ];
}

function make(section, block, value) {
  const form = section.querySelector("form"), shown = section.querySelector("output"), open = ({ data }) => pages.go("case", { r: address(block, data.i) });
  selects(block, value, form);
  grid = agGrid.createGrid(section.querySelector(".rows"), {
    theme: agGrid.themeQuartz.withParams({
      backgroundColor: "var(--card)", foregroundColor: "var(--ink)", headerTextColor: "var(--soft)", borderColor: "var(--line)", chromeBackgroundColor: "var(--page)", accentColor: "var(--link)",
      browserColorScheme: "inherit", fontFamily: "inherit", headerFontWeight: 500, fontSize: 13, rowHeight: 30, headerHeight: 34, cellHorizontalPadding: 10,
    }),
    columnDefs: columns(block, value), rowData: Array.from({ length: block.size }, (_, i) => ({ i })), defaultColDef: { sortable: true, resizable: true },
    cacheQuickFilter: true, suppressDragLeaveHidesColumns: true, animateRows: false, enableCellTextSelection: true,
    isExternalFilterPresent: () => tests.length > 0, doesExternalFilterPass: ({ data }) => tests.every(fits => fits(data.i)),
    onModelUpdated: ({ api }) => { shown.textContent = `${grouped(api.getDisplayedRowCount())} of ${grouped(block.size)} answers`; },
    onSortChanged: ({ api, source }) => {
      if (source === "api") return;
      form.elements.sort.value = order(api);
      form.elements.sort.dispatchEvent(new Event("input", { bubbles: true }));
    },
    onRowClicked: event => { if (getSelection().isCollapsed) open(event); },
    onCellKeyDown: event => { if (event.event.key === "Enter") open(event); },
    overlayNoRowsTemplate: "No answer fits these filters.",
  });
  addEventListener("beforeprint", () => section.querySelector(".printed").replaceChildren(...onPaper(block, value)));
  section.querySelector(".csv").addEventListener("click", () => grid.exportDataAsCsv({ fileName: "xentbench.csv", allColumns: true }));
}

function filter(value, state) {
  const words = CHOSEN.filter(name => state[name]), name = state.implementation.toLowerCase(), whole = name.match(/^"(.*)"$/)?.[1];
  tests = words.map(word => i => value[word](i) === (state[word] === NONE ? "" : state[word]));
  if (whole) tests.push(i => value.implementation(i).toLowerCase() === whole);
  else if (name) tests.push(i => value.implementation(i).toLowerCase().includes(name));
  for (const metric of ["ulp", "bound"]) if (state[metric]) tests.push(i => value[metric](i) >= Number(state[metric]) && value[metric](i) !== null);
  grid.setGridOption("quickFilterText", state.q);
  grid.onFilterChanged();
}

pages.explorer = {
  async show(section, params, block) {
    await library("ag-grid");
    const value = values(block), [, op, options] = params.get("op")?.match(/^([^(]+)\((.*)\)$/) ?? [];  // as links of earlier reports have it
    if (op) params = new URLSearchParams([...params, ["options", options]].map(([name, word]) => [name, name === "op" ? op : word]));
    if (!grid) make(section, block, value);
    const state = choices(section.querySelector("form"), "explorer", params);
    filter(value, state);
    if (order(grid) !== state.sort) grid.applyColumnState({ state: ordered(state.sort), defaultState: { sort: null } });
  },
};
}
