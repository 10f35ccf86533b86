// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dataProperties, namedKeys, planDatasets, substituteArguments, workingPath } from "./datasets.ts";
import { readJob } from "./testing/plan-input.ts";

const job = readJob({
  python: "app.py",
  data: {
    patients: { path: "in/patients é.parquet", key: "patients", columns: { diagnosis: "labels" } },
    plain: { path: "/data/plain" },
    result: { path: "out/result", mode: "write", key: "results", overwrite: true },
  },
});
const datasets = planDatasets(job, "/jobs/my job", "job-1");

test("relative paths start at the job's folder, and outputs are staged beside their place", () => {
  assert.deepEqual(
    datasets.map(({ name, path, staging }) => [name, path, staging]),
    [
      ["patients", "/jobs/my job/in/patients é.parquet", undefined],
      ["plain", "/data/plain", undefined],
      ["result", "/jobs/my job/out/result", "/jobs/my job/out/.result.bulwark-job-1"],
    ],
  );
});

test("a job works on the staged output, and on its input where it lies", () => {
  assert.deepEqual(datasets.map(workingPath), [
    "/jobs/my job/in/patients é.parquet",
    "/data/plain",
    "/jobs/my job/out/.result.bulwark-job-1",
  ]);
});

test("arguments name datasets; what names none stays as it is", () => {
  assert.deepEqual(
    substituteArguments(["--in={data.plain}", "{data.plain}:{data.plain}", "{data.x}", "$&"], datasets),
    ["--in=/data/plain", "/data/plain:/data/plain", "{data.x}", "$&"],
  );
  const odd = planDatasets(readJob({ python: "a.py", data: { a: { path: "/$& $1" } } }), "/", "r");
  assert.deepEqual(substituteArguments(["{data.a}"], odd), ["/$& $1"]);
});

test("a job gets the keys it names, each once, and no other", () => {
  assert.deepEqual(namedKeys(datasets), ["labels", "patients", "results"]);
  assert.deepEqual(namedKeys(datasets.slice(1, 2)), []);
});

test("without a key there is nothing to encrypt; with one, everything written is", () => {
  assert.deepEqual(dataProperties(datasets.slice(1, 2)), {});
  const properties = dataProperties(datasets);
  assert.equal(properties["spark.hadoop.parquet.encryption.algorithm"], "AES_GCM_V1");
  assert.equal(properties["spark.hadoop.parquet.encryption.data.key.length.bits"], "256");
  assert.equal(properties["spark.hadoop.bulwark.default.key"], "results");
  assert.equal(properties["spark.hadoop.mapreduce.output.fileoutputformat.compress.codec"], "bulwark.data.AesGcmCodec");
  assert.match(properties["spark.hadoop.io.compression.codecs"] ?? "", /^bulwark\.data\.AesGcmCodec,/);
});

test("the JVM is told of every dataset by an address that leads to its path", () => {
  const told = JSON.parse(dataProperties(datasets)["spark.hadoop.bulwark.datasets"] ?? "[]") as {
    name: string;
    path: string;
    key?: string;
    columns: object;
  }[];
  assert.deepEqual(
    told.map(({ name, path, key, columns }) => [name, fileURLToPath(path), key, columns]),
    datasets.map((dataset) => [dataset.name, workingPath(dataset), dataset.key, { ...dataset.columns }]),
  );
});

test("a job that only reads encrypted data has no key for what it writes elsewhere", () => {
  const properties = dataProperties(datasets.slice(0, 2));
  assert.equal(properties["spark.hadoop.bulwark.default.key"], undefined);
  assert.notEqual(properties["spark.hadoop.parquet.crypto.factory.class"], undefined);
});
