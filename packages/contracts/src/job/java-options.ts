// SPDX-License-Identifier: Apache-2.0
import { matchesAny, patternOf } from "./wildcard.ts";

/** A JVM option that is not allowed, shown without its value, and why. */
export type RefusedOption = { option: string; reason: string; mend: string };

/** Options that pass. Everything else is refused: the JVM has hundreds that load code, dump memory or open ports. */
export const ALLOWED_OPTIONS: readonly string[] = [
  "-Xss*",
  "-Xms*",
  "-Xmn*",
  "-Xint",
  "-Xcomp",
  "-Xbatch",
  "-Xnoclassgc",
  "-Xlog:gc",
  "-Xlog:gc+*",
  "-Xlog:gc*",
  "-server",
  "-ea*",
  "-da*",
  "-esa",
  "-dsa",
  "-verbose:gc",
  "-enableassertions*",
  "-disableassertions*",
  "--add-opens=*",
  "--add-exports=*",
  "--add-reads=*",
  "--add-modules=*",
  "--enable-native-access=*",
  "-XX:?Use*GC",
  "-XX:?UseStringDeduplication",
  "-XX:?UseCompressed*",
  "-XX:?UseCompactObjectHeaders",
  "-XX:?UseLargePages",
  "-XX:?UseTransparentHugePages",
  "-XX:?UseNUMA",
  "-XX:?UseAdaptiveSizePolicy",
  "-XX:?UseContainerSupport",
  "-XX:?AlwaysPreTouch",
  "-XX:?DisableExplicitGC",
  "-XX:?ExplicitGCInvokesConcurrent",
  "-XX:?ParallelRefProcEnabled",
  "-XX:?TieredCompilation",
  "-XX:?PrintGC*",
  "-XX:?PerfDisableSharedMem",
  "-XX:?DebugNonSafepoints",
  "-XX:?OmitStackTraceInFastThrow",
  "-XX:?ExitOnOutOfMemoryError",
  "-XX:?IgnoreUnrecognizedVMOptions",
  "-XX:?UnlockExperimentalVMOptions",
  "-XX:?UnlockDiagnosticVMOptions",
  "-XX:?ZGenerational",
  "-XX:?ZUncommit",
  "-XX:G1*=*",
  "-XX:?G1*",
  "-XX:Shenandoah*=*",
  "-XX:MaxGCPauseMillis=*",
  "-XX:GCTimeRatio=*",
  "-XX:NewRatio=*",
  "-XX:NewSize=*",
  "-XX:MaxNewSize=*",
  "-XX:SurvivorRatio=*",
  "-XX:MaxTenuringThreshold=*",
  "-XX:InitiatingHeapOccupancyPercent=*",
  "-XX:ParallelGCThreads=*",
  "-XX:ConcGCThreads=*",
  "-XX:MetaspaceSize=*",
  "-XX:MaxMetaspaceSize=*",
  "-XX:CompressedClassSpaceSize=*",
  "-XX:MaxDirectMemorySize=*",
  "-XX:ReservedCodeCacheSize=*",
  "-XX:InitialCodeCacheSize=*",
  "-XX:ThreadStackSize=*",
  "-XX:SoftRefLRUPolicyMSPerMB=*",
  "-XX:StringTableSize=*",
  "-XX:ActiveProcessorCount=*",
  "-XX:TieredStopAtLevel=*",
  "-XX:MaxInlineLevel=*",
  "-XX:NativeMemoryTracking=*",
];

/** System properties (`-D`) that are refused. */
export const REFUSED_PROPERTIES: readonly { names: readonly string[]; reason: string; mend: string }[] = [
  { names: ["spark.*", "bulwark.*"], reason: "it is a Spark setting past the checks", mend: "Use `sparkConf`" },
  {
    names: [
      "jdk.tls.*",
      "jdk.security.*",
      "jdk.crypto.*",
      "jdk.certpath.*",
      "java.security.*",
      "javax.net.*",
      "javax.crypto.*",
      "javax.security.*",
      "sun.security.*",
      "com.sun.net.ssl.*",
      "com.sun.security.*",
      "sun.net.ssl.*",
      "https.*",
      "io.netty.handler.ssl.*",
      "io.netty.native.*",
      "io.netty.tmpdir",
      "org.bouncycastle.*",
      "commons.crypto.*",
      "org.apache.commons.crypto.*",
      "keystore.*",
    ],
    reason: "it changes TLS or cryptography",
    mend: "Remove it: `security.profile` chooses them",
  },
  {
    names: [
      "com.sun.management.*",
      "java.rmi.*",
      "sun.rmi.*",
      "jdk.attach.*",
      "jdk.jfr.*",
      "jdk.debug",
      "com.sun.jndi.*",
      "jdwp.*",
      "javax.management.*",
    ],
    reason: "it opens the JVM to other programs",
    mend: "Remove it",
  },
  {
    names: [
      "java.class.path",
      "java.library.path",
      "jna.*",
      "sun.boot.*",
      "java.system.class.loader",
      "java.home",
      "jdk.module.*",
      "java.ext.dirs",
      "java.endorsed.dirs",
      "jdk.internal.*",
      "jdk.util.jar.*",
    ],
    reason: "it chooses which code the JVM runs",
    mend: "Name jars under `jars:`",
  },
  {
    names: ["java.io.tmpdir", "user.home", "user.dir", "jdk.nio.*tmp*", "hadoop.home.dir", "hadoop.tmp.dir"],
    reason: "it moves temporary files out of the run's private folder",
    mend: "Remove it",
  },
  {
    names: ["log4j*", "logback.*", "slf4j.*", "org.slf4j.*", "java.util.logging.*", "logging.*"],
    reason: "it replaces the logging of the run",
    mend: "Use `spark.log.level`",
  },
  { names: ["parquet.*", "hadoop.security.*"], reason: "it chooses who holds keys", mend: "Name keys under `data:`" },
];

const NOT_ALLOWED = {
  reason: "it is not among the options known to leave the protection as it is",
  mend: "Remove it; docs/reference/refused-settings.md lists the options that pass",
};

/**
 * The words of an option string as a shell and Spark split it: blanks part them, quotes keep them together.
 * Undefined where the two could differ: backslashes, control and non-ASCII characters, unbalanced quotes.
 */
function splitWords(text: string): string[] | undefined {
  if (/[^\x20-\x7e]|\\/.test(text.replaceAll(/[\t\n\r]/g, " "))) {
    return undefined;
  }
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const bare = words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  const seen = words.join("").replaceAll(/\s/g, "");
  return seen === text.replaceAll(/\s/g, "") ? bare : undefined;
}

function checkOption(word: string): RefusedOption | undefined {
  const option = word.replace(/^(-D[^=]*|-XX:[^=]*|[^=:]*).*$/s, "$1");
  if (word.startsWith("-D")) {
    const name = option.slice(2);
    const rule = REFUSED_PROPERTIES.find((property) => matchesAny(name, property.names));
    return rule && { option, reason: rule.reason, mend: rule.mend };
  }
  if (/^-X(mx|X:(MaxHeapSize|MaxRAM|InitialRAM|MinRAM))/.test(word)) {
    return {
      option,
      reason: "the size of the heap has a key of its own",
      mend: "Set `driver.memory` or `executor.memory`",
    };
  }
  // The first character after -XX: of a switch is + or -.
  const allowed = ALLOWED_OPTIONS.some((pattern) =>
    pattern.startsWith("-XX:?")
      ? /^-XX:[+-]/.test(word) && matchesAny(word.slice(5), [pattern.slice(5)])
      : matchesAny(word, [pattern]) && word.startsWith(pattern.slice(0, 2)),
  );
  const writesFile = word.startsWith("-Xlog") && word.slice("-Xlog:".length).includes(":");
  return allowed && !writesFile ? undefined : { option, ...NOT_ALLOWED };
}

/** Options in `text` that would weaken a profile, each once. The values of options are not repeated: they may be secret. */
export function findRefusedOptions(text: string): RefusedOption[] {
  if (text.includes("${")) {
    return [
      { option: "a `$`{...} reference", reason: "its value is known only at run time", mend: "Write the value itself" },
    ];
  }
  const words = splitWords(text);
  if (words === undefined) {
    const option = "a backslash, an open quote or a character outside ASCII";
    return [{ option, reason: "shells and Spark read it in different ways", mend: "Write the options without it" }];
  }
  const refused = words.map(checkOption).filter((found) => found !== undefined);
  return [...new Map(refused.map((found) => [found.option, found])).values()];
}

/** A value in an option: no quote stands alone, and nothing is read in two ways. */
const OPTION_VALUE = "(?:[^\\s\"'\\\\$]|\"[^\"\\\\$]*\"|'[^'\\\\$]*')*";

/** The same check as a pattern, for schemas: an option string of nothing but options that pass, and properties. */
export function allowedOptionsPattern(): string {
  const options = ALLOWED_OPTIONS.map((option) =>
    option.startsWith("-XX:?") ? `-XX:[+-]${patternOf(option.slice(5))}` : patternOf(option),
  ).map((pattern) => pattern.replaceAll(".*", () => OPTION_VALUE));
  return `^\\s*(?:(?:${options.join("|")}|-D[A-Za-z0-9_.-]+(?:=${OPTION_VALUE})?)(?:\\s+|$))*$`;
}

/** Option strings that set a property which is refused, as a pattern. */
export function refusedPropertiesPattern(): string {
  const names = REFUSED_PROPERTIES.flatMap((rule) => rule.names).map((name) =>
    patternOf(name).replaceAll(".*", "[^=\\s]*"),
  );
  return `(?i:(^|\\s)-D(?:${names.join("|")})(=|\\s|$))|-Xlog[^\\s]*:[^\\s]*:`;
}
