# SPDX-License-Identifier: Apache-2.0
"""Shuffles rows of 70 bytes and prints the seconds it took. Argument: number of rows (15,000,000 make 1 GB)."""

import sys
import time

from pyspark.sql import SparkSession


def shuffle(spark: SparkSession, rows: int) -> float:
    started = time.monotonic()
    table = spark.range(rows, numPartitions=8).selectExpr("id", "concat(sha1(string(id)), string(id)) AS text")
    table.repartition(8).write.format("noop").mode("overwrite").save()
    return time.monotonic() - started


def main() -> None:
    spark = SparkSession.builder.getOrCreate()
    shuffle(spark, 200_000)
    print(f"seconds={shuffle(spark, int(sys.argv[1])):.3f}", flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
