# SPDX-License-Identifier: Apache-2.0
"""Adds squares slowly, through a shuffle: it lives long enough to lose a part, and its result is known beforehand.

Argument: how many numbers; each takes a tenth of a second. Prints "total N".
"""

import sys
import time
from operator import add

from pyspark import SparkContext


def square(number: int) -> tuple[int, int]:
    time.sleep(0.1)
    return number % 7, number * number


numbers = int(sys.argv[1])
# Without SQL a driver starts with half of the work.
context = SparkContext()
squares = context.parallelize(range(numbers), numbers).map(square)
print("total", sum(total for _, total in squares.reduceByKey(add, 4).collect()), flush=True)
context.stop()
