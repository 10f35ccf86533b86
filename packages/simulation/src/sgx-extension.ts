// SPDX-License-Identifier: Apache-2.0
import type { Extension } from "./certificate.ts";
import { boolean, enumerated, integer, octets, oid, sequence } from "./der.ts";

/** What Intel's provisioning service would certify of a platform (Intel SGX PCK Certificate and CRL Profile, 1.3.5). */
export type Platform = {
  ppid: Buffer;
  components: readonly number[];
  pceSvn: number;
  cpuSvn: Buffer;
  pceId: Buffer;
  fmspc: Buffer;
  /** 0 standard, 1 scalable, 2 scalable with integrity. */
  type: number;
  instanceId: Buffer;
};

const ROOT = "1.2.840.113741.1.13.1";

const field = (path: string, value: Buffer): Buffer => sequence(oid(`${ROOT}.${path}`), value);

/** The SGX extension of a PCK certificate with all of its seven parts. */
export function toSgxExtension(platform: Platform): Extension {
  const components = Array.from({ length: 16 }, (_, index) => platform.components[index] ?? 0);
  return {
    id: ROOT,
    value: sequence(
      field("1", octets(platform.ppid)),
      field(
        "2",
        sequence(
          ...components.map((svn, index) => field(`2.${index + 1}`, integer(svn))),
          field("2.17", integer(platform.pceSvn)),
          field("2.18", octets(platform.cpuSvn)),
        ),
      ),
      field("3", octets(platform.pceId)),
      field("4", octets(platform.fmspc)),
      field("5", enumerated(platform.type)),
      field("6", octets(platform.instanceId)),
      field("7", sequence(field("7.1", boolean(true)), field("7.2", boolean(false)), field("7.3", boolean(true)))),
    ),
  };
}
