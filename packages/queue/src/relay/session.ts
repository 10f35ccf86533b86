// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { BulwarkError } from "@bulwark/contracts/errors";
import { answerCommand, type RelayParts } from "./commands.ts";
import { createCommandReader, writeReply } from "./resp.ts";

/**
 * Serves one client of the relay until it hangs up: one command after the other, answered in their order. What is no
 * command is answered with an error, and ends the session.
 */
export async function serveRelayClient(socket: Duplex, parts: RelayParts): Promise<void> {
  const read = createCommandReader();
  try {
    for await (const bytes of socket) {
      for (const words of read(bytes as Buffer)) {
        if (!socket.write(writeReply(await answerCommand(words, parts)))) {
          await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
        }
        if (String(words[0]).toUpperCase() === "QUIT") return;
      }
    }
  } catch (error) {
    // A client that went away is no failure of ours.
    if (error instanceof BulwarkError) socket.write(writeReply({ kind: "error", text: `ERR ${error.message}` }));
  } finally {
    socket.end();
  }
}
