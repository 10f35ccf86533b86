// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { BulwarkError } from "@bulwark/contracts/errors";

/** How a user proves who he is to an API server, as kubeconfigs say it. Holds secrets: never print it. */
export type Credentials =
  | { type: "anonymous" }
  | { type: "certificate"; certificate: string; key: string }
  | { type: "token"; token: string }
  | { type: "token-file"; file: string }
  | {
      type: "exec";
      apiVersion: string;
      command: string;
      args: readonly string[];
      env: Readonly<Record<string, string>>;
      hint: string;
    };

/** What goes into one request: a header, or a certificate for the connection. */
export type Proof = { token?: string; certificate?: string; key?: string };

/** Runs a program to its end and returns what it printed. */
export type RunProgram = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) => Promise<string>;

/** A source of proofs; `renew` asks for one that the server has not refused yet. */
export type ProofSource = { get(): Promise<Proof>; renew(): Promise<Proof> };

/** Files of tokens are read anew this often: Kubernetes rotates them. */
const TOKEN_FILE_MS = 60_000;
/** A proof of a plugin is not used in its last seconds. */
const MARGIN_MS = 10_000;

/** Gives the proof of some credentials, keeping what may be kept. */
export function createProofSource(
  credentials: Credentials,
  { runProgram, now }: { runProgram: RunProgram; now: () => Date },
): ProofSource {
  let kept: { proof: Proof; until: number } | undefined;
  const fetch = async (): Promise<Proof> => {
    kept = await read(credentials, runProgram, now());
    return kept.proof;
  };
  return {
    get: async () => (kept !== undefined && now().getTime() < kept.until ? kept.proof : fetch()),
    renew: fetch,
  };
}

async function read(
  credentials: Credentials,
  runProgram: RunProgram,
  now: Date,
): Promise<{ proof: Proof; until: number }> {
  switch (credentials.type) {
    case "anonymous":
      return { proof: {}, until: Number.POSITIVE_INFINITY };
    case "token":
      return { proof: { token: credentials.token }, until: Number.POSITIVE_INFINITY };
    case "certificate": {
      const { certificate, key } = credentials;
      return { proof: { certificate, key }, until: Number.POSITIVE_INFINITY };
    }
    case "token-file": {
      const token = await readFile(credentials.file, "utf8").catch((cause) => {
        throw new BulwarkError(
          "KUBECONFIG_INVALID",
          `${credentials.file} cannot be read.`,
          `ls -l ${credentials.file}`,
          {
            cause,
          },
        );
      });
      return { proof: { token: token.trim() }, until: now.getTime() + TOKEN_FILE_MS };
    }
    case "exec":
      return readPlugin(await runPlugin(credentials, runProgram), credentials.command);
  }
}

/** Client-go credential plugins: the program prints an ExecCredential (client.authentication.k8s.io). */
async function runPlugin(exec: Extract<Credentials, { type: "exec" }>, runProgram: RunProgram): Promise<string> {
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  try {
    return await runProgram(exec.command, exec.args, { ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) });
  } catch (cause) {
    const message = `The credential plugin ${exec.command} of the kubeconfig failed.`;
    const mend = exec.hint.split("\n")[0] || `run it by hand: ${[exec.command, ...exec.args].join(" ")}`;
    throw new BulwarkError("CLUSTER_UNAUTHENTICATED", message, mend, { cause });
  }
}

function readPlugin(printed: string, command: string): { proof: Proof; until: number } {
  type Status = {
    token?: string;
    clientCertificateData?: string;
    clientKeyData?: string;
    expirationTimestamp?: string;
  };
  let status: Status | undefined;
  try {
    status = (JSON.parse(printed) as { status?: Status }).status;
  } catch {
    // What it printed holds a credential, so it is not quoted.
  }
  const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp = "" } = status ?? {};
  if (token === undefined && (certificate === undefined || key === undefined)) {
    const message = `The credential plugin ${command} gave neither a token nor a certificate.`;
    throw new BulwarkError("CLUSTER_UNAUTHENTICATED", message, "update the plugin, or log in with it anew");
  }
  const expiry = Date.parse(expirationTimestamp);
  return {
    proof: {
      ...(token === undefined ? {} : { token }),
      ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
    },
    until: Number.isNaN(expiry) ? Number.POSITIVE_INFINITY : expiry - MARGIN_MS,
  };
}
