// Error against logit magnitude: one curve a framework and mode, modes of one curve together, and the same numbers as a table.
{
const METRICS = { ulp: "max ulp", bound: "error / bound of class S" };
const hidden = new Set();

// The curves of a choice: who -> size -> the worst of its answers, as {i, value}; value is null where there is none.
function curves(block, { op, quantity, dtype, metric }) {
  const { answer, size, bound } = block.pages.magnitude, found = new Map();
  answer.forEach((i, n) => {
    const [asked, framework, , , mode, device] = block.line(i);
    if (asked !== op || block.word("quantities", i) !== quantity || block.word("dtypes", i) !== dtype) return;
    const name = `${framework} ${mode}${device === "cpu" ? "" : " on " + device}`, value = metric === "ulp" ? block.columns.ulp[i] : revive(bound[n]);
    if (!found.has(name)) found.set(name, { name, framework, mode, worst: new Map() });
    const { worst } = found.get(name), old = worst.get(size[n]);
    if (!old || (value ?? -1) > (old.value ?? -1)) worst.set(size[n], { i, value });
  });
  const offered = ({ worst }) => [...worst.values()].some(({ i }) => block.word("states", i) !== "unsupported");
  const curves = new Map();
  for (const curve of [...found.values()].filter(offered).sort((a, b) => a.name < b.name ? -1 : 1)) {
    const key = JSON.stringify([curve.framework, [...curve.worst].map(([size, { i, value }]) => [size, value === null ? block.word("states", i) : String(value)]).sort()]);
    const first = curves.get(key);
    if (first) first.name += ", " + curve.name.slice(curve.framework.length + 1);
    else curves.set(key, curve);
  }
  return [...curves.values()];
}

const sizes = curves => [...new Set(curves.flatMap(({ worst }) => [...worst.keys()]))].sort((a, b) => a - b);

function tip(block, shown, size) {
  const lines = shown.flatMap(curve => curve.worst.has(size) ? [{ ...curve, ...curve.worst.get(size) }] : []).sort((a, b) => b.value - a.value);
  return element("div", { class: "tip" }, `logits up to ±${size}`, element("ol", {}, ...lines.map(({ name, framework, mode, i, value }) =>
    element("li", {}, swatch(framework, mode), element("b", {}, short(value)), element("span", {}, `${name}: ${block.line(i)[2]}`)))));
}

function option(block, shown, metric) {
  const best = metric === "ulp" ? 0.5 : 1, words = metric === "ulp" ? "correctly rounded" : "the bound";
  const values = shown.flatMap(({ worst }) => [...worst.values()].flatMap(({ value }) => value ?? []));
  const all = sizes(shown), { at, axis } = symlog([best, ...values], METRICS[metric]);
  const line = (name, data, more) => ({ name, type: "line", data, symbolSize: 9, emphasis: { disabled: true }, ...more });
  return {
    grid: { left: 12, right: 24, top: 44, bottom: 34, containLabel: true },
    xAxis: { ...logarithmic("largest logit", 10, short), min: all[0], max: all.at(-1) },
    yAxis: axis,
    tooltip: { ...TIP, trigger: "axis", axisPointer: { lineStyle: { color: "var(--soft)" }, label: { show: false } }, formatter: ([{ value }]) => tip(block, shown, value[0]) },
    series: [
      line("", all.map(size => [size, at(best)]), { symbol: "none", silent: true, lineStyle: { color: "var(--soft)", type: [1, 3], width: 1.5 }, label: { show: false },
        endLabel: { ...INK, show: true, formatter: words, align: "right", verticalAlign: "bottom", offset: [-4, -4] } }),
      ...shown.map(({ name, framework, mode, worst }) => line(name, all.map(size => [size, worst.has(size) ? at(worst.get(size).value) : null]), {
        symbol: `path://${shape(framework)}`, itemStyle: { color: colour(framework) }, lineStyle: { color: colour(framework), type: dash(mode).length ? dash(mode) : "solid", width: 2 } })),
    ],
  };
}

function cell(block, { i, value } = {}) {
  if (i === undefined) return element("td");
  const mark = block.columns.rank[i] > 2 ? " " + block.word("symbols", i) : "";
  return element("td", {}, element("a", { href: "#case?r=" + encodeURIComponent(address(block, i)), title: block.line(i)[2] }, value === null ? block.word("states", i) : short(value)), mark);
}

function table(block, found, { op, quantity, dtype, metric }) {
  const all = sizes(found), head = element("tr", {}, element("th", { scope: "col" }, "Framework and mode"), ...all.map(size => element("th", { scope: "col" }, `±${short(size)}`)));
  return element("table", { class: "plain sized" }, element("caption", { class: "unseen" }, `${op}, ${quantity}, ${dtype}: ${METRICS[metric]} by largest logit`), element("thead", {}, head),
    element("tbody", {}, ...found.map(({ name, framework, mode, worst }) =>
      element("tr", {}, element("th", { scope: "row" }, swatch(framework, mode), name), ...all.map(size => cell(block, worst.get(size)))))));
}

function key(found, redraw) {
  return found.map(({ name, framework, mode }) => {
    const button = element("button", { type: "button", "aria-pressed": String(!hidden.has(name)) }, swatch(framework, mode), name);
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      redraw();
    });
    return element("li", {}, button);
  });
}

pages.magnitude = {
  async show(section, params, block) {
    const state = choices(section.querySelector("form"), "magnitude", params), found = curves(block, state), plot = section.querySelector(".plot");
    const redraw = async () => {
      const shown = found.filter(({ name }) => !hidden.has(name));
      const made = await chart(plot, `Line chart of ${METRICS[state.metric]} against the largest logit, ${state.op}, ${state.quantity}, ${state.dtype}. Curves: ${shown.map(({ name }) => name).join(", ")}. The table below has its numbers.`,
        option(block, shown, state.metric));
      made.off("click");
      made.on("click", ({ seriesName, value }) => {
        const point = shown.find(({ name }) => name === seriesName)?.worst.get(value[0]);
        if (point) pages.go("case", { r: address(block, point.i) });
      });
    };
    section.querySelector(".key").replaceChildren(...key(found, redraw));
    section.querySelector(".scroll").replaceChildren(found.length ? table(block, found, state) : element("p", { class: "note" }, "No such question in this run."));
    plot.hidden = !found.length;
    if (found.length) await redraw();
  },
};
}
