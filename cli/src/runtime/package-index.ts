// SPDX-License-Identifier: Apache-2.0
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { BulwarkError } from "@bulwark/contracts";
import { type Network, openUrl } from "./network.ts";

/** Where pip looks for packages on this machine. */
export type PipSettings = {
  /** The main index first, then the extra ones; empty when the user forbade indexes. */
  indexes: readonly string[];
  /** Folders or pages given as `find-links`. */
  findLinks: readonly string[];
  certificateFile?: string;
  proxy?: string;
};

const JSON_FORM = "application/vnd.pypi.simple.v1+json";

/**
 * Reads pip's own settings. Environment goes before the `install` section, that before `global`, as in pip.
 *
 * @param configList what `pip config list` prints
 * @param help what `pip install --help` prints on a wide terminal: it names the index used when none is configured
 */
export function parsePipSettings(configList: string, help: string): PipSettings {
  const lines = [...configList.matchAll(/^(.+)\.([a-z-]+)=(['"])(.*)\3$/gm)];
  const values = (name: string): string[] => {
    for (const section of [":env:", "install", "global"]) {
      const line = lines.find((match) => match[1] === section && match[2] === name);
      if (line?.[4] !== undefined) return line[4].split(/\\n|\s+/).filter((word) => word !== "");
    }
    return [];
  };
  const builtIn = /--index-url <url>.*?\(default:? (\S+?)\)/s.exec(help)?.[1];
  const noIndex = ["1", "true", "yes", "on"].includes(values("no-index")[0]?.toLowerCase() ?? "");
  const index = values("index-url")[0] ?? builtIn;
  const [certificateFile] = values("cert");
  const [proxy] = values("proxy");
  return {
    indexes: noIndex ? [] : [...(index === undefined ? [] : [index]), ...values("extra-index-url")],
    findLinks: values("find-links"),
    ...(certificateFile === undefined ? {} : { certificateFile }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** Looks for a file in the local folders of `find-links`. */
export async function findLocalFile(settings: PipSettings, file: string): Promise<string | undefined> {
  for (const place of settings.findLinks) {
    const folder = place.startsWith("file:") ? fileURLToPath(place) : place;
    const names: string[] = folder.includes("://") ? [] : await readdir(folder).catch(() => []);
    if (names.includes(file)) return join(folder, file);
  }
  return undefined;
}

/**
 * Asks the indexes where a file of a project is. An index that is a folder is read as pip does: one folder per project.
 *
 * @throws SPARK_DOWNLOAD_FAILED when no index has it, or the error of the connection
 */
export async function locateFile(
  settings: PipSettings,
  wanted: { project: string; file: string },
  options: { network: Network; signal: AbortSignal },
): Promise<URL> {
  for (const index of settings.indexes) {
    const page = new URL(`${index.replace(/\/*$/, "")}/${wanted.project}/`);
    const found = await locateOnPage(page, wanted.file, options);
    if (found !== undefined) return found;
  }
  throw new BulwarkError(
    "SPARK_DOWNLOAD_FAILED",
    settings.indexes.length === 0
      ? `pip is told to use no index, and no find-links folder holds ${wanted.file}.`
      : `No package index of this machine offers ${wanted.file}.`,
    `Put ${wanted.file} into a folder and run again with PIP_FIND_LINKS=FOLDER, or set SPARK_HOME.`,
  );
}

async function locateOnPage(
  page: URL,
  file: string,
  options: { network: Network; signal: AbortSignal },
): Promise<URL | undefined> {
  const headers = { accept: `${JSON_FORM}, text/html;q=0.1`, "accept-encoding": "identity" };
  const { answer, url } = await openUrl(page, { ...options, headers });
  const body = await text(answer);
  const target = answer.headers["content-type"]?.startsWith(JSON_FORM)
    ? findInJson(body, file)
    : findInHtml(body, file);
  if (target === undefined) return undefined;
  const found = new URL(target, url);
  if (found.host === page.host && found.username === "") {
    found.username = page.username;
    found.password = page.password;
  }
  return found;
}

/** PEP 691. */
function findInJson(body: string, file: string): string | undefined {
  const { files } = JSON.parse(body) as { files?: { filename?: string; url?: string }[] };
  return files?.find((one) => one.filename === file)?.url;
}

/** PEP 503: one anchor per file, its text is the file's name. */
function findInHtml(body: string, file: string): string | undefined {
  const anchors = body.matchAll(/<a\s[^>]*?href\s*=\s*"([^"]*)"[^>]*>\s*([^<]*?)\s*<\/a>/gi);
  const anchor = [...anchors].find((match) => match[2] === file);
  return anchor?.[1]?.replaceAll("&amp;", "&");
}
