// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";

/** Whose token it is, and whether they may load and unload models. */
export type TokenHolder = { readonly name: string; readonly isAdmin: boolean };

/** Tokens by the digest of each, so that the file gives none away. */
export type Tokens = { find(authorization: string | undefined): TokenHolder | undefined };

/** A file's line: name of the caller, SHA-256 of its token in hex, and for an administrator that word. */
const LINE = /^([A-Za-z0-9._-]{1,64})\s+([0-9a-f]{64})(\s+admin)?$/;

/** Reads the tokens. Throws SERVING_CONFIG, KEYRING_UNSAFE when others can read the file. */
export async function readTokens(path: string): Promise<Tokens> {
  const text = await readSecretFile(path, "name a file of tokens");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return createTokens(
    lines.map((line, at) => {
      const [, name, digest, admin] = LINE.exec(line.trim()) ?? [];
      if (name !== undefined && digest !== undefined) {
        return { name, digest: Buffer.from(digest, "hex"), isAdmin: admin !== undefined };
      }
      const mend = "NAME SHA256-HEX, or NAME SHA256-HEX admin";
      throw new BulwarkError("SERVING_CONFIG", `Line ${at + 1} of ${path} is no name and digest`, mend);
    }),
  );
}

function createTokens(known: readonly (TokenHolder & { digest: Buffer })[]): Tokens {
  return {
    find(authorization) {
      if (authorization?.startsWith("Bearer ") !== true) return undefined;
      const digest = createHash("sha256").update(authorization.slice("Bearer ".length)).digest();
      let found: TokenHolder | undefined;
      // All are compared, so that the time tells nothing.
      for (const token of known) if (timingSafeEqual(token.digest, digest)) found = token;
      return found;
    },
  };
}
