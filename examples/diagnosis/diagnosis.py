# SPDX-License-Identifier: Apache-2.0
"""Is a tumour malignant? Cross-validated logistic regression over 30 measurements of 569 patients.

Arguments: folder of the patients' table, folder for the model. Nothing here knows about encryption.
"""

import sys

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

SEED = 7
LABEL = "diagnosis"


def train(patients: DataFrame, features: list[str]):
    """Pipeline with the regularisation that did best in three-fold cross-validation."""
    regression = LogisticRegression(featuresCol="scaled", labelCol=LABEL, maxIter=40)
    pipeline = Pipeline(
        stages=[
            VectorAssembler(inputCols=features, outputCol="features"),
            StandardScaler(inputCol="features", outputCol="scaled", withMean=True),
            regression,
        ]
    )
    validator = CrossValidator(
        estimator=pipeline,
        estimatorParamMaps=ParamGridBuilder().addGrid(regression.regParam, [0.01, 0.1]).build(),
        evaluator=BinaryClassificationEvaluator(labelCol=LABEL),
        numFolds=3,
        seed=SEED,
    )
    return validator.fit(patients)


def show(predictions: DataFrame, auc: float) -> None:
    """Quality on patients the model never saw."""
    counts = {
        (int(row[LABEL]), int(row["prediction"])): row["count"]
        for row in predictions.groupBy(LABEL, "prediction").count().collect()
    }
    print(f"AUC on unseen patients: {auc:.4f}")
    print("                 predicted malignant  predicted benign")
    for truth, name in ((0, "malignant"), (1, "benign")):
        print(f"really {name:<9} {counts.get((truth, 0), 0):>20} {counts.get((truth, 1), 0):>17}")


def main() -> None:
    source, target = sys.argv[1:3]
    spark = SparkSession.builder.getOrCreate()
    patients = spark.read.parquet(source).withColumn(LABEL, F.col(LABEL).cast("double"))
    features = [column for column in patients.columns if column != LABEL]
    learn, unseen = patients.randomSplit([0.75, 0.25], seed=SEED)
    learn.cache()
    model = train(learn, features).bestModel
    predictions = model.transform(unseen).cache()
    auc = BinaryClassificationEvaluator(labelCol=LABEL).evaluate(predictions)
    print(f"patients: {patients.count()}, learnt from {learn.count()}, measurements: {len(features)}")
    show(predictions, auc)
    model.write().overwrite().save(f"{target}/pipeline")
    predictions.select(LABEL, "prediction", vector_to_array("probability")[0].alias("malignant")).write.parquet(
        f"{target}/predictions"
    )
    spark.stop()


if __name__ == "__main__":
    main()
