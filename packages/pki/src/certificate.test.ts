// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import { issueAuthority, issueLeaf, requestCertificate } from "./certificate.ts";
import { ROLES } from "./layout.ts";
import { isAbsent, makeEmptyFolder, NOW } from "./test-folder.ts";

const authority = await issueAuthority(NOW, 365);

for (const role of ROLES) {
  test(`the certificate of ${role} is bound to its names, its authority and its days`, async () => {
    const issued = await issueLeaf(role, authority, NOW, 90);
    const certificate = new X509Certificate(issued.certificate);
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
    assert.ok(certificate.checkIssued(new X509Certificate(authority.certificate)));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.key)));
    assert.equal(certificate.ca, false);
    assert.equal(certificate.checkHost("localhost"), "localhost");
    assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
    assert.equal(certificate.checkIP("::1"), "::1");
    assert.equal(certificate.checkHost("example.org"), undefined);
    assert.equal(certificate.subjectAltName?.includes(`URI:urn:bulwark:role:${role}`), role !== "server");
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assert.equal(certificate.validFromDate.getTime(), NOW.getTime() - 5 * 60_000);
    assert.equal(certificate.validToDate.getTime(), NOW.getTime() + 90 * 86_400_000);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  });
}

test("serial numbers are random and positive", async () => {
  const serials = new Set<string>();
  for (let count = 0; count < 8; count++) {
    const { serialNumber } = new X509Certificate((await issueLeaf("driver", authority, NOW, 1)).certificate);
    assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/);
    serials.add(serialNumber);
  }
  assert.equal(serials.size, 8);
});

test("dates beyond 2049 are written as RFC 5280 demands", async () => {
  const late = new Date("2049-12-01T00:00:00.000Z");
  const { certificate } = await issueAuthority(late, 90);
  assert.equal(new X509Certificate(certificate).validToDate.toISOString(), "2050-03-01T00:00:00.000Z");
});

test("two roles of one authority speak TLS 1.3 with each other; one of another authority is refused", async () => {
  const now = new Date();
  const current = await issueAuthority(now, 2);
  const [driver, executor] = [await issueLeaf("driver", current, now, 1), await issueLeaf("executor", current, now, 1)];
  const stranger = await issueLeaf("executor", await issueAuthority(now, 2), now, 1);
  const greeted: unknown[] = [];
  const server = createServer(
    { cert: driver.certificate, key: driver.key, ca: current.certificate, requestCert: true, minVersion: "TLSv1.3" },
    (socket) => {
      greeted.push(socket.getPeerCertificate().subject.CN);
      socket.end("welcome");
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const greet = async (client: { certificate: string; key: string }): Promise<string> => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      cert: client.certificate,
      key: client.key,
      ca: current.certificate,
    });
    try {
      let answer = "";
      for await (const chunk of socket) answer += chunk;
      return answer;
    } finally {
      socket.destroy();
    }
  };
  try {
    assert.equal(await greet(executor), "welcome");
    // In TLS 1.3 the client hears of the refusal only after its own handshake is over, if at all.
    assert.notEqual(await greet(stranger).catch(() => "refused"), "welcome");
    assert.deepEqual(greeted, ["bulwark-executor"]);
  } finally {
    server.close();
  }
});

test("OpenSSL accepts chain and request", { skip: isAbsent("openssl", "version") }, async () => {
  const folder = await makeEmptyFolder();
  const leaf = await issueLeaf("server", authority, NOW, 90);
  const [caFile, leafFile, requestFile] = ["ca.crt", "leaf.crt", "leaf.csr"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(caFile, authority.certificate);
  await writeFile(leafFile, leaf.certificate);
  await writeFile(requestFile, await requestCertificate(leaf));
  const verify = (instant: Date, purpose: string) =>
    execFileSync(
      "openssl",
      [
        "verify",
        "-x509_strict",
        "-attime",
        String(instant.getTime() / 1000),
        "-purpose",
        purpose,
        "-CAfile",
        caFile,
        leafFile,
      ],
      { encoding: "utf8", stdio: "pipe" },
    );
  for (const purpose of ["sslserver", "sslclient"]) assert.match(verify(NOW, purpose), /OK$/m);
  assert.throws(() => verify(new Date(NOW.getTime() + 91 * 86_400_000), "sslserver"));
  const subject = execFileSync("openssl", ["req", "-in", requestFile, "-verify", "-noout", "-subject"], {
    encoding: "utf8",
    stdio: "pipe",
  });
  assert.match(subject, /bulwark-server/);
});
