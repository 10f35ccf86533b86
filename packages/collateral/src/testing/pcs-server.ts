// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Collateral } from "@bulwark/attestation";

/** How the service answers one item instead of rightly. */
export type Misanswer = (response: ServerResponse, send: () => void) => void;

/** A collateral service on loopback. `faults` may be changed while it runs; keys are the last part of the path. */
export type PcsServer = {
  url: string;
  requests: { path: string; headers: IncomingMessage["headers"] }[];
  faults: Map<string, Misanswer>;
  close(): Promise<void>;
};

/** In which form a service sends revocation lists: PCS and PCCS 3.1 send DER, PCCS 3.0 hex, PCS without `encoding` PEM. */
export type CrlForm = "der" | "hex" | "pem";

const encodeChain = (pem: string): string => encodeURIComponent(pem);

const toPem = (der: Buffer): string =>
  `-----BEGIN X509 CRL-----\n${der
    .toString("base64")
    .match(/.{1,64}/g)
    ?.join("\n")}\n-----END X509 CRL-----\n`;

const CRL_FORMS: Readonly<Record<CrlForm, (der: Buffer) => Buffer>> = {
  der: (der) => der,
  hex: (der) => Buffer.from(der.toString("hex")),
  pem: (der) => Buffer.from(toPem(der)),
};

type Answer = { header?: [name: string, chain: string]; body: Buffer };

/** What is served at the end of each path. */
function listAnswers(collateral: Collateral, form: CrlForm): Readonly<Record<string, Answer | undefined>> {
  const { tcbInfo, qeIdentity, pckCrl, rootCaCrl } = collateral;
  const crl = (base64: string): Buffer => CRL_FORMS[form](Buffer.from(base64, "base64"));
  return {
    tcb:
      tcbInfo === null
        ? undefined
        : {
            header: ["TCB-Info-Issuer-Chain", tcbInfo.issuerChainPem],
            body: Buffer.from(`{"tcbInfo":${tcbInfo.body},"signature":"${tcbInfo.signatureHex}"}`),
          },
    identity:
      qeIdentity === null
        ? undefined
        : {
            header: ["SGX-Enclave-Identity-Issuer-Chain", qeIdentity.issuerChainPem],
            body: Buffer.from(`{"enclaveIdentity":${qeIdentity.body},"signature":"${qeIdentity.signatureHex}"}`),
          },
    pckcrl:
      pckCrl === null
        ? undefined
        : {
            header: ["SGX-PCK-CRL-Issuer-Chain", pckCrl.issuerChainPem ?? ""],
            body: crl(pckCrl.derBase64),
          },
    rootcacrl: rootCaCrl === null ? undefined : { body: crl(rootCaCrl.derBase64) },
  };
}

/**
 * Serves a bundle as Intel's PCS and a PCCS do.
 *
 * @param identity key and certificate of the server, PEM
 */
export async function servePcs(
  collateral: Collateral,
  identity: { key: string; cert: string },
  { form = "der" }: { form?: CrlForm } = {},
): Promise<PcsServer> {
  const answers = listAnswers(collateral, form);
  const requests: PcsServer["requests"] = [];
  const faults: PcsServer["faults"] = new Map();
  const server = createServer(identity, (request, response) => {
    const path = request.url ?? "";
    requests.push({ path, headers: request.headers });
    const name = path.split("?")[0]?.split("/").at(-1) ?? "";
    const answer = answers[name];
    const send = (): void => {
      if (answer === undefined) return void response.writeHead(404).end();
      if (answer.header !== undefined) response.setHeader(answer.header[0], encodeChain(answer.header[1]));
      response.end(answer.body);
    };
    const fault = faults.get(name);
    if (fault === undefined) send();
    else fault(response, send);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
