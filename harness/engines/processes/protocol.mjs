// The process protocol for programs in JavaScript: docs/protocol.md describes it.
import { readSync, writeSync } from "node:fs";

const VERSION = 1;
const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array, // the bits
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
};

/** Thrown by an answer where something is not offered: it is no failure. */
export class Unsupported extends Error {}

let ahead = Buffer.alloc(0); // what was read beyond a line

/** Read into a buffer from a place on; returns how many bytes came, and ends the process where nobody asks any more. */
function fill(buffer, from) {
  const count = readSync(0, buffer, from, buffer.length - from);
  if (count === 0) process.exit(0);
  return count;
}

function line() {
  for (;;) {
    const end = ahead.indexOf(10);
    if (end >= 0) {
      const text = ahead.toString("utf8", 0, end);
      ahead = ahead.subarray(end + 1);
      return text;
    }
    const piece = Buffer.alloc(65536);
    ahead = Buffer.concat([ahead, piece.subarray(0, fill(piece, 0))]);
  }
}

function bytes(count) {
  const all = Buffer.alloc(count);
  let have = ahead.copy(all);
  ahead = ahead.subarray(have);
  while (have < count) have += fill(all, have);
  return all;
}

function split(text) {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function read() {
  const [kind, number] = split(line());
  const message = { kind, number, options: {}, arrays: {} };
  const announced = [];
  for (let text = line(); text !== ""; text = line()) {
    const [word, rest] = split(text);
    if (word === "array") announced.push(rest.split(" "));
    else if (word === "option") message.options[split(rest)[0]] = split(rest)[1];
    else message[word] = rest;
  }
  for (const [name, dtype, ...lengths] of announced) {
    const shape = lengths.map(Number);
    const count = shape.reduce((product, length) => product * length, 1);
    const { buffer, byteOffset } = bytes(count * TYPES[dtype].BYTES_PER_ELEMENT);
    const data = new TYPES[dtype](buffer, byteOffset, count);
    message.arrays[name] = { dtype, shape, data };
  }
  return message;
}

function write(head, arrays = {}) {
  const lines = [...head];
  for (const [name, { dtype, shape }] of Object.entries(arrays)) lines.push(["array", name, dtype, ...shape].join(" "));
  const parts = [Buffer.from(lines.map((text) => `${text}\n`).join("") + "\n")];
  for (const { data } of Object.values(arrays)) parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const all = Buffer.concat(parts);
  for (let done = 0; done < all.length; ) done += writeSync(1, all, done);
}

/**
 * Answer until nobody asks any more.
 * offer: lines such as "mode cpu" and "function softmax tf.softmax"; answer: of {function, mode, quantity, options,
 * arrays}, a promise of arrays {dtype, shape, data} by name.
 */
export async function serve(offer, answer) {
  console.log = console.info = console.error; // standard output is for messages alone
  for (;;) {
    const question = read();
    if (question.kind === "hello") {
      write([`offer ${VERSION}`, ...offer]);
      continue;
    }
    try {
      write([`answer ${question.number}`], await answer(question));
    } catch (error) {
      const kind = error instanceof Unsupported ? "unsupported" : "failed";
      write([`${kind} ${question.number}`, `why ${String(error?.message ?? error).split("\n")[0]}`]);
    }
  }
}
