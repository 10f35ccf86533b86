// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { createRoot, makeWish, simulateIntel } from "@bulwark/simulation";
import type { Collateral } from "../collateral/collateral.ts";
import { type Instant, toInstant } from "../instant.ts";
import type { TrustedRoots } from "../roots.ts";
import { parsePem } from "../x509/pem.ts";

type Wish = ReturnType<typeof makeWish>;
type Adjust = NonNullable<Parameters<typeof simulateIntel>[2]["adjust"]>;

const NOW = new Date("2026-03-01T12:00:00Z");
const DAY_MS = 86_400_000;
const root = createRoot("intel", { now: new Date(NOW.getTime() - DAY_MS) });

/** Simulated evidence with everything needed to verify it. */
export type Simulated = {
  wish: Wish;
  evidence: Buffer;
  collateral: Collateral;
  now: Instant;
  trustedRoots: TrustedRoots;
};

/** Of the root as it is in this evidence: an adjustment of certificates makes it anew. */
const toFingerprint = (pem: string): string =>
  hash("sha256", parsePem(pem, "CERTIFICATE")[0] ?? Buffer.alloc(0), "hex");

/** Evidence that is right but for what is asked for, under one root per process. */
export function simulate(tee: "sgx" | "tdx", overrides: Partial<Wish> = {}, adjust: Adjust = {}): Simulated {
  const wish = makeWish(tee, overrides);
  const { evidence, collateral, rootPem } = simulateIntel(root, wish, { now: NOW, adjust });
  const trustedRoots: TrustedRoots = [{ kind: "simulation", fingerprint: toFingerprint(rootPem) }];
  return { wish, evidence, collateral, now: toInstant(NOW), trustedRoots };
}

/** Every form of quote there is. */
export const FORMS = [
  { tee: "sgx", version: 3 },
  { tee: "sgx", version: 5 },
  { tee: "tdx", version: 4 },
  { tee: "tdx", version: 5 },
] as const;
