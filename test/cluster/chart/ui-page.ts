// SPDX-License-Identifier: Apache-2.0
// The page that `bulwark ui` writes, as a browser meets it.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { fileURLToPath } from "node:url";
import { until } from "../fixture/index.ts";
import type { Ended, Started } from "./tool.ts";

const LIMIT_MS = 240_000;

export type OpenPage = {
  /** The file that leads to the UI. */
  page: string;
  /** Where it leads to, with the token. */
  target: URL;
  /** Ends the command as Ctrl-C does. */
  close(): Promise<Ended>;
};

/** Waits until a started `bulwark ui` tells its page; fails when it ends before. */
export async function openPage({ child, said, ended }: Started): Promise<OpenPage> {
  const found = (): string | undefined => /^file:\S+$/m.exec(said.stdout)?.[0];
  await until(
    "the page",
    async () => {
      if (child.exitCode !== null) throw new Error(`no page: ${said.stderr}`);
      return found() !== undefined;
    },
    LIMIT_MS,
  );
  const page = fileURLToPath(found() ?? "");
  const target = new URL(/url=([^"]+)"/.exec(readFileSync(page, "utf8"))?.[1] ?? "");
  const close = (): Promise<Ended> => {
    child.kill("SIGINT");
    return ended;
  };
  return { page, target, close };
}

/** The status of an answer. Whose certificate it is, is not looked at: the tests of the UI show that it is checked. */
export const askPage = (url: URL): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once("error", reject).end();
  });
