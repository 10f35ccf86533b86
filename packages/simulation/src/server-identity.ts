// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from "node:crypto";
import { issueCertificate, KEY_USAGE, toPem } from "./certificate.ts";
import { element, sequence } from "./der.ts";
import { makeP256, makeSerial, type Root } from "./installation.ts";

const DAY_MS = 86_400_000;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const IP_ADDRESS = 0x87;

/** Key and certificate of an https server on 127.0.0.1 under a simulated root, so that collateral can be served to tests. */
export function createServerIdentity(root: Root, { now }: { now: Date }): { key: string; cert: string; ca: string } {
  const { privateKey, publicKey } = makeP256();
  const cert = issueCertificate(
    {
      subject: "Bulwark Simulation collateral service",
      issuer: root.name,
      serial: makeSerial(),
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + DAY_MS),
      publicKey,
      issuerKey: createPublicKey(root.key),
      isAuthority: false,
      keyUsage: KEY_USAGE.signature,
      extensions: [{ id: SUBJECT_ALTERNATIVE_NAME, value: sequence(element(IP_ADDRESS, Buffer.from([127, 0, 0, 1]))) }],
    },
    root.key,
    "ecdsa-sha256",
  );
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { key, cert: toPem(cert), ca: toPem(root.certificate) };
}
