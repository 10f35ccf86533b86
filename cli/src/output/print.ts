// SPDX-License-Identifier: Apache-2.0
import type { Column, OutputFormat, Result } from "../command.ts";
import { showOneLine } from "./terminal.ts";

type Table = NonNullable<Result["table"]>;

const GAP = "  ";

/** Formats for programs: what is printed in them stands alone. */
type DocumentFormat = Extract<OutputFormat, "json" | "yaml">;

/** Whether a document is asked for. */
export const isDocument = (format: unknown): format is DocumentFormat => format === "json" || format === "yaml";

/** A result in the format asked for, ending in a line break; empty when there is nothing to print. */
export async function renderResult(result: Result, format: OutputFormat): Promise<string> {
  if (isDocument(format)) {
    return result.value === undefined ? "" : renderDocument(result.value, format);
  }
  if (result.table === undefined) return result.text === undefined ? "" : `${result.text.replace(/\n$/, "")}\n`;
  return format === "name" ? renderNames(result.table) : renderTable(result.table, format === "wide");
}

/** One JSON or YAML document. */
export async function renderDocument(value: unknown, format: DocumentFormat): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import("yaml");
  // By way of JSON, so that both formats hold the same.
  return stringify(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false });
}

/** One document of many: a line of JSON, or a part of a YAML stream, as programs read them one by one. */
export async function renderStreamed(value: unknown, format: DocumentFormat): Promise<string> {
  return format === "json" ? `${JSON.stringify(value)}\n` : `---\n${await renderDocument(value, format)}`;
}

function renderNames({ rows, name }: Table): string {
  return rows.map((row) => `${showOneLine(name(row as never))}\n`).join("");
}

function renderTable({ rows, columns, empty }: Table, wide: boolean): string {
  if (rows.length === 0) return `${empty ?? "Nothing found."}\n`;
  const shown = (columns as readonly Column<unknown>[]).filter((column) => wide || column.wide !== true);
  const headings = shown.map((column) => column.heading.toUpperCase());
  return alignCells([headings, ...rows.map((row) => shown.map((column) => showOneLine(column.cell(row))))]);
}

/** Lines of cells as text in columns, two spaces apart. */
export function alignCells(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_cell, index) => Math.max(...lines.map((line) => measure(line[index] ?? ""))));
  const pad = (cell: string, index: number): string => cell + " ".repeat((widths[index] ?? 0) - measure(cell));
  return lines.map((line) => `${line.map(pad).join(GAP).trimEnd()}\n`).join("");
}

/** Characters, not UTF-16 units. */
const measure = (text: string): number => [...text].length;
