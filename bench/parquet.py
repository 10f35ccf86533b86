# SPDX-License-Identifier: Apache-2.0
"""Writes a table as Parquet, reads it back whole, and prints the seconds. Arguments: folder, number of rows."""

import sys
import time

from pyspark.sql import SparkSession

TABLE = [
    "id",
    "sha2(string(id), 256) AS receipt",
    "sha2(string(id + 1), 256) AS customer",
    "double(hash(id)) AS amount",
    "id % 1000 AS shop",
]


def main() -> None:
    target, rows = sys.argv[1], int(sys.argv[2])
    spark = SparkSession.builder.getOrCreate()
    started = time.monotonic()
    spark.range(rows, numPartitions=16).selectExpr(*TABLE).write.mode("overwrite").parquet(target)
    spark.read.parquet(target).write.format("noop").mode("overwrite").save()
    print(f"seconds={time.monotonic() - started:.3f}", flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
