// SPDX-License-Identifier: Apache-2.0
import type { get as Get } from "node:https";
import type { HttpAnswer, Network } from "./network.ts";

/**
 * `Network.get` by way of Node's https module: TLS with a known authority, no redirection, a limit of size, no connection
 * kept.
 *
 * @param get the function of `node:https`, so that this room opens no connection that nobody handed it
 * @param ca authority of the service's certificate in PEM, in place of the public ones
 */
export function createHttpsGet(get: typeof Get, ca?: string): Network["get"] {
  return (url, { headers, signal, mostBytes }) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const options = { headers, signal, agent: false, ...(ca === undefined ? {} : { ca }) };
      const request = get(url, options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size > mostBytes) response.destroy(new Error(`the answer is larger than ${mostBytes} bytes`));
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0, headers: given } = response;
          const named = Object.entries(given).map(([name, value]) => [name, String(value)]);
          resolve({ status: statusCode, headers: Object.fromEntries(named), body: Buffer.concat(chunks) });
        });
      });
      request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    });
}
