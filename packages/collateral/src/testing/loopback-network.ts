// SPDX-License-Identifier: Apache-2.0
import { get } from "node:https";
import { createHttpsGet } from "../https-get.ts";
import type { Network } from "../network.ts";

/**
 * The real network, for servers of tests; pauses are told and not waited for.
 *
 * @param ca certificate of the authority that vouches for the server, PEM
 */
export const createLoopbackNetwork = ({
  ca,
  onPause = () => {},
}: {
  ca: string;
  onPause?: (milliseconds: number) => void;
}): Network => ({
  get: createHttpsGet(get, ca),
  delay: async (milliseconds) => onPause(milliseconds),
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
  random: () => 0.5,
});
