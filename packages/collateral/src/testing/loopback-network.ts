// SPDX-License-Identifier: Apache-2.0
import { get } from "node:https";
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
  get: (url, { headers, signal, mostBytes }) =>
    new Promise((resolve, reject) => {
      const request = get(url, { headers, signal, ca, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size > mostBytes) response.destroy(new Error("the answer is too large"));
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0, headers: given } = response;
          resolve({ status: statusCode, headers: given as Record<string, string>, body: Buffer.concat(chunks) });
        });
      });
      request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    }),
  delay: async (milliseconds) => onPause(milliseconds),
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
  random: () => 0.5,
});
