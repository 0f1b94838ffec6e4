// Error over input: one small chart for each distinct answer, all on the same part of the line, and a table.
{
const ROOM = 640, LOW = 150, HIGH = 320, FOOT = 40, CLOSER = 8, TICKS = 4;
// Signed errors: linear to 1 ulp, logarithmic beyond; infinities lie outside.
const bend = v => v === null ? null : Math.abs(v) <= 1 ? v : Math.sign(v) * (1 + Math.log10(Math.min(Math.abs(v), 1e9)));
const unbend = t => Math.abs(t) <= 1 ? t : Math.sign(t) * 10 ** (Math.abs(t) - 1);
// How high one of so many charts is.
const height = count => Math.round(Math.min(HIGH, Math.max(LOW, ROOM / count)));

// The ends of an axis of such errors and the distance of its ticks, which are at 0, at 1 ulp and at powers of ten.
function scale(errors) {
  const most = Math.max(1, ...errors.map(t => Math.abs(t ?? 0))), step = Math.ceil(most / TICKS), end = step * Math.ceil(most / step);
  return { min: -end, max: end, interval: step };
}

// The distinct answers to a choice, with the names of who gave each.
function found(block, { op, quantity, dtype, family }) {
  const { answers, curves } = block.pages.sweeps, shared = new Map();
  for (const [i, k] of answers) {
    const [asked, framework, name, , mode] = block.line(i);
    if (asked !== op || block.word("quantities", i) !== quantity || block.word("dtypes", i) !== dtype || block.word("families", i) !== family) continue;
    if (!shared.has(k)) shared.set(k, { ...curves[k], i, framework, mode, names: [] });
    shared.get(k).names.push(`${name} @${mode}`);
  }
  return [...shared.values()].sort((a, b) => block.columns.ulp[b.i] - block.columns.ulp[a.i]);
}

function option(shown, from, to) {
  const size = shown[0].mean.length, first = Math.floor(from * size), last = Math.max(first + 2, Math.ceil(to * size)), rows = shown[0].rows;
  const place = n => rows[Math.min(rows.length - 1, Math.floor(n / size * rows.length))] ?? "";
  const high = height(shown.length), grids = shown.map((_, n) => ({ left: 12, right: 16, top: 22 + n * high, height: high - 52, containLabel: true }));
  const drawn = shown.map(one => Object.fromEntries(["low", "high", "mean"].map(what => [what, one[what].slice(first, last).map(v => bend(revive(v)))])));
  const series = shown.flatMap((one, n) => [["low", 1], ["high", 1], ["mean", 2]].map(([what, width]) => ({
    type: "line", name: `${n} ${what}`, xAxisIndex: n, yAxisIndex: n, symbol: "none", silent: true, data: drawn[n][what].map((t, at) => [first + at, t]),
    lineStyle: { color: what === "mean" ? "var(--ink)" : colour(one.framework), width } })));
  const dotted = shown.flatMap((_, n) => [-0.5, 0.5].map(v => ({ type: "line", xAxisIndex: n, yAxisIndex: n, symbol: "none", silent: true, data: [[first, v], [last, v]],
    lineStyle: { color: "var(--soft)", type: [1, 3], width: 1 } })));
  return {
    grid: grids,
    xAxis: shown.map((_, n) => ({ ...AXIS, type: "value", gridIndex: n, min: first, max: last, splitLine: { show: false }, axisLabel: { ...INK, formatter: place, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right" } })),
    yAxis: shown.map((one, n) => ({ ...AXIS, type: "value", gridIndex: n, name: one.names[0] + (one.names.length > 1 ? ` and ${one.names.length - 1} more` : ""), nameGap: 6, nameTextStyle: { ...INK, align: "left" },
      ...scale([...drawn[n].low, ...drawn[n].high]), axisLabel: { ...INK, formatter: t => short(Number(unbend(t).toPrecision(2))) } })),
    series: [...series, ...dotted],
  };
}

function table(block, shown) {
  const head = ["Implementation @ mode", "Largest, ulp", "Where", "Mean", "Bias", "Correctly rounded", "No plain distance"];
  return element("table", { class: "plain" }, element("caption", { class: "unseen" }, "The answers that are drawn, the largest error first"),
    element("thead", {}, element("tr", {}, ...head.map(text => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...shown.map(one => element("tr", {},
      element("th", { scope: "row" }, swatch(one.framework), ...one.names.flatMap((name, n) => [n ? ", " : "", element("code", {}, ...named(name))])),
      element("td", { class: "n" }, element("a", { href: "#case?r=" + encodeURIComponent(address(block, one.i)) }, short(block.columns.ulp[one.i]))),
      element("td", {}, one.at), element("td", { class: "n" }, short(revive(one.mean_ulp))), element("td", { class: "n" }, short(revive(one.bias_ulp))),
      element("td", { class: "n" }, `${(100 * one.bins[0] / one.bins.reduce((a, b) => a + b)).toFixed(2)} %`), element("td", {}, one.regions)))));
}

pages.sweeps = {
  async show(section, params, block) {
    const state = choices(section.querySelector("form"), "sweeps", params), shown = found(block, state), plot = section.querySelector(".plot");
    section.querySelector(".scroll").replaceChildren(shown.length ? table(block, shown) : element("p", { class: "note" }, "No such line in this run."));
    plot.hidden = !shown.length;
    if (!shown.length) return;
    const from = Math.max(0, Number(state.from) || 0), to = Math.min(1, Number(state.to) || 1), high = height(shown.length);
    plot.style.height = `${shown.length * high + FOOT}px`;
    const made = await chart(plot, `Line charts of the error in ulps over the input, ${state.op}, ${state.quantity}, ${state.dtype}, one for each of: ${shown.map(({ names }) => names[0]).join(", ")}. The table below has their figures.`, option(shown, from, to));
    made.resize();
    const canvas = made.getZr();
    canvas.off("click");
    canvas.on("click", event => {
      const n = Math.min(shown.length - 1, Math.max(0, Math.floor(event.offsetY / high)));
      const [x] = made.convertFromPixel({ gridIndex: n }, [event.offsetX, event.offsetY]);
      const middle = x / shown[0].mean.length, half = (to - from) / CLOSER / 2;
      const { from: _, to: __, ...others } = state;
      pages.go("sweeps", { ...others, from: Math.max(0, middle - half).toFixed(5), to: Math.min(1, middle + half).toFixed(5) });
    });
  },
};
}
