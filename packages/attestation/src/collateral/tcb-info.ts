// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { Malformed } from "../malformed.ts";
import type { Window } from "../window.ts";
import { type JsonObject, parseJsonObject, toArray, toCount, toObject, toText } from "./json.ts";
import { type Level, readBytes, readLevel, readMoment, readSvnLevels, type SvnLevel, toLevels } from "./level.ts";

/** Intel's TCB info (PCS API v4, "Get TCB Info"; version 2 is the older form for SGX alone). */
export type TcbInfo = {
  version: 2 | 3;
  id: "SGX" | "TDX";
  window: Window;
  /** Hex, lower case. */
  fmspc: string;
  /** Hex, lower case. */
  pceId: string;
  evaluationDataNumber: number;
  /** In the order of the document: the first that is reached counts. */
  levels: readonly PlatformLevel[];
  /** TDX only. */
  module: ModuleIdentity | null;
  /** TDX only: by version in two upper-case hex digits. */
  moduleIdentities: ReadonlyMap<string, VersionedModuleIdentity>;
};

export type PlatformLevel = Level & {
  sgxComponents: Uint8Array;
  pceSvn: number;
  /** TDX only. */
  tdxComponents: Uint8Array | null;
};

export type ModuleIdentity = { mrsigner: Buffer; attributes: Buffer; attributesMask: Buffer };
export type VersionedModuleIdentity = ModuleIdentity & { levels: readonly SvnLevel[] };

const COMPONENTS = 16;
const BYTE = 0xff;
const WORD = 0xffff;
const MOST_EVALUATION_NUMBER = 0xffff_ffff;

/**
 * Reads the text of a TCB info. Unknown keys are left alone: Intel adds some.
 *
 * @throws Malformed, TCB_INFO_VERSION_UNKNOWN, TCB_STATUS_UNKNOWN
 */
export function readTcbInfo(text: string): TcbInfo {
  const info = parseJsonObject(text);
  const version = toCount(info.version, "version", WORD);
  const id = version === 2 && info.id === undefined ? "SGX" : toText(info.id, "id");
  if (id !== "SGX" && id !== "TDX") throw new Malformed("id is neither SGX nor TDX");
  if ((version !== 3 && !(version === 2 && id === "SGX")) || info.tcbType !== 0) {
    throw new BulwarkError(
      "TCB_INFO_VERSION_UNKNOWN",
      `TCB info of version ${version} for ${id} is not known here, or its TCB type is not 0.`,
      "fetch TCB info of version 3: bulwark attest collateral fetch",
    );
  }
  const isTdx = id === "TDX";
  return {
    version,
    id,
    window: { from: readMoment(info, "issueDate"), to: readMoment(info, "nextUpdate") },
    fmspc: readBytes(info, "fmspc", 6).toString("hex"),
    pceId: readBytes(info, "pceId", 2).toString("hex"),
    evaluationDataNumber: toCount(info.tcbEvaluationDataNumber, "tcbEvaluationDataNumber", MOST_EVALUATION_NUMBER),
    levels: toLevels(info.tcbLevels).map((level) => readPlatformLevel(level, version, isTdx)),
    module: isTdx ? readModule(toObject(info.tdxModule, "tdxModule")) : null,
    moduleIdentities: isTdx ? readModuleIdentities(info.tdxModuleIdentities) : new Map(),
  };
}

function readPlatformLevel(level: JsonObject, version: 2 | 3, isTdx: boolean): PlatformLevel {
  const tcb = toObject(level.tcb, "tcb");
  return {
    ...readLevel(level, "platform"),
    sgxComponents: version === 2 ? readNamedComponents(tcb) : readComponents(tcb.sgxtcbcomponents),
    pceSvn: toCount(tcb.pcesvn, "pcesvn", WORD),
    tdxComponents: isTdx ? readComponents(tcb.tdxtcbcomponents) : null,
  };
}

function readComponents(value: unknown): Uint8Array {
  const components = toArray(value, "components");
  if (components.length !== COMPONENTS) throw new Malformed(`a TCB level has not ${COMPONENTS} components`);
  return Uint8Array.from(components, (component) => toCount(toObject(component, "a component").svn, "svn", BYTE));
}

/** Version 2: sgxtcbcomp01svn to sgxtcbcomp16svn. */
function readNamedComponents(tcb: JsonObject): Uint8Array {
  return Uint8Array.from({ length: COMPONENTS }, (_, index) => {
    const name = `sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`;
    return toCount(tcb[name], name, BYTE);
  });
}

function readModule(module: JsonObject): ModuleIdentity {
  return {
    mrsigner: readBytes(module, "mrsigner", 48),
    attributes: readBytes(module, "attributes", 8),
    attributesMask: readBytes(module, "attributesMask", 8),
  };
}

function readModuleIdentities(value: unknown): TcbInfo["moduleIdentities"] {
  const identities = new Map<string, VersionedModuleIdentity>();
  for (const item of value === undefined ? [] : toArray(value, "tdxModuleIdentities")) {
    const identity = toObject(item, "a module identity");
    const version = /^TDX_([0-9A-F]{2})$/.exec(toText(identity.id, "id").toUpperCase())?.[1];
    if (version === undefined || identities.has(version))
      throw new Malformed("a module identity is unnamed or there twice");
    identities.set(version, { ...readModule(identity), levels: readSvnLevels(identity.tcbLevels) });
  }
  return identities;
}
