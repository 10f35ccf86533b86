// SPDX-License-Identifier: Apache-2.0

import { type Issue, type Path, showPath } from "../document/issue.ts";
import type { Finding } from "../errors/index.ts";
import { findRefusedOptions } from "./java-options.ts";
import { findFlaw } from "./plain-text.ts";
import { findRefusedVariable } from "./refused-environment.ts";
import { PROFILE_VALUES, type ProfileName, REFUSED_SETTINGS } from "./refused-settings.ts";
import {
  LATE_VALUE_PATTERN,
  SECRET_SETTING_PATTERN,
  SECRET_VARIABLE_PATTERN,
  SETTING_NAME_PATTERN,
} from "./setting-names.ts";
import { matchesAny } from "./wildcard.ts";

/** Spark settings as a job file or a properties file has them. */
export type SettingMap = Readonly<Record<string, string | number | boolean>>;

const SETTING_NAME = new RegExp(SETTING_NAME_PATTERN);
const LATE_VALUE = new RegExp(LATE_VALUE_PATTERN);
const SECRET_SETTING = new RegExp(SECRET_SETTING_PATTERN);
const SECRET_VARIABLE = new RegExp(SECRET_VARIABLE_PATTERN);
const JAVA_OPTIONS = ["spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"];

type Check = (key: string, value: string, profile: ProfileName) => Omit<Issue, "at"> | undefined;

const refused = (message: string, mend: string): Omit<Issue, "at"> => ({ code: "JOB_SETTING_REFUSED", message, mend });

/** What may be wrong with one setting; the first that speaks is the finding. */
const CHECKS: readonly Check[] = [
  (key, value, profile) => {
    const rule = REFUSED_SETTINGS.find(({ names, except }) => matchesAny(key, names) && !matchesAny(key, except ?? []));
    const asProfile = Object.hasOwn(PROFILE_VALUES[profile], key) && PROFILE_VALUES[profile][key] === value.trim();
    if (rule === undefined || asProfile) return undefined;
    return {
      ...refused(`${key} is refused. ${rule.reason}`, rule.mend),
      ...(rule.insteadKey === undefined ? {} : { code: "JOB_CONFLICT", message: `${key}: ${rule.reason}` }),
    };
  },
  (key) =>
    SETTING_NAME.test(key)
      ? undefined
      : refused(
          `${JSON.stringify(key)} is not the name of a Spark setting`,
          "Write it as Spark's documentation has it, `spark.` first; Hadoop's and Parquet's names as `spark.hadoop.NAME`",
        ),
  (key, value) => {
    const flaw = findFlaw(value, ["sparkConf", key]);
    return flaw && refused(`The value of ${key} ${flaw.message}`, flaw.mend);
  },
  (key, value) =>
    SECRET_SETTING.test(key) && value.trim() !== ""
      ? refused(
          `${key} would keep a secret in the job file, where every reader of the file or of the release sees it`,
          "Remove it and use a credentials file or a workload identity, for S3 `spark.hadoop.fs.s3a.aws.credentials.provider`",
        )
      : undefined,
  (key, value) => {
    const found = matchesAny(key, JAVA_OPTIONS) ? findRefusedOptions(value.trim())[0] : undefined;
    return found && refused(`${key} has ${found.option}, which is refused: ${found.reason}`, found.mend);
  },
  (key, value) =>
    LATE_VALUE.test(value)
      ? refused(
          `The value of ${key} is taken from elsewhere at run time and cannot be checked`,
          "Write the value itself",
        )
      : undefined,
  (key, value) =>
    matchesAny(key, ["spark.jars.repositories"]) && !value.split(",").every((one) => one.trim().startsWith("https://"))
      ? refused(
          `${key} names a repository that is not https, so code could be replaced on its way`,
          "Use https addresses",
        )
      : undefined,
];

/** Issues of `sparkConf`, one per setting at most. */
export function refusedSettingIssues(conf: SettingMap, profile: ProfileName): Issue[] {
  return Object.entries(conf).flatMap(([key, value]) => {
    const found = CHECKS.map((check) => check(key, String(value), profile)).find((issue) => issue !== undefined);
    return found === undefined ? [] : [{ ...found, at: ["sparkConf", key], onKey: true }];
  });
}

/**
 * Settings that would weaken a profile, from a job file or from a properties file of the user.
 * Each finding names the setting, never its value.
 */
export function findRefusedSettings(conf: SettingMap, profile: ProfileName): Finding[] {
  return refusedSettingIssues(conf, profile).map(({ code, message, mend, at }) => ({
    code,
    message,
    mend,
    path: showPath(at),
  }));
}

/** Issues of one role's environment: variables that would weaken the profile, and secrets. */
export function refusedVariableIssues(env: Readonly<Record<string, string>>, at: Path): Issue[] {
  return Object.keys(env).flatMap((name) => {
    const rule = findRefusedVariable(name);
    if (rule !== undefined) {
      return [{ ...refused(`${name} is refused. ${rule.reason}`, rule.mend), at: [...at, name], onKey: true }];
    }
    if (SECRET_VARIABLE.test(name)) {
      const message = `${name} would keep a secret in the job file and in the environment of the processes`;
      return [{ ...refused(message, "Remove it and let the job read a file"), at: [...at, name], onKey: true }];
    }
    return [];
  });
}
