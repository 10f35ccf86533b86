// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { RotationTarget } from "@bulwark/pki";
import { addValidityFlags, type Flags, type KeysAction, readNames, readValidity } from "./action.ts";

const SWITCHES = ["certificates", "password", "secret", "enclave", "all"] as const satisfies RotationTarget[];

export const rotate: KeysAction = {
  description: "renew keys; running jobs and older data keep working",
  configure(command) {
    addValidityFlags(command)
      .option("--certificates", "new authority and certificates; the earlier authority stays trusted until it expires")
      .option("--distrust-old", "with --certificates: trust no earlier authority, for one whose key may have leaked")
      .option("--password", "new password of the stores")
      .option("--secret", "new secret by which Spark processes know each other")
      .option("--enclave", "new enclave signing key: changes MRSIGNER")
      .option("--data <names...>", "new version of master keys; older versions still open older data")
      .option("--all", "all of these, with every master key");
  },
  async execute({ paths, now, progress }, flags) {
    const what = readTargets(flags);
    const dataKeys = readNames(flags.data);
    const [{ rotateKeys }, { presentKeys }] = await Promise.all([import("@bulwark/pki"), import("./present.ts")]);
    const step = progress.step("Renewing keys");
    const keys = await rotateKeys(paths.keys, {
      now: now(),
      what,
      validity: readValidity(flags),
      distrustPrevious: flags.distrustOld === true,
      ...(dataKeys.length > 0 && !what.includes("all") ? { dataKeys } : {}),
    });
    step.done(keys.folder);
    if (what.includes("data"))
      progress.note("Older data still opens; to move it to the new version: bulwark data rewrap");
    return presentKeys(keys, now());
  },
};

function readTargets(flags: Flags): RotationTarget[] {
  const targets: RotationTarget[] = SWITCHES.filter((name) => flags[name] === true);
  if (readNames(flags.data).length > 0) targets.push("data");
  if (targets.length === 0) {
    throw new BulwarkError("USAGE", "Nothing was named to renew", "bulwark keys rotate --certificates");
  }
  const renewsCertificates = targets.includes("certificates") || targets.includes("all");
  const needing = ["distrustOld", "days", "caDays"].some((name) => flags[name] !== undefined);
  if (needing && !renewsCertificates) {
    const message = "--distrust-old, --days and --ca-days belong to new certificates";
    throw new BulwarkError("USAGE", message, "add --certificates");
  }
  return targets;
}
