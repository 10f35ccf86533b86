// SPDX-License-Identifier: Apache-2.0
package bulwark.examples;

import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Estimates pi by throwing darts at a square: the first program of every Spark installation. */
public final class SparkPi {
  private static final int DARTS_PER_PARTITION = 100_000;

  private SparkPi() {}

  /**
   * @param args number of partitions, 2 if absent
   */
  public static void main(String[] args) {
    int partitions = args.length == 0 ? 2 : Integer.parseInt(args[0]);
    SparkSession spark = SparkSession.builder().appName("Spark Pi").getOrCreate();
    long hits =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .parallelize(IntStream.range(0, partitions).boxed().toList(), partitions)
            .map(partition -> countHits(DARTS_PER_PARTITION))
            .reduce(Long::sum);
    System.out.println("Pi is roughly " + 4.0 * hits / ((long) DARTS_PER_PARTITION * partitions));
    spark.stop();
  }

  private static long countHits(int darts) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long hits = 0;
    for (int dart = 0; dart < darts; dart++) {
      double x = random.nextDouble();
      double y = random.nextDouble();
      hits += x * x + y * y <= 1 ? 1 : 0;
    }
    return hits;
  }
}
