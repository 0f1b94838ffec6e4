// Charts by ECharts, in SVG. Colours are the page's CSS variables: a change of colour scheme, or print, redraws nothing.
// framework -> its shape, in a box around (18, 6); all others share one
const SHAPES = new Map(Object.entries({
  torch: "M14 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0", tensorflow: "M18 1.5l4.5 8.5h-9z", jax: "M14.5 2.5h7v7h-7z", numpy: "M18 1l5 5l-5 5l-5-5z",
}));
const DASHES = new Map(Object.entries({ eager: [], jit: [6, 4], compile: [6, 4], function: [2, 3], xla: [9, 3, 2, 3], session: [14, 4] }));
const colour = framework => `var(--${SHAPES.has(framework) ? framework : "other"})`;
const shape = framework => SHAPES.get(framework) ?? "M16.5 1h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z";
const dash = mode => DASHES.get(mode) ?? [1, 4];

// What stands for a framework, and the line of a mode through it where one is given; a copy of what the chart draws.
function swatch(framework, mode) {
  const [left, width] = mode === undefined ? [12, 12] : [0, 36], made = document.createElement("template");
  const line = mode === undefined ? "" : `<path d="M0 6H36" stroke-dasharray="${dash(mode).join(" ")}"/>`;
  made.innerHTML = `<svg class="swatch" viewBox="${left} 0 ${width} 12" width="${width}" height="12" aria-hidden="true" stroke="${colour(framework)}" stroke-width="2">
    ${line}<path d="${shape(framework)}" fill="${colour(framework)}" stroke-width="1"/></svg>`;
  return made.content.firstChild;
}

// A logarithmic axis on which 0 and infinity have places of their own. `at` places a value.
function symlog(values, name) {
  const finite = values.filter(v => v > 0 && v < Infinity), zero = values.includes(0), infinite = values.some(v => !(v < Infinity));
  const low = finite.length ? Math.floor(Math.log10(Math.min(...finite))) : 0;
  const high = finite.length ? Math.max(low + 1, Math.ceil(Math.log10(Math.max(...finite)))) : 1;
  const label = t => t < low ? "0" : t > high ? "∞" : short(Number(`1e${t}`));
  return {
    at: v => v === null ? null : v === 0 ? low - 1 : v < Infinity ? Math.log10(v) : high + 1,
    axis: { ...AXIS, type: "value", name, nameGap: 22, nameTextStyle: { ...INK, align: "left" }, min: zero ? low - 1 : low, max: infinite ? high + 1 : high,
      interval: Math.ceil((high - low + 2) / 12), axisLabel: { ...INK, formatter: label, hideOverlap: true }, axisLine: { show: false } },
  };
}

const INK = { color: "var(--soft)", fontFamily: "inherit", fontSize: 12 };
const AXIS = { splitLine: { lineStyle: { color: "var(--line)" } }, axisLine: { onZero: false, lineStyle: { color: "var(--soft)" } }, axisTick: { show: false } };
const TIP = { confine: true, transitionDuration: 0, backgroundColor: "var(--card)", borderColor: "var(--line)", textStyle: { color: "var(--ink)", fontFamily: "inherit", fontSize: 13 } };

// A logarithmic axis for what is above 0.
const logarithmic = (name, base, formatter) => ({ ...AXIS, type: "log", logBase: base, name, nameLocation: "middle", nameGap: 32, nameTextStyle: INK, axisLabel: { ...INK, margin: 12, hideOverlap: true, formatter } });

// Draw into a box, which keeps its chart; `description` is what a screen reader says of it.
async function chart(box, description, option) {
  await library("echarts");
  if (!box.chart) {
    box.chart = echarts.init(box, null, { renderer: "svg" });
    new ResizeObserver(() => box.chart.resize()).observe(box);
    addEventListener("beforeprint", () => { box.chart.resize(PAPER); box.chart.getZr().flush(); });  // no frame is drawn before it prints
    addEventListener("afterprint", () => box.chart.resize({ width: "auto", height: "auto" }));
  }
  box.chart.setOption({ animation: false, aria: { enabled: true, label: { description } }, ...option }, { notMerge: true });
  return box.chart;
}
