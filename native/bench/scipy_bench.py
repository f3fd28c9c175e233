"""Time of one L-BFGS-B iteration of SciPy without the function, on the problems of optimiser_bench.cpp:

    scipy_bench.py N MEMORY ITERATIONS

prints one JSON object. SciPy is taken as its users have it: minimize(method='L-BFGS-B'), Python around it included.
"""

import json
import os
import sys
import time

for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # as all contestants; read when numpy is loaded

import numpy  # noqa: E402
import scipy  # noqa: E402
from scipy.optimize import minimize  # noqa: E402


def uniform(state, count):
    """The next `count` numbers of splitmix64 in [0, 1), and the state after them."""
    gamma = numpy.uint64(0x9E3779B97F4A7C15)
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + gamma * numpy.arange(1, count + 1, dtype=numpy.uint64)
        after = z[-1]
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> numpy.uint64(31))) >> numpy.uint64(11)) * 2.0**-53, after


def quadratic(n, active):
    drawn, state = uniform(11, 5 * n)
    rows = (-2 + 4 * drawn[: 3 * n]).reshape(3, n) / numpy.sqrt(n)
    diagonal = 1 + (1e4 - 1) * drawn[3 * n : 4 * n]
    b = -3 + 6 * drawn[4 * n :]
    lower, upper = numpy.full(n, -100.0), numpy.full(n, 100.0)
    middle = 0.5 * b / diagonal
    bound = uniform(state, n)[0] < active
    upper[bound & (middle > 0)] = middle[bound & (middle > 0)]
    lower[bound & (middle <= 0)] = middle[bound & (middle <= 0)]

    def function(x):
        products = rows @ x
        scaled = diagonal * x
        return x @ (0.5 * scaled - b) + 0.5 * products @ products, scaled - b + products @ rows

    return function, list(zip(lower, upper))


def measure(n, memory, iterations, name, active):
    function, bounds = quadratic(n, active)
    in_function = 0.0

    def timed(x):
        nonlocal in_function
        start = time.perf_counter()
        value = function(x)
        in_function += time.perf_counter() - start
        return value

    options = {"maxcor": memory, "maxiter": iterations, "maxfun": 10**9, "ftol": 0.0, "gtol": 0.0}
    start = time.perf_counter()
    result = minimize(timed, numpy.full(n, 0.5), jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    seconds = time.perf_counter() - start - in_function
    return {
        "problem": name,
        "contestant": "SciPy",
        "seconds": seconds,
        "iterations": int(result.nit),
        "evaluations": int(result.nfev),
        "f": float(result.fun),
    }


n, memory, iterations = (int(argument) for argument in sys.argv[1:])
runs = [measure(n, memory, iterations, name, active) for name, active in (("all free", 0.0), ("70 % at a bound", 0.7))]
print(json.dumps({"scipy": scipy.__version__, "runs": runs}))
