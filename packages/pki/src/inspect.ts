// SPDX-License-Identifier: Apache-2.0
import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { findLeftovers, readCurrent } from "./generation.ts";
import { parseKeyring } from "./keyring.ts";
import { certificateFile, FILE, GENERATIONS, generationName, keyStoreFile, privateKeyFile, ROLES } from "./layout.ts";
import { type CertificateSummary, describeCertificates, digest, type Manifest, parseManifest } from "./manifest.ts";

/** What is on the disk, and everything that is wrong with it. */
export type Inspection = {
  findings: readonly Finding[];
  /** Absent where the files cannot be trusted to be what was written. */
  generation?: { folder: string; manifest: Manifest; files: ReadonlyMap<string, Buffer> };
};

const DAY_MS = 86_400_000;
/** How long before its end a certificate is worth a finding. */
const NOTICE_DAYS = 14;

const EXPECTED_FILES: readonly string[] = [
  ...Object.values(FILE),
  ...ROLES.flatMap((role) => [certificateFile(role), privateKeyFile(role), keyStoreFile(role)]),
];

/**
 * Looks at everything in a keys folder: presence, modes, digests, validity, leftovers. Changes nothing.
 * Throws KEYS_MISSING where there are no keys at all, KEYS_UNREADABLE where the folder cannot be read.
 */
export async function inspectKeys(folder: string, now: Date): Promise<Inspection> {
  try {
    return await inspect(folder, now);
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new BulwarkError(
      "KEYS_UNREADABLE",
      `The keys in ${folder} cannot be read (${error.code})`,
      `see who owns it: ls -la ${folder}`,
      { cause: error },
    );
  }
}

/** Whether an error comes from the file system. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

async function inspect(folder: string, now: Date): Promise<Inspection> {
  const current = await readCurrent(folder);
  if (current === undefined) {
    throw new BulwarkError("KEYS_MISSING", `There are no keys in ${folder}`, "bulwark keys init");
  }
  const generations = join(folder, GENERATIONS);
  const path = join(generations, generationName(current));
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return { findings: [damage(path, "the current generation is not there")] };

  const entries = await Promise.all(names.map((name) => readEntry(path, name)));
  const files = new Map(entries.flatMap(({ name, content }) => (content === undefined ? [] : [[name, content]])));
  const manifest = parseManifest(files.get(FILE.manifest)?.toString("utf8") ?? "");
  const loose = await findLooseModes([folder, generations, path, ...names.map((name) => join(path, name))]);
  const damaged = findDamage(path, names, files, manifest);
  const leftovers = (await findLeftovers(folder)).map(toLeftoverFinding);
  if (manifest === undefined || damaged.length > 0) return { findings: [...loose, ...damaged, ...leftovers] };
  const outdated = describeCertificates(files).flatMap((certificate) => findOutdated(certificate, path, now));
  return {
    findings: [...loose, ...outdated, ...leftovers],
    generation: { folder: await realpath(path), manifest, files },
  };
}

/** Reads a regular file; a link, folder or device has no content here, so that it counts as damage. */
async function readEntry(folder: string, name: string): Promise<{ name: string; content?: Buffer }> {
  const path = join(folder, name);
  return (await lstat(path)).isFile() ? { name, content: await readFile(path) } : { name };
}

/** A finding for each path that other users may open. */
export async function findLooseModes(paths: readonly string[]): Promise<Finding[]> {
  const findings = await Promise.all(
    paths.map(async (path): Promise<Finding | undefined> => {
      const status = await lstat(path);
      // A link has no mode of its own.
      if (status.isSymbolicLink() || (status.mode & 0o077) === 0) return undefined;
      return {
        code: "KEYS_MODE_LOOSE",
        message: `${path} has mode ${(status.mode & 0o777).toString(8)}, so other users may open it`,
        mend: `chmod ${status.isDirectory() ? "700" : "600"} ${quote(path)}`,
        file: path,
      };
    }),
  );
  return findings.filter((finding) => finding !== undefined);
}

function findDamage(
  folder: string,
  names: readonly string[],
  files: ReadonlyMap<string, Buffer>,
  manifest: Manifest | undefined,
): Finding[] {
  const absent = EXPECTED_FILES.filter((name) => !files.has(name)).map((name) =>
    damage(join(folder, name), "is missing or no regular file"),
  );
  const unknown = names
    .filter((name) => !EXPECTED_FILES.includes(name))
    .map((name) => damage(join(folder, name), "does not belong there"));
  if (manifest === undefined) {
    const isThere = files.has(FILE.manifest);
    return [...absent, ...unknown, ...(isThere ? [damage(join(folder, FILE.manifest), "is malformed")] : [])];
  }
  const changed = [...files]
    .filter(
      ([name, content]) =>
        EXPECTED_FILES.includes(name) && name !== FILE.manifest && manifest.files[name] !== digest(content),
    )
    .map(([name]) => damage(join(folder, name), "differs from what was written"));
  const malformed = changed.length === 0 && absent.length === 0 ? findMalformed(folder, files) : [];
  return [...absent, ...unknown, ...changed, ...malformed];
}

/** Files whose digest is right but which no reader could use: a manifest made for them by someone else. */
function findMalformed(folder: string, files: ReadonlyMap<string, Buffer>): Finding[] {
  const attempt = (name: string, read: () => unknown): Finding[] => {
    try {
      read();
      return [];
    } catch {
      return [damage(join(folder, name), "is malformed")];
    }
  };
  return [
    ...attempt(FILE.keyring, () => parseKeyring(files.get(FILE.keyring)?.toString("utf8") ?? "")),
    ...attempt(FILE.authorityBundle, () => describeCertificates(files)),
  ];
}

function findOutdated(certificate: CertificateSummary, folder: string, now: Date): Finding[] {
  // An earlier authority that has expired is trusted by nobody: it goes with the next rotation.
  if (certificate.role === "previous-ca") return [];
  const mend = "bulwark keys rotate --certificates";
  const file = join(folder, `${certificate.role}.crt`);
  const name = `The certificate of ${certificate.role}`;
  const daysLeft = (Date.parse(certificate.notAfter) - now.getTime()) / DAY_MS;
  if (daysLeft <= 0) {
    return [{ code: "KEYS_EXPIRED", message: `${name} expired at ${certificate.notAfter}`, mend, file }];
  }
  if (Date.parse(certificate.notBefore) > now.getTime()) {
    const message = `${name} is not valid before ${certificate.notBefore}: was the clock set back?`;
    return [{ code: "KEYS_EXPIRED", message, mend: `set the clock, or: ${mend}`, file }];
  }
  if (daysLeft <= Math.min(NOTICE_DAYS, lifetimeDays(certificate) / 3)) {
    return [{ code: "KEYS_EXPIRING", message: `${name} expires at ${certificate.notAfter}`, mend, file }];
  }
  return [];
}

const lifetimeDays = ({ notBefore, notAfter }: CertificateSummary): number =>
  (Date.parse(notAfter) - Date.parse(notBefore)) / DAY_MS;

const damage = (path: string, what: string): Finding => ({
  code: "KEYS_DAMAGED",
  message: `${path} ${what}`,
  mend: "restore the folder from a backup, or link `current` to an older folder under `generations`",
  file: path,
});

const toLeftoverFinding = (path: string): Finding => ({
  code: "KEYS_LEFTOVER",
  message: `${path} was left behind by an interrupted change`,
  mend: "the next change removes it, for instance: bulwark keys rotate --secret",
  file: path,
});

const quote = (path: string): string => (/^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
