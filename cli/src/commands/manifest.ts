// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { InvalidArgumentError } from "commander";
import { textFlag } from "../cluster/flags.ts";
import type { CommandSpec } from "../command.ts";
import { writeFileWhole } from "../runs/files.ts";

const JAVA_OLDEST = 17;
const LARGEST_NUMBER = 65_535;
/** A manifest is no secret, and who signs may be somebody else. */
const MODE = 0o644;

/** What a file system says of a place where nothing can be written. */
const UNWRITABLE = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EISDIR"]);

type Row = { role: string; file: string; sha256: string; enclaveBytes: number };

/** `bulwark manifest`: what Gramine is to measure of a job's driver and executors. */
export const spec: CommandSpec = {
  examples: [
    "bulwark manifest -f job.yaml -n analytics --class-path classpath",
    "bulwark manifest sales -f job.yaml -n analytics --class-path classpath --to enclave",
    "bulwark manifest -f job.yaml -n analytics --class-path classpath --read /opt/models/ --security-version 2",
  ],
  configure(command) {
    command
      .argument("[name]", "name of the release; the job's name by default")
      .requiredOption("-f, --file <file>", "job file, with trust.tee: sgx")
      .requiredOption("-n, --namespace <name>", "namespace that the job will be submitted to")
      .requiredOption("--class-path <file>", "a copy of the image's /opt/bulwark/classpath")
      .option("--to <folder>", "folder to write driver.manifest and executor.manifest into; this one by default", ".")
      .option("--java <path>", "Java in the image; /usr/bin/java by default", toPath, "/usr/bin/java")
      .option("--java-major <number>", "its major version; 17 by default", toNumber(JAVA_OLDEST), JAVA_OLDEST)
      .option(
        "--read <path>",
        "a file, or a folder with / at its end, of the image to trust; may be repeated",
        addPath,
        [],
      )
      .option("--product <number>", "number of the product (ISVPRODID); 1 by default", toNumber(0), 1)
      .option("--security-version <number>", "security version of the enclave (ISVSVN); 1 by default", toNumber(0), 1);
  },
  async execute(context, { args, flags }) {
    const [{ makeManifests }, { parseNamespace }] = await Promise.all([
      import("../cluster/enclave-manifests.ts"),
      import("../cluster/open.ts"),
    ]);
    const namespace = parseNamespace(textFlag(flags, "namespace") ?? "");
    const { release, manifests } = await makeManifests(context, {
      name: args[0],
      namespace,
      file: textFlag(flags, "file") ?? "",
      classPathFile: textFlag(flags, "classPath") ?? "",
      java: { executable: String(flags.java), major: Number(flags.javaMajor) },
      read: flags.read as string[],
      identity: { product: Number(flags.product), version: Number(flags.securityVersion) },
    });
    const folder = resolve(context.cwd, textFlag(flags, "to") ?? ".");
    const items: Row[] = [];
    for (const { role, text, ...about } of manifests) {
      items.push({ role, file: await save(folder, `${role}.manifest`, text), ...about });
    }
    context.progress.note(
      `They are for ${release} in namespace ${namespace} alone. Sign them where the image's files are.`,
    );
    return {
      value: { apiVersion: "bulwark/v1", name: release, namespace, items },
      table: {
        rows: items,
        columns: [
          { heading: "role", cell: (row: Row) => row.role },
          { heading: "file", cell: (row: Row) => row.file },
          { heading: "sha-256", cell: (row: Row) => row.sha256 },
          { heading: "enclave", cell: (row: Row) => `${row.enclaveBytes / 2 ** 20} MiB`, wide: true },
        ],
        name: (row: Row) => row.file,
      },
    };
  },
};

async function save(folder: string, name: string, text: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFileWhole(join(folder, name), text, MODE);
    return join(folder, name);
  } catch (cause) {
    if (!UNWRITABLE.has((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    const mend = "name a folder that you may write: --to DIR";
    throw new BulwarkError("MANIFEST_UNWRITABLE", `${join(folder, name)} cannot be written.`, mend, { cause });
  }
}

function toPath(text: string): string {
  if (/^\/\P{Cc}*$/u.test(text)) return text;
  throw new InvalidArgumentError("Give a whole path, as the image has it.");
}

const addPath = (text: string, paths: readonly string[]): string[] => [...paths, toPath(text)];

function toNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,5}$/.test(text) && number >= least && number <= LARGEST_NUMBER) return number;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${LARGEST_NUMBER}.`);
  };
}
