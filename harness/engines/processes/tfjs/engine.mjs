// TensorFlow.js by the process protocol: its public functions under the names that its users know, a backend a mode.
import { createRequire } from "node:module";
import { serve, Unsupported } from "../protocol.mjs";

const require = createRequire(process.argv[2]); // a file of the folder that has the packages
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-backend-wasm");

const REDUCTIONS = {
  none: tf.Reduction.NONE,
  sum: tf.Reduction.SUM,
  mean: tf.Reduction.SUM_BY_NONZERO_WEIGHTS, // without weights, over all
  mean_nonzero: tf.Reduction.SUM_BY_NONZERO_WEIGHTS,
  mean_sampleweight: tf.Reduction.MEAN,
};

const repeated = (pattern, count) => {
  const numbers = pattern.split(" ").map(Number);
  return Array.from({ length: count }, (_, place) => numbers[place % numbers.length]);
};

/** The weights of the rows, or none. */
const rowWeights = ({ sample_weight: pattern }, logits, column) => {
  if (pattern === undefined) return undefined;
  const weights = tf.tensor1d(repeated(pattern, logits.shape[0]));
  return column ? weights.expandDims(1) : weights;
};

const reduction = ({ reduction: name = "none", sample_weight: pattern }) => {
  if (!(name in REDUCTIONS) || (name === "mean" && pattern !== undefined)) {
    throw new Unsupported(`reduction is ${name}, expected NONE, SUM, MEAN or SUM_BY_NONZERO_WEIGHTS as tf.losses has them`);
  }
  return REDUCTIONS[name];
};

const lastAxis = ({ axis = "-1" }, logits) => {
  const at = Number(axis);
  if (at !== -1 && at !== logits.shape.length - 1) throw new Unsupported(`axis is ${at}, expected the last: no other is supported yet`);
  return at;
};

const softmaxLoss = (labels, logits, options) =>
  tf.losses.softmaxCrossEntropy(
    ...[labels, logits, rowWeights(options, logits, false), Number(options.label_smoothing ?? 0), reduction(options)],
  );

// op, name, what is computed of tensors and options, and the lines that say what is offered beside the value.
const GRADIENT = ["quantity value", "quantity grad_logits"];
const LABELS = [...GRADIENT, "quantity grad_labels"];
const LOSS = ["option reduction", "option sample_weight", "option label_smoothing"];
const FUNCTIONS = [
  ["softmax", "tf.softmax", ([x], o) => tf.softmax(x, lastAxis(o, x)), [...GRADIENT, "option axis"]],
  ["log_softmax", "tf.logSoftmax", ([x], o) => tf.logSoftmax(x, lastAxis(o, x)), [...GRADIENT, "option axis"]],
  ["logsumexp", "tf.logSumExp", ([x], o) => tf.logSumExp(x, Number(o.axis ?? -1)), [...GRADIENT, "option axis"]],
  ["sigmoid", "tf.sigmoid", ([x]) => tf.sigmoid(x), GRADIENT],
  ["log_sigmoid", "tf.logSigmoid", ([x]) => tf.logSigmoid(x), GRADIENT],
  ["dense_xent", "tf.losses.softmaxCrossEntropy", ([x, y], o) => softmaxLoss(y, x, o), [...LABELS, ...LOSS]],
  [
    "sigmoid_xent",
    "tf.losses.sigmoidCrossEntropy",
    ([x, z], o) =>
      tf.losses.sigmoidCrossEntropy(
        ...[z, x, rowWeights(o, x, true), Number(o.label_smoothing ?? 0), reduction(o)],
      ),
    [...LABELS, ...LOSS],
  ],
  [
    "binary_prob_xent",
    "tf.losses.logLoss",
    ([p, z], o) => tf.losses.logLoss(z, p, undefined, undefined, reduction(o)),
    LABELS,
  ],
  ["dense_prob_xent", "tf.metrics.categoricalCrossentropy", ([p, y]) => tf.metrics.categoricalCrossentropy(y, p), LABELS],
  [
    "sparse_xent",
    "tf.losses.softmaxCrossEntropy(tf.oneHot(labels, classes), logits)",
    ([x, y], o) => softmaxLoss(tf.oneHot(y, x.shape[1]), x, o),
    ["kind composed", ...GRADIENT, ...LOSS],
  ],
  ["log_softmax", "tf.log(tf.softmax(logits))", ([x]) => tf.log(tf.softmax(x)), ["kind naive", ...GRADIENT]],
  [
    "sigmoid_xent",
    "tf.losses.logLoss(labels, tf.sigmoid(logits))",
    ([x, z], o) => tf.losses.logLoss(z, tf.sigmoid(x), undefined, undefined, reduction(o)),
    ["kind naive", ...GRADIENT],
  ],
];
const BY_NAME = new Map(FUNCTIONS.map(([op, name, compute]) => [`${op} ${name}`, compute]));
const PLACES = { grad_logits: 0, grad_labels: 1 };

/** An array as a tensor; class indices are int32, as TensorFlow.js has no wider integers. */
const tensor = ({ dtype, shape, data }) =>
  dtype === "int64" ? tf.tensor(Int32Array.from(data, Number), shape, "int32") : tf.tensor(data, shape, "float32");

const array = (answer) => ({ dtype: "float32", shape: answer.shape, data: answer.dataSync() });

async function answer({ function: called, mode, quantity, options, arrays }) {
  if (tf.getBackend() !== mode) await tf.setBackend(mode);
  const compute = BY_NAME.get(called);
  tf.engine().startScope(); // as tf.tidy, which would walk through every number of what is returned
  try {
    const { upstream, ...named } = arrays;
    const given = Object.values(named).map(tensor);
    if (quantity === "value") return { value: array(compute(given, options)) };
    const place = PLACES[quantity];
    const of = (x) => compute(given.map((each, at) => (at === place ? x : each)), options);
    const { value, grad } = tf.valueAndGrad(of)(given[place], tensor(upstream));
    return { value: array(value), gradient: array(grad) };
  } finally {
    tf.engine().endScope();
  }
}

await tf.ready();
const offer = [
  `fact tfjs ${tf.version.tfjs}`,
  `fact node ${process.version}`,
  "mode cpu",
  "mode wasm",
  ...FUNCTIONS.flatMap(([op, name, , lines]) => [`function ${op} ${name}`, ...lines]),
];
await serve(offer, answer);
