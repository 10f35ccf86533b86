// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../errors/index.ts";
import type { KeyDescription } from "./describe.ts";
import type { FORMS } from "./forms.ts";
import type { Issue, Path } from "./issue.ts";
import type { Tree } from "./tree.ts";

/** One error of a compiled schema, as Ajv reports it. */
export type SchemaError = {
  keyword: string;
  /** JSON pointer to the value. */
  instancePath: string;
  params: { additionalProperty?: string; missingProperty?: string };
};

/** A schema, compiled. Fills defaults into `value`; all errors are in `errors` until the next call. */
export type Validate = {
  (value: unknown): boolean;
  errors: readonly SchemaError[] | null;
};

/** A rule over several keys. It is left out when one of the keys it is about has a finding of its own already. */
export type Rule<Value> = { about: readonly string[]; check: (value: Value) => readonly Issue[] };

/** Which code says what is wrong with a document of this kind. */
export type DocumentCodes = {
  /** No text, empty or too large. */
  unreadable: ErrorCode;
  syntax: ErrorCode;
  /** The document as a whole, when it has findings. */
  invalid: ErrorCode;
  keyUnknown: ErrorCode;
  typeWrong: ErrorCode;
  valueInvalid: ErrorCode;
};

/** Everything that tells one kind of YAML document from another: its schema, its rules, and its words. */
export type DocumentFormat<Value> = {
  /** With its article and in the plural: `a job file`, `job files`. */
  words: { one: string; many: string; reference: string };
  codes: DocumentCodes;
  keys: readonly KeyDescription[];
  validate: Validate;
  rules: Readonly<Record<string, Rule<Value>>>;
  /** Values that are text whatever they look like: `1.10` stays `1.10` there. */
  isTextPlace(path: Path): boolean;
  /** Form of the names in maps whose keys the document chooses, by the key of the map. */
  nameForms: Readonly<Record<string, keyof typeof FORMS>>;
  /** Names that users of other tools write for a key. */
  synonyms: Readonly<Record<string, string>>;
  /** Names that no key has, and what to do instead. */
  retired: Readonly<Record<string, string>>;
  mends: { start: string; binary: string; check: (file: string) => string };
  /** Changes the tree before it is checked, for instance from older names. */
  prepare?(tree: Tree): { warnings: readonly Issue[]; conflicts: readonly Issue[] };
};
