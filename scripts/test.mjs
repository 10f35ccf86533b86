// SPDX-License-Identifier: Apache-2.0
// Runs every layer of tests this machine can run, and says what it left out. Plain JavaScript: `npm test` may be the
// first thing typed in a fresh clone.
import { parseArgs } from "node:util";
import { ensureInstalled } from "./install.mjs";
import { LAYERS } from "./layers.mjs";
import { MissingProgram } from "./programs.mjs";

const EXIT_USAGE = 2;
const EXIT_INVALID = 3;
const USAGE = "npm test -- [--only NAME[,NAME]] [--skip NAME[,NAME]] [--list]";
const NONE = { passed: 0, failed: 0, skipped: 0 };

/** What became of a layer; `left` says why it did not run. */
/** @typedef {{ name: string, counts: import("./layers.mjs").Counts, seconds: number, left?: string }} Outcome */

/** Reads the flags. Exits with a sentence when they make no sense. */
function readFlags() {
  try {
    const { values } = parseArgs({
      options: { only: { type: "string" }, skip: { type: "string" }, list: { type: "boolean", default: false } },
    });
    const only = splitNames(values.only);
    const skip = splitNames(values.skip) ?? [];
    return { list: values.list, isWanted: (name) => (only ?? [name]).includes(name) && !skip.includes(name) };
  } catch (error) {
    process.stderr.write(`${error.message}\n  -> ${USAGE}\n`);
    process.exit(EXIT_USAGE);
  }
}

function splitNames(text) {
  const names = text?.split(",");
  const unknown = names?.find((name) => !LAYERS.some((layer) => layer.name === name));
  if (unknown === undefined) return names;
  throw new Error(`There is no layer ${unknown}; there are ${LAYERS.map((layer) => layer.name).join(", ")}.`);
}

/** @param {import("./layers.mjs").Layer} layer @returns {Promise<Outcome>} */
async function runLayer(layer, isWanted) {
  const rerun = `npm test -- --only ${layer.name}`;
  if (!isWanted) return { name: layer.name, counts: NONE, seconds: 0, left: `not asked for: ${rerun}` };
  const [missing] = layer.needs();
  if (missing !== undefined) {
    const left = `${missing.message} ${missing.mend}, then: ${rerun}`;
    return { name: layer.name, counts: NONE, seconds: 0, left };
  }
  process.stdout.write(`\n== ${layer.name}: ${layer.about}\n`);
  const startedAt = Date.now();
  const counts = await layer.run();
  return { name: layer.name, counts, seconds: (Date.now() - startedAt) / 1000 };
}

/** @param {Outcome} outcome */
function describe({ counts, left }) {
  if (left !== undefined) return "left out";
  if (counts.failed > 0) return "FAILED";
  return counts.passed === 0 ? "no tests" : "passed";
}

/** @param {readonly Outcome[]} outcomes */
function printSummary(outcomes) {
  const rows = [
    ["LAYER", "RESULT", "PASSED", "FAILED", "SKIPPED", "SECONDS", ""],
    ...outcomes.map((outcome) => {
      const { passed, failed, skipped } = outcome.counts;
      const figures =
        outcome.left === undefined ? [passed, failed, skipped, outcome.seconds.toFixed(1)] : ["", "", "", ""];
      return [outcome.name, describe(outcome), ...figures.map(String), outcome.left ?? ""];
    }),
  ];
  const widths = rows[0].map((_cell, column) => Math.max(...rows.map((row) => row[column].length)));
  process.stdout.write("\n");
  for (const row of rows) {
    const line = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column])));
    process.stdout.write(`${line.join("  ").trimEnd()}\n`);
  }
}

const { list, isWanted } = readFlags();
if (list) {
  for (const { name, about } of LAYERS) process.stdout.write(`${name.padEnd(8)}${about}\n`);
} else {
  try {
    await ensureInstalled();
  } catch (error) {
    if (!(error instanceof MissingProgram)) throw error;
    process.stderr.write(`${error.message}\n  -> ${error.mend}\n`);
    process.exit(EXIT_INVALID);
  }
  const outcomes = [];
  for (const layer of LAYERS) outcomes.push(await runLayer(layer, isWanted(layer.name)));
  const sum = (key) => outcomes.reduce((total, { counts }) => total + counts[key], 0);
  printSummary(outcomes);
  for (const { name, counts } of outcomes) {
    for (const failure of counts.failures ?? []) process.stdout.write(`failed in ${name}: ${failure}\n`);
  }
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  process.stdout.write(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 || passed + failed === 0 ? 1 : 0;
}
