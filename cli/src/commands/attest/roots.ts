// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import type { TrustedRoots } from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Command } from "commander";
import type { Context } from "../../command.ts";
import { readFileAtMost } from "../../runs/read-at-most.ts";
import { type Call, readText } from "./action.ts";

const MOST_BYTES = 65_536;

/** Adds the flag that `readRoots` reads. */
export const addRootFlag = (command: Command): Command =>
  command.option(
    "--simulation-root <file>",
    "accept evidence under this simulated root, for tests; the policy must name it too",
  );

/**
 * The roots to trust: those of hardware, or, when the flag was given, one simulated root and nothing else.
 *
 * @throws SIMULATION_ROOT_BROKEN when the file holds no certificate
 */
export async function readRoots(context: Context, flags: Call["flags"]): Promise<TrustedRoots> {
  const { HARDWARE_ROOTS, inspectCertificates } = await import("@bulwark/attestation");
  const file = readText(flags.simulationRoot);
  if (file === undefined) return HARDWARE_ROOTS;
  try {
    const pem = (await readFileAtMost(resolve(context.cwd, file), MOST_BYTES)).toString("latin1");
    const [root, ...more] = inspectCertificates(pem);
    if (root === undefined || more.length > 0) throw new Error("it does not hold one certificate");
    context.progress.warn(`simulation: trusting ${root.commonName}; what it signs says nothing of hardware`);
    return [{ kind: "simulation", fingerprint: root.fingerprint }];
  } catch (cause) {
    throw new BulwarkError(
      "SIMULATION_ROOT_BROKEN",
      `${file} is not the certificate of a simulated root.`,
      "name root.pem, which bulwark attest simulate wrote beside the evidence",
      { cause },
    );
  }
}
