# SPDX-License-Identifier: Apache-2.0
"""Writes a table to a dataset, and then runs until somebody ends it. Argument: where to write."""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(1000).write.mode("overwrite").parquet(sys.argv[1])
print("written", flush=True)
spark.sparkContext.parallelize(range(100_000), 100_000).foreach(lambda _: time.sleep(0.5))
