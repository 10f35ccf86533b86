// SPDX-License-Identifier: Apache-2.0
import { readWhole, TAG } from "../der/reader.ts";
import { toIntegerBytes } from "../der/values.ts";
import { Malformed } from "../malformed.ts";
import type { Extensions } from "../x509/certificate.ts";

/** What a VCEK or VLEK certificate says of its chip (AMD VCEK Certificate and KDS Interface Specification, table 8). */
export type Endorsement = {
  tcb: SnpTcb;
  /** 64 bytes, 8 on Turin; null for a VLEK, which belongs to a cloud provider and no chip. */
  chipId: Buffer | null;
};

/** Security versions of a platform. `fmc` exists since Turin. */
export type SnpTcb = { bootloader: number; tee: number; snp: number; microcode: number; fmc: number | null };

const ARC = "1.3.6.1.4.1.3704.1";
const OID = {
  bootloader: `${ARC}.3.1`,
  tee: `${ARC}.3.2`,
  snp: `${ARC}.3.3`,
  microcode: `${ARC}.3.8`,
  fmc: `${ARC}.3.9`,
  chipId: `${ARC}.4`,
} as const;
const CHIP_ID_BYTES: ReadonlySet<number> = new Set([8, 64]);
const MOST_SVN = 255;

/**
 * Reads the extensions of an endorsement certificate.
 *
 * @throws Malformed
 */
export function readEndorsement(extensions: Extensions, kind: "vcek" | "vlek"): Endorsement {
  const number = (oid: string): number => {
    const value = extensions.get(oid)?.value;
    if (value === undefined) throw new Malformed("an extension with a security version is missing");
    return toSvn(value);
  };
  return {
    tcb: {
      bootloader: number(OID.bootloader),
      tee: number(OID.tee),
      snp: number(OID.snp),
      microcode: number(OID.microcode),
      fmc: extensions.has(OID.fmc) ? number(OID.fmc) : null,
    },
    chipId: kind === "vcek" ? toChipId(extensions.get(OID.chipId)?.value) : null,
  };
}

function toSvn(value: Buffer): number {
  const bytes = readWhole(value, (reader) => toIntegerBytes(reader.read(TAG.integer)));
  const svn = bytes.length <= 2 ? bytes.readIntBE(0, bytes.length) : Number.NaN;
  if (!(svn >= 0 && svn <= MOST_SVN)) throw new Malformed("a security version is out of its range");
  return svn;
}

/** AMD writes the id bare; others wrap it into an OCTET STRING. */
function toChipId(value: Buffer | undefined): Buffer {
  if (value === undefined) throw new Malformed("the chip id is missing");
  if (CHIP_ID_BYTES.has(value.length)) return value;
  const { content } = readWhole(value, (reader) => reader.read(TAG.octetString));
  if (!CHIP_ID_BYTES.has(content.length)) throw new Malformed("the chip id has another length");
  return content;
}

/** Security versions in a report's TCB_VERSION: Turin has put FMC before the others. */
export function readSnpTcb(bytes: Buffer, hasFmc: boolean): SnpTcb {
  const [first = 0, second = 0, third = 0, fourth = 0, , , seventh = 0, microcode = 0] = bytes;
  return hasFmc
    ? { fmc: first, bootloader: second, tee: third, snp: fourth, microcode }
    : { fmc: null, bootloader: first, tee: second, snp: seventh, microcode };
}
