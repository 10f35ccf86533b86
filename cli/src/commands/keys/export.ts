// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Keys, SecretManifest } from "@bulwark/pki";
import { writeFileWhole } from "../../runs/files.ts";
import { type Flags, type KeysAction, readNames } from "./action.ts";
import type { ServingRelease } from "./export-serving.ts";

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const exportKeys: KeysAction = {
  description: "print keys for use elsewhere: secret material",
  configure(command) {
    command
      .option("--kubernetes", "as Secrets: ssl-keys, ssl-password, enclave-key, spark-secret")
      .option("-n, --namespace <name>", "namespace of the Secrets")
      .option("--release <name>", "release that the Secrets are labelled for")
      .option("--serving <release>", "those of a release of charts/serving instead, of the namespace given with -n")
      .option("--data <names...>", "with --serving: master keys of encrypted models")
      .option("--host <names...>", "with --serving: names of the gateway outside the cluster")
      .option("--job <name>", "with --serving: the value queue.job, where it is another than serving_stream")
      .option("--relay", "with --serving: that alone which `bulwark serving relay` needs on machines of older clients")
      .option("-f, --file <path>", "write to a file that only you may read")
      .option("--yes", "print on a terminal all the same");
  },
  async execute({ paths, cwd, now, stdout }, flags) {
    if (flags.kubernetes !== true) {
      throw new BulwarkError("USAGE", "Say for what to export", "bulwark keys export --kubernetes");
    }
    const file = typeof flags.file === "string" ? resolve(cwd, flags.file) : undefined;
    if (file === undefined && stdout.isTTY === true && flags.yes !== true) {
      throw new BulwarkError(
        "USAGE",
        "This would show secrets on a terminal",
        "add --file secrets.yaml, pipe into kubectl apply -f -, or add --yes",
      );
    }
    const namespace = readName("--namespace", flags.namespace);
    const release = readName("--release", flags.release);
    const serving = readServing(flags, namespace);
    const [{ exportKubernetes, openKeys }, { writeManifests }] = await Promise.all([
      import("@bulwark/pki"),
      import("../../output/manifests.ts"),
    ]);
    const keys = await openKeys(paths.keys, { now: now() });
    const secrets =
      serving === undefined
        ? await exportKubernetes(keys, {
            ...(namespace === undefined ? {} : { namespace }),
            ...(release === undefined ? {} : { release }),
          })
        : await exportRelease(keys, { ...serving, now: now() }, flags.relay === true);
    const text = writeManifests(secrets);
    if (file === undefined) return { value: { apiVersion: "v1", kind: "List", items: secrets }, text };
    await writePrivately(file, text);
    return { value: { file, secrets: secrets.map((secret) => secret.metadata.name) }, text: `${file}\n` };
  },
};

async function exportRelease(keys: Keys, release: ServingRelease, isForRelay: boolean): Promise<SecretManifest[]> {
  const { exportRelay, exportServing } = await import("./export-serving.ts");
  return isForRelay ? exportRelay(keys, release) : exportServing(keys, release);
}

/** A release of charts/serving: its name begins those of Services (RFC 1035 label). */
const RELEASE = /^[a-z]([-a-z0-9]{0,42}[a-z0-9])?$/;
const HOST = /^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$/;

function readServing(flags: Flags, namespace: string | undefined): Omit<ServingRelease, "now"> | undefined {
  const release = flags.serving;
  const [dataKeys, hosts] = [readNames(flags.data), readNames(flags.host)];
  if (release === undefined) {
    if (dataKeys.length + hosts.length === 0 && flags.relay !== true && flags.job === undefined) return undefined;
    throw new BulwarkError("USAGE", "--data, --host, --job and --relay belong to --serving", "add --serving RELEASE");
  }
  if (flags.relay === true && (dataKeys.length + hosts.length > 0 || flags.job !== undefined)) {
    const mend = "leave out --data, --host and --job, or --relay for all other Secrets of the release";
    throw new BulwarkError("USAGE", "A relay opens no model, has no name, and learns its stream where it runs", mend);
  }
  if (typeof release !== "string" || !RELEASE.test(release)) {
    const mend = "use small letters, digits and dashes, a letter first, 44 at most";
    throw new BulwarkError("USAGE", `--serving cannot be "${release}"`, mend);
  }
  if (namespace === undefined) {
    const mend = `add -n NAMESPACE, where ${release} will be`;
    throw new BulwarkError("USAGE", "Certificates are for names that have the namespace in them", mend);
  }
  const odd = hosts.find((host) => !HOST.test(host));
  if (odd !== undefined) throw new BulwarkError("USAGE", `--host cannot be "${odd}"`, "give a name such as a.example");
  return { release, namespace, dataKeys, hosts, ...(flags.job === undefined ? {} : { job: String(flags.job) }) };
}

/** A flag's value, if it was given and can be a Kubernetes name (RFC 1123 label). */
function readName(flag: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && NAMESPACE.test(value)) return value;
  throw new BulwarkError("USAGE", `${flag} cannot be "${value}"`, "use small letters, digits and dashes, 63 at most");
}

/** Replaces a file by one that only its owner may open; a reader sees the old or the new one, whole. */
async function writePrivately(path: string, text: string): Promise<void> {
  try {
    await writeFileWhole(path, text);
  } catch (cause) {
    throw new BulwarkError(
      "KEYS_UNWRITABLE",
      `${path} cannot be written`,
      `see what is there: ls -ld ${dirname(path)}`,
      {
        cause,
      },
    );
  }
}
