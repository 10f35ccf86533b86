// SPDX-License-Identifier: Apache-2.0
import { DerReader, readWhole, TAG } from "../der/reader.ts";
import { listElements, toIntegerBytes, toOid } from "../der/values.ts";
import { Malformed } from "../malformed.ts";
import type { Extensions } from "./certificate.ts";

/** What a PCK certificate says of its platform (Intel SGX PCK Certificate and CRL Profile, section 1.3.5). */
export type SgxExtension = {
  ppid: Buffer;
  /** Components 1 to 16 of the TCB. */
  components: Uint8Array;
  pceSvn: number;
  cpuSvn: Buffer;
  /** Hex. */
  pceId: string;
  /** Hex. */
  fmspc: string;
  /** Hex; only where the platform has one. */
  platformInstanceId: string | null;
};

export const SGX_EXTENSION_OID = "1.2.840.113741.1.13.1";
const COMPONENTS = 16;
const PCE_SVN = 17;
const CPU_SVN = 18;
const BYTE = 0xff;
const WORD = 0xffff;

type Fields = ReadonlyMap<number, DerReader>;

/**
 * Reads the SGX extension of a PCK certificate.
 *
 * @throws Malformed when it is absent, or a field is missing, twice there, or of another size
 */
export function readSgxExtension(extensions: Extensions): SgxExtension {
  const extension = extensions.get(SGX_EXTENSION_OID);
  if (extension === undefined) throw new Malformed("the certificate has no SGX extension");
  const fields = readWhole(extension.value, (reader) =>
    readFields(reader.read(TAG.sequence).content, SGX_EXTENSION_OID),
  );
  const tcb = readFields(take(fields, 2, TAG.sequence), `${SGX_EXTENSION_OID}.2`);
  const components = Array.from({ length: COMPONENTS }, (_, index) => takeNumber(tcb, index + 1, BYTE));
  return {
    ppid: takeBytes(fields, 1, 16),
    components: Uint8Array.from(components),
    pceSvn: takeNumber(tcb, PCE_SVN, WORD),
    cpuSvn: takeBytes(tcb, CPU_SVN, 16),
    pceId: takeBytes(fields, 3, 2).toString("hex"),
    fmspc: takeBytes(fields, 4, 6).toString("hex"),
    platformInstanceId: fields.has(6) ? takeBytes(fields, 6, 16).toString("hex") : null,
  };
}

/** SEQUENCE OF SEQUENCE { OID below a parent, value } by the OID's last number. */
function readFields(content: Buffer, parent: string): Fields {
  const fields = new Map<number, DerReader>();
  for (const element of listElements(content)) {
    const reader = new DerReader(element.content);
    const oid = toOid(reader.read(TAG.oid));
    const number = oid.startsWith(`${parent}.`) ? Number(oid.slice(parent.length + 1)) : Number.NaN;
    if (Number.isNaN(number) || fields.has(number))
      throw new Malformed("the SGX extension has a field twice or a foreign one");
    fields.set(number, reader);
  }
  return fields;
}

function take(fields: Fields, number: number, tag: number): Buffer {
  const reader = fields.get(number);
  if (reader === undefined) throw new Malformed(`the SGX extension lacks field ${number}`);
  const { content } = reader.read(tag);
  reader.end();
  return content;
}

function takeBytes(fields: Fields, number: number, length: number): Buffer {
  const content = take(fields, number, TAG.octetString);
  if (content.length !== length) throw new Malformed(`field ${number} of the SGX extension is not of ${length} bytes`);
  return content;
}

function takeNumber(fields: Fields, number: number, most: number): number {
  const content = take(fields, number, TAG.integer);
  const bytes = toIntegerBytes({ tag: TAG.integer, content, bytes: content });
  const value = bytes.length <= 4 ? bytes.readIntBE(0, bytes.length) : Number.NaN;
  if (!(value >= 0 && value <= most)) throw new Malformed(`field ${number} of the SGX extension is out of its range`);
  return value;
}
