// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { Result } from "../command.ts";
import { alignCells, renderDocument, renderResult, renderStreamed } from "./print.ts";

type Row = { id: string; size: number; note: string };

const ROWS: readonly Row[] = [
  { id: "a", size: 1, note: "plain" },
  { id: "longer", size: 12_345, note: "ünï 𝒳" },
];
const RESULT: Result = {
  value: { apiVersion: "bulwark/v1", items: ROWS },
  table: {
    rows: ROWS,
    name: (row: Row) => row.id,
    empty: "No rows yet.",
    columns: [
      { heading: "id", cell: (row: Row) => row.id },
      { heading: "note", cell: (row: Row) => row.note, wide: true },
      { heading: "size", cell: (row: Row) => String(row.size) },
    ],
  },
};

test("a table has headings in capitals, columns two blanks apart, and no blank at the end", async () => {
  assert.equal(await renderResult(RESULT, "table"), "ID      SIZE\na       1\nlonger  12345\n");
  assert.equal(await renderResult(RESULT, "wide"), "ID      NOTE   SIZE\na       plain  1\nlonger  ünï 𝒳  12345\n");
});

test("names stand alone, one a line", async () => {
  assert.equal(await renderResult(RESULT, "name"), "a\nlonger\n");
});

test("JSON and YAML are one document each, with the same content", async () => {
  const json = JSON.parse(await renderResult(RESULT, "json"));
  assert.deepEqual(json, RESULT.value);
  assert.deepEqual(parse(await renderResult(RESULT, "yaml")), json);
});

test("YAML says what JSON says, whatever the value", async () => {
  const shared = { a: 1 };
  const values = [
    { at: new Date(0), gone: undefined, one: shared, two: shared, list: [undefined, null] },
    { text: "yes", number: "1e3", lines: "a\nb\n", empty: "", star: "*x", nul: "\0" },
    [],
    "text",
    null,
  ];
  for (const value of values) {
    assert.deepEqual(parse(await renderDocument(value, "yaml")), JSON.parse(await renderDocument(value, "json")));
  }
});

test("no row is told to people, and is an empty document to programs", async () => {
  const none: Result = { value: { items: [] }, table: { ...RESULT.table, rows: [] } as NonNullable<Result["table"]> };
  assert.equal(await renderResult(none, "table"), "No rows yet.\n");
  assert.equal(await renderResult(none, "name"), "");
  assert.deepEqual(JSON.parse(await renderResult(none, "json")), { items: [] });
});

test("text ends in one line break; nothing prints nothing", async () => {
  assert.equal(await renderResult({ text: "done" }, "table"), "done\n");
  assert.equal(await renderResult({ text: "done\n" }, "name"), "done\n");
  for (const format of ["table", "wide", "name", "json", "yaml"] as const) {
    assert.equal(await renderResult({}, format), "");
  }
});

test("data cannot steer a terminal, nor begin a line of its own", async () => {
  const row: Row = { id: "\u001b]0;owned\u0007a", size: 0, note: "one\ntwo\u0085\u202e" };
  const hostile: Result = { table: { ...RESULT.table, rows: [row] } as NonNullable<Result["table"]> };
  for (const format of ["table", "wide", "name"] as const) {
    const printed = await renderResult(hostile, format);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    assert.doesNotMatch(printed, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    assert.equal(printed.trimEnd().split("\n").length, format === "name" ? 1 : 2);
  }
});

test("documents of a stream are told apart by readers of lines, and of YAML", async () => {
  const values = [{ text: "one\ntwo" }, { text: "three" }];
  const read = async (format: "json" | "yaml"): Promise<string> =>
    (await Promise.all(values.map((value) => renderStreamed(value, format)))).join("");
  const lines = (await read("json")).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    values,
  );
  assert.deepEqual(
    parseAllDocuments(await read("yaml")).map((document) => document.toJS()),
    values,
  );
});

test("cells are aligned by characters", () => {
  assert.equal(
    alignCells([
      ["𝒳𝒳", "1"],
      ["a", "2"],
    ]),
    "𝒳𝒳  1\na   2\n",
  );
  assert.equal(alignCells([]), "");
});
