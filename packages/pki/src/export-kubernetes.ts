// SPDX-License-Identifier: Apache-2.0
import { constants, generateKeyPair, publicEncrypt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Keys } from "./open.ts";
import { splitBundle } from "./pem.ts";

/** A Kubernetes Secret; the values of `data` are base64. */
export type SecretManifest = {
  apiVersion: "v1";
  kind: "Secret";
  metadata: { name: string; namespace?: string; labels: Record<string, string> };
  type: "Opaque";
  data: Record<string, string>;
};

/**
 * Makes the four Secrets that charts and pod templates mount, with the entry names that older deployments read.
 * `ssl-password` holds a key beside its own ciphertext because older readers decrypt it so: it protects nothing
 * that the Secret itself does not protect. The Spark secret is the store password: older readers take them for one.
 */
export async function exportKubernetes(
  keys: Keys,
  options: { release?: string; namespace?: string } = {},
): Promise<SecretManifest[]> {
  const entries: Record<string, Record<string, string | Buffer>> = {
    "ssl-keys": await makeTlsEntries(keys),
    "ssl-password": await makePasswordEntries(keys.storePassword),
    "enclave-key": { "enclave-key.pem": await readFile(keys.files.enclaveKey) },
    "spark-secret": { secret: keys.storePassword },
  };
  return Object.entries(entries).map(([name, data]) => toManifest(name, data, options));
}

/** A Secret with these entries, labelled as ours. */
export function toManifest(
  name: string,
  data: Readonly<Record<string, string | Buffer>>,
  { release, namespace }: { release?: string; namespace?: string },
): SecretManifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        "app.kubernetes.io/managed-by": "bulwark",
        "app.kubernetes.io/part-of": "bulwark",
        ...(release === undefined ? {} : { "app.kubernetes.io/instance": release }),
      },
    },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(data).map(([entry, value]) => [entry, Buffer.from(value).toString("base64")]),
    ),
  };
}

async function makeTlsEntries(keys: Keys): Promise<Record<string, string | Buffer>> {
  const { certificate: certificateFile, privateKey, caCertificate, caBundle } = keys.files.server;
  const [certificate, key, authority, bundle] = (await Promise.all(
    [certificateFile, privateKey, caCertificate, caBundle].map((path) => readFile(path, "utf8")),
  )) as [string, string, string, string];
  const [{ requestCertificate }, { encodeStore }, { toTrusted }] = await Promise.all([
    import("./certificate.ts"),
    import("./pkcs12.ts"),
    import("./material.ts"),
  ]);
  // Older deployments name one file as key store and as trust store, so it holds both.
  const store = await encodeStore(
    {
      key: { alias: "server", privateKey: key, chain: [certificate, authority] },
      trusted: toTrusted(splitBundle(bundle)),
    },
    keys.storePassword,
  );
  return {
    "server.key": key,
    "server.csr": await requestCertificate({ certificate, key }),
    "server.crt": certificate,
    "server.pem": key + certificate,
    "keystore.pkcs12": store,
    // PKCS#12 as well: Java 9 and later recognise a store by its content.
    "keystore.jks": store,
  };
}

async function makePasswordEntries(password: string): Promise<Record<string, string | Buffer>> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return {
    "key.txt": privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    "output.bin": publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(password)),
  };
}
