// Every answer in one grid by AG Grid; its filters are the form above it, its order a hidden field of that form.
{
const CHOSEN = ["op", "framework", "mode", "device", "kind", "quantity", "dtype", "family", "class", "state"];
let grid, tests = [];

const last = (a, b, x, y, descending) => a === b ? 0 : a === null || b === null ? ((a === null) === descending ? -1 : 1) : a - b;  // what has no number comes last
const LINE = { op: 0, framework: 1, implementation: 2, kind: 3, mode: 4, device: 5 };
const WORD = { dtype: "dtypes", family: "families", quantity: "quantities", shape: "shapes", state: "states", reason: "reasons" };

// name -> the value of an answer
function values(block) {
  const value = {};
  for (const [name, at] of Object.entries(LINE)) value[name] = i => block.line(i)[at];
  for (const [name, words] of Object.entries(WORD)) value[name] = i => block.word(words, i);
  return { ...value, ulp: i => block.columns.ulp[i], bound: i => block.ratio(i), class: i => block.columns.budget[i] };
}

function columns(block, value) {
  const column = (name, headerName, width, more) => ({ colId: name, headerName, width, valueGetter: ({ data }) => value[name](data.i), ...more });
  const number = { type: "rightAligned", comparator: last, valueFormatter: ({ value }) => short(value), useValueFormatterForExport: false };
  return [
    column("op", "Op", 110), column("framework", "Framework", 115, { cellRenderer: ({ value }) => element("span", {}, dot(value), value) }),
    column("implementation", "Implementation", 320, { cellClass: "code" }), column("mode", "Mode", 85), column("quantity", "Quantity", 100), column("dtype", "Dtype", 85),
    column("family", "Input family", 130), column("ulp", "Max ulp", 105, number), column("bound", "Error / bound", 130, number), column("class", "Class", 70),
    column("state", "State", 120, { cellRenderer: ({ value, data }) => `${block.word("symbols", data.i)} ${value}` }), column("reason", "Reason", 420),
    column("kind", "Kind", 95), column("shape", "Shape", 110), column("device", "Device", 80),
  ];
}

// A select of the words that the run holds, for each column that has few, and more than one.
function selects(block, value, form) {
  for (const name of CHOSEN) {
    const found = new Set(Array.from({ length: block.size }, (_, i) => value[name](i)));
    found.delete("");
    if (found.size < 2) continue;
    const choose = element("select", { name }, new Option("all", ""), ...[...found].map(word => new Option(word)));
    form.elements.implementation.closest("label").before(element("label", {}, name[0].toUpperCase() + name.slice(1), choose));
  }
}

const order = api => api.getColumnState().filter(({ sort }) => sort).sort((a, b) => a.sortIndex - b.sortIndex).map(({ colId, sort }) => (sort === "desc" ? "-" : "") + colId).join(",");
const ordered = text => text.split(",").filter(Boolean).map((word, sortIndex) => ({ colId: word.replace("-", ""), sort: word[0] === "-" ? "desc" : "asc", sortIndex }));

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
  section.querySelector(".csv").addEventListener("click", () => grid.exportDataAsCsv({ fileName: "xentbench.csv" }));
}

function filter(value, state) {
  const words = CHOSEN.filter(name => state[name]), name = state.implementation.toLowerCase();
  tests = words.map(word => i => value[word](i) === state[word]);
  if (name) tests.push(i => value.implementation(i).toLowerCase().includes(name));
  for (const metric of ["ulp", "bound"]) if (state[metric]) tests.push(i => value[metric](i) >= Number(state[metric]) && value[metric](i) !== null);
  grid.setGridOption("quickFilterText", state.q);
  grid.onFilterChanged();
}

pages.explorer = {
  async show(section, params, block) {
    await library("ag-grid");
    const value = values(block);
    if (!grid) make(section, block, value);
    const state = choices(section.querySelector("form"), "explorer", params);
    filter(value, state);
    if (order(grid) !== state.sort) grid.applyColumnState({ state: ordered(state.sort), defaultState: { sort: null } });
  },
};
}
