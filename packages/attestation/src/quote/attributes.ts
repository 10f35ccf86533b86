// SPDX-License-Identifier: Apache-2.0
import type { SgxAttributeFlags, TdAttributeFlags } from "../verdict.ts";

/** Flags in the first byte of an enclave's attributes (Intel SDM volume 3D, ATTRIBUTES). */
export const SGX_FLAG = {
  init: 0x01,
  debug: 0x02,
  mode64: 0x04,
  provisionKey: 0x10,
  einittokenKey: 0x20,
  kss: 0x80,
} as const;

export function hasSgxFlag(attributes: Uint8Array, flag: number): boolean {
  return ((attributes[0] ?? 0) & flag) !== 0;
}

export function readSgxFlags(attributes: Uint8Array): SgxAttributeFlags {
  return {
    init: hasSgxFlag(attributes, SGX_FLAG.init),
    debug: hasSgxFlag(attributes, SGX_FLAG.debug),
    mode64: hasSgxFlag(attributes, SGX_FLAG.mode64),
    provisionKey: hasSgxFlag(attributes, SGX_FLAG.provisionKey),
    einittokenKey: hasSgxFlag(attributes, SGX_FLAG.einittokenKey),
    kss: hasSgxFlag(attributes, SGX_FLAG.kss),
  };
}

/** Bits of a trust domain's attributes (Intel TDX module specification, TD ATTRIBUTES). */
const TD_BIT = { debug: 0, septVeDisable: 28, pks: 30, keyLocker: 31, perfmon: 63 } as const;
const TD_KNOWN_BITS: ReadonlySet<number> = new Set(Object.values(TD_BIT));

function hasBit(bytes: Uint8Array, bit: number): boolean {
  return ((bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}

export function readTdFlags(attributes: Uint8Array): TdAttributeFlags {
  return {
    debug: hasBit(attributes, TD_BIT.debug),
    septVeDisable: hasBit(attributes, TD_BIT.septVeDisable),
    pks: hasBit(attributes, TD_BIT.pks),
    keyLocker: hasBit(attributes, TD_BIT.keyLocker),
    perfmon: hasBit(attributes, TD_BIT.perfmon),
  };
}

const TD_RESERVED_MASK = Uint8Array.from({ length: 8 }, (_, byte) => {
  let mask = 0;
  for (let bit = 0; bit < 8; bit++) if (!TD_KNOWN_BITS.has(byte * 8 + bit)) mask |= 1 << bit;
  return mask;
});

/** Whether a bit is set that is not known here: what it would weaken is not known either. */
export function hasReservedTdBits(attributes: Uint8Array): boolean {
  return attributes.some((byte, index) => (byte & (TD_RESERVED_MASK[index] ?? 0xff)) !== 0);
}
