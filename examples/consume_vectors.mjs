// Reads the test vectors of xentbench in JavaScript: checks their form, and scores the textbook formulas in doubles.
//
//   node examples/consume_vectors.mjs [FOLDER]        (default: reference/vectors beside this folder)
//
// It needs no packages. It ends with 1 where the data is malformed; how far JavaScript is off is no error.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FORMATS = {
  // bits of the pattern, precision with the hidden bit, smallest and largest normal exponent
  f64: { width: 64, precision: 53, emin: -1022, emax: 1023 },
  f32: { width: 32, precision: 24, emin: -126, emax: 127 },
  f16: { width: 16, precision: 11, emin: -14, emax: 15 },
  bf16: { width: 16, precision: 8, emin: -126, emax: 127 },
};
const SHORT = { float64: "f64", float32: "f32", float16: "f16", bfloat16: "bf16" };
const LOWEST = -5000; // a smaller e2 is as good as this one: below every format's reach

class Malformed extends Error {}
const expect = (condition, message) => {
  if (!condition) throw new Malformed(message);
};

// ---- numbers: hex floats, and exact sums of them as BigInt mantissa times two to an exponent

function parseHex(text) {
  if (text === "inf" || text === "-inf") return text === "inf" ? Infinity : -Infinity;
  if (text === "nan") return NaN;
  const found = /^(-?)0x([01])(?:\.([0-9a-f]*[1-9a-f]))?p([+-]\d+)$/.exec(text);
  expect(found, `number is ${text}, expected a hex float`);
  const [, sign, whole, digits = "", exponent] = found;
  expect(digits.length <= 13, `number is ${text}, expected at most 13 hex digits`);
  const mantissa = parseInt(whole + digits, 16); // at most 53 bits: exact
  // In two steps, because 2 ** -1074 * mantissa is exact, but 2 ** -1074 / 2 ** 52 on the way is not there.
  const shift = Number(exponent) - 4 * digits.length;
  const half = Math.trunc(shift / 2);
  const value = mantissa * 2 ** half * 2 ** (shift - half);
  return sign ? -value : value;
}

const view = new DataView(new ArrayBuffer(8));

function exactly(value) {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const digits = bits & 0xfffffffffffffn;
  const m = field ? digits | 0x10000000000000n : digits;
  return { m: bits >> 63n ? -m : m, e: (field || 1) - 1075 };
}

function add(a, b) {
  const e = Math.min(a.e, b.e);
  return { m: (a.m << BigInt(a.e - e)) + (b.m << BigInt(b.e - e)), e };
}

const negative = ({ m, e }) => ({ m: -m, e });
const size = (m) => (m < 0n ? -m : m);
const floorLog2 = ({ m, e }) => size(m).toString(2).length - 1 + e;

function truthOf({ hi, lo, e2 }) {
  const sum = add(exactly(parseHex(hi)), exactly(parseHex(lo)));
  return { m: sum.m, e: sum.e + Math.max(e2, LOWEST) };
}

/**
 * hi, pushed a little to lo's side. Rounding looks at hi, and at the sign of lo where hi is a tie; hi + lo itself may be
 * a tie that the exact value, which has more digits than both, is not.
 */
function nudged({ hi, lo, e2 }) {
  const { m, e } = exactly(parseHex(hi));
  return { m: (m << 60n) + BigInt(Math.sign(parseHex(lo))), e: e - 60 + Math.max(e2, LOWEST) };
}

/** The bit pattern of a value, rounded to nearest, ties to even. */
function rounded(value, { width, precision, emin, emax }) {
  const fields = BigInt(width - precision); // exponent bits
  const sign = value.m < 0n ? 1n << BigInt(width - 1) : 0n;
  if (value.m === 0n) return sign;
  const quantum = Math.max(floorLog2(value), emin) - precision + 1;
  const shift = BigInt(quantum - value.e);
  let whole = size(value.m);
  if (shift <= 0n) whole <<= -shift;
  else {
    const rest = whole & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    whole >>= shift;
    if (rest > half || (rest === half && whole & 1n)) whole += 1n;
  }
  // A carry into the next binade is what adding 1 to a bit pattern does.
  const hidden = 1n << BigInt(precision - 1);
  const biased = BigInt(quantum + precision - 1 - emin) * hidden + whole; // subnormals have no hidden bit
  const infinite = ((1n << fields) - 1n) << BigInt(precision - 1);
  const pattern = whole === 0n ? 0n : biased;
  return sign | (pattern >= infinite || quantum + precision - 1 > emax ? infinite : pattern);
}

/** |got - exact| in units of the last place of float64, at the exact value. */
function ulps(got, out) {
  const hi = parseHex(out.hi);
  if (!Number.isFinite(hi)) return Object.is(got, hi) ? 0 : Infinity;
  if (Number.isNaN(got)) return Infinity;
  const truth = truthOf(out);
  if (!Number.isFinite(got)) return BigInt(`0x${out.cr.f64}`) === patternOf(got) ? 0 : Infinity;
  const ulp = Math.max(truth.m === 0n ? -Infinity : floorLog2(truth), -1022) - 52;
  const off = add(exactly(got), negative(truth));
  const scaled = off.e - ulp + 20; // twenty bits behind the point
  const count = scaled >= 0 ? size(off.m) << BigInt(scaled) : size(off.m) >> BigInt(-scaled);
  // Noise beside an exact 0 is up to 2 ** 1074 of them: less is left behind the point than a double has room for.
  return count < 1n << 60n ? Number(count) / 2 ** 20 : Number(count >> 20n);
}

function patternOf(value) {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

// ---- the formulas, as a JavaScript user would write them

const sum = (values) => values.reduce((a, b) => a + b, 0);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logsumexp = (x) => {
  const peak = Math.max(...x);
  return peak + Math.log(sum(x.map((v) => Math.exp(v - peak))));
};
const softmax = (x) => {
  const peak = Math.max(...x);
  const e = x.map((v) => Math.exp(v - peak));
  const total = sum(e);
  return e.map((v) => v / total);
};
const logSoftmax = (x) => {
  const lse = logsumexp(x);
  return x.map((v) => v - lse);
};
const dot = (a, b) => sum(a.map((v, i) => v * b[i]));

const binary = (x, z) => z * softplus(-x) + (1 - z) * softplus(x);
const missed = (x, z) => z * sigmoid(-x) + (1 - z) * sigmoid(x); // 1 - p of what is right
const focal = (p, y) => (1 - p) ** 2 * y;
const poly = (p, y) => y + 2 * (1 - p);
const shaped = (x, f) => softmax(x).map((p, j) => f(p, -logSoftmax(x)[j]));
/** The gradient of sum z f, f a function of a class's p and y = -log p; slope is its derivative by y. */
const through = (x, z, g, slope) => {
  const slopes = shaped(x, slope).map((s, j) => z[j] * s);
  return softmax(x).map((p, j) => g[0] * (p * sum(slopes) - slopes[j]));
};
/** The rows that a loss in two steps is of, and where its label is in each. */
const steps = (x, label) => {
  const half = Math.floor(x.length / 2);
  const head = { row: [...x.slice(0, half), 0], at: Math.min(label, half) };
  return label < half ? [head] : [head, { row: x.slice(half), at: label - half }];
};

const FORMULAS = {
  "softmax/value": ({ x }) => softmax(x),
  "softmax/grad_logits": ({ x, g }) => {
    const p = softmax(x);
    const mean = dot(p, g);
    return p.map((v, j) => v * (g[j] - mean));
  },
  "log_softmax/value": ({ x }) => logSoftmax(x),
  "log_softmax/grad_logits": ({ x, g }) => softmax(x).map((p, j) => g[j] - p * sum(g)),
  "logsumexp/value": ({ x }) => [logsumexp(x)],
  "logsumexp/grad_logits": ({ x, g }) => softmax(x).map((p) => g[0] * p),
  "sparse_xent/value": ({ x, label }) => [-logSoftmax(x)[label]],
  "sparse_xent/grad_logits": ({ x, g, label }) => softmax(x).map((p, j) => g[0] * (p - (j === label ? 1 : 0))),
  "dense_xent/value": ({ x, z }) => [-dot(z, logSoftmax(x))],
  "dense_xent/grad_logits": ({ x, z, g }) => softmax(x).map((p, j) => g[0] * (sum(z) * p - z[j])),
  "dense_xent/grad_labels": ({ x, g }) => logSoftmax(x).map((y) => -g[0] * y),
  "sigmoid/value": ({ x }) => x.map(sigmoid),
  "sigmoid/grad_logits": ({ x, g }) => x.map((v, j) => g[j] * sigmoid(v) * (1 - sigmoid(v))),
  "log_sigmoid/value": ({ x }) => x.map((v) => -softplus(-v)),
  "log_sigmoid/grad_logits": ({ x, g }) => x.map((v, j) => g[j] * sigmoid(-v)),
  "sigmoid_xent/value": ({ x, z, q }) => x.map((v, j) => q * z[j] * softplus(-v) + (1 - z[j]) * softplus(v)),
  "sigmoid_xent/grad_logits": ({ x, z, g, q }) =>
    x.map((v, j) => g[j] * ((1 - z[j]) * sigmoid(v) - q * z[j] * sigmoid(-v))),
  "sigmoid_xent/grad_labels": ({ x, g, q }) => x.map((v, j) => g[j] * (q * softplus(-v) - softplus(v))),
  "kl_div/value": ({ x, z }) => x.map((v, j) => z[j] * (Math.log(z[j]) - v)),
  "kl_div/grad_logits": ({ x, z, g }) => x.map((_, j) => -g[j] * z[j]),
  "kl_div/grad_labels": ({ x, z, g }) => x.map((v, j) => g[j] * (Math.log(z[j]) + 1 - v)),
  "entropy/value": ({ x }) => [-dot(softmax(x), logSoftmax(x))],
  "entropy/grad_logits": ({ x, g }) => {
    const [p, y] = [softmax(x), logSoftmax(x)];
    return p.map((v, j) => g[0] * v * (dot(p, y) - y[j]));
  },
  "bernoulli_entropy/value": ({ x }) => x.map((v) => sigmoid(v) * softplus(-v) + sigmoid(-v) * softplus(v)),
  "bernoulli_entropy/grad_logits": ({ x, g }) => x.map((v, j) => -g[j] * v * sigmoid(v) * sigmoid(-v)),
  "sigmoid_focal_xent/value": ({ x, z }) => x.map((v, j) => missed(v, z[j]) ** 2 * binary(v, z[j])),
  "sigmoid_focal_xent/grad_logits": ({ x, z, g }) =>
    x.map((v, j) => {
      const slope = 2 * (1 - 2 * z[j]) * sigmoid(v) * sigmoid(-v) * binary(v, z[j]);
      return g[j] * missed(v, z[j]) * (slope + missed(v, z[j]) * ((1 - z[j]) * sigmoid(v) - z[j] * sigmoid(-v)));
    }),
  "sigmoid_focal_xent/grad_labels": ({ x, z, g }) =>
    x.map((v, j) => {
      const slope = 2 * (sigmoid(-v) - sigmoid(v)) * binary(v, z[j]);
      return g[j] * missed(v, z[j]) * (slope - missed(v, z[j]) * v);
    }),
  "focal_xent/value": ({ x, z }) => [dot(z, shaped(x, focal))],
  "focal_xent/grad_logits": ({ x, z, g }) => through(x, z, g, (p, y) => (1 - p) ** 2 + 2 * (1 - p) * p * y),
  "focal_xent/grad_labels": ({ x, g }) => shaped(x, focal).map((f) => g[0] * f),
  "poly_xent/value": ({ x, z }) => [dot(z, shaped(x, poly))],
  "poly_xent/grad_logits": ({ x, z, g }) => through(x, z, g, (p) => 1 + 2 * p),
  "poly_xent/grad_labels": ({ x, g }) => shaped(x, poly).map((f) => g[0] * f),
  "adaptive_xent/value": ({ x, label }) => [sum(steps(x, label).map(({ row, at }) => -logSoftmax(row)[at]))],
  "adaptive_xent/grad_logits": ({ x, g, label }) => {
    const [head, tail] = steps(x, label).map(({ row, at }) => softmax(row).map((p, j) => g[0] * (p - (j === at ? 1 : 0))));
    return [...head.slice(0, -1), ...(tail ?? x.slice(head.length - 1).map(() => 0))];
  },
  "generalized_prob_xent/value": ({ x, label }) => [2 - 2 * Math.sqrt(x[label])],
  "generalized_prob_xent/grad_logits": ({ x, g, label }) =>
    x.map((p, j) => (j === label ? -g[0] / Math.sqrt(p) : 0)),
  "sparse_prob_xent/value": ({ x, label }) => [-Math.log(x[label])],
  "sparse_prob_xent/grad_logits": ({ x, g, label }) => x.map((p, j) => (j === label ? -g[0] / p : 0)),
  "dense_prob_xent/value": ({ x, z }) => [-dot(z, x.map(Math.log))],
  "dense_prob_xent/grad_logits": ({ x, z, g }) => x.map((p, j) => (-g[0] * z[j]) / p),
  "dense_prob_xent/grad_labels": ({ x, g }) => x.map((p) => -g[0] * Math.log(p)),
  "binary_prob_xent/value": ({ x, z }) => x.map((p, j) => -z[j] * Math.log(p) - (1 - z[j]) * Math.log1p(-p)),
  "binary_prob_xent/grad_logits": ({ x, z, g }) => x.map((p, j) => (g[j] * (p - z[j])) / (p * (1 - p))),
  "binary_prob_xent/grad_labels": ({ x, g }) => x.map((p, j) => g[j] * (Math.log1p(-p) - Math.log(p))),
};

/** The loss of hidden states times a weight, of labels by index or by class; an ignored row has the loss 0 and no gradient. */
function linear({ quantity, params, rows = 1, ...test }) {
  const [x, w, b, g] = [test.x, test.weight ?? [], test.bias, test.upstream].map((listed) => listed?.map(parseHex));
  const features = x.length / rows;
  const classes = w.length / features;
  expect(Number.isInteger(features), `length of x is ${x.length}, expected a multiple of ${rows}`);
  expect(Number.isInteger(classes), `length of weight is ${w.length}, expected a multiple of ${features}`);
  const cut = (listed, n) => Array.from({ length: listed.length / n }, (_, i) => listed.slice(i * n, (i + 1) * n));
  const [hidden, weight] = [cut(x, features), cut(w, features)];
  let labels;
  if (test.labels) {
    expect(test.labels.length === rows * classes, `length of labels is ${test.labels.length}, expected ${rows * classes}`);
    labels = cut(test.labels.map(parseHex), classes);
  } else {
    expect(test.label.length === rows, `length of label is ${test.label.length}, expected ${rows}`);
    const ignored = test.label.map((label) => label === params?.ignore_index);
    test.label.forEach((label, r) => expect(ignored[r] || weight[label], `label is ${label}`));
    labels = test.label.map((label, r) => weight.map((_, c) => (c === label && !ignored[r] ? 1 : 0)));
  }
  const mass = labels.map(sum); // 0 of an ignored row
  const logits = hidden.map((h) => weight.map((one, c) => dot(h, one) + (b ? b[c] : 0)));
  if (quantity === "value") return logits.map((row, r) => (mass[r] ? -dot(labels[r], logSoftmax(row)) : 0));
  const slopes = logits.map((row, r) => softmax(row).map((p, c) => g[r] * (mass[r] * p - labels[r][c])));
  const of = (c, f) => sum(slopes.map((slope, r) => slope[c] * (f === undefined ? 1 : hidden[r][f])));
  const each = [...Array(features).keys()];
  return {
    grad_hidden: () => slopes.flatMap((slope) => each.map((f) => sum(slope.map((v, c) => v * weight[c][f])))),
    grad_weight: () => weight.flatMap((_, c) => each.map((f) => of(c, f))),
    grad_bias: () => weight.map((_, c) => of(c)),
  }[quantity]();
}

function answer(test) {
  if (test.op.startsWith("linear_")) return linear(test);
  const formula = FORMULAS[`${test.op}/${test.quantity}`];
  expect(formula, `question is ${test.op}/${test.quantity}, expected one of ${Object.keys(FORMULAS).join(", ")}`);
  const rows = test.rows ?? 1;
  const n = test.x.length / rows;
  expect(Number.isInteger(n), `length of x is ${test.x.length}, expected a multiple of ${rows}`);
  const [x, z, g] = [test.x, test.labels ?? [], test.upstream ?? []].map((listed) => listed.map(parseHex));
  expect(!test.op.startsWith("sparse") || (test.label >= 0 && test.label < n), `label is ${test.label}`);
  const part = (listed, r) => listed.slice(r * n, (r + 1) * n);
  const q = test.params?.pos_weight ?? 1;
  const mean = test.params?.reduction === "mean";
  const perRow = [];
  for (let r = 0; r < rows; r++) {
    perRow.push(...formula({ x: part(x, r), z: part(z, r), g: mean ? g : part(g, r), q, label: test.label }));
  }
  if (!mean) return perRow;
  return test.quantity === "value" ? [sum(perRow) / rows] : perRow.map((v) => v / rows);
}

// ---- reading and checking

function checkOutput(out, dtype) {
  const names = Object.keys(out.cr);
  expect(names.includes("f64") && names.includes(SHORT[dtype]), `cr holds ${names}, expected f64 and ${SHORT[dtype]}`);
  expect(Number.isInteger(out.e2), `e2 is ${out.e2}, expected an integer`);
  expect(out.rad === null || (Number.isInteger(out.rad) && out.rad <= 0), `rad is ${out.rad}`);
  const hi = parseHex(out.hi);
  for (const name of names) {
    const form = FORMATS[name];
    expect(form && new RegExp(`^[0-9a-f]{${form.width / 4}}$`).test(out.cr[name]), `cr.${name} is ${out.cr[name]}`);
    const found = BigInt(`0x${out.cr[name]}`);
    const infinity = ((1n << BigInt(form.width - form.precision)) - 1n) << BigInt(form.precision - 1);
    const magnitude = found & ((1n << BigInt(form.width - 1)) - 1n);
    if (Number.isNaN(hi)) {
      expect(magnitude > infinity, `cr.${name} is ${out.cr[name]}, expected a nan`);
      continue;
    }
    const expected = Number.isFinite(hi)
      ? rounded(nudged(out), form)
      : infinity | (hi < 0 ? 1n << BigInt(form.width - 1) : 0n);
    expect(found === expected, `cr.${name} is ${out.cr[name]}, expected ${expected.toString(16)}`);
  }
}

function readFile(path) {
  const text = readFileSync(path, "utf8");
  const end = text.indexOf("\n") + 1;
  const header = JSON.parse(text.slice(0, end));
  expect(header.schema === "xentbench-vectors/1", `schema is ${header.schema}, expected xentbench-vectors/1`);
  const found = createHash("sha256").update(text.slice(end)).digest("hex");
  expect(found === header.sha256, `sha256 is ${found}, expected ${header.sha256}`);
  const tests = text.slice(end).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { header, tests };
}

function score(test, header) {
  expect(test.op === header.op, `op is ${test.op}, expected ${header.op}`);
  for (const flag of test.flags) expect(header.notes[flag], `flag ${flag} has no note`);
  const got = answer(test);
  const at = test.at ?? got.map((_, j) => j);
  expect(at.length === test.out.length, `length of out is ${test.out.length}, expected ${at.length}`);
  test.out.forEach((out) => checkOutput(out, test.dtype_in));
  if (test.result === "acceptable") return 0; // any answer is
  return Math.max(...test.out.map((out, k) => ulps(got[at[k]], out)));
}

function main(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl")).sort();
  const table = new Map(); // flag -> op -> worst
  const worst = [];
  let malformed = files.length ? 0 : 1;
  if (!files.length) console.error(`folder ${folder} holds no .jsonl files`);
  for (const name of files) {
    let file;
    try {
      file = readFile(join(folder, name));
    } catch (error) {
      malformed++;
      console.error(`${name}: ${error.message}`);
      continue;
    }
    const top = { op: file.header.op, tests: file.tests.length, values: 0, ulp: 0, id: "", lost: 0 };
    for (const test of file.tests) {
      let ulp;
      try {
        ulp = score(test, file.header);
      } catch (error) {
        malformed++;
        console.error(`${name}: ${test.id}: ${error.message}`);
        continue;
      }
      top.values += test.out.length;
      if (ulp === Infinity) top.lost++;
      else if (ulp > top.ulp) [top.ulp, top.id] = [ulp, test.id];
      for (const flag of test.flags.length ? test.flags : ["(none)"]) {
        if (!table.has(flag)) table.set(flag, new Map());
        const row = table.get(flag);
        row.set(test.op, Math.max(row.get(test.op) ?? 0, ulp));
      }
    }
    worst.push(top);
  }
  print(table, worst);
  return malformed;
}

const short = (ulp) => (ulp === undefined ? "" : ulp === Infinity ? "inf" : ulp < 1e4 ? ulp.toFixed(2) : ulp.toExponential(1));

function print(table, worst) {
  const ops = worst.map((top) => top.op);
  console.log("Largest error of the textbook formulas in doubles, in ulps of float64; inf: nan, or infinite on one side only\n");
  console.log(["flag".padEnd(20), ...ops.map((op) => op.padStart(12))].join(" "));
  for (const flag of [...table.keys()].sort()) {
    console.log([flag.padEnd(20), ...ops.map((op) => short(table.get(flag).get(op)).padStart(12))].join(" "));
  }
  console.log("");
  for (const { op, tests, values, ulp, id, lost } of worst) {
    console.log(`${op}: ${tests} tests, ${values} values, ${lost} tests lost to inf or nan; worst ${short(ulp)} ulp: ${id}`);
  }
}

const here = dirname(fileURLToPath(import.meta.url));
process.exitCode = main(process.argv[2] ?? join(here, "..", "reference", "vectors")) ? 1 : 0;
