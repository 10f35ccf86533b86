// SPDX-License-Identifier: Apache-2.0
import { type Collateral, parseCollateral } from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type CollateralRequest, type CollateralSource, toFileName } from "./source.ts";

/** Reads a whole file, with a limit of its own; rejects with the error of the file system. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

/** Reads a bundle: JSON with the four items. */
async function readBundle(path: string, read: ReadFile): Promise<Collateral> {
  return parseCollateral(new TextDecoder().decode(await read(path)));
}

function unreadable(path: string, cause: unknown, mend: string): BulwarkError {
  if (cause instanceof BulwarkError)
    return new BulwarkError(cause.code, `${path}: ${cause.message}`, cause.mend, { cause });
  const reason = isMissing(cause) ? "does not exist" : `cannot be read (${(cause as NodeJS.ErrnoException).code})`;
  return new BulwarkError("COLLATERAL_FILE_MISSING", `${path} ${reason}.`, mend, { cause });
}

/** One bundle file, for whatever is asked. */
export function createBundleSource(path: string, read: ReadFile): CollateralSource {
  return {
    name: path,
    async fetch(_request, { signal }) {
      signal.throwIfAborted();
      try {
        return await readBundle(path, read);
      } catch (cause) {
        throw unreadable(path, cause, "name a bundle, such as bulwark attest collateral fetch --to DIR writes");
      }
    },
  };
}

/** In a folder, the bundle for whatever is asked, where there is none for the very request. */
const ANY_BUNDLE = "collateral.json";

/**
 * A folder of bundles, as `bulwark attest collateral fetch --to DIR` fills it: one file per kind of TEE, platform family
 * and CA, for machines without a network. Or `collateral.json`, as it lies beside evidence.
 *
 * @param join puts a folder and a name together
 */
export function createFolderSource(
  folder: string,
  { read, join }: { read: ReadFile; join: (folder: string, name: string) => string },
): CollateralSource {
  return {
    name: folder,
    async fetch(request, { signal }) {
      signal.throwIfAborted();
      const own = join(folder, toFileName(request));
      for (const path of [own, join(folder, ANY_BUNDLE)]) {
        try {
          return await readBundle(path, read);
        } catch (cause) {
          if (!isMissing(cause)) throw unreadable(path, cause, describeFetch(request, folder));
        }
      }
      throw new BulwarkError("COLLATERAL_FILE_MISSING", `${own} does not exist.`, describeFetch(request, folder));
    },
  };
}

const describeFetch = ({ tee, fmspc, ca }: CollateralRequest, folder: string): string =>
  `where there is a network: bulwark attest collateral fetch --tee ${tee} --fmspc ${fmspc} --ca ${ca} --to ${folder}`;
