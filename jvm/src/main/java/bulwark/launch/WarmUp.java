// SPDX-License-Identifier: Apache-2.0
package bulwark.launch;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.sum;

import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * An application that does a little of what most applications do: RDDs, SQL with a shuffle, Parquet and CSV both ways.
 * It runs once, so that the classes it loads go into the archives that make later JVMs start faster.
 */
public final class WarmUp {
  private static final int ROWS = 1000;

  private WarmUp() {}

  /**
   * @param args a folder to write to
   */
  public static void main(String[] args) {
    SparkSession spark = SparkSession.builder().getOrCreate();
    JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
    context.parallelize(List.of(1, 2, 3, 4), 2).map(number -> number * 2).reduce(Integer::sum);
    Dataset<Row> rows = spark.range(ROWS).selectExpr("id", "id % 10 AS class", "string(id) AS name");
    rows.write().mode(SaveMode.Overwrite).parquet(args[0] + "/parquet");
    rows.write().mode(SaveMode.Overwrite).option("header", true).csv(args[0] + "/csv");
    spark.read().option("header", true).csv(args[0] + "/csv").count();
    spark
        .read()
        .parquet(args[0] + "/parquet")
        .repartition(2)
        .groupBy("class")
        .agg(count("name"), sum(col("id")))
        .orderBy("class")
        .collectAsList();
    spark.stop();
  }
}
