// SPDX-License-Identifier: Apache-2.0
import type { KeysAction } from "./action.ts";

export const show: KeysAction = {
  description: "list keys and certificates with their validity; never a secret",
  configure() {},
  async execute({ paths, now }) {
    const [{ openKeys }, { presentKeys }] = await Promise.all([import("@bulwark/pki"), import("./present.ts")]);
    return presentKeys(await openKeys(paths.keys, { now: now() }), now());
  },
};
