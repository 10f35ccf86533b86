// SPDX-License-Identifier: Apache-2.0
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createProofSource, type Proof, type RunProgram } from "./credentials.ts";
import { type ApiStatus, toApiError, toConnectionError } from "./errors.ts";
import type { ClusterAccess } from "./kubeconfig.ts";

/** One question to the API server. */
export type Question = {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the server's address, for instance `/api/v1/namespaces/runs/pods`. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
  /** Longest time to the first byte of the answer; undefined is 30 s. */
  limitMs?: number;
  /** What is being done, for the error: "list pods". */
  what: string;
};

/** What a connection needs from outside. */
export type Outside = {
  runProgram: RunProgram;
  now: () => Date;
  /** Proxies of the environment; a `proxy-url` of the kubeconfig goes before them. */
  proxyEnv?: Readonly<Record<string, string | undefined>>;
  /** Told what the server finds unwise. */
  onWarning?: (text: string) => void;
};

/** Asks one API server as one user. `secure` opens what other protocols need. */
export type Connection = {
  access: ClusterAccess;
  /** Returns the answer's body as a stream. Throws for any status beyond 299. */
  stream(question: Question): Promise<IncomingMessage>;
  /** Returns the answer's body as JSON. */
  ask<T>(question: Question): Promise<T>;
  /** Everything a WebSocket to the same server needs. */
  secure(): Promise<{ headers: Record<string, string | string[]>; agent: Agent | undefined }>;
  close(): void;
};

const ANSWER_LIMIT_MS = 30_000;
const SOCKETS = 16;
const LARGEST_STATUS = 64 * 1024;
const UNAUTHORIZED = 401;
/** Credentials that may be others when they are asked for again. */
const RENEWABLE: ReadonlySet<string> = new Set(["exec", "token-file"]);

/** Opens nothing yet; sockets are made as questions come, and kept for later ones. */
export function createConnection(access: ClusterAccess, outside: Outside): Connection {
  const proofs = createProofSource(access.credentials, outside);
  let agent: { for: Proof; agent: Agent } | undefined;
  const agentOf = (proof: Proof): Agent => {
    if (agent === undefined || agent.for.certificate !== proof.certificate) {
      agent?.agent.destroy();
      agent = { for: proof, agent: createAgent(access, proof, outside.proxyEnv) };
    }
    return agent.agent;
  };
  const open = async (question: Question, proof: Proof): Promise<IncomingMessage> => {
    const isPlain = access.server.protocol === "http:";
    const sent = send(question, access, proof, isPlain ? undefined : agentOf(proof));
    return sent.catch((cause) => {
      throw question.signal?.aborted === true ? question.signal.reason : toConnectionError(cause, access.server);
    });
  };
  const stream = async (question: Question): Promise<IncomingMessage> => {
    let answer = await open(question, await proofs.get());
    if (answer.statusCode === UNAUTHORIZED && RENEWABLE.has(access.credentials.type)) {
      answer.resume();
      answer = await open(question, await proofs.renew());
    }
    for (const text of readWarnings(answer)) outside.onWarning?.(text);
    const status = answer.statusCode ?? 0;
    if (status < 300) return answer;
    throw toApiError(status, await readStatus(answer), `Cannot ${question.what}`);
  };
  return {
    access,
    stream,
    async ask<T>(question: Question): Promise<T> {
      const answer = await stream(question);
      try {
        return JSON.parse(await readText(answer)) as T;
      } catch (cause) {
        if (question.signal?.aborted === true) throw question.signal.reason;
        throw toConnectionError(cause, access.server);
      }
    },
    async secure() {
      const proof = await proofs.get();
      return {
        headers: toHeaders(access, proof),
        agent: access.server.protocol === "http:" ? undefined : agentOf(proof),
      };
    },
    close: () => agent?.agent.destroy(),
  };
}

function createAgent(access: ClusterAccess, proof: Proof, proxyEnv: Outside["proxyEnv"]): Agent {
  return new Agent({
    keepAlive: true,
    maxSockets: SOCKETS,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(access.ca === undefined ? {} : { ca: access.ca }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
    ...(proof.certificate === undefined || proof.key === undefined ? {} : { cert: proof.certificate, key: proof.key }),
    proxyEnv: access.proxy === undefined ? { ...proxyEnv } : { HTTPS_PROXY: access.proxy },
  });
}

function send(
  question: Question,
  access: ClusterAccess,
  proof: Proof,
  agent: Agent | undefined,
): Promise<IncomingMessage> {
  const { method = "GET", path, query = {}, body, signal, limitMs = ANSWER_LIMIT_MS } = question;
  const url = new URL(`${access.server.pathname.replace(/\/$/, "")}${path}`, access.server);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: question.accept ?? "application/json",
    "user-agent": "bulwark",
    ...toHeaders(access, proof),
    ...(content === undefined
      ? {}
      : { "content-type": question.contentType ?? "application/json", "content-length": Buffer.byteLength(content) }),
  };
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers,
      ...(signal === undefined ? {} : { signal }),
      ...(agent === undefined ? {} : { agent }),
    };
    const sent = agent === undefined ? httpRequest(url, options) : httpsRequest(url, options);
    const timer = setTimeout(() => sent.destroy(noAnswer(access, limitMs)), limitMs);
    sent.once("response", (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    sent.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(content);
  });
}

const noAnswer = (access: ClusterAccess, limitMs: number): BulwarkError =>
  new BulwarkError(
    "CLUSTER_UNREACHABLE",
    `The API server at ${access.server.host} did not answer within ${Math.round(limitMs / 1000)} s.`,
    "check the network, then try again: kubectl cluster-info",
  );

/** Who asks, and as whom. */
const toHeaders = ({ impersonation = {} }: ClusterAccess, { token }: Proof): Record<string, string | string[]> => ({
  ...Object.fromEntries(Object.entries(impersonation).map(([name, values]) => [name, [...values]])),
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

/** `299 - "text"` (RFC 7234): how API servers say what is unwise, Pod Security among it. */
function readWarnings(answer: IncomingMessage): string[] {
  const header = answer.headers.warning;
  return [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.replaceAll('\\"', '"'),
  );
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function readStatus(answer: IncomingMessage): Promise<ApiStatus> {
  const text = (await readText(answer)).slice(0, LARGEST_STATUS);
  try {
    return JSON.parse(text) as ApiStatus;
  } catch {
    return text.trim() === "" ? {} : { message: text.trim().slice(0, 300) };
  }
}
