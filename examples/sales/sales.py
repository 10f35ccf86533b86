# SPDX-License-Identifier: Apache-2.0
"""Sales by country and month with SQL, over a table generated where the job runs.

Arguments: folder for the report, number of sales (10,000,000 make about 1 GB in Parquet before encryption).
"""

import sys

from pyspark.sql import SparkSession

REPORT = """
SELECT country, month(day) AS month, count(*) AS sales, round(sum(amount), 2) AS total,
       count(DISTINCT customer) AS customers
FROM sales GROUP BY country, month(day) ORDER BY country, month
"""


def main() -> None:
    target, number = sys.argv[1], int(sys.argv[2])
    spark = SparkSession.builder.getOrCreate()
    spark.range(number).selectExpr(
        "id AS sale",
        "hash(id) % 100000 AS customer",
        "element_at(array('AT', 'BE', 'CH', 'DE', 'FR', 'IT', 'NL', 'PL'), int(pmod(hash(id, 1), 8)) + 1) AS country",
        "date_add(DATE'2025-01-01', int(pmod(hash(id, 2), 365))) AS day",
        "round(pmod(hash(id, 3), 100000) / 100, 2) AS amount",
        "sha2(string(id), 256) AS receipt",
    ).write.parquet(f"{target}/sales")
    spark.read.parquet(f"{target}/sales").createOrReplaceTempView("sales")
    report = spark.sql(REPORT)
    report.write.parquet(f"{target}/by-month")
    report.limit(8).show()
    print(f"sales: {spark.table('sales').count()}")
    spark.stop()


if __name__ == "__main__":
    main()
