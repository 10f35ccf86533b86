// SPDX-License-Identifier: Apache-2.0

const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A quantity as Kubernetes writes it (`1500m`, `2Gi`, `1e3`) as a number; NaN for what is none. */
export function parseQuantity(text: string | undefined): number {
  const [, number, unit = ""] = /^([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(text ?? "") ?? [];
  return Number(number) * (FACTORS[unit] ?? Number.NaN);
}
