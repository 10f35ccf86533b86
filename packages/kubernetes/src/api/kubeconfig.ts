// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { suggestName } from "@bulwark/contracts/suggest-name";
import { parse } from "yaml";
import type { Credentials } from "./credentials.ts";

/** A cluster, and who asks it: what a kubeconfig says about one context, checked. */
export type ClusterAccess = {
  context: string;
  server: URL;
  /** Authorities to trust, PEM; those of the system when not given. */
  ca?: string;
  /** Name in the server's certificate, where it is not the one of the address. */
  serverName?: string;
  proxy?: string;
  namespace: string;
  credentials: Credentials;
  /** Headers by which the user asks as somebody else (impersonation). */
  impersonation?: Readonly<Record<string, readonly string[]>>;
};

type Named<Key extends string> = { name?: string } & { [K in Key]?: Record<string, unknown> };
type Kubeconfig = {
  "current-context"?: string;
  clusters?: Named<"cluster">[];
  contexts?: Named<"context">[];
  users?: Named<"user">[];
};

const MEND_FILE = "show it: kubectl config view --minify; or name another file: --kubeconfig FILE";
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Reads kubeconfigs as kubectl does: of several files the first that says something wins. Files that do not exist are
 * left out, as long as one does.
 *
 * @param files absolute paths in order
 * @param options.context the context meant; the current one of the files when not given
 * @throws BulwarkError KUBECONFIG_MISSING, KUBECONFIG_INVALID, CONTEXT_UNKNOWN, CLUSTER_UNAUTHENTICATED (certificate of
 *   the user has expired)
 */
export async function readKubeconfig(
  files: readonly string[],
  options: { context?: string; now: Date },
): Promise<ClusterAccess> {
  const found = (await Promise.all(files.map(readOne))).filter((config) => config !== undefined);
  if (found.length === 0) {
    const message = `There is no kubeconfig at ${files.join(" or ")}.`;
    throw new BulwarkError("KUBECONFIG_MISSING", message, "name one: --kubeconfig FILE, or set KUBECONFIG");
  }
  const name = options.context ?? found.map((config) => config["current-context"]).find(isFilled);
  if (name === undefined) {
    throw new BulwarkError("CONTEXT_UNKNOWN", "The kubeconfig has no current context.", mendContext(found));
  }
  const context = pick(found, "contexts", name)?.context;
  if (context === undefined) throw unknownContext(found, name);
  const cluster = pick(found, "clusters", text(context.cluster))?.cluster;
  const user = pick(found, "users", text(context.user))?.user ?? {};
  if (cluster === undefined) throw invalid(`its context ${name} names a cluster that is not there`);
  const impersonation = readImpersonation(user);
  return {
    context: name,
    ...(await readCluster(cluster)),
    namespace: text(context.namespace) || "default",
    credentials: await readUser(user, options.now),
    ...(Object.keys(impersonation).length === 0 ? {} : { impersonation }),
  };
}

/** Access of a pod to its own cluster, by the files that Kubernetes mounts into it. */
export async function readPodAccess(folder: string, address: { host: string; port: string }): Promise<ClusterAccess> {
  const [ca, namespace] = await Promise.all(
    ["ca.crt", "namespace"].map((name) => readFile(resolve(folder, name), "utf8")),
  );
  return {
    context: "in-cluster",
    server: new URL(`https://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`),
    ...(ca === undefined ? {} : { ca }),
    namespace: namespace?.trim() || "default",
    credentials: { type: "token-file", file: resolve(folder, "token") },
  };
}

async function readOne(file: string): Promise<Kubeconfig | undefined> {
  let content: string;
  try {
    content = await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BulwarkError("KUBECONFIG_INVALID", `${file} cannot be read.`, `ls -l ${file}`, { cause });
  }
  const config = parseYaml(content, file);
  const folder = dirname(file);
  // Paths in a kubeconfig count from the file they stand in.
  for (const { cluster } of config.clusters ?? []) absolute(cluster, folder, ["certificate-authority"]);
  for (const { user } of config.users ?? []) absolute(user, folder, ["client-certificate", "client-key", "tokenFile"]);
  return config;
}

function parseYaml(content: string, file: string): Kubeconfig {
  let config: unknown;
  try {
    config = parse(content);
  } catch {
    // The parser's own words quote the file, which holds credentials.
    throw invalid(`${file} is not YAML`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw invalid(`${file} holds no kubeconfig`);
  const lists = ["clusters", "contexts", "users"] as const;
  const wrong = lists.find((key) => !Array.isArray((config as Kubeconfig)[key] ?? []));
  if (wrong !== undefined) throw invalid(`${file}: ${wrong} is no list`);
  return config;
}

function absolute(fields: Record<string, unknown> | undefined, folder: string, names: readonly string[]): void {
  for (const name of names) {
    const value = fields?.[name];
    if (fields !== undefined && typeof value === "string" && value !== "") fields[name] = resolve(folder, value);
  }
}

function pick<Key extends "clusters" | "contexts" | "users">(
  configs: readonly Kubeconfig[],
  key: Key,
  name: string,
): NonNullable<Kubeconfig[Key]>[number] | undefined {
  const all = configs.flatMap((config): NonNullable<Kubeconfig[Key]>[number][] => config[key] ?? []);
  return all.find((entry) => entry.name === name);
}

async function readCluster(cluster: Record<string, unknown>) {
  const address = text(cluster.server);
  const server = URL.canParse(address) ? new URL(address) : undefined;
  if (server === undefined) throw invalid(`the address of the cluster, "${address.slice(0, 200)}", is no URL`);
  if (server.protocol !== "https:" && !LOOPBACK.has(server.hostname)) {
    throw invalid("the address of the cluster is not https, and secrets would cross the network in the clear");
  }
  if (cluster["insecure-skip-tls-verify"] === true) {
    const message =
      "The kubeconfig turns the check of the server's certificate off; Bulwark would send secrets to whoever answers.";
    const mend = "remove insecure-skip-tls-verify, and give certificate-authority-data of the cluster";
    throw new BulwarkError("KUBECONFIG_INVALID", message, mend);
  }
  const ca = await readMaterial(cluster, "certificate-authority");
  const serverName = text(cluster["tls-server-name"]);
  const proxy = text(cluster["proxy-url"]);
  return {
    server,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === "" ? {} : { serverName }),
    ...(proxy === "" ? {} : { proxy }),
  };
}

async function readUser(user: Record<string, unknown>, now: Date): Promise<Credentials> {
  const [certificate, key] = await Promise.all([
    readMaterial(user, "client-certificate"),
    readMaterial(user, "client-key"),
  ]);
  if (certificate !== undefined && key !== undefined) {
    refuseExpired(certificate, now);
    return { type: "certificate", certificate, key };
  }
  if (isFilled(user.tokenFile)) return { type: "token-file", file: user.tokenFile };
  if (isFilled(user.token)) return { type: "token", token: user.token };
  if (isFields(user.exec)) return readExec(user.exec);
  if (isFields(user["auth-provider"])) {
    throw invalid(
      `the user's auth-provider ${text(user["auth-provider"].name)} is of a kind that kubectl is giving up`,
      "use a credential plugin instead (exec), or a token",
    );
  }
  return { type: "anonymous" };
}

/**
 * As whom the user asks: `as`, `as-uid`, `as-groups` and `as-user-extra`, in the headers of client-go. Who is left out would
 * be asked for with the user's own rights, so what cannot be sent is refused.
 */
function readImpersonation(user: Record<string, unknown>): Record<string, string[]> {
  const extra = isFields(user["as-user-extra"]) ? user["as-user-extra"] : {};
  const said: [header: string, values: unknown[]][] = [
    ["Impersonate-User", listOf(user.as)],
    ["Impersonate-Uid", listOf(user["as-uid"])],
    ["Impersonate-Group", listOf(user["as-groups"])],
    ...Object.entries(extra).map(([key, values]): [string, unknown[]] => [
      `Impersonate-Extra-${escapeHeaderName(key)}`,
      listOf(values),
    ]),
  ];
  const headers = said.filter(([, values]) => values.length > 0);
  if (headers.length > 0 && headers[0]?.[0] !== "Impersonate-User") {
    throw invalid("the user has as-uid, as-groups or as-user-extra without as");
  }
  return Object.fromEntries(headers.map(([header, values]) => [header, values.map(toHeaderValue)]));
}

/** One value or several; none where nothing is said. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null || value === "" ? [] : [value];
}

/** UTF-8, as client-go sends it: Node takes one character for one byte. */
function toHeaderValue(value: unknown): string {
  if (typeof value !== "string" || /\p{Cc}/u.test(value))
    throw invalid("the user's as, or what belongs to it, is no text");
  return Buffer.from(value, "utf8").toString("latin1");
}

/** What no name of a header may have becomes %XX, and so does % itself. */
const escapeHeaderName = (name: string): string =>
  Buffer.from(name, "utf8")
    .toString("latin1")
    .replace(
      /[^!#$&'*+.^_`|~0-9A-Za-z-]/g,
      (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );

function readExec(exec: Record<string, unknown>): Credentials {
  const apiVersion = text(exec.apiVersion);
  if (!/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion)) {
    throw invalid(`the user's credential plugin speaks ${apiVersion || "no version"}`, "update the plugin to v1");
  }
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const env = list(exec.env)
    .filter(isFields)
    .map(({ name, value }) => [text(name), text(value)]);
  return {
    type: "exec",
    apiVersion,
    command: text(exec.command),
    args: list(exec.args).map(String),
    env: Object.fromEntries(env),
    hint: text(exec.installHint),
  };
}

/** Inline base64 goes before a file, as in kubectl. */
async function readMaterial(fields: Record<string, unknown>, name: string): Promise<string | undefined> {
  const inline = fields[`${name}-data`];
  if (isFilled(inline)) return Buffer.from(inline, "base64").toString("utf8");
  const file = fields[name];
  if (!isFilled(file)) return undefined;
  return readFile(file, "utf8").catch((cause) => {
    throw new BulwarkError(
      "KUBECONFIG_INVALID",
      `${file}, which the kubeconfig names, cannot be read.`,
      `ls -l ${file}`,
      {
        cause,
      },
    );
  });
}

function refuseExpired(pem: string, now: Date): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw invalid("the user's certificate is none");
  }
  const { validToDate, subject } = certificate;
  if (validToDate >= now) return;
  const message = `Your certificate for the cluster (${subject.replaceAll("\n", ", ")}) expired at ${validToDate.toISOString()}.`;
  throw new BulwarkError("CLUSTER_UNAUTHENTICATED", message, "get a new kubeconfig from whoever runs the cluster");
}

function unknownContext(configs: readonly Kubeconfig[], name: string): BulwarkError {
  const near = suggestName(name, listContexts(configs));
  const mend = near === undefined ? mendContext(configs) : `did you mean --context ${near}?`;
  return new BulwarkError("CONTEXT_UNKNOWN", `The kubeconfig has no context ${name.slice(0, 200)}.`, mend);
}

const listContexts = (configs: readonly Kubeconfig[]): string[] =>
  configs.flatMap(({ contexts }) => contexts ?? []).map(({ name }) => name ?? "");
const mendContext = (configs: readonly Kubeconfig[]): string => {
  const names = listContexts(configs);
  return names.length === 0
    ? MEND_FILE
    : `one of: ${names
        .slice(0, 10)
        .map((name) => `--context ${name}`)
        .join(", ")}`;
};
const invalid = (what: string, mend = MEND_FILE): BulwarkError =>
  new BulwarkError("KUBECONFIG_INVALID", `The kubeconfig cannot be used: ${what}.`, mend);
const isFilled = (value: unknown): value is string => typeof value === "string" && value !== "";
const isFields = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const text = (value: unknown): string => (typeof value === "string" ? value : "");
