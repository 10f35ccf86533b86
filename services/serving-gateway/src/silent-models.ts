// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";

/** Versions of models that are loaded, and did not answer when they were asked last. */
export type SilentModels = {
  /** The code with which it failed. */
  why(model: string, version: string): ErrorCode | undefined;
  set(model: string, version: string, code: ErrorCode | undefined): void;
  /** Changes when a model is loaded or unloaded: what was seen of it before says nothing any more. */
  era(model: string): number;
  /** A model is loaded or unloaded: nothing is known of its versions. */
  forget(model: string): void;
  /** Whether any of a kind is silent. */
  some(isOfKind: (model: string) => boolean): boolean;
};

export function createSilentModels(): SilentModels {
  const silent = new Map<string, { model: string; code: ErrorCode }>();
  const eras = new Map<string, number>();
  const keyOf = (model: string, version: string): string => `${version} ${model}`;
  return {
    why: (model, version) => silent.get(keyOf(model, version))?.code,
    set(model, version, code) {
      if (code === undefined) silent.delete(keyOf(model, version));
      else silent.set(keyOf(model, version), { model, code });
    },
    era: (model) => eras.get(model) ?? 0,
    forget(model) {
      eras.set(model, (eras.get(model) ?? 0) + 1);
      for (const [key, one] of silent) if (one.model === model) silent.delete(key);
    },
    some: (isOfKind) => [...silent.values()].some(({ model }) => isOfKind(model)),
  };
}
