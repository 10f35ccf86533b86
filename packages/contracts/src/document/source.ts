// SPDX-License-Identifier: Apache-2.0
import { type Document, isScalar, LineCounter, parseDocument, YAMLParseError } from "yaml";
import { BulwarkError, type Finding } from "../errors/index.ts";
import type { DocumentFormat } from "./format.ts";

const SIZE_MAXIMUM = 2 ** 20;

/** What reading the text needs to know of a kind of document. */
export type AnyFormat = Omit<DocumentFormat<never>, "rules">;

/** A document as YAML nodes, and a way from an offset in it to line and column. */
export type Source = {
  file: string;
  format: AnyFormat;
  document: Document.Parsed;
  locate: (offset: number) => Pick<Finding, "line" | "column">;
};

/** The error of a file whose YAML is wrong: one sentence, all places as findings. */
export function syntaxError(
  { file, format }: Pick<Source, "file" | "format">,
  findings: readonly Omit<Finding, "code" | "file">[],
  cause?: unknown,
): BulwarkError {
  const [first] = findings;
  const code = format.codes.syntax;
  return new BulwarkError(
    code,
    `${file} is not YAML as ${format.words.many} use it: ${first?.message ?? "it cannot be read"}`,
    first?.mend ?? "Write a map of keys and values",
    {
      findings: findings.map((finding) => ({ code, file, ...finding })),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function decode(input: Uint8Array | string, file: string, format: AnyFormat): string {
  const unreadable = (what: string, mend: string, cause?: unknown): BulwarkError =>
    new BulwarkError(format.codes.unreadable, `${file} ${what}`, mend, cause === undefined ? {} : { cause });
  const size = typeof input === "string" ? Buffer.byteLength(input) : input.byteLength;
  if (size > SIZE_MAXIMUM) {
    throw unreadable(`is larger than 1 MiB, which ${format.words.one} never is`, format.mends.binary);
  }
  let text: string;
  try {
    text = typeof input === "string" ? input : new TextDecoder("utf-8", { fatal: true }).decode(input);
  } catch (cause) {
    throw unreadable("is not text in UTF-8", "Name a YAML file; convert it to UTF-8 where needed", cause);
  }
  if (text.includes("\0")) throw unreadable("is a binary file", format.mends.binary);
  return text.replace(/^\uFEFF/, "");
}

/** What the parser's codes mean, where its own words help nobody. */
const SYNTAX: Readonly<Record<string, { message: string; mend: string }>> = {
  TAB_AS_INDENT: { message: "a tab is used for indentation", mend: "Indent with spaces" },
  MULTIPLE_DOCS: {
    message: "it has several documents",
    mend: "Keep one document per file: remove `---` and what follows",
  },
  BAD_INDENT: { message: "the indentation does not fit", mend: "Indent keys of one map alike, with spaces" },
  MISSING_CHAR: {
    message: "a quote, bracket, comma or colon is missing",
    mend: "Close what is open before this place",
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: "a second colon stands in one line, or the indentation does not fit",
    mend: "Put a value that holds a colon in quotes",
  },
  UNEXPECTED_TOKEN: { message: "something stands where nothing may follow", mend: "Put the value in quotes" },
  RESOURCE_EXHAUSTION: { message: "it is nested too deeply", mend: "Write a map of keys and values" },
  BAD_ALIAS: { message: "an alias has no name", mend: "Write the value itself" },
};

/**
 * Reads text or bytes as one YAML document with positions. Throws the format's code for what is no text, empty or too
 * large, and its code for what is no YAML, with the first place.
 */
export function readSource(input: Uint8Array | string, file: string, format: AnyFormat): Source {
  const text = decode(input, file, format);
  const lines = new LineCounter();
  const locate: Source["locate"] = (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  let document: Document.Parsed;
  try {
    // Doubled keys are found later with both places; the parser's own check takes quadratic time.
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw syntaxError(
      { file, format },
      [{ message: "it is nested too deeply", mend: "Write a map of keys and values" }],
      cause,
    );
  }
  const [error] = document.errors;
  if (error instanceof YAMLParseError) {
    const words = SYNTAX[error.code] ?? { message: error.message, mend: "Correct the YAML at this place" };
    throw syntaxError({ file, format }, [{ ...words, ...locate(error.pos[0]) }], error);
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    throw new BulwarkError(format.codes.unreadable, `${file} is empty`, format.mends.start);
  }
  return { file, format, document, locate };
}
