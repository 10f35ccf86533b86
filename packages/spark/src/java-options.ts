// SPDX-License-Identifier: Apache-2.0

/** What Spark itself adds to every JVM it starts (org.apache.spark.launcher.JavaModuleOptions, Spark 4.3). */
const OPENED_PACKAGES = [
  "java.base/java.lang",
  "java.base/java.lang.invoke",
  "java.base/java.lang.reflect",
  "java.base/java.io",
  "java.base/java.net",
  "java.base/java.nio",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/jdk.internal.ref",
  "java.base/sun.nio.ch",
  "java.base/sun.nio.cs",
  "java.base/sun.security.action",
  "java.base/sun.util.calendar",
  "java.security.jgss/sun.security.krb5",
];

/** First Java version that knows `--sun-misc-unsafe-memory-access`. */
const UNSAFE_ACCESS_OPTION_SINCE = 23;

/**
 * JVM options every Spark process needs on a given Java version.
 *
 * Unlike Spark's own list, Netty's host-name verification stays on: all peers are on loopback and their certificates
 * name it. Heap dumps and the attach mechanism are off, since both show memory to others.
 */
export function sparkJavaOptions(javaMajor: number): string[] {
  return [
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--add-modules=jdk.incubator.vector",
    ...OPENED_PACKAGES.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "--enable-native-access=ALL-UNNAMED",
    ...(javaMajor >= UNSAFE_ACCESS_OPTION_SINCE ? ["--sun-misc-unsafe-memory-access=allow"] : []),
    "-XX:-HeapDumpOnOutOfMemoryError",
    "-XX:-CreateCoredumpOnCrash",
    "-XX:+DisableAttachMechanism",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
  ];
}

/**
 * Collector of executors: work in batches wants throughput, and Java would take G1 from two processors on, whose barriers
 * and helper threads cost a shuffle a sixth of its time (bench/README.md).
 */
export const EXECUTOR_COLLECTOR = "-XX:+UseParallelGC";

/** A choice of collector among JVM options: Java refuses two. Read by Go templates, too. */
export const COLLECTOR_CHOICE = "-XX:[+]Use[A-Za-z0-9]+GC";

/** Options of an executor's JVM beside what its job asks for. */
export function executorDefaults(userOptions: readonly string[]): string[] {
  const chosen = new RegExp(COLLECTOR_CHOICE);
  return userOptions.some((option) => chosen.test(option)) ? [] : [EXECUTOR_COLLECTOR];
}

/** Splits a Spark option string (`spark.driver.extraJavaOptions`) into arguments; quotes group, a backslash escapes. */
export function splitOptions(text: string): string[] {
  const options: string[] = [];
  const pattern = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g;
  for (const [word] of text.matchAll(pattern)) {
    options.push(
      word.replace(
        /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_all, escaped, double, single) => escaped ?? double?.replace(/\\(.)/g, "$1") ?? single,
      ),
    );
  }
  return options;
}
