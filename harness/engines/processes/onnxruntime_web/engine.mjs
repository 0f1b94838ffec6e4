// ONNX Runtime Web by the process protocol, on its WebAssembly backend with one thread: it runs the model it is given.
import { createRequire } from "node:module";
import { serve, Unsupported } from "../protocol.mjs";

const require = createRequire(process.argv[2]); // a file of the folder that has the packages
const ort = require("onnxruntime-web");
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const sessions = new Map(); // by their model's bytes: each is made once
const REFUSALS = /not implemented|unsupported|is not supported|could not find an implementation|NOT_IMPLEMENTED|INVALID_GRAPH/i;

async function session(bytes) {
  const key = Buffer.from(bytes).toString("base64");
  if (!sessions.has(key)) {
    try {
      sessions.set(key, await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 }));
    } catch (error) {
      throw REFUSALS.test(error.message) ? new Unsupported(error.message.split("\n")[0]) : error;
    }
  }
  return sessions.get(key);
}

async function answer({ arrays: { model, ...given } }) {
  const made = await session(model.data);
  const feeds = {};
  Object.values(given).forEach(({ dtype, data, shape }, place) => {
    feeds[made.inputNames[place]] = new ort.Tensor(dtype, data, shape);
  });
  const { type, data, dims } = (await made.run(feeds))[made.outputNames[0]];
  return { value: { dtype: type, data, shape: dims } };
}

const offer = [`fact onnxruntime-web ${ort.env.versions.web}`, `fact node ${process.version}`, "function softmax onnx"];
await serve(offer, answer);
