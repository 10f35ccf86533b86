// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Dataset, JobFile } from "@bulwark/contracts";
import type { Properties } from "./properties-file.ts";

/** A dataset of one run. What a job writes goes to `staging` first and is renamed to `path` when the job succeeded. */
export type PlannedDataset = {
  name: string;
  mode: Dataset["mode"];
  path: string;
  staging: string | undefined;
  overwrite: boolean;
  key: string | undefined;
  columns: Readonly<Record<string, string>>;
};

/** Fixes where each dataset lies. Staging is a hidden sibling, so that the final rename stays on one file system. */
export function planDatasets(job: JobFile, baseFolder: string, runId: string): PlannedDataset[] {
  return Object.entries(job.data).map(([name, dataset]) => {
    const path = isAbsolute(dataset.path) ? dataset.path : resolve(baseFolder, dataset.path);
    const writes = dataset.mode === "write";
    return {
      name,
      mode: dataset.mode,
      path,
      staging: writes ? join(dirname(path), `.${basename(path)}.bulwark-${runId}`) : undefined,
      overwrite: dataset.overwrite ?? false,
      key: dataset.key,
      columns: dataset.columns ?? {},
    };
  });
}

/** The path a job uses for a dataset while it runs. */
export function workingPath(dataset: PlannedDataset): string {
  return dataset.staging ?? dataset.path;
}

/** Puts paths in place of `{data.NAME}` in the arguments of a job. */
export function substituteArguments(args: readonly string[], datasets: readonly PlannedDataset[]): string[] {
  const paths = new Map(datasets.map((dataset) => [dataset.name, workingPath(dataset)]));
  return args.map((arg) => arg.replace(/\{data\.([A-Za-z][A-Za-z0-9_]*)\}/g, (all, name) => paths.get(name) ?? all));
}

/** Ids of the master keys a job may use: those it names, and no other. */
export function namedKeys(datasets: readonly PlannedDataset[]): string[] {
  const keys = datasets.flatMap((dataset) => [
    ...(dataset.key ? [dataset.key] : []),
    ...Object.values(dataset.columns),
  ]);
  return [...new Set(keys)].sort();
}

const HADOOP_CODECS = [
  "bulwark.data.AesGcmCodec",
  "org.apache.hadoop.io.compress.DefaultCodec",
  "org.apache.hadoop.io.compress.GzipCodec",
  "org.apache.hadoop.io.compress.BZip2Codec",
  "org.apache.hadoop.io.compress.Lz4Codec",
  "org.apache.hadoop.io.compress.SnappyCodec",
  "org.apache.hadoop.io.compress.ZStandardCodec",
];

/** What every job with data keys sets: who encrypts Parquet and text, and how strongly (Parquet modular encryption). */
export const DATA: Properties = {
  "spark.hadoop.parquet.crypto.factory.class": "bulwark.data.DatasetCryptoFactory",
  "spark.hadoop.parquet.encryption.kms.client.class": "bulwark.data.BulwarkKmsClient",
  "spark.hadoop.parquet.encryption.algorithm": "AES_GCM_V1",
  "spark.hadoop.parquet.encryption.data.key.length.bits": "256",
  "spark.hadoop.parquet.encryption.kek.length.bits": "256",
  "spark.hadoop.parquet.encryption.double.wrapping": "true",
  "spark.hadoop.parquet.encryption.key.material.store.internally": "false",
  "spark.hadoop.io.compression.codecs": HADOOP_CODECS.join(","),
};

/**
 * Settings that make Parquet and text files of a job encrypted, with no change in its code
 * (spark-hadoop properties reach the Hadoop configuration of driver and executors).
 */
export function dataProperties(datasets: readonly PlannedDataset[]): Properties {
  if (namedKeys(datasets).length === 0) return {};
  const description = datasets.map((dataset) => ({
    name: dataset.name,
    path: pathToFileURL(workingPath(dataset)).href.replace(/^file:\/\//, "file:"),
    mode: dataset.mode,
    ...(dataset.key === undefined ? {} : { key: dataset.key }),
    columns: dataset.columns,
  }));
  // What a job writes outside its declared datasets is protected by the key of the first output, rather than by none.
  const outputKey = datasets.find((dataset) => dataset.mode === "write" && dataset.key !== undefined)?.key;
  return {
    ...DATA,
    "spark.hadoop.bulwark.datasets": JSON.stringify(description),
    ...(outputKey === undefined ? {} : outputProperties(outputKey)),
  };
}

function outputProperties(key: string): Properties {
  return {
    "spark.hadoop.bulwark.default.key": key,
    "spark.hadoop.bulwark.text.key": key,
    "spark.hadoop.mapreduce.output.fileoutputformat.compress": "true",
    "spark.hadoop.mapreduce.output.fileoutputformat.compress.codec": "bulwark.data.AesGcmCodec",
  };
}
