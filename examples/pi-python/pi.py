# SPDX-License-Identifier: Apache-2.0
"""Estimates Pi by throwing darts at a square. Argument: number of partitions (default 2)."""

import random
import sys

from pyspark.sql import SparkSession

DARTS_PER_PARTITION = 100_000


def hits(partition: int) -> int:
    """Darts of one partition that land in the circle."""
    darts = random.Random(partition)
    return sum(
        darts.uniform(-1, 1) ** 2 + darts.uniform(-1, 1) ** 2 <= 1 for _ in range(DARTS_PER_PARTITION)
    )


def main() -> None:
    partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    spark = SparkSession.builder.getOrCreate()
    inside = spark.sparkContext.parallelize(range(partitions), partitions).map(hits).sum()
    print(f"Pi is roughly {4 * inside / (partitions * DARTS_PER_PARTITION):.6f}")
    spark.stop()


if __name__ == "__main__":
    main()
