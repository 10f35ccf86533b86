// SPDX-License-Identifier: Apache-2.0
import { addValidityFlags, type KeysAction, readNames, readValidity } from "./action.ts";

export const init: KeysAction = {
  description: "make certificates, passwords, enclave key and master keys for data",
  configure(command) {
    addValidityFlags(command)
      .option("--data <names...>", "master keys for data; those that are not there yet are added to existing keys")
      .option("--if-missing", "leave existing keys as they are");
  },
  async execute({ paths, now, progress }, flags) {
    const [{ initKeys }, { presentKeys }] = await Promise.all([import("@bulwark/pki"), import("./present.ts")]);
    const keyNames = readNames(flags.data);
    const step = progress.step("Making keys");
    const keys = await initKeys(paths.keys, {
      now: now(),
      validity: readValidity(flags),
      keyNames,
      // Asking for data keys is asking for these to be there, whatever else is.
      ifMissing: flags.ifMissing === true || keyNames.length > 0,
    });
    step.done(keys.folder);
    return presentKeys(keys, now());
  },
};
