# SPDX-License-Identifier: Apache-2.0
"""Touches what jobs use of Spark: formats, SQL, Python functions, streaming, GraphX-backed and plain machine learning.

Argument: a folder to write to. Prints one line for each part, and "everything works" at the end.
"""

import sys

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression, RandomForestClassifier
from pyspark.ml.clustering import KMeans, LDA
from pyspark.ml.feature import StandardScaler, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

ROWS = 400


def formats(spark: SparkSession, folder: str) -> None:
    rows = spark.range(ROWS).select("id", (F.col("id") % 7).alias("kind"), F.col("id").cast("string").alias("name"))
    for name in ("parquet", "orc", "json", "csv"):
        path = f"{folder}/{name}"
        rows.write.mode("overwrite").format(name).option("header", True).save(path)
        assert spark.read.format(name).option("header", True).load(path).count() == ROWS, name


def sql(spark: SparkSession, folder: str) -> None:
    spark.read.parquet(f"{folder}/parquet").createOrReplaceTempView("rows")
    found = spark.sql(
        "SELECT kind, count(DISTINCT name) AS names, max(upper(name) COLLATE UNICODE_CI) AS last,"
        " rank() OVER (ORDER BY kind) AS place FROM rows GROUP BY kind HAVING count(*) > 1 ORDER BY kind"
    ).collect()
    assert len(found) == 7
    spark.sql("CREATE TABLE kept USING parquet AS SELECT kind, count(*) AS n FROM rows GROUP BY kind")
    assert spark.table("kept").agg(F.sum("n")).first()[0] == ROWS
    assert spark.sql("SELECT from_json('{\"a\": 1}', 'a INT').a + variant_get(parse_json('2'), '$', 'int')").first()[0] == 3


def python(spark: SparkSession, _folder: str) -> None:
    double = F.udf(lambda value: value * 2, "long")
    assert spark.range(10).select(double("id").alias("v")).agg(F.sum("v")).first()[0] == 90
    assert spark.sparkContext.parallelize(range(100), 4).map(lambda value: (value % 3, value)).reduceByKey(max).count() == 3


def streaming(spark: SparkSession, folder: str) -> None:
    counts = spark.readStream.schema("id LONG, kind LONG, name STRING").parquet(f"{folder}/parquet").groupBy("kind").count()
    query = (
        counts.writeStream.format("memory")
        .queryName("counts")
        .outputMode("complete")
        .option("checkpointLocation", f"{folder}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    assert query.awaitTermination(120)
    assert spark.table("counts").count() == 7


def learning(spark: SparkSession, folder: str) -> None:
    rows = spark.range(ROWS).select(
        (F.col("id") % 2).cast("double").alias("label"),
        (F.col("id") % 2 + F.rand(1)).alias("x"),
        F.rand(2).alias("y"),
        F.when(F.col("id") % 3 == 0, "a").otherwise("b").alias("word"),
    )
    stages = [
        StringIndexer(inputCol="word", outputCol="index"),
        VectorAssembler(inputCols=["x", "y", "index"], outputCol="raw"),
        StandardScaler(inputCol="raw", outputCol="features"),
    ]
    for learner in (LogisticRegression(maxIter=5), RandomForestClassifier(numTrees=3), KMeans(k=2), LDA(k=2, maxIter=2)):
        model = Pipeline(stages=[*stages, learner]).fit(rows)
        path = f"{folder}/{type(learner).__name__}"
        model.write().overwrite().save(path)
        assert type(model).load(path).transform(rows).count() == ROWS
    ratings = spark.range(ROWS).select(
        (F.col("id") % 20).cast("int").alias("user"), (F.col("id") % 17).cast("int").alias("item"), F.rand(3).alias("rating")
    )
    assert ALS(rank=2, maxIter=2).fit(ratings).recommendForAllUsers(1).count() == 20
    scores = model.transform(rows).select(vector_to_array("topicDistribution")[0].alias("score"))
    assert scores.filter("score >= 0").count() == ROWS


def main() -> None:
    spark = SparkSession.builder.config("spark.sql.warehouse.dir", f"{sys.argv[1]}/warehouse").getOrCreate()
    for part in (formats, sql, python, streaming, learning):
        part(spark, sys.argv[1])
        print(f"{part.__name__} works", flush=True)
    print("everything works", flush=True)
    spark.stop()


main()
