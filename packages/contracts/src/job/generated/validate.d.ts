// SPDX-License-Identifier: Apache-2.0

/** One error of the compiled schema, as Ajv reports it. */
export type SchemaError = {
  keyword: string;
  /** JSON pointer to the value. */
  instancePath: string;
  params: { additionalProperty?: string; missingProperty?: string };
};

/** The job file's schema, compiled. Fills defaults into `value`; all errors are in `errors` until the next call. */
export const validateJobFile: {
  (value: unknown): boolean;
  errors: readonly SchemaError[] | null;
};
