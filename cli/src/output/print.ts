// SPDX-License-Identifier: Apache-2.0
import type { Column, OutputFormat, Result } from "../command.ts";
import { showControls } from "./terminal.ts";

type Table = NonNullable<Result["table"]>;

const GAP = "  ";

/** A result in the format asked for, ending in a line break; empty when there is nothing to print. */
export async function renderResult(result: Result, format: OutputFormat): Promise<string> {
  if (format === "json" || format === "yaml")
    return result.value === undefined ? "" : renderDocument(result.value, format);
  if (result.table === undefined) return result.text === undefined ? "" : `${result.text}\n`;
  return format === "name" ? renderNames(result.table) : renderTable(result.table, format === "wide");
}

/** One JSON or YAML document. */
export async function renderDocument(value: unknown, format: "json" | "yaml"): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import("yaml");
  // By way of JSON, so that both formats hold the same.
  return stringify(JSON.parse(JSON.stringify(value)));
}

function renderNames({ rows, name }: Table): string {
  return rows.map((row) => `${showControls(name(row as never))}\n`).join("");
}

function renderTable({ rows, columns, empty }: Table, wide: boolean): string {
  if (rows.length === 0) return `${empty ?? "Nothing found."}\n`;
  const shown = (columns as readonly Column<unknown>[]).filter((column) => wide || column.wide !== true);
  const cells = [
    shown.map((column) => column.heading.toUpperCase()),
    ...rows.map((row) => shown.map((column) => showControls(column.cell(row)))),
  ];
  const widths = shown.map((_column, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  return cells
    .map(
      (line) =>
        `${line
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join(GAP)
          .trimEnd()}\n`,
    )
    .join("");
}
