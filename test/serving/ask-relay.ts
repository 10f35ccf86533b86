// SPDX-License-Identifier: Apache-2.0
import { connect } from "node:net";

/** Sends one command to a relay; gives its reply as it came. */
export function askRelay(port: number, words: readonly string[]): Promise<string> {
  const command = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`*${words.length}\r\n${command}`));
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer")));
    socket.once("data", (data) => resolve(String(socket.end() && data)));
    socket.once("error", reject);
  });
}
