// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type AnnouncedCatalog, type Announcement, type CarriedOut, readAnnouncement } from "@bulwark/inference";

/** Something worth a line in the log. */
export type Report = (event: string, details: Readonly<Record<string, string>>) => void;

/** Takes what the engines alive say, by their names. */
export type HearEngines = (announcements: ReadonlyMap<string, Buffer>) => void;

type Heard = { readonly bytes: Buffer; readonly said: Announcement | undefined };

/** Which orders each engine that can be heard has carried out, by its name; undefined for one that takes none. */
export type HearOrders = (carriedOut: ReadonlyMap<string, CarriedOut | undefined>) => void;

/**
 * Reads what engines say into a catalog, whatever has changed of it. What cannot be read is reported once and counts for
 * nothing: the other engines are heard.
 */
export function hearEngines(
  catalog: Pick<AnnouncedCatalog, "hear">,
  report: Report,
  hearOrders: HearOrders = () => {},
): HearEngines {
  let known = new Map<string, Heard>();
  return (announcements) => {
    const heard = new Map<string, Heard>();
    for (const [engine, bytes] of announcements) {
      const former = known.get(engine);
      heard.set(engine, former?.bytes.equals(bytes) === true ? former : read(engine, bytes, report));
    }
    known = heard;
    catalog.hear([...heard.values()].flatMap(({ said }) => (said === undefined ? [] : [said.versions])));
    hearOrders(
      new Map([...heard].flatMap(([name, { said }]) => (said === undefined ? [] : [[name, said.carriedOut]]))),
    );
  };
}

function read(engine: string, bytes: Buffer, report: Report): Heard {
  try {
    return { bytes, said: readAnnouncement(bytes) };
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    report("announcement ignored", { engine: engine.slice(0, 80), code: error.code, message: error.message });
    return { bytes, said: undefined };
  }
}
