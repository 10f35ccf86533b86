# SPDX-License-Identifier: Apache-2.0
"""Moves rows that carry a marker between executors, and sends some as task results to the driver's JVM.

Arguments: the marker in hex, number of rows. The marker comes and goes in hex, so that it is in clear only inside JVMs
and on what lies between them.
"""

import sys

from pyspark.sql import SparkSession

marker, rows = sys.argv[1], int(sys.argv[2])
spark = SparkSession.builder.getOrCreate()
table = spark.range(rows, numPartitions=4).selectExpr("id", f"concat(decode(unhex('{marker}'), 'UTF-8'), id) AS row")
moved = table.repartition(4, "id")
print("rows", moved.selectExpr("sum(length(row)) AS size").collect()[0].size)
print("results", moved.limit(2000)._jdf.collectAsList().size(), flush=True)
spark.stop()
