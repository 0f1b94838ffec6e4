// Accuracy against speed: a dot a target, named, and numbered as the lines of the table below.
{
let point;  // shows the dot of a line of the table
const METRICS = { ulp: "worst ulp", bound: "error / bound of class S" };
const seconds = s => [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]].filter(([, size]) => s >= size || size === 1e-9).map(([unit, size]) => `${Number((s / size).toPrecision(3))} ${unit}`)[0];
const times = relative => `${short(Number(relative.toPrecision(3)))}×`;

// The dots of a choice, fastest first, with their error by the metric; null where the run holds no answer of theirs.
function dots(block, { op, shape, dtype, quantity, metric }) {
  const wanted = [op, shape, dtype, quantity], found = block.pages["trade-off"].find(entry => wanted.every((word, n) => entry[n] === word));
  return (found?.at(-1) ?? []).map((dot, n) => {
    const [error, i] = dot.errors[metric] ?? [null, null];
    return { ...dot, n: n + 1, i, low: revive(dot.low), high: revive(dot.high), error: revive(error), first: dot.front.includes(metric) };
  });
}

const drawn = found => found.filter(({ error }) => error !== null);

// What tells a function from the others at its dot: its name without the modules that it is in.
const brief = ({ name, mode }) => `${name.split("(")[0].split(".").at(-1) || name.slice(0, 24)} @${mode}`;

const relation = ({ relative, low, high }) => times(relative) + (low === null || high === low ? "" : ` (${times(low)} to ${times(high)})`);

function tip(dot, metric) {
  return element("div", { class: "tip" }, element("strong", {}, `${dot.n}. ${dot.name} @${dot.mode}`),
    element("div", {}, `${seconds(dot.seconds)}, ${relation(dot)} the fastest; ${METRICS[metric]} ${short(dot.error)}${dot.first ? "; on the front" : ""}`));
}

function option(found, metric) {
  const { at, axis } = symlog(found.map(({ error }) => error), METRICS[metric]);
  const reached = found.flatMap(({ relative, low, high }) => [relative, low, high].filter(v => v > 0 && v < Infinity));
  const left = Math.min(1, ...reached) * 0.9, right = Math.max(2, ...reached) * 1.1;
  const front = found.filter(({ first }) => first).map(({ relative, error }) => [relative, at(error)]);
  const bars = found.flatMap(({ low, high, error }) => low === null ? [] : [[Math.max(low, left), at(error)], [Math.min(high, right), at(error)], [null, null]]);
  const place = dot => ({ value: [dot.relative, at(dot.error)], dot, symbol: `path://${shape(dot.framework)}`, itemStyle: { color: colour(dot.framework) } });
  return {
    grid: { left: 12, right: 24, top: 44, bottom: 34, containLabel: true },
    xAxis: { ...logarithmic("time over the fastest", 2, v => v === left || v === right ? "" : times(v)), min: left, max: right },
    yAxis: axis,
    tooltip: { ...TIP, trigger: "item", formatter: ({ data: { dot } }) => tip(dot, metric) },
    series: [
      { type: "line", data: [[front[0]?.[0], axis.max], ...front, [right, front.at(-1)?.[1]]], step: "end", symbol: "none", silent: true, z: 1, lineStyle: { color: "var(--soft)", type: [5, 4], width: 1.5 } },
      { type: "line", data: bars, symbol: "none", silent: true, z: 1, lineStyle: { color: "var(--ink)", width: 1.5 } },
      { type: "scatter", symbolSize: 15, data: found.map(place), itemStyle: { borderColor: "var(--card)", borderWidth: 1, opacity: 1 }, emphasis: { scale: 1.5 }, labelLayout: { hideOverlap: true },
        label: { show: true, position: "top", distance: 3, formatter: ({ data: { dot } }) => `${dot.n} ${brief(dot)}`, ...INK, color: "var(--ink)" } },
    ],
  };
}

function table(block, found, { op, shape, dtype, metric }) {
  const head = ["", "Implementation @ mode", "Median", "Over the fastest", METRICS[metric][0].toUpperCase() + METRICS[metric].slice(1), "Front"];
  return element("table", { class: "plain dots" }, element("caption", { class: "unseen" }, `${op}, ${shape}, ${dtype}: time and ${METRICS[metric]}, fastest first`),
    element("thead", {}, element("tr", {}, ...head.map((text, n) => element("th", { scope: "col", class: [2, 3, 4].includes(n) ? "n" : "" }, text || element("span", { class: "unseen" }, "Number"))))),
    element("tbody", {}, ...found.map(dot => element("tr", { "data-n": dot.n, class: dot.first ? "front" : "" }, element("td", {}, String(dot.n)),
      element("th", { scope: "row" }, swatch(dot.framework), element("code", {}, ...named(dot.name)), " ", element("span", { class: "mode" }, "@" + dot.mode),
        ...dot.also ? [" ", element("span", { class: "mode" }, `and ${dot.also} name${dot.also === 1 ? "" : "s"}`)] : []),
      element("td", { class: "n" }, seconds(dot.seconds)), element("td", { class: "n" }, relation(dot)),
      element("td", { class: "n" }, dot.error === null ? "no answer asked" : element("a", { href: "#case?r=" + encodeURIComponent(address(block, dot.i)) }, short(dot.error))),
      element("td", {}, dot.first ? "on the front" : "")))));
}

pages["trade-off"] = {
  async show(section, params, block) {
    const state = choices(section.querySelector("form"), "trade-off", params), all = dots(block, state), found = drawn(all);
    const plot = section.querySelector(".plot"), rows = section.querySelector(".scroll");
    section.querySelector(".key").replaceChildren(...[...new Set(all.map(({ framework }) => framework))].map(framework => element("li", {}, swatch(framework), framework)));
    rows.replaceChildren(all.length ? table(block, all, state) : element("p", { class: "note" }, "No such question was timed in this run."));
    plot.hidden = !found.length;
    if (!found.length) return;
    const made = await chart(plot, `Scatter chart of ${METRICS[state.metric]} against time, ${state.op}, ${state.shape}, ${state.dtype}. Dots: ${found.length}. The table below has its numbers.`, option(found, state.metric));
    if (!point) for (const event of ["mouseover", "focusin", "mouseleave"]) rows.addEventListener(event, ({ target }) => point(target));
    point = target => {
      const place = found.findIndex(({ n }) => String(n) === target.closest("tr")?.dataset.n);
      made.dispatchAction(place < 0 ? { type: "hideTip" } : { type: "showTip", seriesIndex: 2, dataIndex: place });
    };
    made.off("click");
    made.on("click", ({ data: { dot } }) => pages.go("case", { r: address(block, dot.i) }));
  },
};
}
