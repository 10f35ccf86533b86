// SPDX-License-Identifier: Apache-2.0
import { describeKeyring, type Keys } from "@bulwark/pki";
import type { Column, Result } from "../../command.ts";

type Row = { what: string; id: string; validUntil: string; daysLeft: string; fingerprint: string; detail: string };

const COLUMNS: readonly Column<Row>[] = [
  { heading: "WHAT", cell: (row) => row.what },
  { heading: "ID", cell: (row) => row.id },
  { heading: "VALID UNTIL", cell: (row) => row.validUntil },
  { heading: "DAYS LEFT", cell: (row) => row.daysLeft },
  { heading: "FINGERPRINT", cell: (row) => row.fingerprint.slice(0, 16) },
  { heading: "SHA-256", cell: (row) => row.fingerprint, wide: true },
  { heading: "DETAIL", cell: (row) => row.detail, wide: true },
];

const DAY_MS = 86_400_000;
const NONE = "-";

/** What may be shown of keys, as value and as table: names, dates and digests of public parts; no secret. */
export function presentKeys(keys: Keys, now: Date): Result {
  const certificates = keys.certificates.map((certificate) => ({
    ...certificate,
    daysLeft: Math.floor((Date.parse(certificate.notAfter) - now.getTime()) / DAY_MS),
  }));
  const dataKeys = describeKeyring(keys.keyring);
  const rows: Row[] = [
    ...certificates.map((certificate) => ({
      what: "certificate",
      id: certificate.role,
      validUntil: certificate.notAfter.slice(0, 10),
      daysLeft: String(certificate.daysLeft),
      fingerprint: certificate.sha256,
      detail: `${certificate.subject}, serial ${certificate.serial}`,
    })),
    { ...unlimited("enclave key", "mrsigner", "RSA-3072, exponent 3"), fingerprint: keys.enclaveSigner },
    ...dataKeys.map(({ id, current, versions }) =>
      unlimited("data key", id, `version ${current}, ${versions.length} in all`),
    ),
  ];
  return {
    value: {
      folder: keys.folder,
      generation: keys.generation,
      createdAt: keys.createdAt,
      certificates,
      enclaveSigner: keys.enclaveSigner,
      dataKeys,
    },
    table: { rows, columns: COLUMNS, name: (row: Row) => `${row.what.replace(" ", "-")}/${row.id}` },
  };
}

const unlimited = (what: string, id: string, detail: string): Row => ({
  what,
  id,
  validUntil: NONE,
  daysLeft: NONE,
  fingerprint: NONE,
  detail,
});
