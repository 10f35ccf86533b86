// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type AnnouncedCatalog,
  type AnnouncedKey,
  type Announcement,
  type CarriedOut,
  readAnnouncement,
} from "@bulwark/inference";
import { findKeyMismatches } from "@bulwark/queue";

/** Something worth a line in the log. */
export type Report = (event: string, details: Readonly<Record<string, string>>) => void;

/** Takes what the engines alive say, by their names. */
export type HearEngines = (announcements: ReadonlyMap<string, Buffer>) => void;

/** `foreign` names the keys that are others than ours of the same name and version. */
type Heard = { readonly bytes: Buffer; readonly said: Announcement | undefined; readonly foreign: string };

/** Which orders each engine that can be heard has carried out, by its name; undefined for one that takes none. */
export type HearOrders = (carriedOut: ReadonlyMap<string, CarriedOut | undefined>) => void;

type Also = {
  hearOrders?: HearOrders;
  /** Keys that this gateway seals records with. */
  recordKeys?: readonly AnnouncedKey[];
};

/**
 * Reads what engines say into a catalog, whatever has changed of it. What cannot be read is reported once and counts for
 * nothing: the other engines are heard. Of an engine whose keys are not ours the rest counts; it is reported once.
 *
 * @param catalog absent where every model is computed here, and engines compute what is submitted
 */
export function hearEngines(
  catalog: Pick<AnnouncedCatalog, "hear"> | undefined,
  report: Report,
  { hearOrders = () => {}, recordKeys = [] }: Also = {},
): HearEngines {
  const readAnew = (engine: string, bytes: Buffer, former: Heard | undefined): Heard => {
    const said = read(engine, bytes, report);
    const foreign = nameForeign(recordKeys, said?.recordKeys ?? []);
    if (foreign !== "" && foreign !== former?.foreign) {
      report("record keys differ", { engine: engine.slice(0, 80), code: "RECORD_KEY_MISMATCH", keys: foreign });
    }
    return { bytes, said, foreign };
  };

  let known = new Map<string, Heard>();
  return (announcements) => {
    const heard = new Map<string, Heard>();
    for (const [engine, bytes] of announcements) {
      const former = known.get(engine);
      heard.set(engine, former?.bytes.equals(bytes) === true ? former : readAnew(engine, bytes, former));
    }
    known = heard;
    catalog?.hear([...heard.values()].flatMap(({ said }) => (said === undefined ? [] : [said.versions])));
    hearOrders(
      new Map([...heard].flatMap(([name, { said }]) => (said === undefined ? [] : [[name, said.carriedOut]]))),
    );
  };
}

function nameForeign(ours: readonly AnnouncedKey[], theirs: readonly AnnouncedKey[]): string {
  return findKeyMismatches(ours, theirs)
    .map(({ id, version }) => `${id} ${version}`)
    .join(", ")
    .slice(0, 200);
}

function read(engine: string, bytes: Buffer, report: Report): Announcement | undefined {
  try {
    return readAnnouncement(bytes);
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    report("announcement ignored", { engine: engine.slice(0, 80), code: error.code, message: error.message });
    return undefined;
  }
}
