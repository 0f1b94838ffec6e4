// Builds <library>.js and the licences of all that is in it, and writes down what they were made of and their hashes.
// `nox -s vendor` calls it where npm has installed what the lock file names; the same lock file gives the same bytes.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const LIBRARIES = { "ag-grid": "agGrid", echarts: "echarts" }; // entry file -> global of its bundle
const [into] = process.argv.slice(2);

async function bundle(name) {
  const { metafile, outputFiles } = await build({
    entryPoints: [`${name}.mjs`], globalName: LIBRARIES[name], bundle: true, minify: true, write: false, metafile: true,
    format: "iife", target: "es2022", legalComments: "none", define: { "process.env.NODE_ENV": '"production"' },
  });
  const folders = Object.keys(metafile.inputs).map(path => path.match(/^node_modules\/(@[^/]+\/)?[^/]+/)?.[0]);
  return [outputFiles[0].text, [...new Set(folders)].filter(Boolean).sort()];
}

// The licence files of a package: at its top, and in a folder of their own where there are more.
async function licences(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const more = entries.some(entry => entry.name === "licenses") ? await licences(join(folder, "licenses")) : [];
  const files = entries.filter(entry => entry.isFile() && /^(LICEN[CS]E|NOTICE)/i.test(entry.name));
  return [...files.map(file => join(folder, file.name)).sort(), ...more];
}

async function library(name) {
  const [code, folders] = await bundle(name);
  const packages = {}, texts = [];
  for (const folder of folders) {
    const made = JSON.parse(await readFile(join(folder, "package.json"), "utf8")), files = await licences(folder);
    if (!files.length) throw new Error(`${folder} has no licence file; its package.json names ${made.license}`);
    packages[made.name] = `${made.version}, ${made.license}`;
    for (const file of files) texts.push(`${made.name} ${made.version}: ${basename(file)}\n\n${(await readFile(file, "utf8")).trim()}\n`);
  }
  const files = { [`${name}.js`]: code, [`${name}.licences.txt`]: texts.join(`\n${"-".repeat(80)}\n\n`).replaceAll("\r\n", "\n") };
  const sha256 = {};
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(into, file), text);
    sha256[file] = createHash("sha256").update(text).digest("hex");
  }
  return { packages, sha256 };
}

const manifest = {};
for (const name of Object.keys(LIBRARIES)) manifest[name] = await library(name);
await writeFile(join(into, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
